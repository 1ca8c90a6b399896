/** @file Compiles reduce kernels: to generated loops over typed arrays, or to interpreted ones. */
import type { DType, Scalar } from '@flambeau/tensor';
import { inputs as expressionInputs, type KernelInput, type ReduceKernel, type View } from '@flambeau/tensor/internal';
import { accumulatorArray, type Combiner, combinerOf, literal, rowLength } from './combine.ts';
import { generate } from './generate.ts';
import { conversion, expressionClosure, expressionText } from './lower.ts';
import { dataOf, loading, scalarValue, storing } from './memory.ts';
import { walk } from './walk.ts';

/** Loops over the kept and the reduced dimensions; strides have one list for each input (empty for scalars). */
export interface ReduceLoops {
  readonly keptSizes: readonly number[];
  /** The inputs' strides, then the output's. */
  readonly keptStrides: readonly (readonly number[])[];
  readonly reducedSizes: readonly number[];
  readonly reducedStrides: readonly (readonly number[])[];
}

export type ReduceFunction = (
  loops: ReduceLoops,
  inputs: readonly (View | Scalar)[],
  output: View,
  scalars: readonly Scalar[],
) => void;

const isArg = (kernel: ReduceKernel): boolean => kernel.kind === 'argmax' || kernel.kind === 'argmin';

/** What the epilogue starts from: a position for argmax and argmin, else the combined value. */
const resultDType = (kernel: ReduceKernel): DType => (isArg(kernel) ? 'int32' : kernel.compute);

const combiner = ({ kind, compute }: ReduceKernel): Combiner =>
  combinerOf(kind === 'argmax' ? 'max' : kind === 'argmin' ? 'min' : kind, compute);

/** The statement that takes value `v` into accumulator `a` (and its position into `at`). */
function stepText(kernel: ReduceKernel, a: string, v: string, at?: readonly [place: string, position: string]): string {
  const { combine, replaces } = combiner(kernel);
  if (combine !== null) return `${a} = ${combine.text(a, v)};`;
  const position = at === undefined ? '' : ` ${at[0]} = ${at[1]};`;
  return `if (${replaces.text(a, v)}) { ${a} = ${v};${position} }`;
}

const identityOf = (kernel: ReduceKernel): number | bigint | boolean => combiner(kernel).identity;

/** What an epilogue sees: the combined value, then scalars. */
function epilogueInputs(kernel: ReduceKernel, count: number): KernelInput[] {
  return Array.from({ length: count + 1 }, (_, i) => ({
    dtype: null,
    as: i === 0 ? resultDType(kernel) : kernel.compute,
  }));
}

/** Source text that stores the combined value `a` at `target`. */
function storeText(kernel: ReduceKernel, a: string, scalars: number, target: string): string {
  const rounded = kernel.compute === 'float32' && !isArg(kernel) ? `Math.fround(${a})` : a;
  if (kernel.epilogue === null) return `${target} = ${storing(resultDType(kernel), kernel.output).text(rounded)};`;
  const read = (i: number): string => (i === 0 ? rounded : `e${i - 1}`);
  const { statements, results, dtypes } = expressionText(
    [kernel.epilogue],
    epilogueInputs(kernel, scalars),
    kernel.compute,
    read,
  );
  return `${statements.join(' ')} ${target} = ${storing(dtypes[0]!, kernel.output).text(results[0]!)};`;
}

/**
 * How each input moves along the innermost loop: `v` by one element, `1` not at all, `s` by any stride, `c` a scalar
 * argument.
 */
export function stridePattern(inputs: readonly (View | Scalar)[], strides: readonly (readonly number[])[]): string {
  let pattern = '';
  for (let i = 0; i < inputs.length; i++) {
    const stride = strides[i]!.at(-1);
    pattern += typeof inputs[i] !== 'object' ? 'c' : stride === 1 ? 'v' : stride === 0 ? '1' : 's';
  }
  return pattern;
}

/** Statements that leave one element's value in a variable; `pointer` is the suffix of positions, `j` the innermost index. */
function valueText(kernel: ReduceKernel, pattern: string, pointer: string, j: string): { text: string; value: string } {
  const read = (i: number): string => {
    const input = kernel.inputs[i]!;
    if (pattern[i] === 'c') return `s${i}`;
    const place = pattern[i] === '1' ? '' : pattern[i] === 'v' ? ` + ${j}` : ` + (${j}) * step${i}`;
    return loading(input.dtype!, input.as).text(`x${i}[p${i}${pointer}${place}]`);
  };
  const { statements, results, dtypes } = expressionText([kernel.prologue], kernel.inputs, kernel.compute, read);
  return {
    text: `${statements.join(' ')} const v = ${conversion(dtypes[0]!, kernel.compute).text(results[0]!)};`,
    value: 'v',
  };
}

