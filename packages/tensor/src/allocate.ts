/** @file Fresh memory for the results of ops. */
import type { DType } from './dtype.ts';
import { numelOf } from './shape.ts';
import { backendFor } from './state.ts';
import { Tensor } from './tensor.ts';

/** A row-major tensor on `like`'s device whose values have yet to be written. Sizes are right already. */
export function allocateLike(like: Tensor, shape: readonly number[] = like.shape, dtype: DType = like.dtype): Tensor {
  return new Tensor(backendFor(like.storage.device).allocate(dtype, numelOf(shape)), dtype, shape);
}
