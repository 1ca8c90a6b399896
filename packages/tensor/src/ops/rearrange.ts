/** @file Copies in another order: flip, roll, rot90, repeat, tile, triangles, diagonals as matrices. */
import { allocateLike } from '../allocate.ts';
import { type IntegerList, integerList, signature, type Trailing } from '../args.ts';
import { autocastOperands } from '../autocast.ts';
import type { DType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { copyValues, inplaceOf } from '../inplace.ts';
import { call, Expr } from '../ir/expr.ts';
import { computeDType, type MapKernel, mapKernel } from '../ir/kernel.ts';
import { untracked } from '../modes.ts';
import type { PointwiseFunction } from '../pointwise.ts';
import { record } from '../record.ts';
import { contiguousStrides, formatShape, wrapDim, wrapDims } from '../shape.ts';
import { backendFor, state } from '../state.ts';
import { Tensor } from '../tensor.ts';
import { inZeros } from '../view.ts';
import { clone } from './copy.ts';
import { flatten } from './reshaping.ts';
import { diagonal } from './strided.ts';
import { reshape, transpose, view } from './views.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface RearrangeOps {
  flip: { dims: readonly number[] };
  roll: { shifts: readonly number[]; dims: readonly number[] };
  rot90: { k: number; dims: readonly [number, number] };
  repeat: { repeats: readonly number[] };
  tril: { diagonal: number };
  triu: { diagonal: number };
  trace: object;
  diagEmbed: { offset: number; dim1: number; dim2: number };
}

/** A fresh tensor with the values of a view that is not kept. */
function copied(self: Tensor, shape: readonly number[], strides: readonly number[], offset: number): Tensor {
  const out = allocateLike(self, shape);
  copyValues(out, new Tensor(self.storage, self.dtype, shape, strides, offset));
  out.storage.version = 0;
  return out;
}

/**
 * The order reversed along the given dimensions; a copy.
 *
 * ```ts
 * arange(3).flip(0).toArraySync(); // [2, 1, 0]
 * ```
 */
export function flip(self: Tensor, ...dims: IntegerList | [options: { dims: readonly number[] }]): Tensor {
  const [first] = dims;
  const list =
    typeof first === 'object' && 'dims' in first
      ? integerList('flip', [first.dims])
      : integerList('flip', dims as IntegerList);
  const reversed = wrapDims('flip', list, self.ndim);
  let { offset } = self;
  const strides = self.strides.map((stride, d) => {
    if (!reversed.includes(d) || self.elementCount === 0) return stride;
    offset += (self.shape[d]! - 1) * stride;
    return -stride;
  });
  return record('flip', [self], copied(self, self.shape, strides, offset), { dims: reversed });
}

/** Columns reversed: `flip(1)`. */
export function fliplr(self: Tensor): Tensor {
  if (self.ndim < 2)
    throw new ShapeError(`fliplr(): expects at least 2 dimensions, got shape ${formatShape(self.shape)}`);
  return flip(self, 1);
}

/** Rows reversed: `flip(0)`. */
export function flipud(self: Tensor): Tensor {
  if (self.ndim < 1) throw new ShapeError('flipud(): expects at least 1 dimension, got a 0-d tensor');
  return flip(self, 0);
}

interface RollArguments {
  shifts: number | readonly number[];
  dims: number | readonly number[] | null;
}
const rollArguments = signature<RollArguments>('roll', ['shifts', 'dims'], { dims: null });

/**
 * Elements shifted along dimensions; what leaves at one end comes in at the other. Without `dims` the flattened tensor
 * is shifted.
 *
 * ```ts
 * arange(4).roll(1).toArraySync(); // [3, 0, 1, 2]
 * ```
 */
export function roll(
  self: Tensor,
  ...args:
    | [shifts: number | readonly number[], dims?: number | readonly number[] | null | Partial<RollArguments>]
    | [options: Partial<RollArguments>]
): Tensor {
  const { shifts, dims } = rollArguments(args);
  const by = typeof shifts === 'number' ? [shifts] : [...shifts];
  if (by.length === 0) throw new ShapeError('roll(): at least one shift is needed');
  const along = dims === null ? [] : typeof dims === 'number' ? [dims] : dims;
  if (along.length === 0 && by.length === 1) return view(roll(flatten(self), by, 0), self.shape);
  if (along.length !== by.length) throw new ShapeError(`roll(): ${by.length} shifts but ${along.length} dimensions`);
  const wrapped = along.map((d) => wrapDim('roll', d, self.ndim));
  let out = self;
  for (let i = 0; i < by.length; i++) out = rolled(out, by[i]!, wrapped[i]!);
  return record('roll', [self], out, { shifts: by, dims: wrapped });
}

