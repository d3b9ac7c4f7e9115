import type { Watch, WatchedPeer } from './watch.js'

/** Tells what happens at peers as the watch sees it: pauses, the version everywhere, retirement. Each once. */
export function narrate(watch: Watch, tell: (line: string) => void): void {
  const told = new Set<string>()
  const once = (key: string, line: string): void => {
    if (told.has(key)) return
    told.add(key)
    tell(line)
  }
  watch.onEvent((peer, event) => {
    const { name, pausesMs } = peer
    if (event.type === 'status') {
      tellPause('introduction', peer, pausesMs.introduction)
      tellPause('upgrade', peer, pausesMs.upgrade)
    }
    if (event.type === 'problem') once(`${name} ${event.problem}`, `${name}: ${event.problem}`)
  })

  function tellPause(what: 'introduction' | 'upgrade', { name }: WatchedPeer, pauseMs: number | undefined): void {
    if (pauseMs === undefined) return
    const done = what === 'introduction' ? 'serves version 2 beside version 1' : 'runs version 2'
    once(`${name} ${what}`, `${name} ${done}; calls waited ${Math.round(pauseMs)} ms for it`)
  }
}
