/** @file Lowers expressions to WGSL, and says how elements lie in device memory: one 32-bit word each. */
import { type DType, DTypeError } from '@flambeau/tensor';
import { dtypeInfo, type Expr, type KernelInput, nodeDTypes } from '@flambeau/tensor/internal';
import { boolFunctions, common, type FunctionTable, floatFunctions, intFunctions, type Text } from './functions.ts';
import { floatWord, intWord, word } from './shader.ts';

/** The dtypes that the device computes with. */
export const deviceDTypes: ReadonlySet<DType> = new Set<DType>([
  'float32',
  'float16',
  'bfloat16',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
]);

/** @throws DTypeError naming the remedy, for dtypes that WGSL does not have. */
export function checkDType(op: string, dtype: DType): void {
  if (deviceDTypes.has(dtype)) return;
  const instead = dtype === 'float64' ? 'float32' : dtype === 'int64' ? 'int32' : null;
  const remedy =
    instead === null
      ? 'compute on the CPU (await x.cpu())'
      : `use .to('${instead}') or compute on the CPU (await x.cpu())`;
  throw new DTypeError(`${op}: the WebGPU backend has no ${dtype}; ${remedy}`);
}

/** The WGSL type of values of a dtype. */
export function valueType(dtype: DType): 'f32' | 'i32' | 'bool' {
  const { kind } = dtypeInfo(dtype);
  return kind === 'bool' ? 'bool' : kind === 'int' ? 'i32' : 'f32';
}

function tableFor(dtype: DType): FunctionTable {
  const type = valueType(dtype);
  return type === 'bool' ? boolFunctions : type === 'i32' ? intFunctions : floatFunctions;
}

/** Wraps the result of integer arithmetic to the width of its dtype. */
const narrowing: Partial<Record<DType, Text>> = {
  int16: (a) => `(((${a}) << 16u) >> 16u)`,
  int8: (a) => `(((${a}) << 24u) >> 24u)`,
  uint8: (a) => `((${a}) & 255)`,
};

const exact = new Set(['where', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'and', 'or', 'xor', 'not', 'toBool', 'toReal']);

/** Conversion between values of two dtypes. */
export function conversion(from: DType, to: DType): Text {
  const [source, target] = [valueType(from), valueType(to)];
  const narrow = target === 'i32' && from !== to ? (narrowing[to] ?? ((a: string) => a)) : (a: string): string => a;
  if (source === target) return (a) => narrow(a!);
  // NaN is true, so floats are tested by their bits.
  if (target === 'bool')
    return (a) => (source === 'f32' ? `((bitcast<u32>(${a}) & 0x7fffffffu) != 0u)` : `(${a} != 0)`);
  if (source === 'bool') return (a) => (target === 'f32' ? `select(0.0, 1.0, ${a})` : `select(0, 1, ${a})`);
  return (a) => (target === 'f32' ? `f32(${a})` : narrow(`i32(${a})`));
}

/** From a memory word of dtype `from` to a value of dtype `as`. */
export function loading(from: DType, as: DType): Text {
  const cast = conversion(from, as);
  return (word) => cast(decode(from, word!));
}

function decode(dtype: DType, word: string): string {
  if (dtype === 'float32') return `bitcast<f32>(${word})`;
  if (dtype === 'float16') return `from_f16(${word})`;
  if (dtype === 'bfloat16') return `bitcast<f32>(${word} << 16u)`;
  return dtype === 'bool' ? `(${word} != 0u)` : `bitcast<i32>(${word})`;
}

/** A scalar argument of a kernel, of dtype `as`, from parameter word `at`. */
export function scalarText(as: DType, at: number): string {
  const type = valueType(as);
  return type === 'bool' ? `(${word(at)} != 0u)` : type === 'f32' ? floatWord(at) : intWord(at);
}

/** From a value of dtype `from` to a memory word of dtype `to`. */
export function storing(from: DType, to: DType): Text {
  const cast = conversion(from, to);
  return (value) => encode(to, cast(value!));
}

function encode(dtype: DType, value: string): string {
  if (dtype === 'float16') return `to_f16(${value})`;
  if (dtype === 'bfloat16') return `to_bf16(${value})`;
  return dtype === 'bool' ? `select(0u, 1u, ${value})` : `bitcast<u32>(${value})`;
}

