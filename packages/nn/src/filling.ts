/** @file Filling tensors with first values, and leaving it off. */
import { noGrad, type Tensor } from '@flambeau/tensor';

/** Whether tensors are filled: not while `skipInit` makes a module. */
let filling = true;

/** Runs `fn`, in which tensors keep what they happen to hold. */
export function withoutFilling<T>(fn: () => T): T {
  const before = filling;
  filling = false;
  try {
    return fn();
  } finally {
    filling = before;
  }
}

/** Changes a tensor in place and without history. */
export function fill(tensor: Tensor, change: () => unknown): Tensor {
  if (filling) noGrad(change);
  return tensor;
}
