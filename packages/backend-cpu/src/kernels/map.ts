/** @file map: pointwise kernels over strided views. */
import type { Scalar } from '@flambeau/tensor';
import { hasComplex, type MapKernel, mergeLoops, type RealKernel, type View } from '@flambeau/tensor/internal';
import { environment } from '../compile/functions.ts';
import { mayGenerate } from '../compile/generate.ts';
import { generateMap, interpretMap, type LoopPattern, type MapFunction } from '../compile/map.ts';
import { dataOf, scalarValue } from '../compile/memory.ts';
import { mapComplex } from './complexMap.ts';
import { copyInBlocks } from './transpose.ts';

Object.assign(environment, { dataOf, scalarValue });

/** What a kernel was compiled to so far: one function for each number of loops and pattern. */
interface Compiled {
  /** The pattern of the last flat call and its function: most kernels only ever see one. */
  pattern: LoopPattern;
  flat: MapFunction | null;
  /** The same for the last nest of loops, with its rank. */
  nestRank: number;
  nestPattern: LoopPattern;
  nest: MapFunction | null;
  readonly functions: Map<string, MapFunction>;
  interpreted: MapFunction | null;
  readonly complex: boolean;
  /** The real form of a kernel of complex numbers. */
  real: RealKernel | null;
}

const noStrides: readonly (readonly number[])[] = [];
const int32Limit = 2 ** 31;

/** Half the limit, because the lanes of complex elements count double. */
const isWide = (view: View): boolean => view.storage.length >= int32Limit / 2;

/** The pattern of one loop over all elements, where every view is contiguous or a single element; else null. */
function flatPattern(inputs: readonly (View | Scalar)[], outputs: readonly View[]): LoopPattern | null {
  const first = outputs[0]!;
  let pattern = '';
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i]!;
    if (typeof input !== 'object') pattern += 's';
    else if (input.shape === first.shape || input.elementCount === first.elementCount) {
      if (!input.isContiguous() || isWide(input)) return null;
      pattern += 'v';
    } else if (input.elementCount === 1) pattern += '1';
    else return null;
  }
  for (let j = 0; j < outputs.length; j++) {
    if (!outputs[j]!.isContiguous() || isWide(outputs[j]!)) return null;
    pattern += 'v';
  }
  return pattern;
}

function compiledFor(kernel: MapKernel): Compiled {
  kernel.cpu ??= {
    pattern: '',
    flat: null,
    nestRank: 0,
    nestPattern: '',
    nest: null,
    functions: new Map(),
    interpreted: null,
    complex: hasComplex(
      kernel,
      kernel.outputs.map((output) => output.dtype),
    ),
    real: null,
  } satisfies Compiled;
  return kernel.cpu as Compiled;
}

/** A `w` at the end of a pattern stands for positions beyond int32. */
function functionFor(kernel: MapKernel, compiled: Compiled, rank: number, pattern: LoopPattern): MapFunction {
  const key = `${rank}${pattern}`;
  let run = compiled.functions.get(key);
  if (run === undefined) {
    run = generateMap(kernel, rank, pattern, pattern.endsWith('w'));
    compiled.functions.set(key, run);
  }
  return run;
}

function flatFunction(kernel: MapKernel, compiled: Compiled, pattern: LoopPattern): MapFunction {
  if (compiled.pattern === pattern && compiled.flat !== null) return compiled.flat;
  compiled.pattern = pattern;
  compiled.flat = functionFor(kernel, compiled, 1, pattern);
  return compiled.flat;
}

/** outputs = kernel(inputs). Inputs broadcast to the shape of the outputs. */
export function map(kernel: MapKernel, inputs: readonly (View | Scalar)[], outputs: readonly View[]): void {
  const count = outputs[0]!.elementCount;
  if (count === 0) return;
  const compiled = compiledFor(kernel);
  const pattern = compiled.complex ? null : flatPattern(inputs, outputs);
  if (compiled.complex) compiled.real = mapComplex(map, kernel, compiled.real, inputs, outputs);
  else if (pattern !== null && mayGenerate()) {
    flatFunction(kernel, compiled, pattern)([count], noStrides, inputs, outputs);
  } else mapNest(kernel, compiled, inputs, outputs);
}

const memoryOf = (view: View) => ({ data: dataOf(view), offset: view.offset });

/** The strides of every argument, none for scalars; `merged` lists those of the views. */
function stridesOf(
  inputs: readonly (View | Scalar)[],
  outputs: readonly View[],
  merged: readonly (readonly number[])[],
): (readonly number[])[] {
  const strides: (readonly number[])[] = [];
  let next = 0;
  for (let i = 0; i < inputs.length; i++) strides.push(typeof inputs[i] === 'object' ? merged[next++]! : none);
  for (let j = 0; j < outputs.length; j++) strides.push(merged[next++]!);
  return strides;
}

const none: readonly number[] = [];
const still: readonly number[] = [0];
const once: readonly number[] = [1];

function mapNest(
  kernel: MapKernel,
  compiled: Compiled,
  inputs: readonly (View | Scalar)[],
  outputs: readonly View[],
): void {
  const views: View[] = [];
  for (const input of inputs) if (typeof input === 'object') views.push(input);
  views.push(...outputs);
  const loops = mergeLoops(outputs[0]!.shape, views);
  // A single element has no loops left; one of length 1 will do.
  const single = loops.sizes.length === 0;
  const sizes = single ? once : loops.sizes;
  const strides = stridesOf(inputs, outputs, single ? views.map(() => still) : loops.strides);
  if (!mayGenerate()) {
    compiled.interpreted ??= interpretMap(kernel);
    compiled.interpreted(sizes, strides, inputs, outputs);
    return;
  }
  if (
    kernel.name === 'copy' &&
    copyInBlocks(kernel, sizes, strides, memoryOf(inputs[0] as View), memoryOf(outputs[0]!))
  )
    return;
  nestFunction(kernel, compiled, sizes.length, strides, views)(sizes, strides, inputs, outputs);
}

function nestFunction(
  kernel: MapKernel,
  compiled: Compiled,
  rank: number,
  strides: readonly (readonly number[])[],
  views: readonly View[],
): MapFunction {
  let pattern = '';
  for (let i = 0; i < strides.length; i++) {
    const stride = strides[i]![rank - 1];
    pattern += stride === undefined ? 's' : stride === 1 ? 'v' : stride === 0 ? '1' : 'n';
  }
  for (let i = 0; i < views.length; i++) {
    if (!isWide(views[i]!)) continue;
    pattern += 'w';
    break;
  }
  if (compiled.nest !== null && compiled.nestRank === rank && compiled.nestPattern === pattern) return compiled.nest;
  compiled.nestRank = rank;
  compiled.nestPattern = pattern;
  compiled.nest = functionFor(kernel, compiled, rank, pattern);
  return compiled.nest;
}
