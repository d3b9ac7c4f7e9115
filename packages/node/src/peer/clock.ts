/** The two clocks of a peer (§11): dates by the wall clock, durations by one that never falls. */
export const wallMs = (): number => Date.now()
export const monoMs = (): number => performance.now()
