/** @file Cutting a tensor into views along a dimension. */
import { integerList, signature, type Trailing } from '../args.ts';
import type { TypedArray } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { readLater, readNow } from '../read-now.ts';
import { record } from '../record.ts';
import { formatShape, wrapDim } from '../shape.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import { oneOfSeveral, sliceOf, viewOf } from '../view.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface SplittingOps {
  split: { dim: number; sizes: readonly number[] };
  splitWithSizes: { dim: number; sizes: readonly number[] };
  unbind: { dim: number };
}

type DimOption = { dim?: number | undefined };
const unbindArguments = signature<{ dim: number }>('unbind', ['dim'], { dim: 0 });

/**
 * The slices along a dimension, which disappears.
 *
 * ```ts
 * const [a, b] = tensor([[1, 2], [3, 4]]).unbind();
 * ```
 */
export function unbind(self: Tensor, ...args: Trailing<[dim: number], DimOption>): Tensor[] {
  const dim = dimensionOf('unbind', self, unbindArguments(args).dim);
  const [shape, strides] = [self.shape.toSpliced(dim, 1), self.strides.toSpliced(dim, 1)];
  const parts = Array.from({ length: self.shape[dim]! }, (_, i) =>
    viewOf(self, shape, strides, self.offset + i * self.strides[dim]!),
  );
  oneOfSeveral(parts);
  return record('unbind', [self], parts, { dim });
}

function dimensionOf(op: string, self: Tensor, dim: number): number {
  if (self.ndim === 0) throw new ShapeError(`${op}(): a 0-d tensor cannot be divided`);
  return wrapDim(op, dim, self.ndim);
}

function parts(self: Tensor, dim: number, sizes: readonly number[]): Tensor[] {
  let start = 0;
  const views = sizes.map((size) => {
    const part = viewOf(self, self.shape.with(dim, size), self.strides, self.offset + start * self.strides[dim]!);
    start += size;
    return part;
  });
  oneOfSeveral(views);
  return views;
}

/** Sizes of pieces of `piece` each, the last one smaller where it does not divide. An empty dimension is one piece. */
function evenSizes(total: number, piece: number): number[] {
  const count = total === 0 ? 1 : Math.ceil(total / piece);
  return Array.from({ length: count }, (_, i) => (i < count - 1 ? piece : total - piece * (count - 1)));
}

interface SplitArguments {
  splitSize: number | readonly number[];
  dim: number;
}
const splitArguments = signature<SplitArguments>('split', ['splitSize', 'dim'], { dim: 0 });

/**
 * Pieces of `splitSize` along `dim` (0), the last one smaller where it does not divide; or pieces of the listed sizes.
 *
 * ```ts
 * arange(5).split(2).map((x) => x.toArraySync()); // [[0, 1], [2, 3], [4]]
 * arange(5).split([1, 4]).map((x) => x.toArraySync()); // [[0], [1, 2, 3, 4]]
 * ```
 */
export function split(
  self: Tensor,
  ...args: [splitSize: number | readonly number[], dim?: number | DimOption]
): Tensor[] {
  const { splitSize, dim } = splitArguments(args);
  if (typeof splitSize !== 'number') return splitWithSizes(self, splitSize, dim);
  const d = dimensionOf('split', self, dim);
  const total = self.shape[d]!;
  if (!Number.isInteger(splitSize) || splitSize < 0 || (splitSize === 0 && total > 0)) {
    throw new RangeError(
      `split(): the size of pieces must be a positive integer for a dimension of size ${total}, got ${splitSize}`,
    );
  }
  const sizes = evenSizes(total, splitSize);
  return record('split', [self], parts(self, d, sizes), { dim: d, sizes });
}

const splitSizesArguments = signature<{ splitSizes: readonly number[]; dim: number }>(
  'splitWithSizes',
  ['splitSizes', 'dim'],
  { dim: 0 },
);

/** Pieces of the given sizes along `dim` (0), which must sum to its size. */
export function splitWithSizes(
  self: Tensor,
  ...args: [splitSizes: readonly number[], dim?: number | DimOption]
): Tensor[] {
  const { splitSizes, dim } = splitSizesArguments(args);
  const d = dimensionOf('splitWithSizes', self, dim);
  const bad = splitSizes.find((size) => !Number.isInteger(size) || size < 0);
  if (bad !== undefined || splitSizes.reduce((a, b) => a + b, 0) !== self.shape[d]) {
    throw new ShapeError(
      `splitWithSizes(): sizes ${formatShape(splitSizes)} must be at least 0 and sum to ${self.shape[d]}, the size of dimension ${d}`,
    );
  }
  return record('splitWithSizes', [self], parts(self, d, splitSizes), { dim: d, sizes: [...splitSizes] });
}

const chunkArguments = signature<{ chunks: number; dim: number }>('chunk', ['chunks', 'dim'], { dim: 0 });