/** Opens loops over dimensions `from`..`to`; positions get the suffix of their loop. */
function openLoops(
  names: readonly string[],
  letter: string,
  from: number,
  to: number,
  outer: string,
): { text: string; suffix: string } {
  let [text, suffix] = ['', outer];
  for (let d = from; d < to; d++) {
    const inner = `_${letter}${d}`;
    const copies = names.map((name) => `${name}${inner} = ${name}${suffix}`).join(', ');
    const steps = names.map((name) => `${name}${inner} += d${name}${inner}`).join(', ');
    text += `for (let i${inner} = 0, ${copies}; i${inner} < n${inner}; i${inner}++, ${steps}) {\n`;
    suffix = inner;
  }
  return { text, suffix };
}

/** Declares loop sizes, strides, arrays, positions and scalars. */
function setupText(kernel: ReduceKernel, kept: number, reduced: number, scalars: number): string {
  const lines: string[] = ['const y = dataOf(output);', 'const q = output.offset;'];
  const groups = [
    ['k', 'kept', kept],
    ['r', 'reduced', reduced],
  ] as const;
  for (const [letter, group, rank] of groups) {
    for (let d = 0; d < rank; d++) {
      lines.push(`const n_${letter}${d} = loops.${group}Sizes[${d}];`);
      kernel.inputs.forEach((input, i) => {
        if (input.dtype !== null) lines.push(`const dp${i}_${letter}${d} = loops.${group}Strides[${i}][${d}];`);
      });
      if (letter === 'k') lines.push(`const dq_k${d} = loops.keptStrides[${kernel.inputs.length}][${d}];`);
    }
  }
  kernel.inputs.forEach((input, i) => {
    if (input.dtype === null) lines.push(`const s${i} = scalarValue(inputs[${i}], '${input.as}');`);
    else lines.push(`const x${i} = dataOf(inputs[${i}]); const p${i} = inputs[${i}].offset;`);
  });
  for (let i = 0; i < scalars; i++) lines.push(`const e${i} = scalarValue(scalars[${i}], '${kernel.compute}');`);
  return lines.join('\n');
}

const positionNames = (kernel: ReduceKernel): string[] =>
  kernel.inputs.flatMap((input, i) => (input.dtype === null ? [] : [`p${i}`]));
const stepNames = (kernel: ReduceKernel, loop: string): string =>
  kernel.inputs.map((input, i) => (input.dtype === null ? '' : `const step${i} = dp${i}_${loop};`)).join(' ');

/** Independent accumulators, so that additions need not wait for one another. */
const lanes = 4;

/**
 * Elements after which accumulators are taken into the total and start anew. Besides keeping sums accurate this
 * matters to V8: it enters a long-running loop with its variables boxed, and only a loop that starts afresh has them
 * in registers.
 */
const stretch = 4096;

/**
 * One total for each kept element; the innermost loop runs along the last reduced dimension. Right for reductions of
 * everything and of inner dimensions.
 */
export function generateInner(
  kernel: ReduceKernel,
  kept: number,
  reduced: number,
  pattern: string,
  scalars: number,
): ReduceFunction {
  const names = positionNames(kernel);
  const arg = isArg(kernel);
  const unrolled = arg ? 1 : lanes;
  const outer = openLoops([...names, 'q'], 'k', 0, kept, '');
  const middle = openLoops(names, 'r', 0, reduced - 1, outer.suffix);
  const identity = literal(identityOf(kernel));
  const n = `n_r${reduced - 1}`;
  const accumulators = Array.from({ length: unrolled }, (_, lane) => `a${lane} = ${identity}`).join(', ');
  const element = (lane: number): string => {
    const { text, value } = valueText(kernel, pattern, middle.suffix, lane === 0 ? 'j' : `j + ${lane}`);
    return `{ ${text} ${stepText(kernel, `a${lane}`, value, arg ? ['at', 'base + j'] : undefined)} }`;
  };
  const block = Array.from({ length: unrolled }, (_, lane) => element(lane)).join('\n');
  const together = Array.from({ length: unrolled - 1 }, (_, lane) => stepText(kernel, 'a0', `a${lane + 1}`)).join(' ');
  return generate(`(loops, inputs, output, scalars) => {
    ${setupText(kernel, kept, reduced, scalars)}
    ${stepNames(kernel, `r${reduced - 1}`)}
    ${outer.text}
    let total = ${identity};
    ${arg ? 'let best = 0, base = 0;' : ''}
    ${middle.text}
    for (let start = 0; start < ${n}; start += ${stretch}) {
      const stop = Math.min(start + ${stretch}, ${n});
      let ${accumulators};
      ${arg ? 'let at = 0;' : ''}
      let j = start;
      ${unrolled > 1 ? `for (const end = stop - ${unrolled - 1}; j < end; j += ${unrolled}) { ${block} }` : ''}
      for (; j < stop; j++) ${element(0)}
      ${together}
      ${stepText(kernel, 'total', 'a0', arg ? ['best', 'at'] : undefined)}
    }
    ${arg ? `base += ${n};` : ''}
    ${'}'.repeat(reduced - 1)}
    ${storeText(kernel, arg ? 'best' : 'total', scalars, `y[q${outer.suffix}]`)}
    ${'}'.repeat(kept)}
  }`);
}

