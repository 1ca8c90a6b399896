/** @file Derivatives of sampled functions: gradient, which PyTorch has as a function only. */
import { checkOptions } from '../args.ts';
import { isDifferentiable } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { wrapDims } from '../shape.ts';
import { state } from '../state.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import { cat } from './join.ts';
import { diff } from './scan.ts';

export interface GradientOptions {
  /** The distance between samples, one for each dimension, or the places of the samples as vectors. Default 1. */
  spacing?: number | readonly number[] | readonly Tensor[] | null | undefined;
  /** Default: all dimensions. */
  dim?: number | readonly number[] | null | undefined;
  /** 1 or 2: the order of the differences at both ends. Default 1. */
  edgeOrder?: number | undefined;
}

/** Differences of three neighbours with weights a, b, c, for samples of any distance; the edges are included. */
type Stencil = readonly [a: Tensor | number, b: Tensor | number, c: Tensor | number];

/** Weights for the derivative at the first, the middle or the last of three samples that lie h and k apart. */
function stencil(h: Tensor | number, k: Tensor | number, at: 'first' | 'middle' | 'last'): Stencil {
  const ops = isTensor(h) && isTensor(k) ? tensorStencil(h, k) : numberStencil(h as number, k as number);
  return ops[at];
}

type Stencils = Readonly<Record<'first' | 'middle' | 'last', Stencil>>;

function numberStencil(h: number, k: number): Stencils {
  const sum = h + k;
  return {
    first: [-(h + sum) / (h * sum), sum / (h * k), -h / (k * sum)],
    middle: [-k / (h * sum), (k - h) / (h * k), h / (k * sum)],
    last: [k / (h * sum), -sum / (h * k), (k + sum) / (k * sum)],
  };
}

function tensorStencil(h: Tensor, k: Tensor): Stencils {
  const sum = h.add(k);
  const [inner, outer, product] = [h.mul(sum), k.mul(sum), h.mul(k)];
  return {
    first: [h.add(sum).neg().div(inner), sum.div(product), h.neg().div(outer)],
    middle: [k.neg().div(inner), k.sub(h).div(product), h.div(outer)],
    last: [k.div(inner), sum.neg().div(product), k.add(sum).div(outer)],
  };
}

/** The derivative along a dimension. `steps`: a distance, or the distances between neighbours. */
function along(x: Tensor, dim: number, steps: number | Tensor, edgeOrder: number): Tensor {
  const size = x.shape[dim]!;
  const at = (start: number, count: number): Tensor => x.narrow(dim, start, count);
  const step = (start: number, count: number): Tensor | number =>
    isTensor(steps) ? steps.narrow(0, start, count).view(x.shape.map((_, d) => (d === dim ? count : 1))) : steps;
  const weigh = (start: number, count: number, [a, b, c]: Stencil): Tensor =>
    at(start, count)
      .mul(a)
      .add(at(start + 1, count).mul(b))
      .add(at(start + 2, count).mul(c));
  const edge = (start: number): Tensor =>
    at(start + 1, 1)
      .sub(at(start, 1))
      .div(step(start, 1));
  const middle = weigh(0, size - 2, stencil(step(0, size - 2), step(1, size - 2), 'middle'));
  const [first, last] =
    edgeOrder === 1
      ? [edge(0), edge(size - 2)]
      : [
          weigh(0, 1, stencil(step(0, 1), step(1, 1), 'first')),
          weigh(size - 3, 1, stencil(step(size - 3, 1), step(size - 2, 1), 'last')),
        ];
  return cat([first, middle, last], dim);
}

/** The distances for each of `dims`. @throws ShapeError, TypeError. */
function stepsOf(spacing: GradientOptions['spacing'], dims: readonly number[], x: Tensor): (number | Tensor)[] {
  if (spacing === null || spacing === undefined) return dims.map(() => 1);
  if (typeof spacing === 'number') return dims.map(() => spacing);
  if (spacing.length !== dims.length)
    throw new ShapeError(`gradient(): got ${spacing.length} spacings for ${dims.length} dimensions`);
  return spacing.map((value, i) => {
    if (!isTensor(value)) return value;
    if (value.ndim !== 1 || value.shape[0] !== x.shape[dims[i]!])
      throw new ShapeError(`gradient(): places along dim ${dims[i]} must be a vector of ${x.shape[dims[i]!]} elements`);
    return diff(value);
  });
}

/**
 * The derivatives of a sampled function along some dimensions, by central differences of second order: one tensor of the
 * samples' shape for each dimension.
 *
 * ```ts
 * const [slope] = gradient(tensor([1, 4, 9, 16]));
 * slope.toArraySync(); // [3, 4, 6, 7]
 * gradient(x, { spacing: [0.5, 2], dim: [0, 1], edgeOrder: 2 });
 * ```
 * @throws ShapeError for dimensions of at most `edgeOrder` samples or spacings that do not fit, IndexError for a dim out of
 *   range or given twice, RangeError for another edgeOrder, DTypeError for bools and 8-bit integers.
 */
export function gradient(x: Tensor, options: GradientOptions = {}): Tensor[] {
  checkOptions('gradient', options, ['spacing', 'dim', 'edgeOrder']);
  const { spacing, dim = null, edgeOrder = 1 } = options;
  if (edgeOrder !== 1 && edgeOrder !== 2)
    throw new RangeError(`gradient(): edgeOrder must be 1 or 2, got ${edgeOrder}`);
  if (x.dtype === 'bool' || x.dtype === 'uint8')
    throw new DTypeError(`gradient(): not defined for ${x.dtype}; convert with .to('float32')`);
  const sorted = wrapDims('gradient', dim, x.ndim);
  const dims = typeof dim === 'object' && dim !== null ? dim.map((d) => (d < 0 ? d + x.ndim : d)) : sorted;
  if (dims.some((d) => x.shape[d]! <= edgeOrder))
    throw new ShapeError(`gradient(): each dimension needs at least ${edgeOrder + 1} samples`);
  const values = isDifferentiable(x.dtype) ? x : x.to(state.defaultDType);
  const steps = stepsOf(spacing, dims, x);
  return dims.map((d, i) => along(values, d, steps[i]!, edgeOrder));
}
