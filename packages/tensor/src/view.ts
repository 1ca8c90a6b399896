/** @file How views are made: one place, so that all of them share memory and history in the same way. */
import { isDifferentiable, type DType } from './dtype.ts';
import { state } from './state.ts';
import { Tensor } from './tensor.ts';

/**
 * A tensor that shows elements of `self`'s storage under another shape. The caller records it.
 *
 * `base` tells autograd that changes of one are changes of the other. A view made while gradients are disabled from a
 * tensor that requires them is no part of the graph: with a base it would count as requiring grad, so it gets none.
 */
export function viewOf(self: Tensor, shape: readonly number[], strides: readonly number[], offset: number, dtype: DType = self.dtype): Tensor {
  const out = new Tensor(self.storage, dtype, shape, strides, offset);
  const apart = !isDifferentiable(dtype) || (!state.gradEnabled && self.requiresGrad);
  if (!apart) out.base = self.base ?? self;
  return out;
}