/** One dimension rolled, without history: two blocks change places. */
function rolled(self: Tensor, shift: number, dim: number): Tensor {
  const out = allocateLike(self, self.shape);
  if (self.elementCount === 0) return out;
  const size = self.shape[dim] ?? 1;
  const head = ((shift % size) + size) % size;
  const block = (x: Tensor, start: number, count: number): Tensor =>
    x.ndim === 0
      ? x
      : new Tensor(x.storage, x.dtype, x.shape.with(dim, count), x.strides, x.offset + start * x.strides[dim]!);
  copyValues(block(out, head, size - head), block(self, 0, size - head));
  if (head > 0) copyValues(block(out, 0, head), block(self, size - head, head));
  out.storage.version = 0;
  return out;
}

interface Rot90Arguments {
  k: number;
  dims: readonly number[];
}
const rot90Arguments = signature<Rot90Arguments>('rot90', ['k', 'dims'], { k: 1, dims: [0, 1] });

/** Rotated by `k` · 90° in the plane of two dimensions, from the first towards the second. */
export function rot90(
  self: Tensor,
  ...args: Trailing<[k: number, dims: readonly number[]], Partial<Rot90Arguments>>
): Tensor {
  const { k, dims } = rot90Arguments(args);
  if (dims.length !== 2) throw new ShapeError(`rot90(): expects two dimensions, got [${dims.join(', ')}]`);
  if (self.ndim < 2)
    throw new ShapeError(`rot90(): expects at least 2 dimensions, got shape ${formatShape(self.shape)}`);
  const [a, b] = [wrapDim('rot90', dims[0]!, self.ndim), wrapDim('rot90', dims[1]!, self.ndim)];
  if (a === b) throw new ShapeError(`rot90(): the dimensions must differ, both are ${a}`);
  const out = untracked(() => {
    const quarter = ((k % 4) + 4) % 4;
    if (quarter === 0) return clone(self);
    if (quarter === 2) return flip(self, a, b);
    return quarter === 1 ? clone(transpose(flip(self, b), a, b)) : clone(transpose(flip(self, a), a, b));
  });
  return record('rot90', [self], out, { k, dims: [a, b] });
}

/**
 * The tensor repeated along each dimension; more numbers than dimensions add dimensions in front. A copy.
 *
 * ```ts
 * tensor([1, 2]).repeat(2, 2).toArraySync(); // [[1, 2, 1, 2], [1, 2, 1, 2]]
 * ```
 */
export function repeat(self: Tensor, ...repeats: IntegerList): Tensor {
  const times = integerList('repeat', repeats);
  if (times.length < self.ndim) {
    throw new ShapeError(
      `repeat(): ${times.length} repeats for the ${self.ndim} dimensions of shape ${formatShape(self.shape)}; every dimension needs one`,
    );
  }
  if (times.some((n) => n < 0)) throw new ShapeError(`repeat(): repeats must be at least 0, got ${formatShape(times)}`);
  const lead = times.length - self.ndim;
  const out = allocateLike(
    self,
    times.map((n, i) => n * (i < lead ? 1 : self.shape[i - lead]!)),
  );
  // Both sides with a pair of dimensions, (repeat, element), for every dimension of the result.
  const sizes = times.flatMap((n, i) => [n, i < lead ? 1 : self.shape[i - lead]!]);
  const strides = times.flatMap((_, i) => [0, i < lead ? 0 : self.strides[i - lead]!]);
  copyValues(
    new Tensor(out.storage, out.dtype, sizes),
    new Tensor(self.storage, self.dtype, sizes, strides, self.offset),
  );
  out.storage.version = 0;
  return record('repeat', [self], out, { repeats: times });
}

/** Like `repeat`, but missing repeats in front count as 1. */
export function tile(self: Tensor, ...dims: IntegerList): Tensor {
  const times = integerList('tile', dims);
  return repeat(self, [...new Array<number>(Math.max(self.ndim - times.length, 0)).fill(1), ...times]);
}

const triangleKernels = new Map<string, MapKernel>();

/** where(keep(column − row, diagonal), x, 0), with inputs x, row, column, diagonal. */
function triangleKernel(op: 'tril' | 'triu', dtype: DType): MapKernel {
  const key = `${op} ${dtype}`;
  let kernel = triangleKernels.get(key);
  if (kernel === undefined) {
    const compute = computeDType(dtype);
    const [x, row, column, limit] = [0, 1, 2, 3].map((i) => Expr.input(i)) as [Expr, Expr, Expr, Expr];
    const keep = call(op === 'tril' ? 'le' : 'ge', call('sub', column, row), limit);
    const position = { dtype: 'int32', as: 'int32' } as const;
    const inputs = [{ dtype, as: compute }, position, position, { dtype: null, as: 'int32' }] as const;
    kernel = mapKernel(op, inputs, [{ expr: keep.where(x, 0), dtype }], compute);
    triangleKernels.set(key, kernel);
  }
  return kernel;
}

