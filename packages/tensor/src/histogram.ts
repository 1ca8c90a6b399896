/** @file Histograms: what histogram and histogramdd share. */
import { arange, zeros } from './creation.ts';
import { DTypeError, ShapeError } from './errors.ts';
import type { Named } from './named.ts';
import { searchsorted } from './ops/search.ts';
import { formatShape, sameShape } from './shape.ts';
import { isTensor, type Tensor } from './tensor.ts';
import { where as choose } from './where.ts';

export interface HistogramOptions {
  /** Where the first bin begins and the last ends; two numbers for each coordinate. Default: the data's extremes. */
  range?: readonly number[] | null | undefined;
  /** Counts for each point instead of 1. */
  weight?: Tensor | null | undefined;
  /** Divides by the total and by the bins' sizes. */
  density?: boolean | undefined;
}

/** Counts, and the edges of bins, one more: `const [hist, binEdges] = …`, or by name. */
export type Histogram = Named<readonly ['hist', 'binEdges'], Tensor>;

/** Edges for each coordinate of points [M, N]. */
export function histogramBins(
  op: string,
  points: Tensor,
  bins: readonly (number | Tensor)[],
  range: readonly number[] | null,
): Tensor[] {
  if (points.dtype !== 'float32' && points.dtype !== 'float64')
    throw new DTypeError(
      `${op}(): needs a float32 or float64 tensor, got ${points.dtype}; convert with .to('float32')`,
    );
  if (range !== null && range.length !== 2 * bins.length)
    throw new ShapeError(`${op}(): range needs ${2 * bins.length} numbers, got ${range.length}`);
  return bins.map((given, i) => {
    if (isTensor(given)) return givenEdges(op, points, given);
    if (!Number.isInteger(given) || given < 1)
      throw new RangeError(`${op}(): the number of bins must be an integer of at least 1, got ${given}`);
    return equalEdges(op, points.select(1, i), given, range === null ? null : [range[2 * i]!, range[2 * i + 1]!]);
  });
}

function givenEdges(op: string, points: Tensor, edges: Tensor): Tensor {
  if (edges.ndim !== 1 || edges.elementCount < 1)
    throw new ShapeError(`${op}(): edges of bins must be a 1-d tensor, got shape ${formatShape(edges.shape)}`);
  if (edges.dtype !== points.dtype)
    throw new DTypeError(
      `${op}(): edges of bins must have the tensor's dtype ${points.dtype}, got ${edges.dtype}; convert with .to('${points.dtype}')`,
    );
  return edges.detach();
}

/** From both ends, so that they are exact. A range of one value gets width 1. */
function equalEdges(op: string, x: Tensor, bins: number, range: readonly [number, number] | null): Tensor {
  const options = { dtype: x.dtype, device: x.device };
  const [first, last] = range ?? (x.elementCount === 0 ? [0, 1] : [null, null]);
  if (first !== null && !(Number.isFinite(first) && Number.isFinite(last) && first <= last!))
    throw new RangeError(`${op}(): the range from ${first} to ${last} must be finite and not upside down`);
  const one = zeros([], options);
  const [low, high] = first === null ? [x.amin(), x.amax()] : [one.add(first), one.add(last!)];
  if (x.device === 'cpu' && !(Number.isFinite(low.itemSync()) && Number.isFinite(high.itemSync())))
    throw new RangeError(`${op}(): the data has infinite or NaN values, so its range is not finite; give the range`);
  const widening = low.eq(high).to(x.dtype).mul(0.5);
  const [start, end] = [low.sub(widening), high.add(widening)];
  const step = end.sub(start).div(bins);
  const i = arange(bins + 1, options);
  return choose(i.lt((bins + 1) / 2), start.add(step.mul(i)), end.sub(step.mul(i.neg().add(bins))));
}

/** Counts of points [M, N], or sums of weights, in the boxes between edges. Points outside and NaN do not count. */
export function countInBins(
  op: string,
  points: Tensor,
  edges: readonly Tensor[],
  weight: Tensor | null,
  weightShape: readonly number[],
  density: boolean,
): Tensor {
  if (weight !== null && !sameShape(weight.shape, weightShape)) {
    throw new ShapeError(
      `${op}(): weight must have shape ${formatShape(weightShape)}, got ${formatShape(weight.shape)}`,
    );
  }
  if (weight !== null && weight.dtype !== points.dtype)
    throw new DTypeError(`${op}(): weight must have the tensor's dtype ${points.dtype}, got ${weight.dtype}`);
  const shape = edges.map((e) => e.elementCount - 1);
  const total = shape.reduce((a, b) => a * b, 1);
  const options = { dtype: points.dtype, device: points.device };
  const counts = zeros([total + 1], options);
  if (points.shape[0]! > 0 && total > 0) {
    const amounts = weight === null ? zeros([points.shape[0]!], options).add(1) : weight.reshape([-1]);
    counts.scatterAdd_(0, boxOf(points, edges, shape, total), amounts);
  }
  const hist = counts.narrow(0, 0, total).reshape(shape).clone();
  return density ? asDensity(hist, edges) : hist;
}

/** The position of each point's box, row-major, or `total` outside. */
function boxOf(points: Tensor, edges: readonly Tensor[], shape: readonly number[], total: number): Tensor {
  let box = zeros([points.shape[0]!], { dtype: 'int32', device: points.device });
  let inside = box.eq(0);
  for (const [i, edge] of edges.entries()) {
    const x = points.select(1, i).contiguous();
    inside = inside.logicalAnd(x.ge(edge.select(0, 0))).logicalAnd(x.le(edge.select(0, -1)));
    const bin = searchsorted(edge.contiguous(), x, { right: true })
      .sub(1)
      .clamp(0, shape[i]! - 1);
    box = box.mul(shape[i]!).add(bin);
  }
  return box.maskedFill(inside.logicalNot(), total);
}

function asDensity(hist: Tensor, edges: readonly Tensor[]): Tensor {
  let density = hist.div(hist.sum());
  for (const [i, edge] of edges.entries())
    density = density.div(edge.diff().reshape(edges.map((_, d) => (d === i ? -1 : 1))));
  return density;
}
