/** @file Sorting, and what is picked by order: topk, kthvalue, median, mode. */
import { signature, type Trailing } from '../args.ts';
import { arange, full, ones } from '../creation.ts';
import { isComplex, isFloating } from '../dtype.ts';
import { DTypeError, IndexError } from '../errors.ts';
import { call } from '../ir/expr.ts';
import { type ValuesIndices, valuesIndices } from '../named.ts';
import { callPointwise, pointwise } from '../pointwise.ts';
import { asVector } from '../positions.ts';
import { record } from '../record.ts';
import { checkReducible, reduceDims, reducedShape } from '../reduction.ts';
import { wrapDim } from '../shape.ts';
import { backendFor } from '../state.ts';
import { Tensor } from '../tensor.ts';
import { copyOf } from './copy.ts';
import { cat } from './join.ts';
import type { PickOptions } from './reduce.ts';

type Pair = readonly [values: Tensor, indices: Tensor];

/** Values and positions in order along `dim`; no history. */
function inOrder(op: string, self: Tensor, dim: number, descending: boolean): Pair {
  if (isComplex(self.dtype))
    throw new DTypeError(`${op}(): complex numbers (${self.dtype}) have no order; sort abs() or the real parts`);
  const x = asVector(self);
  const backend = backendFor(x.device);
  const values = new Tensor(backend.allocate(x.dtype, x.elementCount), x.dtype, x.shape);
  const indices = new Tensor(backend.allocate('int32', x.elementCount), 'int32', x.shape);
  backend.sort(x, dim, descending, values, indices);
  return [values, indices];
}

/** Fresh row-major memory under another shape; not a view in autograd's eyes. */
const reshaped = (x: Tensor, shape: readonly number[]): Tensor => new Tensor(x.storage, x.dtype, shape);

/** Records that `results` (along `dim`, perhaps without it) were picked from self. */
function picked(
  op: string,
  self: Tensor,
  [values, indices]: Pair,
  dim: number,
  keepdim: boolean,
  node: string,
  out: PickOptions['out'],
): ValuesIndices {
  const shape = self.ndim === 0 ? [] : keepdim ? values.shape : reducedShape(values.shape, [dim], false);
  const results = [reshaped(values, shape), reshaped(indices, shape)] as const;
  record('pick', [self], results, { dim, keepdim, node });
  return valuesIndices(op, self, results, out);
}

/** The `count` entries from `start` on, along `dim`, of both. */
const slicePair = ([values, indices]: Pair, dim: number, start: number, count: number): Pair => [
  copyOf(values.narrow(dim, start, count)),
  copyOf(indices.narrow(dim, start, count)),
];

const gatherPair = ([values, indices]: Pair, dim: number, at: Tensor): Pair => [
  values.gather(dim, at),
  indices.gather(dim, at),
];

export interface SortOptions {
  dim?: number | undefined;
  descending?: boolean | undefined;
  /** Accepted for PyTorch's sake: sorting is always stable. */
  stable?: boolean | undefined;
  /** Receive values and indices. */
  out?: readonly [Tensor, Tensor] | undefined;
}

type SortArguments<O> = Trailing<[dim: number, descending: boolean, stable: boolean], O>;

const parseSort = (op: string): ((args: readonly unknown[]) => Required<SortOptions>) =>
  signature<Required<SortOptions>>(op, ['dim', 'descending', 'stable'], {
    dim: -1,
    descending: false,
    stable: false,
    out: undefined,
  });
const sortArguments = parseSort('sort');
const argsortArguments = parseSort('argsort');

/**
 * The values in ascending (or descending) order along `dim`, the last unless given, and where they were (int32).
 * Equal values keep their order; NaN counts as greatest.
 *
 * ```ts
 * const [values, indices] = tensor([3, 1, 2]).sort(); // [1., 2., 3.], [1, 2, 0]
 * ```
 */
export function sort(self: Tensor, ...args: SortArguments<SortOptions>): ValuesIndices {
  const { dim: asked, descending, out } = sortArguments(args);
  const dim = wrapDim('sort', asked as number, self.ndim);
  return picked('sort', self, inOrder('sort', self, dim, descending ?? false), dim, true, 'SortBackward0', out);
}

