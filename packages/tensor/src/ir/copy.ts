/** @file The kernel that copies and casts. */
import { type DType, dtypeInfo } from '../dtype.ts';
import { Expr } from './expr.ts';
import { computeDType, type MapKernel, mapKernel } from './kernel.ts';

const kernels = new Map<number, MapKernel>();

/** out = cast(x). The value is seen in the richer of the two dtypes' computation dtypes, so that it is converted once. */
export function copyKernel(from: DType, to: DType): MapKernel {
  const key = dtypeInfo(from).code * 16 + dtypeInfo(to).code;
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    const compute = computeDType(from);
    kernel = mapKernel('copy', [{ dtype: from, as: compute }], [{ expr: Expr.input(0), dtype: to }], compute);
    kernels.set(key, kernel);
  }
  return kernel;
}
