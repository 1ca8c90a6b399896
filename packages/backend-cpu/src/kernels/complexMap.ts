/** @file Pointwise kernels of complex numbers: as real kernels over the lanes of complex memory. */
import type { Scalar } from '@flambeau/tensor';
import {
  copyKernel,
  isComplex,
  type LaneSource,
  type MapKernel,
  type RealKernel,
  realDType,
  realKernel,
  type View,
} from '@flambeau/tensor/internal';

type Map = (kernel: MapKernel, inputs: readonly (View | Scalar)[], outputs: readonly View[]) => void;

/** The real (0) or imaginary (1) parts of a complex view. */
export function laneOf(x: View, lane: 0 | 1): View {
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

/** Both parts of a complex view, as a last dimension of size 2. */
function lanesOf(x: View): View {
  return {
    storage: x.storage,
    dtype: realDType(x.dtype),
    shape: [...x.shape, 2],
    strides: [...x.strides.map((stride) => 2 * stride), 1],
    offset: 2 * x.offset,
    elementCount: 2 * x.elementCount,
    isContiguous: () => x.isContiguous(),
  };
}

/** The arguments of a real kernel out of those of the complex one. Numbers become parts of complex ones of its precision. */
export function lanesFor<X extends View | Scalar>(
  sources: readonly LaneSource[],
  args: readonly X[],
  rounded: boolean,
): (View | X)[] {
  return sources.map(({ place, lane }) => {
    const arg = args[place]!;
    if (typeof arg === 'object') return lane === null ? arg : laneOf(arg, lane);
    return (rounded && typeof arg === 'number' ? Math.fround(arg) : arg) as X;
  });
}

/** outputs = kernel(inputs), where complex numbers are among them; complex64 is computed with in double precision. */
export function mapComplex(
  map: Map,
  kernel: MapKernel,
  real: RealKernel | null,
  inputs: readonly (View | Scalar)[],
  outputs: readonly View[],
): RealKernel | null {
  const [source] = inputs as [View];
  if (kernel.name === 'copy' && isComplex(source.dtype) && isComplex(outputs[0]!.dtype)) {
    map(copyKernel(realDType(source.dtype), realDType(outputs[0]!.dtype)), [lanesOf(source)], [lanesOf(outputs[0]!)]);
    return real;
  }
  const split = real ?? realKernel(kernel, 'float64');
  map(
    split.kernel,
    lanesFor(split.inputs, inputs, kernel.compute === 'complex64'),
    lanesFor(split.outputs, outputs, false) as View[],
  );
  return split;
}
