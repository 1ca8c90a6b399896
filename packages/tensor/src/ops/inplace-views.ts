/**
 * @file Changes of shape in place: the tensor itself becomes a view of its memory. Other tensors on that memory keep
 * their shapes.
 */
import { integerList, type Trailing } from '../args.ts';
import { AutogradError, ShapeError } from '../errors.ts';
import { resizeMemory } from '../resize.ts';
import { formatShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { asStrided } from './strided.ts';
import { squeeze, t, transpose, unsqueeze } from './views.ts';

/** @throws AutogradError for a leaf that requires gradients, as for other changes in place. */
function become(op: string, self: Tensor, view: () => Tensor): Tensor {
  if (state.gradEnabled && self.requiresGrad) state.recorder!.checkInplace(op, self);
  const result = view();
  self.takeLayout(result);
  if (state.gradEnabled && result.requiresGrad) state.recorder!.adopt(self, result);
  return self;
}

/**
 * Swaps two dimensions of the tensor itself.
 *
 * ```ts
 * const x = zeros(2, 3);
 * x.transpose_(0, 1);
 * x.shape; // [3, 2]
 * ```
 */
export function transpose_(self: Tensor, dim0: number, dim1: number): Tensor {
  return become('transpose_', self, () => transpose(self, dim0, dim1));
}

/** Same as `transpose_`. */
export function swapaxes_(self: Tensor, axis0: number, axis1: number): Tensor {
  return become('swapaxes_', self, () => transpose(self, axis0, axis1));
}

/** Same as `transpose_`. */
export function swapdims_(self: Tensor, dim0: number, dim1: number): Tensor {
  return become('swapdims_', self, () => transpose(self, dim0, dim1));
}

/** Makes the tensor itself its transpose. @throws ShapeError for more than 2 dimensions. */
export function t_(self: Tensor): Tensor {
  return become('t_', self, () => t(self));
}

/** Drops dimensions of size 1 from the tensor itself. */
export function squeeze_(
  self: Tensor,
  ...args: Trailing<[dim: number | readonly number[]], { dim?: number | readonly number[] }>
): Tensor {
  return become('squeeze_', self, () => squeeze(self, ...args));
}

/** Gives the tensor itself a dimension of size 1. */
export function unsqueeze_(self: Tensor, dim: number): Tensor {
  return become('unsqueeze_', self, () => unsqueeze(self, dim));
}

/** Gives the tensor itself any shape, strides and offset within its storage. */
export function asStrided_(
  self: Tensor,
  ...args: [
    size: readonly number[],
    stride: readonly number[],
    storageOffset?: number | null | { storageOffset?: number | null },
  ]
): Tensor {
  return become('asStrided_', self, () => asStrided(self, ...args));
}

/**
 * Gives the tensor itself any shape, row-major from where it begins. Elements stay as they lie in memory. Where the
 * memory is too small, this tensor gets new memory with the old contents in front, and what is behind has no defined
 * values; other tensors keep the old memory.
 *
 * ```ts
 * tensor([[1, 2], [3, 4]]).resize_(3).toArraySync(); // [1, 2, 3]
 * ```
 * @throws AutogradError for tensors that require gradients, ShapeError for views that would have to grow.
 */
export function resize_(self: Tensor, ...size: number[] | [size: readonly number[]]): Tensor {
  return resizeTo('resize_', self, integerList('resize_', size));
}

/** Gives the tensor itself the shape of `other`: see {@link resize_}. */
export function resizeAs_(self: Tensor, other: Tensor): Tensor {
  return resizeTo('resizeAs_', self, [...other.shape]);
}

function resizeTo(op: string, self: Tensor, shape: readonly number[]): Tensor {
  if (shape.some((n) => n < 0)) throw new ShapeError(`${op}(): sizes must not be negative, got ${formatShape(shape)}`);
  if (self.requiresGrad)
    throw new AutogradError(`${op}(): a tensor that requires gradients cannot be resized; use reshape() or detach()`);
  return resizeMemory(op, self, shape);
}
