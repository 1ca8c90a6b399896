/** @file The CPU's implementation of the Backend contract. */
import { allocateCpu, type Backend, contractVersion, dtypeInfo, dtypes, type DType, Storage, type TypedArray, type View, copyKernel } from '@flambeau/tensor';
import { dataOf } from './compile/memory.ts';
import { map } from './kernels/map.ts';
import { reduce } from './kernels/reduce.ts';
import { softmax } from './kernels/softmax.ts';

/** Values of a view, row-major, in a fresh array. */
function readSync(x: View): TypedArray {
  const { array, lanes } = dtypeInfo(x.dtype);
  if (x.isContiguous()) return dataOf(x).slice(x.offset * lanes, (x.offset + x.elementCount) * lanes);
  const out = new Storage('cpu', x.dtype, x.elementCount, new array(x.elementCount * lanes));
  const view: View = { storage: out, dtype: x.dtype, shape: x.shape, strides: rowMajor(x.shape), offset: 0, elementCount: x.elementCount, isContiguous: () => true };
  map(copyKernel(x.dtype, x.dtype), [x], [view]);
  return out.data as TypedArray;
}

function rowMajor(shape: readonly number[]): number[] {
  let step = 1;
  return shape.toReversed().map((size) => { const s = step; step *= size; return s; }).toReversed();
}

export const cpuBackend: Backend = {
  contract: contractVersion,
  device: 'cpu',
  dtypes: new Set<DType>(dtypes),
  allocate: allocateCpu,
  upload: (dtype, data) => new Storage('cpu', dtype, data.length / dtypeInfo(dtype).lanes, data),
  read: async (x) => readSync(x),
  readSync,
  map,
  reduce,
  fused: { softmax },
  routines: {},
} as Partial<Backend> as Backend;
