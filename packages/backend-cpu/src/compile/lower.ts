/** @file Lowers expressions to JavaScript: to source text, or to closures where code generation is forbidden. */
import { type DType, DTypeError } from '@flambeau/tensor';
import { dtypeInfo, type Expr, type KernelInput, nodeDTypes } from '@flambeau/tensor/internal';
import {
  bigFunctions,
  boolFunctions,
  common,
  environment,
  type FunctionTable,
  float32Functions,
  floatFunctions,
  intFunctions,
  type Lowered,
} from './functions.ts';

function tableFor(dtype: DType): FunctionTable {
  if (dtype === 'int64') return bigFunctions;
  if (dtype === 'bool') return boolFunctions;
  if (dtypeInfo(dtype).kind === 'int') return intFunctions;
  return dtype === 'float64' ? floatFunctions : float32Functions;
}

/** Rounds or wraps the result of a function to the node's dtype. */
const narrowing: Partial<Record<DType, Lowered>> = {
  float32: { text: (a) => `Math.fround(${a})`, run: Math.fround },
  int32: { text: (a) => `(${a} | 0)`, run: (a) => a | 0 },
  int16: { text: (a) => `(${a} << 16 >> 16)`, run: (a) => (a << 16) >> 16 },
  int8: { text: (a) => `(${a} << 24 >> 24)`, run: (a) => (a << 24) >> 24 },
  uint8: { text: (a) => `(${a} & 255)`, run: (a) => a & 255 },
  int64: { text: (a) => `BigInt.asIntN(64, ${a})`, run: (a) => BigInt.asIntN(64, a) },
};

/** Functions whose results need no narrowing: they return one of their arguments, or a bool. */
const exact = new Set(['where', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'and', 'or', 'xor', 'not', 'toBool', 'toReal']);

/** Conversion between the values of two dtypes (16-bit floats count as float32 values here). */
export function conversion(from: DType, to: DType): Lowered {
  if (from === to) return { text: (a) => a!, run: (a) => a };
  const [source, target] = [dtypeInfo(from).kind, dtypeInfo(to).kind];
  if (source === 'complex' || target === 'complex') {
    throw new DTypeError(
      `the CPU backend cannot compute with ${source === 'complex' ? from : to} in a pointwise kernel`,
    );
  }
  if (to === 'bool')
    return from === 'int64'
      ? { text: (a) => `(${a} !== 0n)`, run: (a) => a !== 0n }
      : { text: (a) => `(${a} !== 0)`, run: (a) => a !== 0 };
  if (from === 'bool')
    return to === 'int64'
      ? { text: (a) => `(${a} ? 1n : 0n)`, run: (a) => (a ? 1n : 0n) }
      : { text: (a) => `(+${a})`, run: Number };
  if (to === 'int64') {
    if (source === 'float') return { text: (a) => `toInt64(${a})`, run: environment.toInt64 as Lowered['run'] };
    return { text: (a) => `BigInt(${a})`, run: (a) => BigInt(a) };
  }
  if (from === 'int64') {
    if (target === 'float')
      return to === 'float64'
        ? { text: (a) => `Number(${a})`, run: Number }
        : { text: (a) => `Math.fround(Number(${a}))`, run: (a) => Math.fround(Number(a)) };
    return chain(
      { text: (a) => `Number(BigInt.asIntN(32, ${a}))`, run: (a) => Number(BigInt.asIntN(32, a)) },
      narrowing[to],
    );
  }
  if (to === 'float64' || (to === 'float32' && (from === 'float16' || from === 'bfloat16')))
    return { text: (a) => a!, run: (a) => a };
  if (to === 'float16' || to === 'bfloat16')
    return from === 'float64' ? narrowing.float32! : { text: (a) => a!, run: (a) => a };
  if (source !== 'float' || target !== 'int') return narrowing[to]!;
  const whole = { text: (a: string | undefined) => `toInt32(${a})`, run: environment.toInt32 as Lowered['run'] };
  return to === 'int32' ? whole : chain(whole, narrowing[to]);
}

function chain(first: Lowered, second: Lowered | undefined): Lowered {
  if (second === undefined) return first;
  return { text: (a) => second.text(first.text(a)), run: (a) => second.run(first.run(a)) };
}