/** A constant of a dtype. WGSL has no literals for NaN and infinity. */
export function literal(value: number, dtype: DType): string {
  const type = valueType(dtype);
  if (type === 'bool') return String(value !== 0);
  if (type === 'i32') return value === -(2 ** 31) ? 'i32(-2147483647 - 1)' : `i32(${Math.trunc(value)})`;
  if (Number.isFinite(Math.fround(value))) {
    const text = Math.fround(value).toString();
    return `f32(${/[.e]/.test(text) ? text : `${text}.0`})`;
  }
  const bits = new Uint32Array(new Float32Array([value]).buffer)[0]!;
  return `bits(${bits}u)`;
}

/** A comparison of a float with ±∞, by bits: compilers may assume that there is neither ∞ nor NaN. Null for other calls. */
function againstInfinity(node: Expr, args: readonly string[]): string | null {
  const side = node.args.findIndex(
    ({ kind, value }) => kind === 'const' && Math.abs(value) === Number.POSITIVE_INFINITY,
  );
  if (side < 0 || node.args.length !== 2) return null;
  const [x, { value }] = [args[1 - side]!, node.args[side]!];
  const is = `(bitcast<u32>(${x}) == ${value > 0 ? '0x7f800000u' : '0xff800000u'})`;
  // As "x fn ∞": the other order and the other sign turn < around.
  const turned = (side === 0) !== value < 0;
  const names = { lt: ['lt', 'gt'], le: ['le', 'ge'], gt: ['gt', 'lt'], ge: ['ge', 'le'] } as const;
  const fn = node.fn! in names ? names[node.fn as keyof typeof names][turned ? 1 : 0] : node.fn;
  const texts: Partial<Record<string, string>> = {
    eq: is,
    ne: `!${is}`,
    lt: `!(${is} || is_nan(${x}))`,
    le: `!is_nan(${x})`,
    gt: 'false',
    ge: is,
  };
  return texts[fn!] ?? null;
}

function lowerCall(node: Expr, args: readonly string[], dtypeOf: (node: Expr) => DType): string {
  const fn = node.fn!;
  const operand = dtypeOf(node.args[0]!);
  if (fn === 'toBool' || fn === 'toReal') return conversion(operand, dtypeOf(node))(args[0]!);
  if (valueType(operand) === 'f32' && (fn === 'ne' || fn === 'eq') && node.args[0] === node.args[1]) {
    return fn === 'ne' ? `is_nan(${args[0]})` : `!is_nan(${args[0]})`;
  }
  const special = valueType(operand) === 'f32' ? againstInfinity(node, args) : null;
  if (special !== null) return special;
  const text = tableFor(operand)[fn] ?? common[fn];
  if (text === undefined) throw new DTypeError(`the function '${fn}' is not defined for ${operand} on WebGPU`);
  const narrow = exact.has(fn) ? undefined : narrowing[operand];
  return narrow === undefined ? text(...args) : narrow(text(...args));
}

export interface LoweredExpressions {
  /** Declarations of the shared values. */
  readonly statements: string;
  readonly results: readonly string[];
  readonly dtypes: readonly DType[];
}

/** Source of expressions; `inputText` gives the value of an input. Shared nodes are computed once. */
export function expressionText(
  expressions: readonly Expr[],
  kernelInputs: readonly KernelInput[],
  compute: DType,
  inputText: (input: number) => string,
  prefix = 't',
): LoweredExpressions {
  const dtypeOf = nodeDTypes(expressions, kernelInputs, compute);
  const statements: string[] = [];
  const names = new Map<Expr, string>();
  const visit = (node: Expr): string => {
    if (node.kind === 'const') return literal(node.value, compute);
    let name = names.get(node);
    if (name !== undefined) return name;
    const text = node.kind === 'input' ? inputText(node.value) : lowerCall(node, node.args.map(visit), dtypeOf);
    name = `${prefix}${names.size}`;
    names.set(node, name);
    statements.push(`let ${name} = ${text};`);
    return name;
  };
  const results = expressions.map(visit);
  return { statements: statements.join('\n  '), results, dtypes: expressions.map(dtypeOf) };
}
