/** @file Making tensors: from data, from shapes, from typed arrays. */
import { checkOptions, isPlainObject, type ShapeArguments, shapeArguments, signature } from './args.ts';
import { isComplexValue } from './complex-scalar.ts';
import { type DType, type DTypeAlias, dtypeInfo, promoteTypes, type TypedArray, toDType } from './dtype.ts';
import { DTypeError, FlambeauError, ShapeError } from './errors.ts';
import { copyValues } from './inplace.ts';
import { fillOp } from './ops/copy.ts';
import { callPointwiseInto } from './pointwise.ts';
import { toComplex } from './promotion.ts';
import { formatShape, inferSize, numelOf } from './shape.ts';
import { backendFor, state } from './state.ts';
import { Storage } from './storage.ts';
import { isTensor, Tensor } from './tensor.ts';
import { arrayOf, type ComplexValue, type Value } from './values.ts';

/** Options of every function that makes a tensor. */
export interface TensorOptions {
  dtype?: DType | DTypeAlias | undefined;
  device?: string | undefined;
  requiresGrad?: boolean | undefined;
}

/**
 * Data for `tensor`: numbers (float32 unless told otherwise), bigints (int64), booleans (bool), complex numbers
 * `{ re, im }` (complex64), nested to any depth.
 */
export type NestedData =
  | Value
  | Tensor
  | readonly NestedData[]
  | TypedArray
  | BigUint64Array
  | Uint32Array
  | Uint8ClampedArray;

/** A tensor whose memory has yet to be written. @throws ShapeError for a negative size. */
export function allocateTensor(op: string, shape: readonly number[], dtype: DType, device: string): Tensor {
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0)
      throw new ShapeError(`${op}(): sizes must be integers of at least 0, got ${formatShape(shape)}`);
  }
  return new Tensor(backendFor(device).allocate(dtype, numelOf(shape)), dtype, shape);
}

/** Resolves the options that all creation functions share. */
export function resolveOptions(options: TensorOptions, fallback?: DType): { dtype: DType; device: string } {
  return {
    dtype: options.dtype === undefined ? (fallback ?? state.defaultDType) : toDType(options.dtype),
    device: options.device ?? state.defaultDevice,
  };
}

function finish(out: Tensor, options: TensorOptions): Tensor {
  if (options.requiresGrad) out.requiresGrad = true;
  return out;
}

const parseShape = (op: string, args: readonly unknown[]): [number[], TensorOptions] => {
  const [shape, options] = shapeArguments<TensorOptions>(op, args);
  checkCreationOptions(op, options);
  return [shape, options];
};

const optionParsers = new Map<string, (args: readonly unknown[]) => TensorOptions>();

function checkCreationOptions(op: string, options: object): void {
  let parse = optionParsers.get(op);
  if (parse === undefined) {
    parse = signature<TensorOptions>(op, [], { dtype: undefined, device: undefined, requiresGrad: undefined });
    optionParsers.set(op, parse);
  }
  parse([options]);
}

/** Fills a fresh tensor with one value. */
export function filled(
  op: string,
  shape: readonly number[],
  value: Value,
  options: TensorOptions,
  fallback?: DType,
): Tensor {
  const { dtype, device } = resolveOptions(options, fallback);
  const out = allocateTensor(op, shape, dtype, device);
  fillFresh(out, value);
  return finish(out, options);
}

/** Fills memory that nobody has seen yet. */
function fillFresh(out: Tensor, value: Value): void {
  callPointwiseInto(fillOp, [out, value], out, true);
  out.storage.version = 0;
}

/**
 * A tensor of `shape` whose values are arbitrary (zeros on the CPU).
 *
 * ```ts
 * empty(2, 3).shape; // [2, 3]
 * ```
 */
export function empty(...args: ShapeArguments<TensorOptions>): Tensor {
  const [shape, options] = parseShape('empty', args);
  const { dtype, device } = resolveOptions(options);
  return finish(allocateTensor('empty', shape, dtype, device), options);
}

