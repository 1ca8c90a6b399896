/** @file Picking elements by index tensors: gather, takeAlongDim, indexSelect, take. */
import { allocateLike } from '../allocate.ts';
import { checkOptions } from '../args.ts';
import { IndexError, ShapeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import { asVector, checkGatherShape, checkIndex, positionsOf, sameDevice, slicesAt } from '../positions.ts';
import { record } from '../record.ts';
import { broadcastShapes, formatShape, wrapDim } from '../shape.ts';
import { backendFor } from '../state.ts';
import { Tensor } from '../tensor.ts';
import { copyOf } from './copy.ts';
import type { OutOption } from './make.ts';
import { expand, reshape } from './views.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. The index is an input too. */
export interface GatherOps {
  gather: { dim: number };
  indexSelect: { dim: number };
  take: object;
}

/**
 * Elements picked along a dimension: out[i][j] = self[index[i][j]][j] for dim 0, self[i][index[i][j]] for dim 1.
 *
 * ```ts
 * const x = tensor([[1, 2], [3, 4]]);
 * x.gather(1, tensor([[0], [1]], { dtype: 'int32' })).toArraySync(); // [[1], [4]]
 * ```
 * @throws IndexError for an index out of range (negative ones are), DTypeError for one that is not int32 or int64.
 */
export function gather(self: Tensor, dim: number, index: Tensor, options: OutOption = {}): Tensor {
  checkOptions('gather', options, ['out']);
  return intoOut('gather', options.out, [self], () => gathered(self, dim, index));
}

function gathered(self: Tensor, dim: number, index: Tensor): Tensor {
  sameDevice('gather', self, index);
  const d = wrapDim('gather', dim, self.ndim);
  checkIndex('gather', index);
  const out = allocateLike(self, index.shape);
  if (index.elementCount > 0) {
    const [x, at] = [asVector(self), asVector(index)];
    checkGatherShape('gather', at.shape, x.shape, d, 'a tensor');
    backendFor(self.device).gather(x, d, positionsOf('gather', at, d, x.shape[d]!), asVector(out));
  }
  return record('gather', [self, index], out, { dim: d });
}

/**
 * `gather` with the other dimensions broadcast against each other; without `dim`, of the flattened tensors.
 * Goes with `argmax`, `argsort` and the like.
 */
export function takeAlongDim(
  self: Tensor,
  indices: Tensor,
  ...args: [dim?: number | null | { dim?: number | null }]
): Tensor {
  const [last] = args;
  const dim = typeof last === 'object' && last !== null ? (last.dim ?? null) : (last ?? null);
  if (dim === null) return gather(reshape(self, -1), 0, reshape(indices, -1));
  if (self.ndim !== indices.ndim) {
    throw new ShapeError(
      `takeAlongDim(): shapes ${formatShape(self.shape)} and ${formatShape(indices.shape)} must have the same number of dimensions`,
    );
  }
  checkIndex('takeAlongDim', indices);
  const d = wrapDim('takeAlongDim', dim, self.ndim);
  const common = broadcastShapes('takeAlongDim', self.shape.with(d, 1), indices.shape.with(d, 1));
  return gather(expand(self, common.with(d, self.shape[d]!)), d, expand(indices, common.with(d, indices.shape[d]!)));
}

/**
 * Slices picked along a dimension by a vector of positions.
 *
 * ```ts
 * tensor([[1, 2], [3, 4]]).indexSelect(0, tensor([1, 1], { dtype: 'int32' })).toArraySync(); // [[3, 4], [3, 4]]
 * ```
 */
export function indexSelect(self: Tensor, dim: number, index: Tensor, options: OutOption = {}): Tensor {
  checkOptions('indexSelect', options, ['out']);
  return intoOut('indexSelect', options.out, [self], () => indexSelected(self, dim, index));
}

function indexSelected(self: Tensor, dim: number, index: Tensor): Tensor {
  const d = wrapDim('indexSelect', dim, self.ndim);
  return record('indexSelect', [self, index], slicesAt('indexSelect', self, d, index), { dim: d });
}

/** The elements at positions of the flattened tensor, in the index's shape. Negative positions count from the end. */
export function take(self: Tensor, index: Tensor, options: OutOption = {}): Tensor {
  checkOptions('take', options, ['out']);
  return intoOut('take', options.out, [self], () => taken(self, index));
}

function taken(self: Tensor, index: Tensor): Tensor {
  sameDevice('take', self, index);
  if (self.elementCount === 0 && index.elementCount > 0)
    throw new IndexError('take(): cannot take elements of an empty tensor');
  const [x, at] = [self.isContiguous() ? self : copyOf(self), index.isContiguous() ? index : copyOf(index)];
  const vector = (t: Tensor): Tensor => new Tensor(t.storage, t.dtype, [t.elementCount], [1], t.offset);
  const backend = backendFor(self.device);
  const positions = positionsOf('take', vector(at), 0, x.elementCount, { wrap: true });
  const out = allocateLike(self, index.shape);
  backend.gather(vector(x), 0, positions, vector(out));
  return record('take', [self, index], out, {});
}
