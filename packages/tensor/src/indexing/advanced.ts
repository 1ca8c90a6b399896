/** @file Reading and writing by index tensors, one for each indexed dimension: NumPy's advanced indexing. */
import { allocateLike } from '../allocate.ts';
import type { Positions } from '../backend.ts';
import { DTypeError, IndexError } from '../errors.ts';
import { expand, unsqueeze } from '../ops/views.ts';
import type { PointwiseFunction } from '../pointwise.ts';
import { asVector, checkIndex, positionsOf, sameDevice } from '../positions.ts';
import { record } from '../record.ts';
import { broadcastShapes, formatShape } from '../shape.ts';
import { backendFor } from '../state.ts';
import { Tensor } from '../tensor.ts';
import { apart, type Writing, writingFunction } from '../writing.ts';

/** Ops of indexing that autograd has derivatives for. Inputs: self, (values,) then an index or null for each dimension. */
export interface IndexOps {
  index: object;
  indexPut: { accumulate: boolean };
}

/** The places that index tensors name, as positions along one dimension. */
interface Places {
  /** self's memory with dimension `dim` standing for all indexed ones; further dimensions of the index have stride 0. */
  readonly memory: Tensor;
  readonly dim: number;
  readonly positions: Positions<Tensor>;
  /** The shape of what is read or written. */
  readonly shape: readonly number[];
  /** Whether the index is a single element, whose dimension the shape does not have. */
  readonly single: boolean;
}

/**
 * Positions for indices of some dimensions, of a shape that they broadcast to, and the step between neighbours. Of several
 * indices, positions are joint and counted in elements of memory, so that steps of 1 reach any of them.
 */
function positionsAt(
  op: string,
  self: Tensor,
  dims: readonly number[],
  indices: readonly Tensor[],
  shape: readonly number[],
  target?: Tensor,
): { found: Positions<Tensor>; step: number } {
  const [d, index] = [dims[0]!, indices[0]!];
  if (dims.length === 1) {
    const found = positionsOf(op, asVector(index), d, self.shape[d]!, { wrap: true, ...(target && { target }) });
    return { found, step: self.strides[d]! };
  }
  const view = allocateLike(self, shape, 'int32');
  const terms = dims.map((dim, k) => ({
    index: indices[k]!,
    size: self.shape[dim]!,
    stride: self.strides[dim]!,
    wrap: true,
    op,
    dim,
  }));
  backendFor(self.device).indexOffsets(terms, view);
  return { found: { view, bound: null }, step: 1 };
}

/** @param target what will be written at the places, if anything is */
function placesOf(op: string, self: Tensor, indices: readonly (Tensor | null)[], target?: Tensor): Places {
  if (indices.length > self.ndim)
    throw new IndexError(`${op}(): ${indices.length} indices for a tensor of shape ${formatShape(self.shape)}`);
  const dims = self.shape.map((_, d) => d);
  const indexed = dims.filter((d) => indices[d] !== null && indices[d] !== undefined);
  const tensors = indexed.map((d) => indices[d]!);
  for (const index of tensors) checkIndex(op, index);
  sameDevice(op, self, ...tensors);
  const common = tensors.reduce<readonly number[]>((shape, index) => broadcastShapes(op, shape, index.shape), []);
  // Indices side by side leave their dimensions in place; apart, theirs come first.
  const adjacent = indexed.every((d, k) => k === 0 || d === indexed[k - 1]! + 1);
  const before = adjacent ? dims.filter((d) => d < indexed[0]!) : [];
  const after = dims.filter((d) => !indexed.includes(d) && !before.includes(d));
  const single = common.length === 0;
  const block = single ? [1] : common;
  const { found, step } = positionsAt(op, self, indexed, tensors, block, target);
  const spread = <T>(outer: (d: number) => T, inner: readonly T[]): T[] => [
    ...before.map(outer),
    ...inner,
    ...after.map(outer),
  ];
  const sizes = spread((d) => self.shape[d]!, block);
  const strides = spread(
    (d) => self.strides[d]!,
    block.map((_, k) => (k === 0 ? step : 0)),
  );
  return {
    memory: new Tensor(self.storage, self.dtype, sizes, strides, self.offset),
    dim: before.length,
    positions: {
      view: new Tensor(
        found.view.storage,
        found.view.dtype,
        sizes,
        spread(() => 0, found.view.strides),
        found.view.offset,
      ),
      bound: found.bound,
    },
    shape: spread((d) => self.shape[d]!, common),
    single,
  };
}

/**
 * Elements picked by index tensors (null: the whole dimension), which broadcast against each other.
 * @throws IndexError for an index out of range, ShapeError for indices that do not broadcast.
 */
export function index(self: Tensor, indices: readonly (Tensor | null)[]): Tensor {
  const { memory, dim, positions, shape } = placesOf('at', self, indices);
  const backend = backendFor(self.device);
  const out = allocateLike(self, shape);
  backend.gather(memory, dim, positions, new Tensor(out.storage, out.dtype, positions.view.shape));
  return record('index', [self, ...indices], out, {});
}

/** @throws DTypeError unless values have the dtype of what they are written to. */
export function checkSameDType(op: string, self: Tensor, values: Tensor): void {
  if (values.dtype === self.dtype) return;
  throw new DTypeError(
    `${op}(): the values are ${values.dtype} but the tensor ${self.dtype}; convert them with .to('${self.dtype}')`,
  );
}

type PutArguments = [indices: readonly (Tensor | null)[], values: Tensor, accumulate: boolean];

/** `values`, broadcast, written to (or with `accumulate` added at) the places that index tensors name. */
export const indexPutAt: PointwiseFunction<PutArguments> = writingFunction(
  'indexPut',
  (self: Tensor, ...[indices, values, accumulate]: PutArguments): Writing => {
    sameDevice('indexPut', self, values);
    checkSameDType('indexPut', self, values);
    const { shape } = placesOf('indexPut', self, indices);
    const spread = expand(values, shape);
    return {
      inputs: [values],
      write: (target) => {
        // The copy that the out-of-place form writes to has other strides than self.
        const { memory, dim, positions, single } = placesOf('indexPut', target, indices, target);
        const source = single ? unsqueeze(spread, dim) : spread;
        backendFor(target.device).scatter(memory, dim, positions, apart(source, target), accumulate ? 'add' : 'assign');
      },
      record: (out) => record('indexPut', [self, values, ...indices], out, { accumulate }),
    };
  },
);
