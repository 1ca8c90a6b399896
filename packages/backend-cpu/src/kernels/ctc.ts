/**
 * @file The CTC loss by dynamic programming (Graves et al., 2006). A sample's labels are interleaved with blanks to
 * states: blank, l₁, blank, l₂, …, blank. α(t, s) is the log probability of all paths through the first t + 1 steps
 * that end in state s, β(t, s) that of all paths from there to the end; both count step t.
 */

import type { CtcSamples, View } from '@flambeau/tensor/internal';
import { dataOf } from '../compile/memory.ts';
import { readSync } from './read.ts';

/** log(e^a + e^b). */
function logAdd(a: number, b: number): number {
  const [high, low] = a > b ? [a, b] : [b, a];
  return high === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high));
}

/** One sample: its states and the log probability of a class at a step. */
interface Sample {
  readonly states: number;
  readonly steps: number;
  readonly classOf: (state: number) => number;
  /** Whether a path may go on from state s to s + 2: past a blank, between two different labels. */
  readonly skips: (state: number) => boolean;
  readonly logProb: (step: number, state: number) => number;
}

/** Samples as arrays. */
interface Read {
  readonly labels: ArrayLike<number>;
  /** Labels that each sample has room for. */
  readonly room: number;
  readonly lengths: ArrayLike<number>;
  readonly steps: ArrayLike<number>;
  readonly blank: number;
}

function readSamples({ labels, lengths, steps, blank }: CtcSamples): Read {
  const [own, counts, times] = [labels, lengths, steps].map((view) => readSync(view) as Int32Array);
  return { labels: own!, room: labels.shape[1]!, lengths: counts!, steps: times!, blank };
}

function sampleOf(
  values: ArrayLike<number>,
  shape: readonly number[],
  { labels, room, lengths, steps, blank }: Read,
  b: number,
): Sample {
  const [, count, classes] = shape as [number, number, number];
  const states = 2 * lengths[b]! + 1;
  const classOf = (s: number): number => (s % 2 === 0 ? blank : labels[b * room + (s - 1) / 2]!);
  return {
    states,
    steps: steps[b]!,
    classOf,
    skips: (s) => s + 2 < states && s % 2 === 1 && classOf(s) !== classOf(s + 2),
    logProb: (t, s) => values[(t * count + b) * classes + classOf(s)]!,
  };
}

/** Losses [N] of log probabilities x [T, N, C], and α [N, T, states] for the gradient. Both outputs are row-major. */
export function ctcLoss(x: View, samples: CtcSamples, losses: View, alpha: View): void {
  const values = readSync(x) as Float64Array;
  const out = dataOf(losses) as Float64Array;
  const [, steps, width] = alpha.shape as [number, number, number];
  const table = dataOf(alpha) as Float64Array;
  table.fill(Number.NEGATIVE_INFINITY);
  const read = readSamples(samples);
  for (let b = 0; b < read.lengths.length; b++) {
    const sample = sampleOf(values, x.shape, read, b);
    const rows = table.subarray(b * steps * width, (b + 1) * steps * width);
    forward(sample, rows, width);
    const last = (sample.steps - 1) * width;
    const { states } = sample;
    if (sample.steps === 0) out[b] = states === 1 ? 0 : Number.POSITIVE_INFINITY;
    else out[b] = -logAdd(rows[last + states - 1]!, states > 1 ? rows[last + states - 2]! : Number.NEGATIVE_INFINITY);
  }
}

function forward({ states, steps, skips, logProb }: Sample, rows: Float64Array, width: number): void {
  for (let s = 0; s < Math.min(2, states) && steps > 0; s++) rows[s] = logProb(0, s);
  for (let t = 1; t < steps; t++) {
    const before = (t - 1) * width;
    for (let s = 0; s < states; s++) {
      let sum = rows[before + s]!;
      if (s > 0) sum = logAdd(sum, rows[before + s - 1]!);
      if (s > 1 && skips(s - 2)) sum = logAdd(sum, rows[before + s - 2]!);
      rows[t * width + s] = sum + logProb(t, s);
    }
  }
}

/** β of the step before: `next` is that of step t + 1, or null for the last step. */
function backward({ states, skips, logProb }: Sample, t: number, next: Float64Array | null): Float64Array {
  const row = new Float64Array(states);
  for (let s = 0; s < states; s++) {
    if (next === null) {
      row[s] = s >= states - 2 ? logProb(t, s) : Number.NEGATIVE_INFINITY;
      continue;
    }
    let sum = next[s]!;
    if (s + 1 < states) sum = logAdd(sum, next[s + 1]!);
    if (skips(s)) sum = logAdd(sum, next[s + 2]!);
    row[s] = sum + logProb(t, s);
  }
  return row;
}

/**
 * grad · (p − (share of all valid paths that are in a class at that step)): the gradient by the scores whose
 * logSoftmax x is. It is 0 beyond a sample's steps. `out` is row-major.
 */
export function ctcLossGradient(
  grad: View,
  x: View,
  losses: View,
  alpha: View,
  samples: CtcSamples,
  zeroInfinity: boolean,
  out: View,
): void {
  const [values, grads, costs, table] = [x, grad, losses, alpha].map((view) => readSync(view) as Float64Array) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const target = dataOf(out) as Float64Array;
  const [, count, classes] = x.shape as [number, number, number];
  const [, steps, width] = alpha.shape as [number, number, number];
  const paths = new Float64Array(classes);
  const read = readSamples(samples);
  target.fill(0);
  for (let b = 0; b < count; b++) {
    const cost = costs[b]!;
    if (zeroInfinity && cost === Number.POSITIVE_INFINITY) continue;
    const sample = sampleOf(values, x.shape, read, b);
    let beta: Float64Array | null = null;
    for (let t = sample.steps - 1; t >= 0; t--) {
      beta = backward(sample, t, beta);
      paths.fill(Number.NEGATIVE_INFINITY);
      for (let s = 0; s < sample.states; s++) {
        const c = sample.classOf(s);
        paths[c] = logAdd(paths[c]!, table[(b * steps + t) * width + s]! + beta[s]!);
      }
      const row = (t * count + b) * classes;
      for (let c = 0; c < classes; c++) {
        const logProb = values[row + c]!;
        target[row + c] = grads[b]! * (Math.exp(logProb) - Math.exp(paths[c]! + cost - logProb));
      }
    }
  }
}
