/**
 * A small WebAssembly binary encoder.
 *
 * Code is written as values: an {@link Expression} is a typed piece of code that leaves one value on the stack, a
 * {@link Statement} one that leaves none, and bigger pieces are made of smaller ones by ordinary function calls (the
 * instructions themselves are in `instructions.ts`). Nothing is emitted before {@link WasmModule.encode}.
 *
 * Binary format: https://webassembly.github.io/spec/core/binary/index.html
 *
 * @example
 * const module = new WasmModule();
 * module.importMemory('env', 'memory');
 * module.func('sum', { at: 'i32', count: 'i32' }, 'f32', ({ at, count }, fn) => {
 *   const total = fn.local('f32');
 *   return [
 *     whileLoop(count, [
 *       total.set(f32.add(total, f32.load(at))),
 *       at.set(i32.add(at, 4)),
 *       count.set(i32.sub(count, 1)),
 *     ]),
 *     total,
 *   ];
 * });
 * const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { env: { memory } });
 */

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';
export type ResultType = ValueType | 'void';

/** A place that branches can go to: the end of a `block`, or the start of a `loop`. */
export interface Label {
  readonly label: 'block' | 'loop';
}

/** Opens or closes a label, or stands for the depth of one in a branch; resolved when the function is encoded. */
interface Mark {
  readonly mark: 'enter' | 'leave' | 'depth';
  readonly label: Label;
}

/** Bytes, nested as they were put together. */
export type Code = number | Mark | readonly Code[];

/** Code that leaves one value of type `T`. Using it twice evaluates it twice: keep it in a local. */
export interface Expression<T extends ResultType = ValueType> {
  readonly type: T;
  readonly code: Code;
}

/** Code that leaves nothing. */
export type Statement = Expression<'void'>;

/** What stands where a value is expected: an expression, or a constant. */
export type Operand<T extends ValueType> =
  | Expression<T>
  | (T extends 'i64' ? bigint : T extends 'v128' ? never : number);

/** A local variable or parameter; as an expression it is its value. */
export interface Local<T extends ValueType = ValueType> extends Expression<T> {
  /** Assigns. */
  set(value: Operand<T>): Statement;
  /** Assigns, and is the assigned value. */
  tee(value: Operand<T>): Expression<T>;
}

/** Statements, and possibly last the expression that is the function's result. */
export type Body = readonly (Expression<ResultType> | Body)[];

const VALUE_TYPE: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const EMPTY_BLOCK = 0x40;