/** The function of a node, with its result narrowed to the node's dtype. */
function lowerCall(node: Expr, dtypeOf: (node: Expr) => DType): Lowered {
  const fn = node.fn!;
  const operand = dtypeOf(node.args[0]!);
  if (fn === 'toBool' || fn === 'toReal') return conversion(operand, dtypeOf(node));
  if (fn === 'nextafter') {
    const name = operand === 'float64' ? 'nextafter64' : 'nextafter32';
    return { text: (a, b) => `${name}(${a}, ${b})`, run: environment[name] as Lowered['run'] };
  }
  const lowered = tableFor(fn === 'where' ? dtypeOf(node) : operand)[fn] ?? common[fn];
  if (lowered === undefined) throw new DTypeError(`the function '${fn}' is not defined for ${operand}`);
  if (exact.has(fn)) return lowered;
  const narrow = narrowing[operand];
  if (narrow === undefined) return lowered;
  return { text: (...args) => narrow.text(lowered.text(...args)), run: (...args) => narrow.run(lowered.run(...args)) };
}

/** A constant of a dtype as a JavaScript value. */
export function constant(value: number, dtype: DType): number | bigint | boolean {
  if (dtype === 'bool') return value !== 0;
  if (dtype === 'int64') return BigInt(Math.trunc(value));
  if (dtypeInfo(dtype).kind === 'int') return Math.trunc(value);
  return dtype === 'float64' ? value : Math.fround(value);
}

function literal(value: number | bigint | boolean): string {
  if (typeof value === 'bigint') return `${value}n`;
  return Object.is(value, -0) ? '-0' : typeof value === 'number' && value < 0 ? `(${value})` : String(value);
}

/** The text of expressions: each node's value in a variable of its own, shared nodes once. */
export interface ExpressionText {
  /** Statements that depend on invariant inputs only, to be placed outside the loop. */
  readonly invariants: string[];
  readonly statements: string[];
  /** For each expression the text of its value. */
  readonly results: string[];
  readonly dtypes: DType[];
}

/**
 * Source text of expressions. `isInvariant` tells which inputs stay the same in the loop that the text is for; without
 * it there are no invariants.
 */
export function expressionText(
  expressions: readonly Expr[],
  kernelInputs: readonly KernelInput[],
  compute: DType,
  inputText: (input: number) => string,
  isInvariant?: (input: number) => boolean,
): ExpressionText {
  const dtypeOf = nodeDTypes(expressions, kernelInputs, compute);
  const invariants: string[] = [];
  const statements: string[] = [];
  const values = new Map<Expr, { text: string; invariant: boolean }>();
  const visit = (node: Expr): { text: string; invariant: boolean } => {
    let value = values.get(node);
    if (value === undefined) {
      value = evaluate(node);
      values.set(node, value);
    }
    return value;
  };
  const evaluate = (node: Expr): { text: string; invariant: boolean } => {
    if (node.kind === 'const') return { text: literal(constant(node.value, compute)), invariant: true };
    const args = node.args.map(visit);
    const text =
      node.kind === 'input' ? inputText(node.value) : lowerCall(node, dtypeOf).text(...args.map((a) => a.text));
    const invariant =
      isInvariant !== undefined && (node.kind === 'input' ? isInvariant(node.value) : args.every((a) => a.invariant));
    const name = `t${values.size}`;
    (invariant ? invariants : statements).push(`const ${name} = ${text};`);
    return { text: name, invariant };
  };
  const results = expressions.map((expression) => visit(expression).text);
  return { invariants, statements, results, dtypes: expressions.map(dtypeOf) };
}

type Closure = (inputs: readonly unknown[]) => unknown;
type Step = (inputs: readonly unknown[], slots: unknown[]) => unknown;

/** The same as a closure over the input values, for places without code generation. Shared nodes are computed once. */
export function expressionClosure(
  expression: Expr,
  kernelInputs: readonly KernelInput[],
  compute: DType,
): { run: Closure; dtype: DType } {
  const dtypeOf = nodeDTypes([expression], kernelInputs, compute);
  const steps: Step[] = [];
  const reads = new Map<Expr, Step>();
  const visit = (node: Expr): Step => {
    let read = reads.get(node);
    if (read === undefined) {
      read = readOf(node);
      reads.set(node, read);
    }
    return read;
  };
  const readOf = (node: Expr): Step => {
    if (node.kind === 'input') return (inputs) => inputs[node.value];
    if (node.kind === 'const') {
      const value = constant(node.value, compute);
      return () => value;
    }
    const { run } = lowerCall(node, dtypeOf);
    const args = node.args.map(visit);
    const slot = steps.push((inputs, slots) => run(...args.map((arg) => arg(inputs, slots)))) - 1;
    return (_, slots) => slots[slot];
  };
  const result = visit(expression);
  const slots = new Array<unknown>(steps.length);
  const run: Closure = (inputs) => {
    for (let i = 0; i < steps.length; i++) slots[i] = steps[i]!(inputs, slots);
    return result(inputs, slots);
  };
  return { run, dtype: dtypeOf(expression) };
}