/** At most `chunks` pieces of equal size along `dim` (0); the last one may be smaller. */
export function chunk(self: Tensor, ...args: [chunks: number, dim?: number | DimOption]): Tensor[] {
  const { chunks, dim } = chunkArguments(args);
  const d = dimensionOf('chunk', self, dim);
  if (!Number.isInteger(chunks) || chunks <= 0)
    throw new RangeError(`chunk(): the number of chunks must be a positive integer, got ${chunks}`);
  const total = self.shape[d]!;
  // PyTorch gives that many empty pieces of an empty dimension.
  return total === 0
    ? splitWithSizes(self, new Array<number>(chunks).fill(0), d)
    : split(self, Math.ceil(total / chunks), d);
}

interface TensorSplitArguments {
  indicesOrSections: number | readonly number[] | Tensor;
  dim: number;
}
const tensorSplitArguments = signature<TensorSplitArguments>('tensorSplit', ['indicesOrSections', 'dim'], { dim: 0 });

/** The number of sections or the cutting points in an argument that may also be a tensor of either, whose values `read` knows. */
function cuts(
  op: string,
  value: number | readonly number[] | Tensor,
  read: (x: Tensor) => TypedArray,
): number | readonly number[] {
  if (!isTensor(value)) return typeof value === 'number' ? value : integerList(op, [value]);
  if (value.ndim > 1)
    throw new ShapeError(
      `${op}(): a tensor of cutting points must have at most one dimension, got shape ${formatShape(value.shape)}`,
    );
  const values = Array.from(read(value), Number);
  return value.ndim === 0 ? values[0]! : values;
}

/**
 * Pieces along `dim` (0): `n` of nearly equal size, or cut before the listed positions.
 *
 * ```ts
 * arange(7).tensorSplit(3).map((x) => x.length); // [3, 2, 2]
 * arange(7).tensorSplit([1, 4]).map((x) => x.length); // [1, 3, 3]
 * ```
 */
export function tensorSplit(
  self: Tensor,
  ...args: [indicesOrSections: number | readonly number[] | Tensor, dim?: number | DimOption]
): Tensor[] {
  const { indicesOrSections, dim } = tensorSplitArguments(args);
  return splitAt(
    self,
    cuts('tensorSplit', indicesOrSections, (x) => readNow('tensorSplit', x)),
    dim,
  );
}

/** `tensorSplit(…)` on every device: a tensor of cutting points is read asynchronously. */
export async function tensorSplitAsync(
  self: Tensor,
  ...args: [indicesOrSections: number | readonly number[] | Tensor, dim?: number | DimOption]
): Promise<Tensor[]> {
  const { indicesOrSections, dim } = tensorSplitArguments(args);
  const values = isTensor(indicesOrSections) ? await readLater(indicesOrSections) : null;
  return splitAt(
    self,
    cuts('tensorSplit', indicesOrSections, () => values!),
    dim,
  );
}

function splitAt(self: Tensor, at: number | readonly number[], dim: number): Tensor[] {
  const d = dimensionOf('tensorSplit', self, dim);
  const size = self.shape[d]!;
  if (typeof at === 'number') {
    if (!Number.isInteger(at) || at <= 0)
      throw new RangeError(`tensorSplit(): the number of sections must be a positive integer, got ${at}`);
    const [least, extra] = [Math.floor(size / at), size % at];
    return slices(
      self,
      d,
      Array.from({ length: at - 1 }, (_, i) => (i + 1) * least + Math.min(i + 1, extra)),
    );
  }
  return slices(self, d, at);
}

/** Pieces between cutting points, which may count from the end and are clipped as Python's slices are. */
function slices(self: Tensor, dim: number, points: readonly number[]): Tensor[] {
  const size = self.shape[dim]!;
  const clip = (point: number): number => Math.min(Math.max(point < 0 ? point + size : point, 0), size);
  const bounds = [0, ...points.map(clip), size];
  return Array.from({ length: bounds.length - 1 }, (_, i) =>
    sliceOf(self, dim, bounds[i]!, Math.max(bounds[i + 1]! - bounds[i]!, 0), 1),
  );
}

function evenly(op: string, self: Tensor, dim: number, leastRank: number, value: number | readonly number[]): Tensor[] {
  if (self.ndim < leastRank)
    throw new ShapeError(`${op}(): expects at least ${leastRank} dimensions, got shape ${formatShape(self.shape)}`);
  if (typeof value === 'number' && (value <= 0 || self.shape[dim]! % value !== 0)) {
    throw new ShapeError(`${op}(): dimension ${dim} of size ${self.shape[dim]} does not divide into ${value} sections`);
  }
  return tensorSplit(self, value, dim);
}

/** `tensorSplit` along columns: dimension 1, or 0 of a vector. A number of sections must divide the size. */
export function hsplit(self: Tensor, indicesOrSections: number | readonly number[]): Tensor[] {
  return evenly('hsplit', self, self.ndim === 1 ? 0 : 1, 1, indicesOrSections);
}

/** `tensorSplit` along rows, dimension 0. A number of sections must divide the size. */
export function vsplit(self: Tensor, indicesOrSections: number | readonly number[]): Tensor[] {
  return evenly('vsplit', self, 0, 2, indicesOrSections);
}

/** `tensorSplit` along dimension 2. A number of sections must divide the size. */
export function dsplit(self: Tensor, indicesOrSections: number | readonly number[]): Tensor[] {
  return evenly('dsplit', self, 2, 3, indicesOrSections);
}
