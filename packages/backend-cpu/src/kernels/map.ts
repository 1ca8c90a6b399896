/** @file map: pointwise kernels over strided views. */
import { type MapKernel, mergeLoops, type Scalar, type View } from '@flambeau/tensor';
import { environment } from '../compile/functions.ts';
import { mayGenerate } from '../compile/generate.ts';
import { generateMap, interpretMap, type LoopPattern, type MapFunction } from '../compile/map.ts';
import { dataOf, scalarValue } from '../compile/memory.ts';
import { hasComplex, mapComplex } from './complexCopy.ts';
import { copyInBlocks } from './transpose.ts';

Object.assign(environment, { dataOf, scalarValue });

/** What a kernel was compiled to so far: one function for each number of loops and pattern. */
interface Compiled {
  /** The pattern of the last flat call and its function: most kernels only ever see one. */
  pattern: LoopPattern;
  flat: MapFunction | null;
  readonly functions: Map<string, MapFunction>;
  interpreted: MapFunction | null;
  readonly complex: boolean;
}

const noStrides: readonly (readonly number[])[] = [];
const int32Limit = 2 ** 31;

const isWide = (view: View): boolean => view.storage.length >= int32Limit;

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
    functions: new Map(),
    interpreted: null,
    complex: hasComplex(kernel),
  } satisfies Compiled;
  return kernel.cpu as Compiled;
}

function functionFor(
  kernel: MapKernel,
  compiled: Compiled,
  rank: number,
  pattern: LoopPattern,
  wide: boolean,
): MapFunction {
  const key = `${rank}${pattern}${wide ? 'w' : ''}`;
  let run = compiled.functions.get(key);
  if (run === undefined) {
    run = generateMap(kernel, rank, pattern, wide);
    compiled.functions.set(key, run);
  }
  return run;
}

function flatFunction(kernel: MapKernel, compiled: Compiled, pattern: LoopPattern): MapFunction {
  if (compiled.pattern === pattern && compiled.flat !== null) return compiled.flat;
  compiled.pattern = pattern;
  compiled.flat = functionFor(kernel, compiled, 1, pattern, false);
  return compiled.flat;
}

/** outputs = kernel(inputs). Inputs broadcast to the shape of the outputs. */
export function map(kernel: MapKernel, inputs: readonly (View | Scalar)[], outputs: readonly View[]): void {
  const count = outputs[0]!.elementCount;
  if (count === 0) return;
  const compiled = compiledFor(kernel);
  const pattern = compiled.complex ? null : flatPattern(inputs, outputs);
  if (compiled.complex) mapComplex(map, kernel, inputs, outputs);
  else if (pattern !== null && mayGenerate()) {
    flatFunction(kernel, compiled, pattern)([count], noStrides, inputs, outputs);
  } else mapNest(kernel, compiled, inputs, outputs);
}

const memoryOf = (view: View) => ({ data: dataOf(view), offset: view.offset });

function mapNest(
  kernel: MapKernel,
  compiled: Compiled,
  inputs: readonly (View | Scalar)[],
  outputs: readonly View[],
): void {
  const all = [...inputs, ...outputs];
  const views = all.filter((v): v is View => typeof v === 'object');
  const loops = mergeLoops(outputs[0]!.shape, views);
  // A single element has no loops left; one of length 1 will do.
  const sizes = loops.sizes.length === 0 ? [1] : loops.sizes;
  let next = 0;
  const strides = all.map((v) =>
    typeof v !== 'object' ? [] : loops.sizes.length === 0 ? [0] : loops.strides[next++]!,
  );
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
  const pattern = strides.map((list) => {
    const stride = list.at(-1);
    return stride === undefined ? 's' : stride === 1 ? 'v' : stride === 0 ? '1' : 'n';
  });
  const run = functionFor(kernel, compiled, sizes.length, pattern.join(''), views.some(isWide));
  run(sizes, strides, inputs, outputs);
}
