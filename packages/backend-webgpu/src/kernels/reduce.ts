/**
 * @file reduce: sums, products, extremes and their positions. An output element is made by one invocation, where rows are
 * short or lie side by side, or by one workgroup. Long reductions to few elements take two passes: chunks of them, then
 * the chunks' results.
 */
import type { DType, Scalar } from '@flambeau/tensor';
import {
  broadcastStrides,
  commonShape,
  type KernelInput,
  type Loops,
  mergeStrides,
  type ReduceKernel,
  type View,
} from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { type CombineKind, type Combiner, combinerOf, itemAt, storeItem, treeText } from '../wgsl/combine.ts';
import { checkDType, conversion, expressionText, loading, storing, valueType } from '../wgsl/lower.ts';
import { floatWord, intWord, shader, WORKGROUP, word } from '../wgsl/shader.ts';
import { bind, checkCount } from './operands.ts';
import {
  aloneIsBest,
  checkWords,
  loopWords,
  part,
  product,
  rowMajor,
  stepsText,
  withTemporary,
  writeLoops,
} from './places.ts';
import { writeScalar } from './scalars.ts';

/** One dispatch. */
interface Pass {
  /** What is combined: the kernel's inputs, or the results of an earlier pass. */
  readonly from: 'inputs' | 'partials';
  readonly to: 'output' | 'partials';
  /** The invocations that make one result together: 1, or a workgroup of this size. */
  readonly size: number;
  /** Inputs' strides, then the output's. */
  readonly kept: Loops;
  readonly reduced: Loops;
  /** Elements of the reduced dimensions that make one partial result, and how many of these there are. */
  readonly chunk: number;
  readonly chunks: number;
  readonly views: readonly View[];
  /** Results of all chunks of all parts, and the position of this part's first element. */
  readonly plane: number;
  readonly base: number;
}

const isView = (x: View | Scalar): x is View => typeof x === 'object';

export const isArg = (kernel: ReduceKernel): boolean => kernel.kind === 'argmax' || kernel.kind === 'argmin';

function combiner(kernel: ReduceKernel): Combiner {
  const kinds: Partial<Record<ReduceKernel['kind'], CombineKind>> = { argmax: 'max', argmin: 'min' };
  return combinerOf(kinds[kernel.kind] ?? (kernel.kind as CombineKind), kernel.compute, isArg(kernel) ? 'first' : null);
}

/** Parameter words: results, kept elements, reduced elements, chunk, plane of partial positions, first position; then these. */
const fixedWords = 6;

/** Additions in a row; sums of sums keep rounding errors small. */
const run = 64;

const scalarText = (as: DType, at: number): string => {
  const type = valueType(as);
  return type === 'bool' ? `(${word(at)} != 0u)` : type === 'f32' ? floatWord(at) : intWord(at);
};

/** Statements that leave the item of reduced element `r` in `next`, of which `p…` are the places. */
function itemText(kernel: ReduceKernel, pass: Pass, places: readonly number[], scalarsAt: number): string {
  const combine = combiner(kernel);
  if (pass.from === 'partials') return `let next = ${itemAt(combine, `b${places[0]}`, 'q0', word(4))};`;
  let [view, scalar] = [0, 0];
  const values = kernel.inputs.map(({ dtype, as }) => {
    if (dtype === null) return scalarText(as, scalarsAt + scalar++);
    const v = view++;
    return loading(dtype, as)(`b${places[v]}[q${v}]`);
  });
  const { statements, results, dtypes } = expressionText(
    [kernel.prologue],
    kernel.inputs,
    kernel.compute,
    (i) => values[i]!,
  );
  const value = conversion(dtypes[0]!, kernel.compute)(results[0]!);
  return `${statements}\n      let next = ${combine.item(value, kernel.compute, `(r + ${word(5)})`)};`;
}

/** Statements that store the combined item `a` at the place `p`. */
function resultText(kernel: ReduceKernel, pass: Pass, buffer: string, p: string, scalars: number, at: number): string {
  const combine = combiner(kernel);
  if (pass.to === 'partials') return storeItem(combine, 'a', buffer, `(${p} + chunk * ${word(1)})`, word(4));
  const from: DType = isArg(kernel) ? 'int32' : kernel.compute;
  const value = isArg(kernel) ? `i32(${combine.position('a')})` : conversion(combine.held, from)(combine.value('a'));
  if (kernel.epilogue === null) {
    // Small integers that were not converted still have to wrap.
    const stored = isArg(kernel)
      ? storing(from, kernel.output)(value)
      : storing(combine.held, kernel.output)(combine.value('a'));
    return `${buffer}[${p}] = ${stored};`;
  }
  const operands: KernelInput[] = Array.from({ length: scalars + 1 }, (_, i) => ({
    dtype: null,
    as: i === 0 ? from : kernel.compute,
  }));
  const read = (i: number): string => (i === 0 ? value : scalarText(kernel.compute, at + i - 1));
  const { statements, results, dtypes } = expressionText([kernel.epilogue], operands, kernel.compute, read, 'e');
  return `${statements} ${buffer}[${p}] = ${storing(dtypes[0]!, kernel.output)(results[0]!)};`;
}

