/** @file Reading a view's values out of its storage. */
import type { TypedArray } from '@flambeau/tensor';
import { contiguousStrides, copyKernel, dtypeInfo, Storage, type View } from '@flambeau/tensor/internal';
import { dataOf } from '../compile/memory.ts';
import { map } from './map.ts';

/** Values of a view, row-major, in a fresh array. */
export function readSync(x: View): TypedArray {
  const { array, lanes } = dtypeInfo(x.dtype);
  if (x.isContiguous()) return dataOf(x).slice(x.offset * lanes, (x.offset + x.elementCount) * lanes);
  const { dtype, shape, elementCount } = x;
  const storage = new Storage('cpu', dtype, elementCount, new array(elementCount * lanes));
  map(
    copyKernel(dtype, dtype),
    [x],
    [{ storage, dtype, shape, strides: contiguousStrides(shape), offset: 0, elementCount, isContiguous: () => true }],
  );
  return storage.data as TypedArray;
}
