/** @file How views are made: one place, so that all of them share memory and history in the same way. */
import { filled } from './creation.ts';
import { type DType, dtypeInfo, isDifferentiable } from './dtype.ts';
import { copyValues } from './inplace.ts';
import { record } from './record.ts';
import { state } from './state.ts';
import { Tensor } from './tensor.ts';

/** Views that several families make, and what their derivatives are made of, with their attributes. */
export interface ViewPieceOps {
  alias: object;
  select: { dim: number; index: number };
  slice: { dim: number; start: number; step: number };
  inZeros: { shape: readonly number[]; strides: readonly number[]; offset: number };
}

/**
 * A tensor that shows elements of `self`'s storage under another shape. The caller records it.
 *
 * `base` tells autograd that changes of one are changes of the other. A view made while gradients are disabled from a
 * tensor that requires them is no part of the graph: with a base it would count as requiring grad, so it gets none.
 * Nor does a view of the bytes as another dtype.
 */
export function viewOf(
  self: Tensor,
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
  dtype: DType = self.dtype,
): Tensor {
  const out = new Tensor(self.storage, dtype, shape, strides, offset);
  const apart = dtype !== self.dtype || !isDifferentiable(dtype) || (!state.gradEnabled && self.requiresGrad);
  if (!apart) out.base = self.base ?? self;
  out.restriction = state.gradEnabled ? self.restriction : 'noGrad';
  return out;
}

/** The views that one op has made; PyTorch lets none of several be changed in place where that is recorded. */
export function oneOfSeveral(views: readonly Tensor[]): void {
  if (state.gradEnabled) for (const view of views) view.restriction = 'multiple';
}

/** How many elements of the tensor's dtype its storage has: that may hold another one. */
export const capacityOf = ({ storage, dtype }: Tensor): number =>
  storage.dtype === dtype
    ? storage.length
    : Math.floor((storage.length * dtypeInfo(storage.dtype).bytes) / dtypeInfo(dtype).bytes);

/** The view of complex numbers as pairs of real ones, or the other way round: unlike other changes of dtype with a history. */
export function partsView(
  self: Tensor,
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
  dtype: DType,
): Tensor {
  const out = new Tensor(self.storage, dtype, shape, strides, offset);
  if (state.gradEnabled || !self.requiresGrad) out.base = self.base ?? self;
  out.restriction = state.gradEnabled ? self.restriction : 'noGrad';
  return out;
}

/** The same view once more: another tensor with the same elements. */
export function aliasOf(self: Tensor): Tensor {
  return record('alias', [self], viewOf(self, self.shape, self.strides, self.offset), {});
}

/** The view of one position of a dimension, which disappears. Arguments are checked already. */
export function selectOf(self: Tensor, dim: number, index: number): Tensor {
  const offset = self.offset + index * self.strides[dim]!;
  return record('select', [self], viewOf(self, self.shape.toSpliced(dim, 1), self.strides.toSpliced(dim, 1), offset), {
    dim,
    index,
  });
}

/** The view of every `step`-th position of a dimension from `start` on, `count` of them. Arguments are checked already. */
export function sliceOf(self: Tensor, dim: number, start: number, count: number, step: number): Tensor {
  const shape = self.shape.with(dim, count);
  const strides = self.strides.with(dim, self.strides[dim]! * step);
  const out = viewOf(self, shape, strides, self.offset + start * self.strides[dim]!);
  return record('slice', [self], out, { dim, start, step });
}

/**
 * Zeros of `shape` with `values` at the places that `strides` and `offset` pick from its row-major elements: the
 * gradient of taking such a view. No two values may have one place.
 */
export function inZeros(values: Tensor, shape: readonly number[], strides: readonly number[], offset: number): Tensor {
  const out = filled('zeros', shape, 0, { dtype: values.dtype, device: values.device });
  copyValues(new Tensor(out.storage, out.dtype, values.shape, strides, offset), values);
  out.storage.version = 0;
  return record('inZeros', [values], out, { shape, strides, offset });
}