export function unsignedLeb(value: number): number[] {
  if (value < 0x80) return [value];
  const bytes: number[] = [];
  let rest = value >>> 0;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

function signedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    if (rest === (low < 0x40 ? 0 : -1)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

function signedLeb64(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asIntN(64, value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    if (rest === (low < 0x40 ? 0n : -1n)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** A constant of type `type`. */
export function constant<T extends ValueType>(type: T, value: number | bigint): Expression<T> {
  switch (type) {
    case 'i32':
      return { type, code: [0x41, signedLeb(Number(value) | 0)] };
    case 'i64':
      return { type, code: [0x42, signedLeb64(BigInt(value))] };
    case 'f32':
      return { type, code: [0x43, ...new Uint8Array(Float32Array.of(Number(value)).buffer)] };
    case 'f64':
      return { type, code: [0x44, ...new Uint8Array(Float64Array.of(Number(value)).buffer)] };
    default:
      throw new TypeError('a v128 constant has lanes: use v128.const or a splat');
  }
}

/** The expression that an operand stands for. */
export function operand<T extends ValueType>(type: T, value: Operand<T>): Expression<T> {
  return typeof value === 'object' ? value : constant(type, value as number | bigint);
}

function codeOf(body: Body): Code {
  return body.map((part) => ('code' in part ? part.code : codeOf(part)));
}

function labelled(kind: Label['label'], opcode: number, body: (label: Label) => Body): Statement {
  const label: Label = { label: kind };
  const code = codeOf(body(label));
  return { type: 'void', code: [opcode, EMPTY_BLOCK, { mark: 'enter', label }, code, 0x0b, { mark: 'leave', label }] };
}

/** A block; a branch to its label goes to its end. */
export const block = (body: (end: Label) => Body): Statement => labelled('block', 0x02, body);

/** A loop; a branch to its label goes to its start, and without one it ends. */
export const loop = (body: (start: Label) => Body): Statement => labelled('loop', 0x03, body);

/** Goes to the label. */
export const branch = (to: Label): Statement => ({ type: 'void', code: [0x0c, { mark: 'depth', label: to }] });

/** Goes to the label if the condition is not zero. */
export const branchIf = (to: Label, condition: Expression<'i32'>): Statement => ({
  type: 'void',
  code: [condition.code, 0x0d, { mark: 'depth', label: to }],
});

/** `if`: runs `then` when the condition is not zero, else `otherwise`. */
export function when(condition: Expression<'i32'>, then: Body, otherwise: Body = []): Statement {
  const label: Label = { label: 'block' };
  const alternative = otherwise.length > 0 ? [0x05, codeOf(otherwise)] : [];
  return {
    type: 'void',
    code: [
      condition.code,
      [0x04, EMPTY_BLOCK, { mark: 'enter', label }],
      [codeOf(then), alternative, 0x0b, { mark: 'leave', label }],
    ],
  };
}

/** Runs the body, then again while the condition is not zero. */
export const doWhile = (body: Body, condition: Expression<'i32'>): Statement =>
  loop((start) => [body, branchIf(start, condition)]);

/** Runs the body while the condition is not zero. */
export const whileLoop = (condition: Expression<'i32'>, body: Body): Statement =>
  block((end) => [
    loop((start) => [branchIf(end, { type: 'i32', code: [condition.code, 0x45] }), body, branch(start)]),
  ]);

/** Gives back from the function at once, with its result if it has one. */
export const returnNow = (result?: Expression): Statement => ({ type: 'void', code: [result?.code ?? [], 0x0f] });

/** What a function body can ask for. */
export interface FunctionScope {
  /** A new local variable; it starts as zero. */
  local<T extends ValueType>(type: T): Local<T>;
  /** `count` new local variables: a tuple where the count is a literal. */
  locals<T extends ValueType, const N extends number>(type: T, count: N): Repeat<Local<T>, N>;
}

type Repeat<V, N extends number, Tuple extends V[] = []> = number extends N
  ? V[]
  : Tuple['length'] extends N
    ? Tuple
    : Repeat<V, N, [...Tuple, V]>;

export type Parameters = Readonly<Record<string, ValueType>>;
export type ParameterLocals<P extends Parameters> = { readonly [name in keyof P]: Local<P[name]> };

/** A function that other functions of the module may call. */
export interface FunctionReference<R extends ResultType = ResultType> {
  call(...args: Operand<ValueType>[]): Expression<R>;
}

interface DefinedFunction {
  readonly type: number;
  readonly bytes: readonly number[];
}

/** Size of a memory, in pages of 64 KiB. */
export interface MemoryLimits {
  readonly initial: number;
  readonly maximum?: number;
  readonly shared?: boolean;
}

/** One WebAssembly module under construction: import first, then define functions, then {@link encode}. */
export class WasmModule {
  #types: string[] = [];
  #imports: number[][] = [];
  #importedFunctions = 0;
  #functions: DefinedFunction[] = [];
  #memory: readonly number[] | undefined;
  #exports: number[][] = [];

  /** Imports the memory that loads and stores go to. */
  importMemory(from: string, name: string, limits: MemoryLimits = { initial: 0 }): void {
    this.#imports.push([...text(from), ...text(name), 0x02, ...limitBytes(limits)]);
  }

  /** Gives the module a memory of its own, exported under `name`. */
  exportMemory(name: string, limits: MemoryLimits): void {
    this.#memory = limitBytes(limits);
    this.#exports.push([...text(name), 0x02, 0]);
  }

  /** Imports a function. Throws an Error after the first `func`, since imports are numbered first. */
  importFunc<R extends ResultType>(
    from: string,
    name: string,
    parameters: readonly ValueType[],
    result: R,
  ): FunctionReference<R> {
    if (this.#functions.length > 0) throw new Error(`importFunc: import '${name}' before functions are defined`);
    this.#imports.push([...text(from), ...text(name), 0x00, ...unsignedLeb(this.#type(parameters, result))]);
    return reference(this.#importedFunctions++, parameters, result);
  }

  /**
   * Defines a function, and exports it when it has a name.
   *
   * @param build gets the parameters as locals and gives the body; the last part of the body is the result, if any.
   */
  func<const P extends Parameters, R extends ResultType>(
    name: string | null,
    parameters: P,
    result: R,
    build: (parameters: ParameterLocals<P>, scope: FunctionScope) => Body,
  ): FunctionReference<R> {
    const types = Object.values(parameters);
    const index = this.#importedFunctions + this.#functions.length;
    const variables: ValueType[] = [...types];
    const local = <T extends ValueType>(type: T): Local<T> => makeLocal(type, variables.push(type) - 1);
    const locals = (type: ValueType, count: number) => Array.from({ length: count }, () => local(type));
    const scope = { local, locals } as FunctionScope;
    const inputs = Object.fromEntries(Object.keys(parameters).map((key, i) => [key, makeLocal(types[i]!, i)]));
    const body = resolve(codeOf(build(inputs as ParameterLocals<P>, scope)));
    const declared = variables.slice(types.length).map((type) => [1, VALUE_TYPE[type]]);
    this.#functions.push({ type: this.#type(types, result), bytes: sized([...vector(declared), ...body, 0x0b]) });
    if (name !== null) this.#exports.push([...text(name), 0x00, ...unsignedLeb(index)]);
    return reference(index, types, result);
  }

  /** The module in the binary format. */
  encode(): Uint8Array<ArrayBuffer> {
    const types = this.#types.map((key) => key.split(',').map(Number));
    return new Uint8Array([
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...section(1, types),
      ...section(2, this.#imports),
      ...section(
        3,
        this.#functions.map((f) => unsignedLeb(f.type)),
      ),
      ...section(5, this.#memory ? [this.#memory] : []),
      ...section(7, this.#exports),
      ...section(
        10,
        this.#functions.map((f) => f.bytes),
      ),
    ]);
  }

  #type(parameters: readonly ValueType[], result: ResultType): number {
    const results = result === 'void' ? [] : [[VALUE_TYPE[result]]];
    const key = [0x60, ...vector(parameters.map((type) => [VALUE_TYPE[type]])), ...vector(results)].join(',');
    const known = this.#types.indexOf(key);
    return known >= 0 ? known : this.#types.push(key) - 1;
  }
}

function makeLocal<T extends ValueType>(type: T, index: number): Local<T> {
  const at = unsignedLeb(index);
  return {
    type,
    code: [0x20, at],
    set: (value) => ({ type: 'void', code: [operand(type, value).code, 0x21, at] }),
    tee: (value) => ({ type, code: [operand(type, value).code, 0x22, at] }),
  };
}

function reference<R extends ResultType>(index: number, types: readonly ValueType[], result: R): FunctionReference<R> {
  return {
    call: (...args) => {
      if (args.length !== types.length)
        throw new TypeError(`call: ${types.length} arguments wanted, got ${args.length}`);
      return { type: result, code: [args.map((arg, i) => operand(types[i]!, arg).code), 0x10, unsignedLeb(index)] };
    },
  };
}

/** Flattens code, and turns labels into the number of blocks between the branch and them. */
function resolve(code: Code): number[] {
  const bytes: number[] = [];
  const open: Label[] = [];
  const walk = (part: Code): void => {
    if (typeof part === 'number') bytes.push(part);
    else if (!('mark' in part)) part.forEach(walk);
    else if (part.mark === 'enter') open.push(part.label);
    else if (part.mark === 'leave') open.pop();
    else {
      const at = open.lastIndexOf(part.label);
      if (at < 0) throw new Error('branch: its label is not around it');
      bytes.push(...unsignedLeb(open.length - 1 - at));
    }
  };
  walk(code);
  return bytes;
}

const sized = (bytes: readonly number[]): number[] => [...unsignedLeb(bytes.length), ...bytes];
const vector = (items: readonly (readonly number[])[]): number[] => [...unsignedLeb(items.length), ...items.flat()];
const text = (value: string): number[] => sized([...new TextEncoder().encode(value)]);
const section = (id: number, items: readonly (readonly number[])[]): number[] =>
  items.length > 0 ? [id, ...sized(vector(items))] : [];

function limitBytes({ initial, maximum, shared = false }: MemoryLimits): number[] {
  const flags = (maximum === undefined ? 0 : 1) | (shared ? 2 : 0);
  return [flags, ...unsignedLeb(initial), ...(maximum === undefined ? [] : unsignedLeb(maximum))];
}
