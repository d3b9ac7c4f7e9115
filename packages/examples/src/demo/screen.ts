import { styleText } from 'node:util'
import { renderFrame, type Frame, type Paint } from './view.js'

/** Where the demo shows itself. */
export interface Screen {
  /** One line of the story. */
  tell(line: string): void
  /** Ends the live picture; its last frame stays. Safe to call twice. */
  close(): void
  readonly paint: Paint
}

export interface ScreenInit {
  readonly stream: NodeJS.WriteStream
  /** Redraw one picture, instead of printing the story line by line. */
  readonly isLive: boolean
  readonly frame: () => Omit<Frame, 'elapsedMs' | 'events'>
  readonly elapsedMs: () => number
}

const redrawMs = 100
const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'

export function createScreen({ stream, isLive, frame, elapsedMs }: ScreenInit): Screen {
  const hasColours = stream.isTTY && stream.hasColors()
  const paint: Paint = (style, text) => (hasColours ? styleText(style, text, { validateStream: false }) : text)
  const events: string[] = []
  let drawnLines = 0

  function draw(): void {
    const lines = renderFrame(
      { ...frame(), elapsedMs: elapsedMs(), events },
      { columns: stream.columns, rows: stream.rows },
      paint
    )
    // Over the picture before, in one write, each line cleared to its end: nothing flickers.
    const up = drawnLines === 0 ? '' : `\u001b[${drawnLines}A`
    stream.write(`${up}${lines.map(line => `${line}\u001b[K\n`).join('')}\u001b[J`)
    drawnLines = lines.length
  }

  let redrawing = isLive ? setInterval(draw, redrawMs) : undefined
  if (isLive) stream.write(hideCursor)
  return {
    paint,
    tell(line) {
      const stamped = `${(elapsedMs() / 1000).toFixed(1).padStart(5)} s  ${line}`
      events.push(stamped)
      if (!isLive) stream.write(`${stamped}\n`)
    },
    close() {
      if (redrawing === undefined) return
      clearInterval(redrawing)
      redrawing = undefined
      draw()
      stream.write(showCursor)
    }
  }
}
