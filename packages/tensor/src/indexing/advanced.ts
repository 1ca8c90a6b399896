/** @file Reading and writing by index tensors, one for each indexed dimension: NumPy's advanced indexing. */
import { allocateLike } from '../allocate.ts';
import { DTypeError, IndexError } from '../errors.ts';
import { expand, unsqueeze } from '../ops/views.ts';
import type { PointwiseFunction } from '../pointwise.ts';
import { checkIndex, sameDevice } from '../positions.ts';
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

/**
 * The places that index tensors name. Their joint positions are counted in elements of memory, so that one step along
 * one dimension of stride 1 reaches any of them, whatever the strides of the indexed dimensions are.
 */
interface Places {
  /** self's memory with dimension `dim` standing for all indexed ones; further dimensions of the index have stride 0. */
  readonly memory: Tensor;
  readonly dim: number;
  readonly positions: Tensor;
  /** The shape of what is read or written. */
  readonly shape: readonly number[];
  /** Whether the index is a single element, whose dimension the shape does not have. */
  readonly single: boolean;
}

function placesOf(op: string, self: Tensor, indices: readonly (Tensor | null)[]): Places {
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
  const backend = backendFor(self.device);
  const found = allocateLike(self, block, 'int32');
  const terms = indexed.map((d, k) => ({
    index: tensors[k]!,
    size: self.shape[d]!,
    stride: self.strides[d]!,
    wrap: true,
    op,
    dim: d,
  }));
  backend.indexOffsets(terms, found);
  const spread = <T>(outer: (d: number) => T, inner: readonly T[]): T[] => [
    ...before.map(outer),
    ...inner,
    ...after.map(outer),
  ];
  const sizes = spread((d) => self.shape[d]!, block);
  const strides = spread(
    (d) => self.strides[d]!,
    block.map((_, k) => (k === 0 ? 1 : 0)),
  );
  return {
    memory: new Tensor(self.storage, self.dtype, sizes, strides, self.offset),
    dim: before.length,
    positions: new Tensor(
      found.storage,
      'int32',
      sizes,
      spread(() => 0, found.strides),
    ),
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
  backend.gather(memory, dim, positions, new Tensor(out.storage, out.dtype, positions.shape));
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
        const { memory, dim, positions, single } = placesOf('indexPut', target, indices);
        const source = single ? unsqueeze(spread, dim) : spread;
        backendFor(target.device).scatter(memory, dim, positions, apart(source, target), accumulate ? 'add' : 'assign');
      },
      record: (out) => record('indexPut', [self, values, ...indices], out, { accumulate }),
    };
  },
);