function shaderText(
  kernel: ReduceKernel,
  pass: Pass,
  places: readonly number[],
  buffers: number,
  scalars: number,
): string {
  const last = pass.views.length - 1;
  const inputScalars = pass.from === 'inputs' ? kernel.inputs.filter((input) => input.dtype === null).length : 0;
  const scalarsAt = fixedWords + pass.views.length;
  const epilogueAt = scalarsAt + inputScalars;
  const keptAt = epilogueAt + scalars;
  const reducedAt = keptAt + loopWords(pass.kept.sizes.length, pass.views.length);
  const p = pass.views.map((_, v) => `p${v}`);
  const q = p.slice(0, last).map((_, v) => `q${v}`);
  const { size } = pass;
  const result = resultText(kernel, pass, `b${places[last]}`, `p${last}`, scalars, epilogueAt);
  const body = `let unit = ${size === 1 ? `group * ${WORKGROUP}u + lane` : 'group'};
  if (unit >= ${word(0)}) { return; }
  let chunk = unit / ${word(1)};
  let element = unit % ${word(1)};
  ${p.map((name, v) => `var ${name} = ${word(fixedWords + v)};`).join(' ')}
  ${stepsText('element', p, pass.kept.sizes.length, keptAt)}
  let end = min((chunk + 1u) * ${word(3)}, ${word(2)});
  var a = nothing();
  var r = chunk * ${word(3)}${size === 1 ? '' : ' + lane'};
  while (r < end) {
    var part = nothing();
    let stop = min(r + ${run * size}u, end);
    for (; r < stop; r = r + ${size}u) {
      ${q.map((name, v) => `var ${name} = p${v};`).join(' ')}
      ${stepsText('r', q, pass.reduced.sizes.length, reducedAt)}
      ${itemText(kernel, pass, places, scalarsAt)}
      part = combine(part, next);
    }
    a = combine(a, part);
  }
  ${size === 1 ? result : `${treeText('a', size)}\n  if (lane == 0u) { ${result} }`}`;
  const { declarations } = combiner(kernel);
  const tree = size === 1 ? '' : `\nvar<workgroup> tree: array<Item, ${size}>;`;
  return shader(buffers, body, declarations + tree, size === 1 ? WORKGROUP : size);
}

function dispatch(
  commands: Commands,
  kernel: ReduceKernel,
  pass: Pass,
  inputs: readonly (View | Scalar)[],
  scalars: readonly Scalar[],
): void {
  const { buffers, places, key } = bind(pass.views);
  const [kept, reduced] = [pass.kept.sizes.length, pass.reduced.sizes.length];
  const form = `${pass.from},${pass.to},${pass.size},${kept},${reduced},${scalars.length}:${key}`;
  const program = commands.cached(kernel, form, () => {
    for (const { dtype } of kernel.inputs) if (dtype !== null) checkDType(`${kernel.name}()`, dtype);
    checkDType(`${kernel.name}()`, kernel.compute);
    checkDType(`${kernel.name}()`, kernel.output);
    const most = fixedWords + pass.views.length + inputs.length + scalars.length;
    checkWords(`${kernel.name}()`, most + loopWords(kept, pass.views.length) + loopWords(reduced, pass.views.length));
    const text = shaderText(kernel, pass, places, buffers.length, scalars.length);
    return commands.program(kernel.name, text, buffers.length);
  });
  const outputs = product(pass.kept.sizes);
  const units = outputs * pass.chunks;
  commands.dispatch(
    program,
    buffers,
    pass.size === 1 ? Math.ceil(units / WORKGROUP) : units,
    (words, floats, start) => {
      words[start] = units;
      words[start + 1] = outputs;
      words[start + 2] = product(pass.reduced.sizes);
      words[start + 3] = pass.chunk;
      words[start + 4] = pass.plane;
      words[start + 5] = pass.base;
      let at = start + fixedWords;
      for (const view of pass.views) words[at++] = view.offset;
      if (pass.from === 'inputs') {
        inputs.forEach((input, i) => {
          if (!isView(input)) writeScalar(words, floats, at++, input, kernel.inputs[i]!.as);
        });
      }
      for (const scalar of scalars) writeScalar(words, floats, at++, scalar, kernel.compute);
      at = writeLoops(words, at, pass.kept);
      writeLoops(words, at, pass.reduced);
    },
  );
}

