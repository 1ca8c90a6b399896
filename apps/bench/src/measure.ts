/** @file Timing by the rules of the benchmark: warm up, then run until the budget is spent. */
import type { Run } from './workload.ts';

export interface Measurement {
  readonly ms_median: number;
  readonly ms_min: number;
  /** Timed runs. */
  readonly n: number;
  /** First result of the workload, the same in every library. */
  readonly check?: number;
}

export interface Budget {
  readonly warmMs: number;
  readonly budgetMs: number;
}

const digits = (x: number, n: number): number => Number(x.toPrecision(n));

/** @param settle waits until the device has finished what was asked of it; null where ops compute in the call. */
export async function measure(
  run: Run,
  { warmMs, budgetMs }: Budget,
  settle: (() => Promise<void>) | null,
): Promise<Measurement> {
  let check: number | undefined;
  const timed = async (): Promise<number> => {
    const start = performance.now();
    const result = run();
    const value = result instanceof Promise ? await result : result;
    if (settle !== null) await settle();
    check ??= typeof value === 'number' ? value : undefined;
    return performance.now() - start;
  };
  let last = 0;
  for (let warm = 0, runs = 0; !(warm >= warmMs && runs >= 3) && !(runs >= 2 && warm > 4 * budgetMs); runs++) {
    last = await timed();
    warm += last;
  }
  const times: number[] = [];
  const least = last > 2000 ? 3 : 5;
  for (let total = 0; (total < budgetMs || times.length < least) && times.length < 2000; ) {
    const ms = await timed();
    times.push(ms);
    total += ms;
  }
  times.sort((a, b) => a - b);
  return {
    ms_median: digits(times[times.length >> 1]!, 5),
    ms_min: digits(times[0]!, 5),
    n: times.length,
    ...(check === undefined ? {} : { check: digits(check, 6) }),
  };
}