/** The positions (int32) that sort the tensor along `dim`. */
export function argsort(self: Tensor, ...args: SortArguments<Omit<SortOptions, 'out'>>): Tensor {
  const { dim: asked, descending } = argsortArguments(args);
  const dim = wrapDim('argsort', asked as number, self.ndim);
  return reshaped(inOrder('argsort', self, dim, descending ?? false)[1], self.shape);
}

/** The tensor sorted along its first dimension. */
export function msort(self: Tensor): Tensor {
  return sort(self, 0)[0];
}

export interface TopkOptions {
  dim?: number | undefined;
  largest?: boolean | undefined;
  /** The results are sorted either way. */
  sorted?: boolean | undefined;
  /** Receive values and indices. */
  out?: readonly [Tensor, Tensor] | undefined;
}

const parseTopk = signature<Required<TopkOptions> & { k: number }>('topk', ['k', 'dim', 'largest', 'sorted'], {
  dim: -1,
  largest: true,
  sorted: true,
  out: undefined,
});

/**
 * The `k` greatest (or least) values along `dim`, in order, and their positions (int32).
 *
 * ```ts
 * tensor([1, 4, 2, 3]).topk(2).values; // tensor([4., 3.])
 * ```
 * @throws RangeError when there are fewer than k.
 */
export function topk(
  self: Tensor,
  k: number,
  ...args: Trailing<[dim: number, largest: boolean, sorted: boolean], TopkOptions>
): ValuesIndices {
  const { dim: asked, largest, out } = parseTopk([k, ...args]);
  const dim = wrapDim('topk', asked as number, self.ndim);
  const size = self.shape[dim] ?? 1;
  if (!Number.isInteger(k) || k < 0 || k > size)
    throw new RangeError(
      `topk(): k must be an integer from 0 to the ${size} elements along dimension ${dim}, got ${k}`,
    );
  return picked(
    'topk',
    self,
    slicePair(inOrder('topk', self, dim, largest ?? true), dim, 0, k),
    dim,
    true,
    'TopkBackward0',
    out,
  );
}

const parseKth = signature<Required<PickOptions> & { k: number }>('kthvalue', ['k', 'dim', 'keepdim'], {
  dim: -1,
  keepdim: false,
  out: undefined,
});

/**
 * The k-th least value along `dim`, counting from 1, and its position (int32).
 * @throws RangeError when there are fewer than k.
 */
export function kthvalue(
  self: Tensor,
  k: number,
  ...args: Trailing<[dim: number, keepdim: boolean], PickOptions>
): ValuesIndices {
  const { dim: asked, keepdim, out } = parseKth([k, ...args]);
  const dim = wrapDim('kthvalue', asked as number, self.ndim);
  const size = self.shape[dim] ?? 1;
  if (!Number.isInteger(k) || k < 1 || k > size)
    throw new RangeError(
      `kthvalue(): k must be an integer from 1 to the ${size} elements along dimension ${dim}, got ${k}`,
    );
  return picked(
    'kthvalue',
    self,
    slicePair(inOrder('kthvalue', self, dim, false), dim, k - 1, 1),
    dim,
    keepdim ?? false,
    'KthvalueBackward0',
    out,
  );
}

// Where the median is among n sorted values of which the last `nans` are NaN: the lower of the two middle ones.
const medianPosition = pointwise(2, (nans, n) => nans.gt(0).where(n.sub(nans), call('floorDiv', n.sub(1), 2)), {
  name: 'median',
  promotion: 'promote',
  parameters: 1,
});
const nanmedianPosition = pointwise(2, (nans, n) => call('floorDiv', n.sub(nans).sub(1).max(0), 2), {
  name: 'nanmedian',
  promotion: 'promote',
  parameters: 1,
});

function middle(op: 'median' | 'nanmedian', self: Tensor, dim: number): Pair {
  const sorted = inOrder(op, self, dim, false);
  const size = sorted[0].shape[dim]!;
  if (!isFloating(self.dtype)) return slicePair(sorted, dim, (size - 1) >> 1, 1);
  const nans = sorted[0].isnan().sum(dim, true);
  return gatherPair(sorted, dim, callPointwise(op === 'median' ? medianPosition : nanmedianPosition, [nans, size]));
}

