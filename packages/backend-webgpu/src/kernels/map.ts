/** @file map: pointwise kernels over strided views. */
import { type MapKernel, mergeLoops, type Scalar, type View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import { expressionText, loading, scalarText, storing } from '../wgsl/lower.ts';
import { shader, WORKGROUP, word } from '../wgsl/shader.ts';
import { checkKernel, joinsProduct } from './epilogue.ts';
import { bind } from './operands.ts';
import { writeScalar } from './scalars.ts';

const isView = (x: View | Scalar): x is View => typeof x === 'object';

/** `v` contiguous, `1` one element, `s` scalar, for each input; null when strides are needed. */
function flatPattern(inputs: readonly (View | Scalar)[], outputs: readonly View[]): string | null {
  if (!outputs.every((out) => out.isContiguous())) return null;
  const count = outputs[0]!.elementCount;
  let pattern = '';
  for (const input of inputs) {
    if (!isView(input)) pattern += 's';
    else if (input.elementCount === count && input.isContiguous()) pattern += 'v';
    else if (input.elementCount === 1) pattern += '1';
    else return null;
  }
  return pattern;
}

/**
 * Parameter words: element count; an offset for each view (inputs, then outputs); scalars in order; then, with strides,
 * loop sizes and each view's strides.
 */
function shaderText(
  kernel: MapKernel,
  pattern: string | null,
  rank: number,
  places: readonly number[],
  buffers: number,
): string {
  const views = kernel.inputs.filter((input) => input.dtype !== null).length + kernel.outputs.length;
  let [view, scalar] = [0, 0];
  const strideBase = 1 + views + (kernel.inputs.length + kernel.outputs.length - views);
  const position = (v: number): string => (pattern === null ? `p${v}` : `(${word(1 + v)} + i)`);
  const values = kernel.inputs.map((input, i) => {
    if (input.dtype === null) return scalarText(input.as, 1 + views + scalar++);
    const v = view++;
    const place = pattern?.[i] === '1' ? word(1 + v) : position(v);
    return loading(input.dtype, input.as)(`b${places[v]}[${place}]`);
  });
  const { statements, results, dtypes } = expressionText(
    kernel.outputs.map((o) => o.expr),
    kernel.inputs,
    kernel.compute,
    (i) => values[i]!,
  );
  const stores = kernel.outputs.map(
    (output, j) => `b${places[view + j]}[${position(view + j)}] = ${storing(dtypes[j]!, output.dtype)(results[j]!)};`,
  );
  const walk: string[] = [];
  if (pattern === null) {
    for (let v = 0; v < views; v++) walk.push(`var p${v} = ${word(1 + v)};`);
    walk.push('var rest = i; var at = 0u; var q = 0u;');
    for (let d = rank - 1; d >= 0; d--) {
      const size = word(strideBase + d);
      walk.push(d > 0 ? `q = rest / ${size}; at = rest - q * ${size}; rest = q;` : 'at = rest;');
      for (let v = 0; v < views; v++) walk.push(`p${v} = p${v} + at * ${word(strideBase + rank * (1 + v) + d)};`);
    }
  }
  return shader(
    buffers,
    `let i = group * ${WORKGROUP}u + lane;
  if (i >= ${word(0)}) { return; }
  ${walk.join('\n  ')}
  ${statements}
  ${stores.join('\n  ')}`,
  );
}

/** outputs = kernel(inputs). Inputs broadcast to the shape of the outputs. */
export function map(
  commands: Commands,
  kernel: MapKernel,
  inputs: readonly (View | Scalar)[],
  outputs: readonly View[],
): void {
  const count = outputs[0]!.elementCount;
  if (count === 0 || joinsProduct(commands, kernel, inputs, outputs)) return;
  const pattern = flatPattern(inputs, outputs);
  const views = [...inputs.filter(isView), ...outputs];
  const loops = pattern === null ? mergeLoops(outputs[0]!.shape, views) : null;
  const rank = loops?.sizes.length ?? 0;
  const { buffers, places, key } = bind(views);
  const program = commands.cached(kernel, `${pattern ?? rank}:${key}`, () => {
    checkKernel(kernel);
    return commands.program(kernel.name, shaderText(kernel, pattern, rank, places, buffers.length), buffers.length);
  });
  commands.dispatch(program, buffers, Math.ceil(count / WORKGROUP), (words, floats, start) => {
    let at = start;
    words[at++] = count;
    for (const view of views) words[at++] = view.offset;
    inputs.forEach((input, i) => {
      if (!isView(input)) writeScalar(words, floats, at++, input, kernel.inputs[i]!.as);
    });
    if (loops === null) return;
    for (const size of loops.sizes) words[at++] = size;
    for (const strides of loops.strides) for (const stride of strides) words[at++] = stride;
  });
}
