/** @file Reads the values of a view, row-major, into a fresh array. */
import type { TypedArray } from '@flambeau/tensor';
import { copyKernel, dtypeInfo, type View } from '@flambeau/tensor/internal';
import { dataOf } from '../compile/memory.ts';
import { freshView } from './fresh.ts';
import { map } from './map.ts';

/** The elements, one array element each, or two for complex ones. */
export function readSync(x: View): TypedArray {
  const { lanes } = dtypeInfo(x.dtype);
  if (x.isContiguous()) return dataOf(x).slice(x.offset * lanes, (x.offset + x.elementCount) * lanes);
  const out = freshView(x.dtype, x.shape);
  map(copyKernel(x.dtype, x.dtype), [x], [out]);
  return out.data;
}