function triangle(op: 'tril' | 'triu', self: Tensor, diagonal: number): Tensor {
  if (self.ndim < 2)
    throw new ShapeError(`${op}(): expects at least 2 dimensions, got shape ${formatShape(self.shape)}`);
  if (!Number.isInteger(diagonal)) throw new TypeError(`${op}(): diagonal must be an integer, got ${String(diagonal)}`);
  const backend = backendFor(self.device);
  const out = allocateLike(self, self.shape);
  const [rows, columns] = self.shape.slice(-2) as [number, number];
  const positions = backend.upload(
    'int32',
    Int32Array.from({ length: Math.max(rows, columns) }, (_, i) => i),
  );
  const row = new Tensor(positions, 'int32', [rows, 1], [1, 1]);
  const column = new Tensor(positions, 'int32', [columns], [1]);
  backend.map(triangleKernel(op, self.dtype), [self, row, column, diagonal], [out]);
  return record(op, [self], out, { diagonal });
}

type DiagonalOption = { diagonal?: number | undefined };
type TriangleFunction = PointwiseFunction<Trailing<[diagonal: number], DiagonalOption>>;

function triangleFunction(op: 'tril' | 'triu'): TriangleFunction {
  const parse = signature<{ diagonal: number }>(op, ['diagonal'], { diagonal: 0 });
  const f = (self: Tensor, ...args: Trailing<[diagonal: number], DiagonalOption>): Tensor =>
    triangle(op, self, parse(args).diagonal);
  return Object.assign(f, { inplace: inplaceOf(op, f) });
}

/** The elements on and below a diagonal of the last two dimensions, zeros elsewhere. `diagonal` > 0 lies above the main one. */
export const tril: TriangleFunction = triangleFunction('tril');

/** The elements on and above a diagonal of the last two dimensions, zeros elsewhere. */
export const triu: TriangleFunction = triangleFunction('triu');

/** The sum of a matrix's diagonal. */
export function trace(self: Tensor): Tensor {
  if (state.autocasting) [self] = autocastOperands('trace', [self] as const);
  if (self.ndim !== 2) throw new ShapeError(`trace(): expects a matrix, got shape ${formatShape(self.shape)}`);
  return record(
    'trace',
    [self],
    untracked(() => diagonal(self).sum()),
    {},
  );
}

interface DiagEmbedArguments {
  offset: number;
  dim1: number;
  dim2: number;
}
const diagEmbedArguments = signature<DiagEmbedArguments>('diagEmbed', ['offset', 'dim1', 'dim2'], {
  offset: 0,
  dim1: -2,
  dim2: -1,
});

/**
 * Matrices with the last dimension on a diagonal and zeros elsewhere; they lie in dimensions `dim1` and `dim2` of the
 * result. The opposite of `diagonal`.
 */
export function diagEmbed(
  self: Tensor,
  ...args: Trailing<[offset: number, dim1: number, dim2: number], Partial<DiagEmbedArguments>>
): Tensor {
  const { offset, dim1, dim2 } = diagEmbedArguments(args);
  if (self.ndim === 0) throw new ShapeError('diagEmbed(): expects at least 1 dimension, got a 0-d tensor');
  const [a, b] = [wrapDim('diagEmbed', dim1, self.ndim + 1), wrapDim('diagEmbed', dim2, self.ndim + 1)];
  if (a === b) throw new ShapeError(`diagEmbed(): dim1 and dim2 must differ, both are ${a}`);
  const side = self.shape[self.ndim - 1]! + Math.abs(offset);
  const shape = self.shape.slice(0, -1);
  for (const dim of [Math.min(a, b), Math.max(a, b)]) shape.splice(dim, 0, side);
  const strides = contiguousStrides(shape);
  const others = strides.filter((_, d) => d !== a && d !== b);
  const start = offset >= 0 ? offset * strides[b]! : -offset * strides[a]!;
  const out = untracked(() => inZeros(self, shape, [...others, strides[a]! + strides[b]!], start));
  return record('diagEmbed', [self], out, { offset, dim1: a, dim2: b });
}

/** A matrix with the vector on its diagonal, or the diagonal of a matrix; a copy. */
export function diag(self: Tensor, ...args: Trailing<[diagonal: number], DiagonalOption>): Tensor {
  const offset = diagArguments(args).diagonal;
  if (self.ndim === 1) return diagEmbed(self, offset);
  if (self.ndim === 2) return clone(diagonal(self, offset));
  throw new ShapeError(`diag(): expects a vector or a matrix, got shape ${formatShape(self.shape)}`);
}
const diagArguments = signature<{ diagonal: number }>('diag', ['diagonal'], { diagonal: 0 });

/** A matrix with all elements on its diagonal. */
export function diagflat(self: Tensor, ...args: Trailing<[offset: number], { offset?: number | undefined }>): Tensor {
  return diagEmbed(reshape(self, -1), diagflatArguments(args).offset);
}
const diagflatArguments = signature<{ offset: number }>('diagflat', ['offset'], { offset: 0 });
