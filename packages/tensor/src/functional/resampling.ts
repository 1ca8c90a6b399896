/** @file Resampling along one dimension: from which input positions, with which weights, each output comes. */
import { fromTypedArray } from '../creation.ts';
import type { Tensor } from '../tensor.ts';

/** For each output position its input positions and their weights; `taps` of both for each. */
export interface Taps {
  readonly taps: number;
  readonly positions: Int32Array;
  readonly weights: Float64Array;
  /** Set where some outputs have fewer inputs: places with weight 0 are no input, whatever is there. */
  readonly ragged?: boolean;
}

/** The elements that taps name, in a new dimension of size `taps` behind `dim`. */
export function pickTaps(x: Tensor, dim: number, { taps, positions }: Taps): Tensor {
  const picked = x.indexSelect(dim, fromTypedArray(positions).to(x.device));
  return picked.view([...x.shape.slice(0, dim), positions.length / taps, taps, ...x.shape.slice(dim + 1)]);
}

/** Weighted sums of elements along one dimension. */
export function resample(x: Tensor, dim: number, taps: Taps): Tensor {
  const picked = pickTaps(x, dim, taps);
  if (taps.taps === 1) return picked.squeeze(dim + 1);
  const weights = fromTypedArray(taps.weights).to(x.device, x.dtype);
  const spread = weights.view([taps.weights.length / taps.taps, taps.taps, ...x.shape.slice(dim + 1).map(() => 1)]);
  // An infinity at a place that does not count must not become NaN.
  const counted = taps.ragged ? picked.maskedFill(spread.eq(0), 0) : picked;
  return counted.mul(spread).sum(dim + 1);
}

/** How positions of the output lie over the input. */
export interface Axis {
  readonly size: number;
  readonly outSize: number;
  /** Output size over input size as the caller gave it; null where only the sizes are given. */
  readonly scaleFactor: number | null;
  readonly alignCorners: boolean;
  /** Rounds to the precision that PyTorch computes positions in: single for all dtypes but float64. */
  readonly round: (x: number) => number;
}

/** Input steps for one output step (PyTorch's area_pixel_compute_scale). */
function stepOf({ size, outSize, scaleFactor, alignCorners, round }: Axis): number {
  if (alignCorners) return outSize > 1 ? round((size - 1) / (outSize - 1)) : 0;
  return round(scaleFactor !== null && scaleFactor > 0 ? 1 / scaleFactor : size / outSize);
}

/** The position in the input of output `i`; half pixels count unless corners are aligned. */
function sourceOf(axis: Axis, step: number, i: number): number {
  const { round, alignCorners } = axis;
  return alignCorners ? round(step * i) : round(round(step * (i + 0.5)) - 0.5);
}

/** Makes taps from a function that puts at most `taps` inputs for output `i`; with fewer, the last one is repeated with weight 0. */
function collect(
  outSize: number,
  taps: number,
  fill: (i: number, put: (position: number, weight: number) => void) => void,
): Taps {
  const positions = new Int32Array(outSize * taps);
  const weights = new Float64Array(outSize * taps);
  let ragged = false;
  for (let i = 0; i < outSize; i++) {
    let at = i * taps;
    fill(i, (position, weight) => {
      positions[at] = position;
      weights[at++] = weight;
    });
    if (at < (i + 1) * taps) {
      ragged = true;
      positions.fill(positions[at - 1]!, at, (i + 1) * taps);
    }
  }
  return { taps, positions, weights, ragged };
}

/** One input position for each output position. `exact` takes the middle of the output's pixel. */
export function nearestTaps(axis: Axis, exact: boolean): Taps {
  const { size, outSize, round } = axis;
  const step = stepOf({ ...axis, alignCorners: false });
  return collect(outSize, 1, (i, put) => put(Math.min(Math.floor(round((exact ? i + 0.5 : i) * step)), size - 1), 1));
}

/** The two neighbours, weighted by nearness. */
export function linearTaps(axis: Axis): Taps {
  const { size, outSize, round } = axis;
  const step = stepOf(axis);
  return collect(outSize, 2, (i, put) => {
    const source = Math.max(sourceOf(axis, step, i), 0);
    const left = Math.min(Math.floor(source), size - 1);
    const share = round(Math.min(source - left, 1));
    put(left, 1 - share);
    put(Math.min(left + 1, size - 1), share);
  });
}

/** Keys's cubic convolution with a = −0.75, as PyTorch and OpenCV have it. At distance up to 1, and from 1 to 2. */
const a = -0.75;
const near = (d: number): number => ((a + 2) * d - (a + 3)) * d * d + 1;
const far = (d: number): number => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;

/** Weights of the four neighbours at −1, 0, 1 and 2 of a point `t` beyond neighbour 0. */
export const cubicWeights = (t: number): readonly [number, number, number, number] => [
  far(t + 1),
  near(t),
  near(1 - t),
  far(2 - t),
];

/** The four neighbours; positions outside are the outermost ones. */
export function cubicTaps(axis: Axis): Taps {
  const { size, outSize } = axis;
  const step = stepOf(axis);
  return collect(outSize, 4, (i, put) => {
    const source = sourceOf(axis, step, i);
    const left = Math.floor(source);
    for (const [k, weight] of cubicWeights(source - left).entries()) {
      put(Math.min(Math.max(left - 1 + k, 0), size - 1), weight);
    }
  });
}

const filters = {
  // A triangle of radius 1, and Keys's cubic with a = −0.5, as Pillow has it.
  linear: { radius: 1, weight: (d: number): number => Math.max(0, 1 - Math.abs(d)) },
  cubic: {
    radius: 2,
    weight(d: number): number {
      const x = Math.abs(d);
      if (x >= 2) return 0;
      return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2;
    },
  },
};

/** All input positions within the filter, which is widened when shrinking, so that nothing between them is lost. */
export function antialiasedTaps(axis: Axis, kind: 'linear' | 'cubic'): Taps {
  const { size, outSize } = axis;
  const step = stepOf(axis);
  const { radius, weight } = filters[kind];
  const stretch = Math.max(step, 1);
  const support = radius * stretch;
  const taps = Math.ceil(support) * 2 + 1;
  return collect(outSize, taps, (i, put) => {
    const center = step * (i + 0.5);
    const first = Math.max(Math.floor(center - support + 0.5), 0);
    const last = Math.min(Math.floor(center + support + 0.5), size);
    const raw = Array.from({ length: last - first }, (_, k) => weight((first + k - center + 0.5) / stretch));
    const total = raw.reduce((sum, w) => sum + w, 0);
    for (const [k, w] of raw.entries()) put(first + k, total === 0 ? w : w / total);
  });
}

/** Windows that cover the input evenly: output i takes positions from ⌊i · size / outSize⌋ up to ⌈(i + 1) · size / outSize⌉, averaged. */
export function windowTaps(size: number, outSize: number): Taps {
  const start = (i: number): number => Math.floor((i * size) / outSize);
  const end = (i: number): number => Math.ceil(((i + 1) * size) / outSize);
  let taps = 1;
  for (let i = 0; i < outSize; i++) taps = Math.max(taps, end(i) - start(i));
  return collect(outSize, taps, (i, put) => {
    const count = end(i) - start(i);
    for (let k = 0; k < count; k++) put(start(i) + k, 1 / count);
  });
}
