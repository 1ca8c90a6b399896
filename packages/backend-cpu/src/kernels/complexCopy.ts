/** @file Copies and fills of complex memory, lane by lane: the pointwise kernels that need no complex arithmetic. */
import { DTypeError, type Scalar } from '@flambeau/tensor';
import {
  copyKernel,
  dtypeInfo,
  Expr,
  isComplex,
  type KernelInput,
  type MapKernel,
  mapKernel,
  realDType,
  type View,
} from '@flambeau/tensor/internal';

type Map = (kernel: MapKernel, inputs: readonly (View | Scalar)[], outputs: readonly View[]) => void;

export const hasComplex = (kernel: MapKernel): boolean =>
  kernel.outputs.some((output) => isComplex(output.dtype)) || kernel.inputs.some((input) => isComplex(input.as));

/** The real (0) or imaginary (1) parts of a complex view. */
function laneOf(x: View, lane: 0 | 1): View {
  return {
    storage: x.storage,
    dtype: realDType(x.dtype),
    shape: x.shape,
    strides: x.strides.map((stride) => 2 * stride),
    offset: 2 * x.offset + lane,
    elementCount: x.elementCount,
    isContiguous: () => false,
  };
}

/** A kernel that writes a number everywhere. */
const fillKernel = (dtype: View['dtype']): MapKernel =>
  mapKernel('fill', [{ dtype: null, as: dtype } satisfies KernelInput], [{ expr: Expr.input(0), dtype }], dtype);

/**
 * Runs a kernel whose result is one of its inputs, from or into complex memory.
 * @throws DTypeError for every other kernel: this backend does not compute with complex numbers.
 */
export function mapComplex(
  map: Map,
  kernel: MapKernel,
  inputs: readonly (View | Scalar)[],
  outputs: readonly View[],
): void {
  const { expr } = kernel.outputs[0]!;
  if (kernel.outputs.length > 1 || expr.kind !== 'input') {
    throw new DTypeError(`${kernel.name}(): the CPU backend does not compute with complex numbers`);
  }
  const source = inputs[expr.value]!;
  const out = outputs[0]!;
  const write = (from: View | Scalar, to: View): void => {
    if (typeof from === 'object') map(copyKernel(from.dtype, to.dtype), [from], [to]);
    else map(fillKernel(to.dtype), [from], [to]);
  };
  const complexSource = typeof source === 'object' && dtypeInfo(source.dtype).lanes === 2;
  const real = complexSource ? laneOf(source, 0) : source;
  if (isComplex(out.dtype)) {
    write(real, laneOf(out, 0));
    write(complexSource ? laneOf(source, 1) : 0, laneOf(out, 1));
  } else write(real, out);
}
