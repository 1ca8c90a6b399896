/** @file Compiles reduce kernels: to generated loops over typed arrays, or to interpreted ones. */
import { type DType, dtypeInfo, inputs as expressionInputs, type KernelInput, type ReduceKernel, type Scalar, type View } from '@flambeau/tensor';
import type { Lowered } from './functions.ts';
import { generate } from './generate.ts';
import { conversion, expressionClosure, expressionText } from './lower.ts';
import { dataOf, loading, scalarValue, storing } from './memory.ts';

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

const limits: Partial<Record<DType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  int32: [-2147483648, 2147483647],
};

/** The value that changes nothing: what a reduction over no elements gives. */
function identityOf(kernel: ReduceKernel): number | bigint | boolean {
  const { kind, compute } = kernel;
  if (kind === 'any' || kind === 'all') return kind === 'all';
  if (kind === 'sum' || kind === 'prod') {
    const value = kind === 'sum' ? 0 : 1;
    return compute === 'int64' ? BigInt(value) : compute === 'bool' ? value === 1 : value;
  }
  const greatest = kind === 'min' || kind === 'argmin';
  if (compute === 'bool') return greatest;
  if (compute === 'int64') return greatest ? 2n ** 63n - 1n : -(2n ** 63n);
  const [low, high] = limits[compute] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return greatest ? high : low;
}

const isArg = (kernel: ReduceKernel): boolean => kernel.kind === 'argmax' || kernel.kind === 'argmin';

/** What the epilogue starts from: a position for argmax and argmin, else the combined value. */
const resultDType = (kernel: ReduceKernel): DType => (isArg(kernel) ? 'int32' : kernel.compute);

/** How two values of a reduction become one. Floating sums and products stay in double precision until the end. */
function combineOf(kernel: ReduceKernel): Lowered {
  const { kind, compute } = kernel;
  if (kind === 'any') return { text: (a, b) => `(${a} || ${b})`, run: (a, b) => a || b };
  if (kind === 'all') return { text: (a, b) => `(${a} && ${b})`, run: (a, b) => a && b };
  if (kind === 'max' || kind === 'argmax') return { text: (a, b) => `!(${b} <= ${a})`, run: (a, b) => !(b <= a) };
  if (kind === 'min' || kind === 'argmin') return { text: (a, b) => `!(${b} >= ${a})`, run: (a, b) => !(b >= a) };
  if (compute === 'bool') return combineOf({ ...kernel, kind: kind === 'sum' ? 'any' : 'all' });
  if (compute === 'int64') {
    if (kind === 'sum') return { text: (a, b) => `BigInt.asIntN(64, ${a} + ${b})`, run: (a, b) => BigInt.asIntN(64, a + b) };
    return { text: (a, b) => `BigInt.asIntN(64, ${a} * ${b})`, run: (a, b) => BigInt.asIntN(64, a * b) };
  }
  if (dtypeInfo(compute).kind === 'int') {
    if (kind === 'sum') return { text: (a, b) => `(${a} + ${b} | 0)`, run: (a, b) => (a + b) | 0 };
    return { text: (a, b) => `Math.imul(${a}, ${b})`, run: (a, b) => Math.imul(a, b) };
  }
  if (kind === 'sum') return { text: (a, b) => `(${a} + ${b})`, run: (a, b) => a + b };
  return { text: (a, b) => `(${a} * ${b})`, run: (a, b) => a * b };
}

const selects = (kernel: ReduceKernel): boolean => kernel.kind === 'max' || kernel.kind === 'min' || isArg(kernel);

/**
 * The statement that takes value `v` into accumulator `a` (and its position into `at`). Extremes are found by a test
 * that is false for the usual element and true for NaN, which then stays: nothing is ordered against it.
 */
function stepText(kernel: ReduceKernel, a: string, v: string, at?: readonly [place: string, position: string]): string {
  const combine = combineOf(kernel);
  if (!selects(kernel)) return `${a} = ${combine.text(a, v)};`;
  const position = at === undefined ? '' : ` ${at[0]} = ${at[1]};`;
  return `if (${combine.text(a, v)} && ${a} === ${a}) { ${a} = ${v};${position} }`;
}

const literal = (value: number | bigint | boolean): string =>
  typeof value === 'bigint' ? `${value}n` : value === Number.POSITIVE_INFINITY ? 'Infinity' : value === Number.NEGATIVE_INFINITY ? '-Infinity' : String(value);

/** What an epilogue sees: the combined value, then scalars. */
function epilogueInputs(kernel: ReduceKernel, count: number): KernelInput[] {
  return Array.from({ length: count + 1 }, (_, i) => ({ dtype: null, as: i === 0 ? resultDType(kernel) : kernel.compute }));
}

/** Source text that stores the combined value `a` at `target`. */
function storeText(kernel: ReduceKernel, a: string, scalars: number, target: string): string {
  const rounded = kernel.compute === 'float32' && !isArg(kernel) ? `Math.fround(${a})` : a;
  if (kernel.epilogue === null) return `${target} = ${storing(resultDType(kernel), kernel.output).text(rounded)};`;
  const read = (i: number): string => (i === 0 ? rounded : `e${i - 1}`);
  const { statements, results, dtypes } = expressionText([kernel.epilogue], epilogueInputs(kernel, scalars), kernel.compute, read);
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
  return { text: `${statements.join(' ')} const v = ${conversion(dtypes[0]!, kernel.compute).text(results[0]!)};`, value: 'v' };
}