/** Zeros: `zeros(2, 3)`, `zeros([2, 3], { dtype: 'int64' })`. */
export function zeros(...args: ShapeArguments<TensorOptions>): Tensor {
  const [shape, options] = parseShape('zeros', args);
  return filled('zeros', shape, 0, options);
}

/** Ones: `ones(2, 3)`. */
export function ones(...args: ShapeArguments<TensorOptions>): Tensor {
  const [shape, options] = parseShape('ones', args);
  return filled('ones', shape, 1, options);
}

/** `value` everywhere. Numbers give float32, bigints int64, booleans bool, `{ re, im }` complex64, unless `dtype` says otherwise. */
export function full(shape: readonly number[], value: Value, options: TensorOptions = {}): Tensor {
  checkCreationOptions('full', options);
  if (!Array.isArray(shape))
    throw new TypeError(
      `full(): the shape must be a list, got ${String(shape)}; write full([${String(shape)}], value)`,
    );
  return filled('full', [...shape], value, options, dataDType(value));
}

function dataDType(value: Value): DType {
  if (typeof value === 'object') return toComplex(state.defaultDType);
  return typeof value === 'bigint' ? 'int64' : typeof value === 'boolean' ? 'bool' : state.defaultDType;
}

const arrayDTypes: readonly (readonly [string, DType])[] = [
  ['Float32Array', 'float32'],
  ['Float64Array', 'float64'],
  ['Int8Array', 'int8'],
  ['Uint8Array', 'uint8'],
  ['Uint8ClampedArray', 'uint8'],
  ['Int16Array', 'int16'],
  ['Int32Array', 'int32'],
  ['BigInt64Array', 'int64'],
];

const typedArrayDType = (array: ArrayBufferView): DType | undefined =>
  arrayDTypes.find(([name]) => name === (array as unknown as Record<symbol, unknown>)[Symbol.toStringTag])?.[1];

/**
 * A tensor that copies `data`: a number, nested arrays, a typed array or a tensor.
 *
 * ```ts
 * tensor([[1, 2], [3, 4]]).dtype; // 'float32'
 * tensor([1n, 2n]).dtype; // 'int64'
 * tensor([1, 2], { dtype: 'int32', requiresGrad: false });
 * ```
 * @throws ShapeError for ragged nesting, TypeError for anything that is no number.
 */
export function tensor(data: NestedData, options: TensorOptions = {}): Tensor {
  if (!isPlainObject(options))
    throw new TypeError("tensor(): the second argument is an options object, e.g. { dtype: 'int32' }");
  checkCreationOptions('tensor', options);
  if (isTensor(data)) return finish(fromTensor(data, options), options);
  const { shape, values, dtype: found } = flattenData(data);
  const { dtype, device } = resolveOptions(options, found);
  const array = arrayOf(dtype, values);
  return finish(new Tensor(backendFor(device).upload(dtype, array), dtype, shape), options);
}

function fromTensor(data: Tensor, options: TensorOptions): Tensor {
  const { dtype, device } = resolveOptions({ device: data.device, ...options }, data.dtype);
  if (device !== data.device) return data.detach().to(device, dtype);
  const out = allocateTensor('tensor', data.shape, dtype, device);
  copyValues(out, data);
  out.storage.version = 0;
  return out;
}

interface Flat {
  readonly shape: number[];
  readonly values: ArrayLike<Value>;
  readonly dtype: DType;
}

function flattenData(data: NestedData): Flat {
  if (isList(data) && !Array.isArray(data)) {
    const array = data as ArrayLike<number>;
    return {
      shape: [array.length],
      values: array,
      dtype: typedArrayDType(data as ArrayBufferView) ?? state.defaultDType,
    };
  }
  const shape: number[] = [];
  for (let level: unknown = data; isList(level); level = level[0]) {
    shape.push(level.length);
    if (shape.length > maxDepth)
      throw new ShapeError(`tensor(): data is nested more than ${maxDepth} levels deep, or contains itself`);
  }
  const found: Found = { values: [], dtype: undefined };
  collect(data, 0, shape, found);
  return { shape, values: found.values, dtype: found.dtype ?? state.defaultDType };
}

