/** @file Conversion between dtypes and devices. */
import { checkOptions, isPlainObject } from '../args.ts';
import { type DType, type DTypeAlias, toDType } from '../dtype.ts';
import { DeviceError } from '../errors.ts';
import { copyValues } from '../inplace.ts';
import { record } from '../record.ts';
import { backendFor, state } from '../state.ts';
import { isTensor, Tensor } from '../tensor.ts';

export interface ConvertOps {
  /** A change of dtype. The gradient is cast back. */
  toCopy: { dtype: DType };
  /** A move to another device. The gradient moves back. */
  toDevice: { device: string };
}

export interface ToOptions {
  dtype?: DType | DTypeAlias | undefined;
  device?: string | undefined;
  /** A copy even when nothing changes. */
  copy?: boolean | undefined;
  /** Accepted for PyTorch's sake; transfers are ordered anyway. */
  nonBlocking?: boolean | undefined;
}

type ToArguments = (string | Tensor | boolean | ToOptions | undefined)[];

const isDevice = (name: string): boolean => /^(cpu|webgpu|cuda)(:\d+)?$/.test(name) || state.backends.has(name);

const optionNames = ['dtype', 'device', 'copy', 'nonBlocking'];

function toTarget(args: ToArguments): ToOptions {
  const target: ToOptions = {};
  for (const arg of args) {
    if (arg === undefined) continue;
    if (typeof arg === 'string') {
      if (isDevice(arg)) target.device = arg;
      else target.dtype = toDType(arg as DType);
    } else if (isTensor(arg)) {
      target.dtype = arg.dtype;
      target.device = arg.device;
    } else if (typeof arg === 'boolean') {
      // By position, nonBlocking comes before copy.
      if (target.nonBlocking === undefined) target.nonBlocking = arg;
      else target.copy = arg;
    } else if (isPlainObject(arg)) {
      checkOptions('to', arg, optionNames);
      Object.assign(target, arg);
    } else {
      throw new TypeError(`to(): expected a dtype, a device, a tensor or options, got ${String(arg)}`);
    }
  }
  return target;
}

/**
 * The tensor with another dtype, device or both; itself when nothing changes.
 *
 * ```ts
 * x.to('float64'); x.to('webgpu'); x.to('webgpu', 'float16'); x.to(other); x.to({ dtype: 'int32', copy: true });
 * ```
 * @throws DeviceError for a device that is not ready, and for leaving a device that only reads asynchronously: `await x.cpu()`.
 */
export function to(
  self: Tensor,
  ...args: [target: string | Tensor | ToOptions, ...rest: (DType | DTypeAlias | boolean | ToOptions | undefined)[]]
): Tensor {
  const { dtype, device, copy } = toTarget(args);
  let out = self;
  // First the dtype: the target may not have the one that the values have here.
  if (dtype !== undefined && toDType(dtype) !== out.dtype) out = castTo(out, toDType(dtype));
  if (device !== undefined && device !== self.device) out = moveTo(out, device);
  return copy && out === self ? out.clone() : out;
}

function castTo(self: Tensor, dtype: DType): Tensor {
  const out = new Tensor(backendFor(self.device).allocate(dtype, self.elementCount), dtype, self.shape);
  copyValues(out, self);
  out.storage.version = 0;
  return record('toCopy', [self], out, { dtype });
}

function moveTo(self: Tensor, device: string): Tensor {
  const source = backendFor(self.device);
  const target = backendFor(device);
  if (source === target) return self;
  if (source.readSync === null)
    throw new DeviceError(
      `to('${device}'): values leave device '${self.device}' asynchronously; use \`await x.cpu()\``,
    );
  const out = new Tensor(target.upload(self.dtype, source.readSync(self)), self.dtype, self.shape);
  return record('toDevice', [self], out, { device });
}

/** The tensor's values as a tensor on the CPU; works from every device. */
export async function cpu(self: Tensor): Promise<Tensor> {
  if (self.device === 'cpu') return self;
  const values = await backendFor(self.device).read(self);
  const out = new Tensor(backendFor('cpu').upload(self.dtype, values), self.dtype, self.shape);
  return record('toDevice', [self], out, { device: 'cpu' });
}

/** Without argument the dtype; with one the tensor converted to it. `x.type('float64')`. */
export function type(self: Tensor, dtype: DType | DTypeAlias): Tensor {
  return to(self, dtype);
}

/** The tensor with the dtype and device of `other`. */
export function typeAs(self: Tensor, other: Tensor): Tensor {
  return to(self, other);
}

// PyTorch's short forms, each `x.to(dtype)`.
export const float = (self: Tensor): Tensor => to(self, 'float32');
export const double = (self: Tensor): Tensor => to(self, 'float64');
export const half = (self: Tensor): Tensor => to(self, 'float16');
export const bfloat16 = (self: Tensor): Tensor => to(self, 'bfloat16');
export const bool = (self: Tensor): Tensor => to(self, 'bool');
export const byte = (self: Tensor): Tensor => to(self, 'uint8');
export const char = (self: Tensor): Tensor => to(self, 'int8');
export const short = (self: Tensor): Tensor => to(self, 'int16');
export const int = (self: Tensor): Tensor => to(self, 'int32');
export const long = (self: Tensor): Tensor => to(self, 'int64');
