/** @file reduce: sums, products, extremes and their positions over any dimensions of strided views. */
import type { Scalar } from '@flambeau/tensor';
import {
  broadcastStrides,
  commonShape,
  hasComplex,
  mergeStrides,
  type ReduceKernel,
  sameShape,
  type View,
} from '@flambeau/tensor/internal';
import { environment } from '../compile/functions.ts';
import { mayGenerate } from '../compile/generate.ts';
import { dataOf, scalarValue } from '../compile/memory.ts';
import {
  generateInner,
  generateOuter,
  interpretReduce,
  type ReduceFunction,
  type ReduceLoops,
  stridePattern,
} from '../compile/reduce.ts';
import { type ComplexReduction, splitReduction } from './complexReduce.ts';

Object.assign(environment, { dataOf, scalarValue });

/** What a kernel was compiled to so far. */
interface Compiled {
  readonly generated: Map<number, ReduceFunction>;
  interpreted: ReduceFunction | null;
  /** What runs a kernel of complex numbers. */
  readonly complex: ComplexReduction | null;
}

function compiledFor(kernel: ReduceKernel): Compiled {
  kernel.cpu ??= {
    generated: new Map(),
    interpreted: null,
    complex: hasComplex(kernel, [kernel.output]) ? splitReduction(kernel) : null,
  } satisfies Compiled;
  return kernel.cpu as Compiled;
}

/** Kept rows shorter than this are not worth an array of accumulators. */
const leastRow = 16;

/** The loops over some dimensions; the order is the caller's. */
function loopsOver(dims: readonly number[], shape: readonly number[], strides: readonly (readonly number[])[]) {
  return mergeStrides(
    dims.map((d) => shape[d]!),
    strides.map((s) => dims.map((d) => s[d] ?? 0)),
  );
}

const none: readonly number[] = [];

/** The loops over one row-major input whose first or last dimensions are reduced; null for anything else. */
function plainLoops(x: View | Scalar, dims: readonly number[], output: View): ReduceLoops | null {
  if (typeof x !== 'object' || x.shape.length !== output.shape.length || !x.isContiguous() || !output.isContiguous())
    return null;
  for (let i = 1; i < dims.length; i++) if (dims[i] !== dims[i - 1]! + 1) return null;
  const kept = output.elementCount;
  const reduced = x.elementCount / kept;
  if (kept === 1)
    return { keptSizes: none, keptStrides: [none, none], reducedSizes: [reduced], reducedStrides: [[1], [0]] };
  if (dims[0] === 0)
    return { keptSizes: [kept], keptStrides: [[1], [1]], reducedSizes: [reduced], reducedStrides: [[kept], [0]] };
  if (dims.at(-1) !== x.shape.length - 1) return null;
  return { keptSizes: [kept], keptStrides: [[reduced], [1]], reducedSizes: [reduced], reducedStrides: [[1], [0]] };
}

/** The loops over any views, in the order in which they lie in memory. */
function stridedLoops(
  kernel: ReduceKernel,
  inputs: readonly (View | Scalar)[],
  dims: readonly number[],
  output: View,
): ReduceLoops {
  const shape = inputs.reduce<readonly number[]>(
    (s, x) => (typeof x === 'object' ? commonShape(kernel.name, s, x.shape) : s),
    output.shape,
  );
  const strides = [...inputs, output].map((v) =>
    typeof v === 'object' ? broadcastStrides(v.shape, v.strides, shape) : [],
  );
  const lead =
    strides[inputs.findIndex((x) => typeof x === 'object' && sameShape(x.shape, shape))] ??
    strides.find((s) => s.length > 0) ??
    [];
  const byStride = (a: number, b: number): number => Math.abs(lead[b]!) - Math.abs(lead[a]!);
  const keptDims = shape
    .map((_, d) => d)
    .filter((d) => !dims.includes(d))
    .sort(byStride);
  const reducedDims = [...dims].sort((a, b) => a - b);
  if (kernel.kind !== 'argmax' && kernel.kind !== 'argmin') reducedDims.sort(byStride);
  const kept = loopsOver(keptDims, shape, strides);
  const reduced = loopsOver(reducedDims, shape, strides);
  return {
    keptSizes: kept.sizes,
    keptStrides: kept.strides,
    reducedSizes: reduced.sizes.length > 0 ? reduced.sizes : [1],
    reducedStrides: reduced.sizes.length > 0 ? reduced.strides : strides.map(() => [0]),
  };
}

/**
 * output = epilogue(combine over `dims`(prologue(inputs))). Dimensions are walked in the order in which they lie in
 * memory, except that positions (argmax, argmin) count row-major over the reduced ones.
 */
export function reduce(
  kernel: ReduceKernel,
  inputs: readonly (View | Scalar)[],
  dims: readonly number[],
  output: View,
  scalars: readonly Scalar[],
): void {
  if (output.elementCount === 0) return;
  const { complex } = compiledFor(kernel);
  if (complex !== null) {
    complex(reduce, inputs, dims, output, scalars);
    return;
  }
  const loops =
    (inputs.length === 1 ? plainLoops(inputs[0]!, dims, output) : null) ?? stridedLoops(kernel, inputs, dims, output);
  functionFor(kernel, loops, inputs, scalars.length)(loops, inputs, output, scalars);
}

function functionFor(
  kernel: ReduceKernel,
  loops: ReduceLoops,
  inputs: readonly (View | Scalar)[],
  scalars: number,
): ReduceFunction {
  const compiled = compiledFor(kernel);
  if (!mayGenerate()) {
    compiled.interpreted ??= interpretReduce(kernel);
    return compiled.interpreted;
  }
  const [kept, reduced] = [loops.keptSizes.length, loops.reducedSizes.length];
  const rows = alongRows(loops, inputs);
  const pattern = stridePattern(inputs, rows ? loops.keptStrides : loops.reducedStrides);
  let key = (kept * 64 + reduced) * 2 + (rows ? 1 : 0);
  for (let i = 0; i < pattern.length; i++) key = key * 128 + pattern.charCodeAt(i);
  let run = compiled.generated.get(key);
  if (run === undefined) {
    run = (rows ? generateOuter : generateInner)(kernel, kept, reduced, pattern, scalars);
    compiled.generated.set(key, run);
  }
  return run;
}

/** Whether memory is denser along the last kept dimension than along the last reduced one. */
function alongRows(loops: ReduceLoops, inputs: readonly (View | Scalar)[]): boolean {
  if ((loops.keptSizes.at(-1) ?? 0) < leastRow) return false;
  return inputs.some((input, i) => {
    if (typeof input !== 'object') return false;
    const [kept, reduced] = [Math.abs(loops.keptStrides[i]!.at(-1)!), Math.abs(loops.reducedStrides[i]!.at(-1)!)];
    return kept !== 0 && kept < reduced;
  });
}