/** PyTorch's limit of dimensions. */
const maxDepth = 64;

/** Arrays, and typed arrays; a DataView has no elements. */
const isList = (data: unknown): data is ArrayLike<unknown> =>
  Array.isArray(data) || (ArrayBuffer.isView(data) && !(data instanceof DataView));

interface Found {
  readonly values: Value[];
  /** The common dtype of what the values come from. */
  dtype: DType | undefined;
}

/** The one element of a tensor within data. */
const elementOf = (x: Tensor): Value => (x.isComplex() ? (x.reshape([]).toArraySync() as ComplexValue) : x.itemSync());

function foundDType(found: Found, dtype: DType): void {
  found.dtype = found.dtype === undefined ? dtype : promoteTypes(found.dtype, dtype);
}

function collect(data: unknown, depth: number, shape: readonly number[], found: Found): void {
  if (isList(data)) {
    if (depth >= shape.length || data.length !== shape[depth]) {
      throw new ShapeError(
        `tensor(): ragged data: expected ${shape[depth] ?? 'a number'} at depth ${depth}, got a list of ${data.length}`,
      );
    }
    const dtype = ArrayBuffer.isView(data) ? typedArrayDType(data) : undefined;
    if (dtype !== undefined && depth + 1 === shape.length) {
      for (let i = 0; i < data.length; i++) found.values.push(data[i] as number);
      foundDType(found, dtype);
    } else {
      for (let i = 0; i < data.length; i++) collect(data[i], depth + 1, shape, found);
    }
    return;
  }
  if (depth !== shape.length)
    throw new ShapeError(
      `tensor(): ragged data: expected a list of ${shape[depth]} at depth ${depth}, got ${String(data)}`,
    );
  const value = isTensor(data) ? elementOf(data) : data;
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'boolean' && !isComplexValue(value)) {
    throw new TypeError(
      `tensor(): data must be numbers, bigints, booleans or complex numbers { re, im }, got ${value === null ? 'null' : typeof value}`,
    );
  }
  found.values.push(value);
  foundDType(found, isTensor(data) ? data.dtype : dataDType(value));
}

/**
 * A tensor over the memory of a typed array: changes of one show in the other. The array's byteOffset and length count.
 *
 * ```ts
 * const data = new Float32Array([1, 2, 3, 4]);
 * fromTypedArray(data, [2, 2]).mul_(2);
 * data[3]; // 8
 * ```
 * @throws DTypeError for array types without a dtype, ShapeError when `shape` does not fit, FlambeauError when detached.
 */
export function fromTypedArray(
  array: TypedArray | Uint8ClampedArray,
  shape?: readonly number[],
  options: { dtype?: DType | DTypeAlias | undefined } = {},
): Tensor {
  checkOptions('fromTypedArray', options, ['dtype']);
  // By name, because arrays of another realm (a frame, a vm context) are instances of other constructors.
  const kind = Object.prototype.toString.call(array).slice(8, -1);
  const dtype = options.dtype === undefined ? typedArrayDType(array) : toDType(options.dtype);
  const clamped = kind === 'Uint8ClampedArray';
  const data = clamped ? new Uint8Array(array.buffer, array.byteOffset, array.length) : (array as TypedArray);
  if (dtype === undefined || (clamped ? 'Uint8Array' : kind) !== dtypeInfo(dtype).array.name) {
    throw new DTypeError(
      `fromTypedArray(): ${kind} does not hold ${dtype ?? 'a known dtype'}; use one of ${arrayDTypes.map(([name]) => name).join(', ')}`,
    );
  }
  if ((array.buffer as { detached?: boolean }).detached)
    throw new FlambeauError('fromTypedArray(): the array is detached');
  const count = array.length / dtypeInfo(dtype).lanes;
  const sizes = inferSize('fromTypedArray', shape ?? [Math.floor(count)], count);
  return new Tensor(new Storage('cpu', dtype, count, data, true), dtype, sizes);
}

