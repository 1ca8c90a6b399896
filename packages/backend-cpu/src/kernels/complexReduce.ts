/** @file Reductions and scans of complex numbers: sums by their real and imaginary parts, products pair by pair. */
import type { Scalar } from '@flambeau/tensor';
import {
  copyKernel,
  Expr,
  isComplex,
  type MapKernel,
  mapKernel,
  type Pair,
  pairLowering,
  type ReduceKernel,
  realCompute,
  realDType,
  reduceKernel,
  type ScanKind,
  splitInputs,
  type View,
} from '@flambeau/tensor/internal';
import { laneOf, lanesFor } from './complexMap.ts';
import { freshView } from './fresh.ts';
import { map } from './map.ts';

type Reduce = (
  kernel: ReduceKernel,
  inputs: readonly (View | Scalar)[],
  dims: readonly number[],
  output: View,
  scalars: readonly Scalar[],
) => void;

/** What a kernel of complex numbers is run by. */
export type ComplexReduction = (
  reduce: Reduce,
  inputs: readonly (View | Scalar)[],
  dims: readonly number[],
  output: View,
  scalars: readonly Scalar[],
) => void;

/** Takes a kernel that reads or combines complex numbers apart. */
export function splitReduction(kernel: ReduceKernel): ComplexReduction {
  const wide = realCompute(kernel.compute, kernel.inputs, 'float64');
  const { inputs, sources, pairs } = splitInputs(kernel.inputs, isComplex(kernel.compute) ? wide : 'float64');
  const precision = kernel.inputs.find(({ as }) => isComplex(as))?.as ?? kernel.compute;
  const value = pairLowering(kernel.name, precision, pairs)(kernel.prologue);
  const rounded = precision === 'complex64';
  if (!isComplex(kernel.compute)) {
    const real = reduceKernel({ ...kernel, inputs, prologue: value.re });
    return (reduce, args, dims, output, scalars) =>
      reduce(real, lanesFor(sources, args, rounded), dims, output, scalars);
  }
  if (kernel.kind === 'prod') return (_, args, dims, output) => product(kernel, args[0] as View, dims, output);
  const part = (prologue: Expr, output: View['dtype']): ReduceKernel =>
    reduceKernel({ name: kernel.name, kind: kernel.kind, inputs, prologue, compute: wide, epilogue: null, output });
  return sumByParts(kernel, value, part, (args) => lanesFor(sources, args, rounded));
}

/** Sums of the two parts; an epilogue sees them as one complex number. */
function sumByParts(
  kernel: ReduceKernel,
  value: Pair,
  part: (prologue: Expr, output: View['dtype']) => ReduceKernel,
  lanes: (args: readonly (View | Scalar)[]) => (View | Scalar)[],
): ComplexReduction {
  const { epilogue } = kernel;
  const target = realDType(epilogue === null ? kernel.output : 'complex128');
  const kernels = [part(value.re, target), part(value.im ?? Expr.const(0), target)] as const;
  return (reduce, args, dims, output, scalars) => {
    const sums = epilogue === null ? output : freshView('complex128', output.shape);
    const parts = lanes(args);
    reduce(kernels[0], parts, dims, isComplex(sums.dtype) ? laneOf(sums, 0) : sums, []);
    if (isComplex(sums.dtype)) reduce(kernels[1], parts, dims, laneOf(sums, 1), []);
    if (epilogue !== null) map(epilogueKernel(kernel, epilogue, scalars.length), [sums, ...scalars], [output]);
  };
}

function epilogueKernel(kernel: ReduceKernel, expr: Expr, scalars: number): MapKernel {
  const as = kernel.compute;
  const numbers = Array.from({ length: scalars }, () => ({ dtype: null, as }));
  return mapKernel(kernel.name, [{ dtype: 'complex128', as }, ...numbers], [{ expr, dtype: kernel.output }], as);
}

/** The product over dimensions: of a copy in which they come last. */
function product(kernel: ReduceKernel, x: View, dims: readonly number[], output: View): void {
  const kept = x.shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const order = [...kept, ...dims];
  const shape = order.map((d) => x.shape[d]!);
  const values = freshView('complex128', shape);
  const moved: View = { ...viewFields(x), shape, strides: order.map((d) => x.strides[d]!), isContiguous: () => false };
  const input = { dtype: x.dtype, as: kernel.compute };
  map(mapKernel('prod', [input], [{ expr: kernel.prologue, dtype: 'complex128' }], kernel.compute), [moved], [values]);
  const results = freshView('complex128', output.shape);
  const [from, to] = [values.data as Float64Array, results.data as Float64Array];
  const length = values.elementCount / Math.max(results.elementCount, 1);
  for (let i = 0; i < results.elementCount; i++) {
    let [re, im] = [1, 0];
    for (let at = 2 * i * length; at < 2 * (i + 1) * length; at += 2)
      [re, im] = [re * from[at]! - im * from[at + 1]!, re * from[at + 1]! + im * from[at]!];
    [to[2 * i], to[2 * i + 1]] = [re, im];
  }
  map(copyKernel('complex128', output.dtype), [results], [output]);
}

const viewFields = ({ storage, dtype, offset, elementCount }: View) => ({ storage, dtype, offset, elementCount });

type Scan = (kind: ScanKind, x: View, dim: number, out: View, indices: View | null) => void;

/** A running sum or product where `x` or `out` is complex; the sum by parts. */
export function scanComplex(scan: Scan, kind: ScanKind, x: View, dim: number, out: View): void {
  if (x.dtype !== out.dtype) {
    const converted = freshView(out.dtype, x.shape);
    map(copyKernel(x.dtype, out.dtype), [x], [converted]);
    scan(kind, converted, dim, out, null);
  } else if (kind === 'sum') {
    scan(kind, laneOf(x, 0), dim, laneOf(out, 0), null);
    scan(kind, laneOf(x, 1), dim, laneOf(out, 1), null);
  } else runningProduct(x, dim, out);
}

function runningProduct(x: View, dim: number, out: View): void {
  const values = freshView('complex128', x.shape);
  map(copyKernel(x.dtype, 'complex128'), [x], [values]);
  const data = values.data as Float64Array;
  const step = 2 * values.strides[dim]!;
  const length = x.shape[dim]!;
  for (let first = 0; first < data.length; first += step * length) {
    for (let at = first + step; at < first + step * length; at += 2) {
      const [re, im, a, b] = [data[at - step]!, data[at - step + 1]!, data[at]!, data[at + 1]!];
      data[at] = re * a - im * b;
      data[at + 1] = re * b + im * a;
    }
  }
  map(copyKernel('complex128', out.dtype), [values], [out]);
}
