/** @file Fresh memory for what kernels compute on the way. */
import type { DType, TypedArray } from '@flambeau/tensor';
import { contiguousStrides, dtypeInfo, numelOf, Storage, type View } from '@flambeau/tensor/internal';

/** A row-major view of fresh zeros, and its array. */
export function freshView(dtype: DType, shape: readonly number[]): View & { readonly data: TypedArray } {
  const { array, lanes } = dtypeInfo(dtype);
  const elementCount = numelOf(shape);
  const data = new array(elementCount * lanes);
  const storage = new Storage('cpu', dtype, elementCount, data);
  return {
    storage,
    data,
    dtype,
    shape,
    strides: contiguousStrides(shape),
    offset: 0,
    elementCount,
    isContiguous: () => true,
  };
}
