/** @file Tensors in the shape of another. */
import { signature } from './args.ts';
import { empty, filled, type TensorOptions } from './creation.ts';
import type { Tensor } from './tensor.ts';
import type { Value } from './values.ts';

const likeOptions = (op: string) =>
  signature<TensorOptions>(op, [], { dtype: undefined, device: undefined, requiresGrad: undefined });
const parsers = Object.fromEntries(
  ['zerosLike', 'onesLike', 'fullLike', 'emptyLike'].map((op) => [op, likeOptions(op)]),
);

/** The options, with dtype and device of `self` where they leave them open. */
function withDefaults(op: string, self: Tensor, options: TensorOptions): TensorOptions {
  const { dtype, device, requiresGrad } = parsers[op]!([options]);
  return { dtype: dtype ?? self.dtype, device: device ?? self.device, requiresGrad };
}

/** Zeros in the shape, dtype and device of `self`, which `options` may change. */
export function zerosLike(self: Tensor, options: TensorOptions = {}): Tensor {
  return filled('zerosLike', self.shape, 0, withDefaults('zerosLike', self, options));
}

/** Ones in the shape, dtype and device of `self`, which `options` may change. */
export function onesLike(self: Tensor, options: TensorOptions = {}): Tensor {
  return filled('onesLike', self.shape, 1, withDefaults('onesLike', self, options));
}

/** `value` everywhere, in the shape, dtype and device of `self`, which `options` may change. */
export function fullLike(self: Tensor, value: Value, options: TensorOptions = {}): Tensor {
  return filled('fullLike', self.shape, value, withDefaults('fullLike', self, options));
}

/** Arbitrary values in the shape, dtype and device of `self`, which `options` may change. */
export function emptyLike(self: Tensor, options: TensorOptions = {}): Tensor {
  return empty([...self.shape], withDefaults('emptyLike', self, options));
}
