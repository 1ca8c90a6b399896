/** @file Arguments of Fourier transforms as PyTorch has them: sizes, dimensions and normalization. */
import { isComplex, isFloating } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { pad } from '../functional/padding.ts';
import type { OutOption } from '../ops/make.ts';
import { toComplex, toFloating } from '../promotion.ts';
import { formatShape, wrapDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

/**
 * How transforms of n elements are scaled: `'backward'` (the default) divides the inverse by n, `'forward'` the
 * transform, `'ortho'` both by √n.
 */
export type FftNorm = 'backward' | 'forward' | 'ortho';

export interface FftOptions extends OutOption {
  /** Number of elements: the input is cut off or filled up with zeros. Default: as many as there are. */
  n?: number | null | undefined;
  /** Default: the last. */
  dim?: number | undefined;
  norm?: FftNorm | null | undefined;
}

export interface FftnOptions extends OutOption {
  /** Number of elements in each dimension; −1 for as many as there are. */
  s?: number | readonly number[] | null | undefined;
  /** Default: all, or the last ones when `s` is given; for two-dimensional transforms the last two. */
  dim?: number | readonly number[] | null | undefined;
  norm?: FftNorm | null | undefined;
}

/** @throws RangeError for an unknown way of scaling. */
export function scaleOf(op: string, norm: FftNorm | null | undefined, count: number, inverse: boolean): number {
  const how = norm ?? 'backward';
  if (how !== 'backward' && how !== 'forward' && how !== 'ortho') {
    throw new RangeError(`${op}(): norm must be 'backward', 'forward' or 'ortho', got ${JSON.stringify(norm)}`);
  }
  if (how === 'ortho') return 1 / Math.sqrt(count);
  return (how === 'backward') === inverse ? 1 / count : 1;
}

/** The norm of a transform that goes the other way than its name: `hfft` is scaled as a forward one. */
export const flipped = (norm: FftNorm | null | undefined): FftNorm | null | undefined =>
  norm === 'ortho' ? norm : norm === 'forward' ? 'backward' : norm === 'backward' || norm == null ? 'forward' : norm;

/** A floating or complex tensor to transform. @throws DTypeError for 16-bit floats. */
export function promoted(op: string, x: Tensor): Tensor {
  const dtype = toFloating(x.dtype);
  if (dtype === 'float16' || dtype === 'bfloat16')
    throw new DTypeError(`${op}(): not defined for ${dtype}; convert with .to('float32')`);
  return x.to(dtype);
}

/** The same for a transform that starts from real numbers. @throws DTypeError for complex ones. */
export function promotedReal(op: string, x: Tensor): Tensor {
  if (isComplex(x.dtype))
    throw new DTypeError(`${op}(): needs a real tensor, got ${x.dtype}; use the complex transform`);
  return promoted(op, x);
}

/** The same for a transform of complex numbers. */
export function promotedComplex(op: string, x: Tensor): Tensor {
  const made = promoted(op, x);
  return isFloating(made.dtype) ? made.to(toComplex(made.dtype)) : made;
}

/** @throws ShapeError for no elements. */
export function checkSize(op: string, n: number): number {
  if (!Number.isInteger(n) || n < 1)
    throw new ShapeError(`${op}(): needs at least one element in a transformed dimension, got ${n}`);
  return n;
}

/** The dimension of a one-dimensional transform. @throws ShapeError for a 0-d tensor. */
export function lineDim(op: string, x: Tensor, dim: number): number {
  if (x.ndim === 0) throw new ShapeError(`${op}(): needs a tensor of at least one dimension, got a 0-d one`);
  return wrapDim(op, dim, x.ndim);
}

const listOf = (value: number | readonly number[]): readonly number[] => (typeof value === 'number' ? [value] : value);

/**
 * Dimensions and their sizes.
 * @throws ShapeError where they do not fit each other or the tensor, IndexError for a dimension out of range.
 */
export function gridOf(
  op: string,
  x: Tensor,
  s: FftnOptions['s'],
  dim: FftnOptions['dim'],
): { dims: number[]; sizes: number[] } {
  const asked = s == null ? null : listOf(s);
  if (asked !== null && asked.length > x.ndim)
    throw new ShapeError(`${op}(): ${asked.length} sizes are more than shape ${formatShape(x.shape)} has dimensions`);
  const count = asked?.length ?? x.ndim;
  const dims =
    dim == null ? x.shape.map((_, d) => d).slice(x.ndim - count) : listOf(dim).map((d) => wrapDim(op, d, x.ndim));
  if (new Set(dims).size !== dims.length)
    throw new ShapeError(`${op}(): dimensions must differ, got [${listOf(dim ?? []).join(', ')}]`);
  if (asked !== null && asked.length !== dims.length)
    throw new ShapeError(`${op}(): got ${asked.length} sizes for ${dims.length} dimensions`);
  const sizes = dims.map((d, i) => (asked === null || asked[i] === -1 ? x.shape[d]! : asked[i]!));
  return { dims, sizes };
}

/** The tensor cut off or filled up with zeros to the sizes in some dimensions. */
export function resized(op: string, x: Tensor, dims: readonly number[], sizes: readonly number[]): Tensor {
  const after = new Array<number>(2 * x.ndim).fill(0);
  let out = x;
  dims.forEach((d, i) => {
    const size = checkSize(op, sizes[i]!);
    if (size < out.shape[d]!) out = out.narrow(d, 0, size);
    // pad() counts from the last dimension, and there the end is second.
    after[2 * (x.ndim - 1 - d) + 1] = Math.max(0, size - x.shape[d]!);
  });
  return after.some((count) => count > 0) ? pad(out, after) : out;
}
