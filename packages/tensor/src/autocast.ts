/**
 * @file Automatic mixed precision: within `autocast`, products are computed in a 16-bit dtype and what is delicate in
 * float32, by PyTorch's lists.
 */
import { checkOptions, isPlainObject } from './args.ts';
import { autocastLists } from './autocast-lists.ts';
import { type DType, type DTypeAlias, toDType } from './dtype.ts';
import { DTypeError } from './errors.ts';
import { keep } from './memory.ts';
import { autocastKind, currentMode, type ModeGuard, withMode } from './modes.ts';
import { backendFor, state } from './state.ts';
import { Tensor } from './tensor.ts';

export interface AutocastOptions {
  /** The kind of devices that it is about: 'cpu' or 'webgpu'. By default that of the default device. */
  deviceType?: string | undefined;
  /** What products are computed in: 'bfloat16' (the default on the CPU) or 'float16' (elsewhere). */
  dtype?: DType | DTypeAlias | undefined;
  /** `false` switches autocasting off, also within another `autocast`. */
  enabled?: boolean | undefined;
  /** Whether a parameter is converted once only, as long as it does not change. */
  cacheEnabled?: boolean | undefined;
}

/** A converted parameter, and the version of the values that were converted. */
interface Cached {
  readonly version: number;
  readonly value: Tensor;
}

interface Setting {
  readonly deviceType: string;
  readonly dtype: DType;
  readonly enabled: boolean;
  readonly cache: Map<Tensor, Cached> | null;
}

const typeOf = (device: string): string => device.split(':')[0]!;

/** What the innermost open `autocast` of a kind of devices says. */
function settingOf(deviceType: string): Setting | null {
  const found = currentMode<Setting | null>(
    autocastKind,
    null,
    (value) => (value as Setting).deviceType === deviceType,
  );
  return found?.enabled ? found : null;
}

/** As PyTorch: float64, integers and other devices' tensors are left alone. */
const isEligible = (x: Tensor, deviceType: string): boolean =>
  (x.dtype === 'float32' || x.dtype === 'float16' || x.dtype === 'bfloat16') && typeOf(x.device) === deviceType;

/** The tensor in a dtype; parameters once only. */
function converted(x: Tensor, dtype: DType, cache: Setting['cache']): Tensor {
  if (x.dtype === dtype) return x;
  // Only leaves that want gradients are used again, and only with gradients on does the copy lead back to them.
  if (cache === null || dtype === 'float32' || !state.gradEnabled || !x.requiresGrad || !x.isLeaf) return x.to(dtype);
  const { version } = x.storage;
  const known = cache.get(x);
  if (known?.version === version) return known.value;
  // Beyond the memory scope of the op that is being called.
  const value = keep(x.to(dtype));
  cache.set(x, { version, value });
  return value;
}

type Convert = (x: Tensor) => Tensor;

/** Tensors within a call's arguments: single ones, in lists and in options. What is written to stays itself. */
function mapTensors(value: unknown, convert: Convert): unknown {
  if (value instanceof Tensor) return convert(value);
  if (Array.isArray(value))
    return value.some((item) => item instanceof Tensor) ? value.map((item) => mapTensors(item, convert)) : value;
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === 'out' ? item : mapTensors(item, convert)]),
  );
}

/** How the arguments of an op are to be converted, or null. */
function conversionOf(op: string, first: Tensor | undefined): Convert | null {
  if (first === undefined) return null;
  const deviceType = typeOf(first.device);
  const setting = settingOf(deviceType);
  if (setting === null) return null;
  const policy = (autocastLists[deviceType] ?? autocastLists.gpu!).get(op);
  if (policy === undefined) return null;
  if (policy === 'refused') {
    throw new DTypeError(
      `${op}(): is unsafe under autocast: probabilities of ${setting.dtype} round to 0 and 1; leave out the sigmoid before it and use binaryCrossEntropyWithLogits() (BCEWithLogitsLoss), which is safe`,
    );
  }
  const dtype = policy === 'lower' ? setting.dtype : 'float32';
  return (x) => (isEligible(x, deviceType) ? converted(x, dtype, setting.cache) : x);
}

