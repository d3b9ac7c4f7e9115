import { createSession, type Session } from './session.js'

/** The sessions of one caller, by the object that it calls (§12). */
export interface CallerSessions {
  /** Commands of one object share a session. */
  shared(object: string): Session
  /**
   * A session in which nothing is under way, for one request that may take long: others would have to wait for its answer, or for its number
   * to be done. To be begun in at once.
   */
  idle(object: string): Session
}

/** Sessions kept; the oldest is forgotten first, which costs no more than opening it again. */
const sessionsMax = 1024

export function createCallerSessions(): CallerSessions {
  const sessions = new Map<string, Session>()

  function at(key: string): Session {
    const known = sessions.get(key)
    if (known !== undefined) return known
    if (sessions.size >= sessionsMax) sessions.delete(sessions.keys().next().value as string)
    const session = createSession()
    sessions.set(key, session)
    return session
  }

  return {
    shared: at,
    idle(object) {
      for (let i = 1; ; i++) {
        const session = at(`${object} #${i}`)
        if (session.inFlight === 0) return session
      }
    }
  }
}
