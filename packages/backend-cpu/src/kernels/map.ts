/** @file map: pointwise kernels over strided views. */
import { type MapKernel, mergeLoops, type Scalar, type View } from '@flambeau/tensor';
import { environment } from '../compile/functions.ts';
import { mayGenerate } from '../compile/generate.ts';
import { generateFlat, generateNest, interpretMap, type MapFunction } from '../compile/map.ts';
import { dataOf, scalarValue } from '../compile/memory.ts';

Object.assign(environment, { dataOf, scalarValue });

/** What a kernel was compiled to so far: one function for each flat pattern and each number of loops. */
interface Compiled {
  /** The pattern of the last flat call and its function: most kernels only ever see one. */
  pattern: string;
  flat: MapFunction | null;
  readonly patterns: Map<string, MapFunction>;
  readonly nests: MapFunction[];
  interpreted: MapFunction | null;
}

const noStrides: readonly (readonly number[])[] = [];

/** `v` and `1` for each input if one flat loop will do, else null. */
function flatPattern(inputs: readonly (View | Scalar)[], outputs: readonly View[]): string | null {
  const shape = outputs[0]!.shape;
  for (let j = 0; j < outputs.length; j++) if (!outputs[j]!.isContiguous()) return null;
  let pattern = '';
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i]!;
    if (typeof input !== 'object') pattern += 's';
    else if (input.shape === shape || input.elementCount === outputs[0]!.elementCount) {
      if (!input.isContiguous()) return null;
      pattern += 'v';
    } else if (input.elementCount === 1) pattern += '1';
    else return null;
  }
  return pattern;
}

function compiledFor(kernel: MapKernel): Compiled {
  kernel.cpu ??= { pattern: '', flat: null, patterns: new Map(), nests: [], interpreted: null } satisfies Compiled;
  return kernel.cpu as Compiled;
}

function flatFunction(kernel: MapKernel, compiled: Compiled, pattern: string): MapFunction {
  if (compiled.pattern === pattern && compiled.flat !== null) return compiled.flat;
  let run = compiled.patterns.get(pattern);
  if (run === undefined) {
    run = generateFlat(kernel, pattern);
    compiled.patterns.set(pattern, run);
  }
  compiled.pattern = pattern;
  compiled.flat = run;
  return run;
}

/** outputs = kernel(inputs). Inputs broadcast to the shape of the outputs. */
export function map(kernel: MapKernel, inputs: readonly (View | Scalar)[], outputs: readonly View[]): void {
  const count = outputs[0]!.elementCount;
  if (count === 0) return;
  const compiled = compiledFor(kernel);
  const pattern = flatPattern(inputs, outputs);
  if (pattern !== null && mayGenerate()) {
    flatFunction(kernel, compiled, pattern)([count], noStrides, inputs, outputs);
    return;
  }
  const views = [...inputs, ...outputs].filter((v): v is View => typeof v === 'object');
  const loops = mergeLoops(outputs[0]!.shape, views);
  let next = 0;
  const strides = [...inputs, ...outputs].map((v) => (typeof v === 'object' ? loops.strides[next++]! : []));
  const rank = loops.sizes.length;
  if (mayGenerate()) {
    compiled.nests[rank] ??= generateNest(kernel, rank);
    compiled.nests[rank]!(loops.sizes, strides, inputs, outputs);
  } else {
    compiled.interpreted ??= interpretMap(kernel);
    compiled.interpreted(loops.sizes, strides, inputs, outputs);
  }
}
