import { describe, expect, it } from 'vitest'
import { createSession, sessionInFlightMax, type Session, type SessionRequest } from './session.js'

async function opened(): Promise<Session> {
  const session = createSession()
  const first = await session.begin()
  first.end('answered')
  return session
}

describe('a session', () => {
  it('lets nobody before its first request is answered', async () => {
    const session = createSession()
    const first = session.tryBegin()
    expect(first?.id).toMatchObject({ seq: 1, doneBelow: 1 })
    const second = session.begin()
    expect(session.tryBegin()).toBeUndefined()
    first?.end('answered')
    expect((await second).id).toMatchObject({ session: first?.id.session, seq: 2, doneBelow: 2 })
  })

  it('starts over under another id when its first request was not answered', async () => {
    const session = createSession()
    const first = await session.begin()
    first.end('refused')
    const second = await session.begin()
    expect(second.id.seq).toBe(1)
    expect(second.id.session).not.toBe(first.id.session)
  })

  it('says which answers it has while requests overtake each other', async () => {
    const session = await opened()
    const [a, b, c] = await Promise.all([session.begin(), session.begin(), session.begin()])
    b.end('answered')
    expect(c.id.doneBelow).toBe(2)
    a.end('answered')
    a.end('answered')
    expect(c.id.doneBelow).toBe(4)
  })

  it('keeps at most 256 numbers open, and lets the next one in when the lowest is done', async () => {
    const session = await opened()
    const open: SessionRequest[] = []
    for (let request = session.tryBegin(); request !== undefined; request = session.tryBegin()) open.push(request)
    expect(open).toHaveLength(sessionInFlightMax)
    const next = session.begin()
    open[7]!.end('answered')
    expect(session.tryBegin()).toBeUndefined()
    open[0]!.end('answered')
    expect((await next).id.seq).toBe(sessionInFlightMax + 2)
  })

  it('stops waiting when the caller does, and refuses when too many wait', async () => {
    const session = createSession({ waitingMax: 1 })
    session.tryBegin()
    const abort = new AbortController()
    const waiting = session.begin({ signal: abort.signal })
    await expect(session.begin()).rejects.toMatchObject({ code: 'Busy' })
    abort.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'DeadlineExceeded', detail: { executed: 'no' } })
  })

  it('goes on under a new id when the object has lost it', async () => {
    const session = await opened()
    const lost = session.id
    session.renew(lost)
    session.renew(lost)
    expect(session.id).not.toBe(lost)
    expect((await session.begin()).id.seq).toBe(1)
  })
})
