import { availableParallelism, cpus, loadavg } from 'node:os'

/** Where and under which load the figures were taken: ratios of one run can be trusted, absolute figures only with this. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  return `${availableParallelism()} cores (${model}), Node ${process.versions.node}, load ${loadavg()
    .map(load => load.toFixed(1))
    .join(' ')}`
}