/**
 * Calls a listed op with its arguments converted; ops inside of it are not converted again. For ops that say so in their
 * first line: `if (state.autocasting) return withAutocast('op', op, input, …)`.
 */
export function withAutocast<A extends unknown[], R>(op: string, fn: (...args: A) => R, ...args: A): R {
  const convert = conversionOf(op, firstTensor(args));
  const ready = convert === null ? args : (args.map((arg) => mapTensors(arg, convert)) as A);
  state.autocasting = false;
  try {
    return fn(...ready);
  } finally {
    state.autocasting = true;
  }
}

const firstTensor = (args: readonly unknown[]): Tensor | undefined => args.find((arg) => arg instanceof Tensor);

/** The operands of an op of the lists as it is to take them. */
export function autocastOperands<T extends readonly unknown[]>(op: string, operands: T): T {
  const convert = conversionOf(op, firstTensor(operands));
  return convert === null ? operands : (operands.map((x) => (x instanceof Tensor ? convert(x) : x)) as unknown as T);
}

/** @throws DTypeError for another dtype than the two. */
function settingFrom(options: AutocastOptions): Setting {
  checkOptions('autocast', options, ['deviceType', 'dtype', 'enabled', 'cacheEnabled']);
  const { deviceType = typeOf(state.defaultDevice), enabled = true, cacheEnabled = true } = options;
  const dtype = toDType(options.dtype ?? (deviceType === 'cpu' ? 'bfloat16' : 'float16'));
  if (dtype !== 'bfloat16' && dtype !== 'float16')
    throw new DTypeError(`autocast(): dtype must be 'bfloat16' or 'float16', got '${dtype}'`);
  // A backend that is missing is named by the error.
  const able = !enabled || backendFor(deviceType).dtypes.has(dtype);
  if (!able) {
    console.warn(`autocast(): device '${deviceType}' has no ${dtype}; autocasting stays off there`);
  }
  return { deviceType, dtype, enabled: enabled && able, cache: cacheEnabled ? new Map() : null };
}

/**
 * Computes products (linear, matmul, convolutions …) in a 16-bit dtype and losses and the like in float32, by PyTorch's
 * lists; everything else as its arguments are. Parameters stay float32, and their gradients too. For float16 scale the
 * loss with `amp.GradScaler`. Call backward outside.
 *
 * ```ts
 * const loss = autocast({ deviceType: 'cpu', dtype: 'bfloat16' }, () => criterion(net(x), y));
 * autocast(() => net(x)); // the default device
 * { using _ = autocast('cpu'); … }
 * ```
 * @throws DTypeError for a dtype that is not of 16 bits. Where the device does not have it, autocasting is off and a
 *   warning says so.
 */
export function autocast(options?: string | AutocastOptions): ModeGuard;
export function autocast<T>(fn: () => T): T;
export function autocast<T>(options: string | AutocastOptions, fn: () => T): T;
export function autocast<T>(first: string | AutocastOptions | (() => T) = {}, second?: () => T): T | ModeGuard {
  const fn = typeof first === 'function' ? first : second;
  const options = typeof first === 'string' ? { deviceType: first } : typeof first === 'function' ? {} : first;
  return withMode(autocastKind, settingFrom(options), fn);
}

/** Whether ops on a kind of devices (by default that of the default device) are autocast now. */
export function isAutocastEnabled(deviceType: string = typeOf(state.defaultDevice)): boolean {
  return settingOf(deviceType) !== null;
}

/** The dtype that products are computed in by autocast on a kind of devices. */
export function getAutocastDtype(deviceType: string = typeOf(state.defaultDevice)): DType {
  return settingOf(deviceType)?.dtype ?? (deviceType === 'cpu' ? 'bfloat16' : 'float16');
}