/** `median` and `nanmedian`: of all elements, or along a dimension. As a method without `self`. */
export interface MedianFunction {
  (self: Tensor): Tensor;
  (self: Tensor, dim: number, keepdim?: boolean, options?: PickOptions): ValuesIndices;
  (self: Tensor, dim: number, options: PickOptions): ValuesIndices;
  (self: Tensor, options: PickOptions & { dim: number }): ValuesIndices;
  /** The method's type; there is no such property at run time. */
  readonly methodType: {
    (): Tensor;
    (dim: number, keepdim?: boolean, options?: PickOptions): ValuesIndices;
    (dim: number, options: PickOptions): ValuesIndices;
    (options: PickOptions & { dim: number }): ValuesIndices;
  };
}

function medianFunction(op: 'median' | 'nanmedian'): MedianFunction {
  const parse = signature<Required<PickOptions>>(op, ['dim', 'keepdim'], { keepdim: false, out: undefined });
  const node = op === 'median' ? 'MedianBackward' : 'NanmedianBackward';
  const f = (self: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices => {
    if (args.length === 0) return ofAll(op, self, `${node}0`);
    const { dim: asked, keepdim, out } = parse(args);
    const dim = wrapDim(op, asked as number, self.ndim);
    checkReducible(op, self, self.ndim === 0 ? [] : [dim]);
    return picked(op, self, middle(op, self, dim), dim, keepdim ?? false, `${node}1`, out);
  };
  return f as unknown as MedianFunction;
}

function ofAll(op: 'median' | 'nanmedian', self: Tensor, node: string): Tensor {
  if (self.elementCount === 0) {
    if (!isFloating(self.dtype))
      throw new IndexError(`${op}(): a tensor without elements has no median in ${self.dtype}`);
    return full([], Number.NaN, { dtype: self.dtype, device: self.device });
  }
  const [values] = middle(op, self.detach().flatten(), 0);
  return record('extreme', [self], reshaped(values, []), {
    dims: reduceDims(op, null, self.ndim),
    keepdim: false,
    all: true,
    node,
  });
}

/**
 * The median of all elements, or along a dimension with its position (int32): the lower one of two middle values.
 * NaN if there is any.
 *
 * ```ts
 * tensor([4, 1, 3, 2]).median(); // tensor(2.)
 * const [values, indices] = tensor([[1, 5, 3]]).median(1); // tensor([3.]), tensor([2])
 * ```
 */
export const median: MedianFunction = medianFunction('median');

/** The median of the elements that are not NaN: see {@link median}. */
export const nanmedian: MedianFunction = medianFunction('nanmedian');

const parseMode = signature<Required<PickOptions>>('mode', ['dim', 'keepdim'], {
  dim: -1,
  keepdim: false,
  out: undefined,
});

/**
 * The most frequent value along `dim`, the least of those that are equally frequent, and the position (int32) of its
 * last occurrence.
 */
export function mode(self: Tensor, ...args: Trailing<[dim: number, keepdim: boolean], PickOptions>): ValuesIndices {
  const { dim: asked, keepdim, out } = parseMode(args);
  const dim = wrapDim('mode', asked as number, self.ndim);
  checkReducible('mode', self, self.ndim === 0 ? [] : [dim]);
  const sorted = inOrder('mode', self, dim, false);
  const end = longestRunEnd(sorted[0], dim);
  return picked('mode', self, gatherPair(sorted, dim, end), dim, keepdim ?? false, 'ModeBackward0', out);
}

/** Along `dim` of sorted values, the last position of the first longest run of equal ones. */
function longestRunEnd(sorted: Tensor, dim: number): Tensor {
  const size = sorted.shape[dim]!;
  const positions = arange(size, { device: sorted.device }).view(sorted.shape.map((_, d) => (d === dim ? size : 1)));
  const first = ones(sorted.shape.with(dim, 1), { dtype: 'bool', device: sorted.device });
  const starts = cat([first, sorted.narrow(dim, 1, size - 1).ne(sorted.narrow(dim, 0, size - 1))], { dim });
  const startOfRun = positions.mul(starts).cummax(dim)[0];
  return positions.sub(startOfRun).argmax(dim, true);
}