/** The loops over kept and over reduced dimensions, in the order in which they lie in memory. */
function loopsOf(
  kernel: ReduceKernel,
  inputs: readonly (View | Scalar)[],
  dims: readonly number[],
  output: View,
  leading?: number,
) {
  const views = [...inputs.filter(isView), output];
  const shape = views.reduce<readonly number[]>((s, x) => commonShape(kernel.name, s, x.shape), output.shape);
  const strides = views.map((view) => broadcastStrides(view.shape, view.strides, shape));
  const first =
    leading ??
    Math.max(
      0,
      views.findIndex((view) => product(view.shape) === product(shape)),
    );
  const lead = strides[first]!;
  const byStride = (a: number, b: number): number => Math.abs(lead[b]!) - Math.abs(lead[a]!);
  const over = (list: readonly number[]): Loops =>
    mergeStrides(
      list.map((d) => shape[d]!),
      strides.map((s) => list.map((d) => s[d]!)),
    );
  const keptDims = shape.map((_, d) => d).filter((d) => !dims.includes(d));
  // Positions count row-major over the reduced dimensions.
  const reducedDims = [...dims].sort(isArg(kernel) ? (a, b) => a - b : byStride);
  return { views, kept: over(keptDims.sort(byStride)), reduced: over(reducedDims), leading: first };
}

/** Whether results next to each other are made of elements next to each other. */
function sideBySide(kept: Loops, reduced: Loops, inputs: number): boolean {
  for (let i = 0; i < inputs; i++) {
    const [across, along] = [Math.abs(kept.strides[i]!.at(-1) ?? 0), Math.abs(reduced.strides[i]!.at(-1) ?? 0)];
    if (across !== 0 && across < along) return true;
  }
  return false;
}

/** Invocations of a workgroup that makes one result. */
const team = 64;

/** Into how many chunks a reduction of `length` elements is split so that the device has enough to do. */
function chunksFor(outputs: number, length: number, size: number): number {
  if (size === 1) return length < 256 ? 1 : Math.min(Math.ceil(length / 128), Math.ceil(32768 / outputs));
  return outputs >= 512 || length <= 4096 ? 1 : Math.min(256, Math.ceil(length / 2048));
}

/** output = epilogue(combine over `dims`(prologue(inputs))). */
export function reduce(
  commands: Commands,
  memory: Memory,
  kernel: ReduceKernel,
  inputs: readonly (View | Scalar)[],
  dims: readonly number[],
  output: View,
  scalars: readonly Scalar[],
): void {
  reduceParts(commands, memory, kernel, [inputs], dims, output, scalars);
}

/**
 * The same for inputs in parts along `dims`. Where positions are wanted, elements that follow each other row-major are in
 * parts that do.
 */
export function reduceParts(
  commands: Commands,
  memory: Memory,
  kernel: ReduceKernel,
  parts: readonly (readonly (View | Scalar)[])[],
  dims: readonly number[],
  output: View,
  scalars: readonly Scalar[],
): void {
  const outputs = output.elementCount;
  if (outputs === 0) return;
  let leading: number | undefined;
  let [base, chunks] = [0, 0];
  const passes = parts.map((inputs): Pass => {
    const { views, kept, reduced, leading: own } = loopsOf(kernel, inputs, dims, output, leading);
    leading = own;
    const length = product(reduced.sizes);
    checkCount(outputs * length);
    const size = aloneIsBest(outputs, length, sideBySide(kept, reduced, views.length - 1)) ? 1 : team;
    const cuts = chunksFor(outputs * parts.length, length, size);
    const pass = { from: 'inputs', to: 'output', size, kept, reduced, views, plane: 0, base } as const;
    base += length;
    chunks += cuts;
    return { ...pass, chunk: Math.ceil(length / cuts), chunks: cuts };
  });
  if (chunks === 1) dispatch(commands, kernel, passes[0]!, parts[0]!, scalars);
  else combineParts(commands, memory, kernel, passes, parts, output, scalars, chunks);
}

/** Makes the results of `chunks` chunks in all, and one of those. */
function combineParts(
  commands: Commands,
  memory: Memory,
  kernel: ReduceKernel,
  passes: readonly Pass[],
  parts: readonly (readonly (View | Scalar)[])[],
  output: View,
  scalars: readonly Scalar[],
  chunks: number,
): void {
  const outputs = output.elementCount;
  const { kept } = passes[0]!;
  const steps = rowMajor(kept.sizes);
  const plane = outputs * chunks;
  withTemporary(memory, output.storage.device, plane * (isArg(kernel) ? 2 : 1), (partials) => {
    let done = 0;
    for (const [i, pass] of passes.entries()) {
      const own = part(partials, 0, done * outputs, pass.chunks * outputs);
      const strides = [...pass.kept.strides.slice(0, -1), steps];
      const views = [...pass.views.slice(0, -1), own];
      const first = { ...pass, to: 'partials', kept: { sizes: kept.sizes, strides }, views, plane } as const;
      dispatch(commands, kernel, first, parts[i]!, []);
      done += pass.chunks;
    }
    const last: Pass = {
      from: 'partials',
      to: 'output',
      size: aloneIsBest(outputs, chunks, true) ? 1 : team,
      kept: { sizes: kept.sizes, strides: [steps, passes[0]!.kept.strides.at(-1)!] },
      reduced: { sizes: [chunks], strides: [[outputs], [0]] },
      chunk: chunks,
      chunks: 1,
      views: [partials, output],
      plane,
      base: 0,
    };
    dispatch(commands, kernel, last, [], scalars);
  });
}