/** Opens loops over dimensions `from`..`to`; positions get the suffix of their loop. */
function openLoops(names: readonly string[], letter: string, from: number, to: number, outer: string): { text: string; suffix: string } {
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

const positionNames = (kernel: ReduceKernel): string[] => kernel.inputs.flatMap((input, i) => (input.dtype === null ? [] : [`p${i}`]));
const stepNames = (kernel: ReduceKernel, loop: string): string =>
  kernel.inputs.map((input, i) => (input.dtype === null ? '' : `const step${i} = dp${i}_${loop};`)).join(' ');

/** Independent accumulators, so that additions need not wait for one another. */
const lanes = 4;

/**
 * One accumulator for each kept element; the innermost loop runs along the last reduced dimension. Right for
 * reductions of everything and of inner dimensions.
 */
export function generateInner(kernel: ReduceKernel, kept: number, reduced: number, pattern: string, scalars: number): ReduceFunction {
  const names = positionNames(kernel);
  const arg = isArg(kernel);
  const unrolled = arg ? 1 : lanes;
  const outer = openLoops([...names, 'q'], 'k', 0, kept, '');
  const middle = openLoops(names, 'r', 0, reduced - 1, outer.suffix);
  const identity = literal(identityOf(kernel));
  const accumulators = Array.from({ length: unrolled }, (_, lane) => `a${lane} = ${identity}`).join(', ');
  const element = (lane: number): string => {
    const { text, value } = valueText(kernel, pattern, middle.suffix, lane === 0 ? 'j' : `j + ${lane}`);
    return `{ ${text} ${stepText(kernel, `a${lane}`, value, arg ? ['at', 'base + j'] : undefined)} }`;
  };
  const n = `n_r${reduced - 1}`;
  const block = Array.from({ length: unrolled }, (_, lane) => element(lane)).join('\n');
  const together = Array.from({ length: unrolled - 1 }, (_, lane) => stepText(kernel, 'a0', `a${lane + 1}`)).join(' ');
  return generate(`(loops, inputs, output, scalars) => {
    ${setupText(kernel, kept, reduced, scalars)}
    ${stepNames(kernel, `r${reduced - 1}`)}
    ${outer.text}
    let ${accumulators};
    ${arg ? 'let at = 0, base = 0;' : ''}
    ${middle.text}
    let j = 0;
    ${unrolled > 1 ? `for (const end = ${n} - ${unrolled - 1}; j < end; j += ${unrolled}) { ${block} }` : ''}
    for (; j < ${n}; j++) ${element(0)}
    ${arg ? `base += ${n};` : ''}
    ${'}'.repeat(reduced - 1)}
    ${together}
    ${storeText(kernel, arg ? 'at' : 'a0', scalars, `y[q${outer.suffix}]`)}
    ${'}'.repeat(kept)}
  }`);
}

/** The array that holds one accumulator for each of a row's kept elements. */
function accumulatorArray(compute: DType): string {
  if (compute === 'int64') return 'BigInt64Array';
  return dtypeInfo(compute).kind === 'float' ? 'Float64Array' : 'Int32Array';
}

/** Kept elements that are accumulated side by side: few enough for the first-level cache. */
const rowLength = 1024;

/**
 * Rows of accumulators; the innermost loop runs along the last kept dimension, for memory where that is the dense
 * one: column sums.
 */
export function generateOuter(kernel: ReduceKernel, kept: number, reduced: number, pattern: string, scalars: number): ReduceFunction {
  const names = positionNames(kernel);
  const arg = isArg(kernel);
  const last = `k${kept - 1}`;
  const outer = openLoops([...names, 'q'], 'k', 0, kept - 1, '');
  const middle = openLoops(names, 'r', 0, reduced, outer.suffix);
  const bool = kernel.compute === 'bool';
  const { text, value } = valueText(kernel, pattern, middle.suffix, 'j + start');
  const read = bool ? '(a[j] !== 0)' : 'a[j]';
  const step = selects(kernel)
    ? `if (${combineOf(kernel).text('b', value)} && b === b) { a[j] = ${value}; ${arg ? 'at[j] = base;' : ''} }`
    : `a[j] = ${combineOf(kernel).text('b', value)};`;
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

type Visit = (positions: readonly number[]) => void;

/** Calls `visit` with the positions of every element of the loops, in row-major order. */
function walk(sizes: readonly number[], strides: readonly (readonly number[])[], start: readonly number[], visit: Visit, d = 0): void {
  if (d === sizes.length) return visit(start);
  const current = [...start];
  for (let i = 0; i < sizes[d]!; i++) {
    walk(sizes, strides, current, visit, d + 1);
    for (let v = 0; v < current.length; v++) current[v]! += strides[v]?.[d] ?? 0;
  }
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
  const combine = combineOf(kernel);
  return (loops, inputs, output, scalars) => {
    const arrays = inputs.map((input) => (typeof input === 'object' ? dataOf(input) : null));
    const values: unknown[] = inputs.map((input, i) => (typeof input === 'object' ? null : scalarValue(input, kernel.inputs[i]!.as)));
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
        if (!selects(kernel)) total = combine.run(total, value);
        else if (combine.run(total, value) && !Number.isNaN(total)) [total, at] = [value, count];
        count++;
      });
      target[kept[inputs.length]!] = finish(isArg(kernel) ? at : total) as never;
    });
  };
}
