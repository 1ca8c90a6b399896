/** @file Index tensors as checked positions in memory. */
import { allocateLike } from './allocate.ts';
import type { Positions } from './backend.ts';
import { DTypeError, IndexError, ShapeError } from './errors.ts';
import { mixedDevices } from './pointwise.ts';
import { formatShape } from './shape.ts';
import { backendFor } from './state.ts';
import { Tensor } from './tensor.ts';

/** @throws DTypeError unless `index` is an int32 or int64 tensor, or empty: PyTorch makes empty lists float. */
export function checkIndex(op: string, index: Tensor): void {
  if (index.dtype === 'int32' || index.dtype === 'int64' || index.elementCount === 0) return;
  throw new DTypeError(`${op}(): the index must be int32 or int64, got ${index.dtype}; convert it with .to('int32')`);
}

export interface PositionOptions {
  /** Negative indices count from the end. Default false: they are out of range. */
  readonly wrap?: boolean;
  /** What will be written at the positions: they are not read from its memory. */
  readonly target?: Tensor;
}

/**
 * `index` as positions in a dimension of `size`, in the index's own shape. Expanded dimensions stay expanded.
 * @throws DTypeError for a float index, IndexError naming the first value out of range.
 */
export function positionsOf(
  op: string,
  index: Tensor,
  dim: number,
  size: number,
  { wrap = false, target }: PositionOptions = {},
): Positions<Tensor> {
  checkIndex(op, index);
  // An empty index may have any dtype.
  if (index.elementCount === 0) return { view: allocateLike(index, index.shape, 'int32'), bound: null };
  const backend = backendFor(index.device);
  const asItIs = !backend.checksIndices && index.dtype === 'int32' && index.storage.data !== target?.storage.data;
  if (asItIs) return { view: index, bound: { size, wrap } };
  const repeats = index.strides.map((s, d) => s === 0 && index.shape[d]! > 1);
  const shape = index.shape.map((n, d) => (repeats[d] ? 1 : n));
  const compact = new Tensor(index.storage, index.dtype, shape, index.strides, index.offset);
  const out = allocateLike(index, shape, 'int32');
  backend.indexOffsets([{ index: compact, size, stride: 1, wrap, op, dim }], out);
  const strides = out.strides.map((s, d) => (repeats[d] ? 0 : s));
  return { view: repeats.includes(true) ? new Tensor(out.storage, 'int32', index.shape, strides) : out, bound: null };
}

/** A vector of indices laid along dimension `dim` of `shape`, the same for all places in the other dimensions. */
export function alongDim(vector: Tensor, shape: readonly number[], dim: number): Tensor {
  const step = vector.strides[0] ?? 1;
  return new Tensor(
    vector.storage,
    vector.dtype,
    shape,
    shape.map((_, d) => (d === dim ? step : 0)),
    vector.offset,
  );
}

/** A 0-d tensor as one of one element, for ops that treat both alike. */
export const asVector = (x: Tensor): Tensor => (x.ndim === 0 ? new Tensor(x.storage, x.dtype, [1], [1], x.offset) : x);

export function sameDevice(op: string, self: Tensor, ...others: readonly Tensor[]): void {
  for (const other of others) if (other.device !== self.device) throw mixedDevices(op, self, other);
}

/** @throws ShapeError unless an index fits `shape` in every dimension but `dim`. */
export function checkGatherShape(
  op: string,
  index: readonly number[],
  shape: readonly number[],
  dim: number,
  what: string,
): void {
  const fits = index.length === shape.length && index.every((n, d) => d === dim || n <= shape[d]!);
  if (!fits) {
    throw new ShapeError(
      `${op}(): an index of shape ${formatShape(index)} does not fit ${what} of shape ${formatShape(shape)}: it needs as many dimensions, none larger except dim ${dim}`,
    );
  }
}

/** @throws unless `index` has at most one dimension. */
export function checkVectorIndex(op: string, index: Tensor): void {
  checkIndex(op, index);
  if (index.ndim > 1)
    throw new IndexError(`${op}(): the index must be a vector, got shape ${formatShape(index.shape)}`);
}

/** A position from one that may count from the end. @throws IndexError out of range, TypeError for no integer. */
export function wrapIndex(op: string, index: number, dim: number, size: number): number {
  if (!Number.isInteger(index)) throw new TypeError(`${op}(): an index must be an integer, got ${String(index)}`);
  if (index < -size || index >= size)
    throw new IndexError(`${op}(): index ${index} is out of range for dimension ${dim} of size ${size}`);
  return index < 0 ? index + size : index;
}

/** The slices that a vector names along a dimension, in fresh memory; not recorded. */
export function slicesAt(op: string, self: Tensor, dim: number, index: Tensor): Tensor {
  sameDevice(op, self, index);
  checkVectorIndex(op, index);
  const x = asVector(self);
  if (self.ndim === 0 && index.elementCount !== 1)
    throw new IndexError(`${op}(): a 0-d tensor takes an index of one element`);
  const shape = x.shape.with(dim, index.elementCount);
  const { view, bound } = positionsOf(op, asVector(index), dim, x.shape[dim]!);
  const out = allocateLike(self, shape);
  backendFor(self.device).gather(x, dim, { view: alongDim(view, shape, dim), bound }, out);
  return self.ndim === 0 ? new Tensor(out.storage, out.dtype, []) : out;
}