/**
 * Rows of accumulators; the innermost loop runs along the last kept dimension, for memory where that is the dense
 * one: column sums.
 */
export function generateOuter(
  kernel: ReduceKernel,
  kept: number,
  reduced: number,
  pattern: string,
  scalars: number,
): ReduceFunction {
  const names = positionNames(kernel);
  const arg = isArg(kernel);
  const last = `k${kept - 1}`;
  const outer = openLoops([...names, 'q'], 'k', 0, kept - 1, '');
  const middle = openLoops(names, 'r', 0, reduced, outer.suffix);
  const bool = kernel.compute === 'bool';
  const { text, value } = valueText(kernel, pattern, middle.suffix, 'j + start');
  const read = bool ? '(a[j] !== 0)' : 'a[j]';
  const { combine, replaces } = combiner(kernel);
  const step =
    combine !== null
      ? `a[j] = ${combine.text('b', value)};`
      : `if (${replaces.text('b', value)}) { a[j] = ${value}; ${arg ? 'at[j] = base;' : ''} }`;
  return generate(`(loops, inputs, output, scalars) => {
    ${setupText(kernel, kept, reduced, scalars)}
    ${stepNames(kernel, last)}
    const a = new ${accumulatorArray(kernel.compute)}(Math.min(n_${last}, ${rowLength}));
    ${arg ? 'const at = new Int32Array(a.length);' : ''}
    ${outer.text}
    for (let start = 0; start < n_${last}; start += ${rowLength}) {
      const length = Math.min(${rowLength}, n_${last} - start);
      a.fill(${bool ? Number(identityOf(kernel)) : literal(identityOf(kernel))});
      ${arg ? 'at.fill(0); let base = 0;' : ''}
      ${middle.text}
      for (let j = 0; j < length; j++) { ${text} const b = ${read}; ${step} }
      ${arg ? 'base++;' : ''}
      ${'}'.repeat(reduced)}
      for (let j = 0; j < length; j++) { const b = ${arg ? 'at[j]' : read}; ${storeText(kernel, 'b', scalars, `y[q${outer.suffix} + (start + j) * dq_${last}]`)} }
    }
    ${'}'.repeat(kept - 1)}
  }`);
}

/** What the epilogue makes of a combined value, as a memory element. */
function interpretEpilogue(kernel: ReduceKernel, scalars: readonly Scalar[]): (value: unknown) => unknown {
  const inputs = epilogueInputs(kernel, scalars.length);
  const { run, dtype } = expressionClosure(kernel.epilogue ?? expressionInputs(1)[0]!, inputs, kernel.compute);
  const store = storing(dtype, kernel.output);
  const others = scalars.map((value) => scalarValue(value, kernel.compute));
  const rounds = kernel.compute === 'float32' && !isArg(kernel);
  return (value) => store.run(run([rounds ? Math.fround(value as number) : value, ...others]));
}

/** Any loops, interpreted: for places without code generation. */
export function interpretReduce(kernel: ReduceKernel): ReduceFunction {
  const loads = kernel.inputs.map((input) => (input.dtype === null ? null : loading(input.dtype, input.as)));
  const prologue = expressionClosure(kernel.prologue, kernel.inputs, kernel.compute);
  const convert = conversion(prologue.dtype, kernel.compute);
  const { combine, replaces } = combiner(kernel);
  return (loops, inputs, output, scalars) => {
    const arrays = inputs.map((input) => (typeof input === 'object' ? dataOf(input) : null));
    const values: unknown[] = inputs.map((input, i) =>
      typeof input === 'object' ? null : scalarValue(input, kernel.inputs[i]!.as),
    );
    const finish = interpretEpilogue(kernel, scalars);
    const target = dataOf(output);
    const starts = [...inputs.map((input) => (typeof input === 'object' ? input.offset : 0)), output.offset];
    walk(loops.keptSizes, loops.keptStrides, starts, (kept) => {
      let total: unknown = identityOf(kernel);
      let [count, at] = [0, 0];
      walk(loops.reducedSizes, loops.reducedStrides, kept, (positions) => {
        arrays.forEach((array, i) => {
          if (array !== null) values[i] = loads[i]!.run(array[positions[i]!]);
        });
        const value = convert.run(prologue.run(values));
        if (combine !== null) total = combine.run(total, value);
        else if (replaces.run(total, value)) [total, at] = [value, count];
        count++;
      });
      target[kept[inputs.length]!] = finish(isArg(kernel) ? at : total) as never;
    });
  };
}