function fromValues(
  values: ArrayLike<number | bigint>,
  shape: readonly number[],
  options: TensorOptions,
  fallback: DType,
): Tensor {
  const { dtype, device } = resolveOptions(options, fallback);
  return finish(new Tensor(backendFor(device).upload(dtype, arrayOf(dtype, values)), dtype, shape), options);
}

/** A tensor of a list of integers, int32 unless the options say otherwise. */
export const integersFrom = (values: readonly number[], shape: readonly number[], options: TensorOptions): Tensor =>
  fromValues(values, shape, options, 'int32');

interface RangeOptions extends TensorOptions {
  start?: number | undefined;
  end?: number | undefined;
  step?: number | undefined;
}
type RangeArguments =
  | [end: number, options?: RangeOptions]
  | [start: number, end: number, step?: number | RangeOptions, options?: TensorOptions]
  | [options: RangeOptions];

const rangeArguments = signature<RangeOptions>('arange', ['start', 'end', 'step'], {
  start: 0,
  end: undefined,
  step: 1,
  dtype: undefined,
  device: undefined,
  requiresGrad: undefined,
});

/**
 * Values from `start` (0) up to but without `end`, `step` (1) apart. Integers give int32, others float32.
 *
 * ```ts
 * arange(3); // tensor([0, 1, 2], dtype=torch.int32)
 * arange(1, 2, 0.5); // tensor([1.0000, 1.5000])
 * ```
 */
export function arange(...args: RangeArguments): Tensor {
  const [first, second] = args;
  // A single number is the end, not the start.
  const alone = !isPlainObject(first) && typeof second !== 'number' && second?.end === undefined;
  const options = rangeArguments(alone ? [0, first, ...args.slice(second === undefined ? 2 : 1)] : args);
  if (options.end === undefined) throw new TypeError("arange(): missing argument 'end'");
  for (const name of ['start', 'end', 'step'] as const) {
    const value = options[name];
    if (typeof value !== 'number') throw new TypeError(`arange(): ${name} must be a number, got ${String(value)}`);
  }
  // As in PyTorch int64 counts from integer bounds, the other dtypes from the bounds as they are.
  const whole = options.dtype !== undefined && toDType(options.dtype) === 'int64';
  const [start, end, step] = [options.start!, options.end, options.step!].map((n) => (whole ? Math.trunc(n) : n)) as [
    number,
    number,
    number,
  ];
  if (!Number.isFinite(start) || !Number.isFinite(end) || !(step !== 0)) {
    throw new RangeError(`arange(): start, end and step must be finite and step not 0, got ${start}, ${end}, ${step}`);
  }
  if ((end - start) / step < 0)
    throw new RangeError(`arange(): the sign of step ${step} does not lead from ${start} to ${end}`);
  const count = Math.ceil((end - start) / step);
  const integers = [start, end, step].every(Number.isSafeInteger);
  const dtype = options.dtype === undefined ? (integers ? 'int32' : state.defaultDType) : toDType(options.dtype);
  // The count comes from the bounds as they are, the values of an integer dtype from integers.
  const round = dtypeInfo(dtype).kind === 'int' ? Math.trunc : (x: number) => x;
  const values = Float64Array.from({ length: count }, (_, i) => round(start) + i * round(step));
  return fromValues(values, [count], options, dtype);
}

/** `steps` values evenly from `start` to `end`, both included. */
export function linspace(start: number, end: number, steps: number, options: TensorOptions = {}): Tensor {
  checkCreationOptions('linspace', options);
  if (!Number.isInteger(steps) || steps < 0)
    throw new RangeError(`linspace(): steps must be an integer of at least 0, got ${steps}`);
  const { dtype } = resolveOptions(options);
  if (dtypeInfo(dtype).kind === 'int')
    return fromValues(integerSteps(start, end, steps, dtype), [steps], options, dtype);
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  const rounded = dtype === 'float64' ? step : Math.fround(step);
  // As PyTorch does, the second half counts from the end, so that the last value is `end` itself.
  const values = Float64Array.from({ length: steps }, (_, i) =>
    i < steps / 2 ? start + rounded * i : end - rounded * (steps - 1 - i),
  );
  return fromValues(values, [steps], options, dtype);
}

