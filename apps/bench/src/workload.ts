/** @file What a benchmark workload is. */

/** One run; a returned number is the workload's check value, the same in every library. */
export type Run = () => unknown;

/** Sets a workload up on a device and returns its run. */
export type Workload = (device: string) => Run | Promise<Run>;

export type Workloads = Readonly<Record<string, Workload>>;
