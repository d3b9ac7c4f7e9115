/** The socket between the two processes of the bare path; as the one between a peer and its host. */
export const bareDescriptor = 4

export const bareChannelLimits = {
  servingMax: 20_000,
  pendingMax: 20_000,
  queuedBytesMax: 128 * 1024 * 1024,
  servingBytesMax: 128 * 1024 * 1024,
  keepaliveMs: 0,
  silenceMs: 0,
  stallMs: 0
} as const