/**
 * `linspace` of integers as PyTorch's vectors of 32 bytes compute it: from integer bounds, each vector from its first
 * value, which is truncated already. What does not fill two vectors at the end is computed one by one.
 */
function integerSteps(start: number, end: number, steps: number, dtype: DType): Float64Array {
  const [first, last] = [Math.trunc(start), Math.trunc(end)];
  if (steps === 1) return Float64Array.of(first);
  const step = (last - first) / (steps - 1);
  const at = (i: number): number =>
    Math.trunc(i < Math.floor(steps / 2) ? first + step * i : last - step * (steps - i - 1));
  const lanes = 32 / dtypeInfo(dtype).bytes;
  const inVectors = steps - (steps % (2 * lanes));
  return Float64Array.from({ length: steps }, (_, i) => {
    if (i >= inVectors) return at(i);
    return Math.trunc(at(i - (i % lanes)) + step * (i % lanes));
  });
}

/**
 * `steps` powers of `base` (10), with exponents evenly from `start` to `end`, both included.
 *
 * ```ts
 * logspace(0, 2, 3).toArraySync(); // [1, 10, 100]
 * ```
 */
export function logspace(
  start: number,
  end: number,
  steps: number,
  ...args: [base?: number | TensorOptions, options?: TensorOptions]
): Tensor {
  const base = typeof args[0] === 'number' ? args[0] : 10;
  const options = (typeof args[0] === 'number' ? args[1] : (args[0] ?? args[1])) ?? {};
  checkCreationOptions('logspace', options);
  if (!Number.isInteger(steps) || steps < 0)
    throw new RangeError(`logspace(): steps must be an integer of at least 0, got ${steps}`);
  const { dtype } = resolveOptions(options);
  // Integer results come from integer bounds, as in PyTorch.
  const [first, last] = dtypeInfo(dtype).kind === 'int' ? [Math.trunc(start), Math.trunc(end)] : [start, end];
  const step = steps > 1 ? (last - first) / (steps - 1) : 0;
  const values = Float64Array.from(
    { length: steps },
    (_, i) => base ** (i < steps / 2 ? first + step * i : last - step * (steps - 1 - i)),
  );
  return fromValues(values, [steps], options, dtype);
}

/** Ones on the diagonal of an n × m matrix (m = n unless given), zeros elsewhere. */
export function eye(n: number, ...args: [options?: TensorOptions] | [m: number, options?: TensorOptions]): Tensor {
  const m = typeof args[0] === 'number' ? args[0] : n;
  const options = (typeof args[0] === 'number' ? args[1] : args[0]) ?? {};
  checkCreationOptions('eye', options);
  const out = filled('eye', [n, m], 0, { dtype: options.dtype, device: options.device });
  const diagonal = Math.min(n, m);
  if (diagonal > 0) {
    const view = new Tensor(out.storage, out.dtype, [diagonal], [m + 1], 0);
    fillFresh(view, 1);
  }
  return finish(out, options);
}

/** The dtype that tensors of floating-point data get from now on. */
export function setDefaultDtype(dtype: DType | DTypeAlias): void {
  const resolved = toDType(dtype);
  if (dtypeInfo(resolved).kind !== 'float')
    throw new DTypeError(`setDefaultDtype(): only floating dtypes, got ${resolved}`);
  state.defaultDType = resolved;
}

export const getDefaultDtype = (): DType => state.defaultDType;

/** The device that new tensors are made on from now on. @throws DeviceError when it is not ready. */
export function setDefaultDevice(device: string): void {
  backendFor(device);
  state.defaultDevice = device;
}

export const getDefaultDevice = (): string => state.defaultDevice;
