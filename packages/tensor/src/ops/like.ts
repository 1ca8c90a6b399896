/** @file New tensors with the dtype and device of a given one: newZeros, newOnes, newFull, newEmpty, newTensor. */
import { type ShapeArguments, shapeArguments } from '../args.ts';
import { empty, full, type NestedData, ones, type TensorOptions, tensor, zeros } from '../creation.ts';
import type { Tensor } from '../tensor.ts';
import type { Value } from '../values.ts';

/** Given options, with self's dtype and device where they leave them open. */
const inherit = (self: Tensor, options: TensorOptions): TensorOptions => {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { dtype: self.dtype, device: self.device, ...given };
};

type Creator = (shape: number[], options: TensorOptions) => Tensor;

function create(op: string, self: Tensor, args: readonly unknown[], make: Creator): Tensor {
  const [shape, options] = shapeArguments<TensorOptions>(op, args);
  return make(shape, inherit(self, options));
}

/** Zeros of a shape, with self's dtype and device: `x.newZeros(2, 3)`, `x.newZeros([2, 3], { dtype: 'int32' })`. */
export function newZeros(self: Tensor, ...shape: ShapeArguments<TensorOptions>): Tensor {
  return create('newZeros', self, shape, zeros);
}

/** Ones of a shape, with self's dtype and device. */
export function newOnes(self: Tensor, ...shape: ShapeArguments<TensorOptions>): Tensor {
  return create('newOnes', self, shape, ones);
}

/** Arbitrary values of a shape, with self's dtype and device. */
export function newEmpty(self: Tensor, ...shape: ShapeArguments<TensorOptions>): Tensor {
  return create('newEmpty', self, shape, empty);
}

/** Arbitrary values of a shape with the given strides, with self's dtype and device. */
export function newEmptyStrided(
  self: Tensor,
  size: readonly number[],
  stride: readonly number[],
  options: TensorOptions = {},
): Tensor {
  const reach = size.includes(0) ? 0 : size.reduce((last, n, d) => last + (n - 1) * (stride[d] ?? 0), 0) + 1;
  const { requiresGrad = false, ...rest } = inherit(self, options);
  return empty([reach], rest).asStrided(size, stride).detach().requiresGrad_(requiresGrad);
}

/** `value` everywhere, with self's dtype and device. */
export function newFull(self: Tensor, shape: readonly number[], value: Value, options: TensorOptions = {}): Tensor {
  return full(shape, value, inherit(self, options));
}

/** A copy of `data` with self's dtype and device. */
export function newTensor(self: Tensor, data: NestedData, options: TensorOptions = {}): Tensor {
  return tensor(data, inherit(self, options));
}
