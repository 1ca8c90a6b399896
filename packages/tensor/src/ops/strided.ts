/** @file Views that walk memory in other ways: diagonals, sliding windows, arbitrary strides. */
import { signature, type Trailing } from '../args.ts';
import { IndexError, ShapeError } from '../errors.ts';
import { record } from '../record.ts';
import { formatShape, wrapDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { capacityOf, viewOf } from '../view.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface StridedOps {
  diagonal: { offset: number; dim1: number; dim2: number };
  unfold: { dim: number; size: number; step: number };
  /** The layout of the result and, for the gradient, that of the source. */
  asStrided: {
    size: readonly number[];
    stride: readonly number[];
    offset: number;
    sourceStride: readonly number[];
    sourceOffset: number;
  };
}

interface DiagonalArguments {
  offset: number;
  dim1: number;
  dim2: number;
}

const diagonalArguments = signature<DiagonalArguments>('diagonal', ['offset', 'dim1', 'dim2'], {
  offset: 0,
  dim1: 0,
  dim2: 1,
});

/**
 * The diagonal of two dimensions as the last one: elements [i, i + offset]. A view.
 *
 * ```ts
 * tensor([[1, 2], [3, 4]]).diagonal().toArraySync(); // [1, 4]
 * tensor([[1, 2], [3, 4]]).diagonal(1).toArraySync(); // [2]
 * ```
 */
export function diagonal(
  self: Tensor,
  ...args: Trailing<[offset: number, dim1: number, dim2: number], Partial<DiagonalArguments>>
): Tensor {
  const { offset, dim1, dim2 } = diagonalArguments(args);
  if (self.ndim < 2)
    throw new IndexError(`diagonal(): expects at least 2 dimensions, got shape ${formatShape(self.shape)}`);
  const [a, b] = [wrapDim('diagonal', dim1, self.ndim), wrapDim('diagonal', dim2, self.ndim)];
  if (a === b) throw new IndexError(`diagonal(): dim1 and dim2 must differ, both are ${a}`);
  const [rows, columns] = [self.shape[a]!, self.shape[b]!];
  const count = Math.max(offset >= 0 ? Math.min(rows, columns - offset) : Math.min(rows + offset, columns), 0);
  const shift = count === 0 ? 0 : offset >= 0 ? offset * self.strides[b]! : -offset * self.strides[a]!;
  const others = (list: readonly number[]): number[] => list.filter((_, d) => d !== a && d !== b);
  const out = viewOf(
    self,
    [...others(self.shape), count],
    [...others(self.strides), self.strides[a]! + self.strides[b]!],
    self.offset + shift,
  );
  return record('diagonal', [self], out, { offset, dim1: a, dim2: b });
}

/**
 * Windows of `size` along a dimension, `step` apart, as a new last dimension. A view: windows may overlap.
 *
 * ```ts
 * arange(5).unfold(0, 3, 1).toArraySync(); // [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
 * ```
 */
export function unfold(self: Tensor, dimension: number, size: number, step: number): Tensor {
  const dim = wrapDim('unfold', dimension, self.ndim);
  const length = self.ndim === 0 ? 1 : self.shape[dim]!;
  if (!Number.isInteger(size) || size < 0)
    throw new RangeError(`unfold(): size must be an integer of at least 0, got ${String(size)}`);
  if (!Number.isInteger(step) || step <= 0)
    throw new RangeError(`unfold(): step must be an integer of at least 1, got ${String(step)}`);
  if (size > length) throw new ShapeError(`unfold(): windows of ${size} do not fit dimension ${dim} of size ${length}`);
  if (self.ndim === 0) return record('unfold', [self], viewOf(self, [size], [1], self.offset), { dim, size, step });
  const count = Math.floor((length - size) / step) + 1;
  const stride = self.strides[dim]!;
  const out = viewOf(
    self,
    [...self.shape.with(dim, count), size],
    [...self.strides.with(dim, stride * step), stride],
    self.offset,
  );
  return record('unfold', [self], out, { dim, size, step });
}

interface AsStridedArguments {
  size: readonly number[];
  stride: readonly number[];
  storageOffset: number | null;
}

const asStridedArguments = signature<AsStridedArguments>('asStrided', ['size', 'stride', 'storageOffset'], {
  storageOffset: null,
});

/**
 * A view of the tensor's whole storage with any shape, strides and offset, all counted in elements.
 * @throws RangeError when it would reach outside the storage.
 */
export function asStrided(
  self: Tensor,
  ...args: [
    size: readonly number[],
    stride: readonly number[],
    storageOffset?: number | null | { storageOffset?: number | null },
  ]
): Tensor {
  const { size, stride, storageOffset } = asStridedArguments(args);
  const offset = storageOffset ?? self.offset;
  if (size.length !== stride.length)
    throw new ShapeError(
      `asStrided(): size ${formatShape(size)} and stride ${formatShape(stride)} have different lengths`,
    );
  for (const number of [...size, ...stride, offset]) {
    if (!Number.isInteger(number) || number < 0)
      throw new RangeError(
        `asStrided(): sizes, strides and offset must be integers of at least 0, got ${String(number)}`,
      );
  }
  const reach = size.includes(0) ? 0 : size.reduce((last, n, d) => last + (n - 1) * stride[d]!, offset) + 1;
  if (reach > capacityOf(self)) {
    throw new RangeError(
      `asStrided(): size ${formatShape(size)}, stride ${formatShape(stride)} and offset ${offset} reach element ${reach} of a storage of ${capacityOf(self)}`,
    );
  }
  const attributes = {
    size: [...size],
    stride: [...stride],
    offset,
    sourceStride: self.strides,
    sourceOffset: self.offset,
  };
  return record('asStrided', [self], viewOf(self, attributes.size, attributes.stride, offset), attributes);
}

/** Where the first element lies in the storage, counted in elements. */
export function storageOffset(self: Tensor): number {
  return self.offset;
}
