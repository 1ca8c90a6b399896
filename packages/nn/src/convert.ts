/** @file Moving a module's parameters and buffers to another dtype or device. */
import {
  Buffer,
  type DType,
  type DTypeAlias,
  DTypeError,
  empty,
  getDefaultDevice,
  isTensor,
  Parameter,
  type Tensor,
} from '@flambeau/tensor';
import { backendFor, isDifferentiable, isPlainObject, state, toDType, untracked } from '@flambeau/tensor/internal';
import type { Module } from './module.ts';

export interface Conversion {
  dtype?: DType | DTypeAlias | undefined;
  device?: string | undefined;
}

export type ConversionTarget = [target: string | Tensor | Conversion, dtype?: DType | DTypeAlias];

interface Target {
  readonly dtype: DType | undefined;
  readonly device: string | undefined;
}

const isDevice = (name: string): boolean => /^(cpu|webgpu|cuda)(:\d+)?$/.test(name) || state.backends.has(name);

/** @throws TypeError unless the dtype is floating or complex. */
export function targetOf([first, second]: ConversionTarget): Target {
  const given: Conversion = {};
  if (isTensor(first)) Object.assign(given, { dtype: first.dtype, device: first.device });
  else if (typeof first === 'string') {
    if (isDevice(first)) given.device = first;
    else given.dtype = first as DType;
  } else if (isPlainObject(first)) Object.assign(given, first);
  else throw new TypeError(`to(): expected a dtype, a device or a tensor, got ${String(first)}`);
  if (second !== undefined) given.dtype = second;
  const dtype = given.dtype === undefined ? undefined : toDType(given.dtype);
  if (dtype !== undefined && !isDifferentiable(dtype)) {
    throw new TypeError(`to(): modules only take floating point or complex dtypes, got ${dtype}`);
  }
  return { dtype, device: given.device };
}

/** Every parameter and buffer of a module once. */
function tensorsOf(module: Module): (Parameter | Buffer)[] {
  const found = new Set<Parameter | Buffer>();
  for (const holder of module.modules()) {
    for (const [, value] of holder.ownEntries())
      if (value instanceof Parameter || value instanceof Buffer) found.add(value);
  }
  return [...found];
}

/** The dtype of counters on a device: int64 as in PyTorch, or int32 where there is none. */
export const counterDType = (device: string = getDefaultDevice()): DType =>
  backendFor(device).dtypes.has('int64') ? 'int64' : 'int32';

/** @throws RangeError when a value of an int64 tensor does not fit into int32. */
function narrow(x: Tensor): Tensor {
  for (const value of x.toTypedArraySync() as BigInt64Array) {
    if (value > 2147483647n || value < -2147483648n)
      throw new RangeError(`to(): the device has no int64, and the buffer value ${value} does not fit into int32`);
  }
  return x.to('int32');
}

function converted(x: Tensor, { dtype, device }: Target): Tensor {
  let out = x;
  if (dtype !== undefined && isDifferentiable(x.dtype)) out = out.to(dtype);
  return device === undefined ? out : moved(out, device);
}

/**
 * The tensor on `device`, int64 as int32 where there is no int64.
 * @throws RangeError for values beyond int32 then, DeviceError for leaving a device that is read asynchronously.
 */
export function moved(x: Tensor, device: string): Tensor {
  if (device === x.device) return x;
  return (x.dtype === 'int64' && counterDType(device) === 'int32' ? narrow(x) : x).to(device);
}

export const convertModule = (module: Module, target: Target): void =>
  replaceAll(module, (tensor) => converted(tensor, target));

/** What `Module.type` does. @throws DTypeError for parameters that require gradients and a dtype that has none. */
export function castModule(module: Module, alias: DType | DTypeAlias): void {
  const dtype = toDType(alias);
  if (!isDifferentiable(dtype) && module.parameters().some((parameter) => parameter.requiresGrad)) {
    throw new DTypeError(
      `type(): parameters that require gradients must be floating point or complex, got ${dtype}; call requiresGrad_(false) first`,
    );
  }
  replaceAll(module, (tensor) => tensor.to(dtype));
}

/** What `Module.toEmpty` does. */
export function emptyModule(module: Module, device: string): void {
  const counter = counterDType(device);
  replaceAll(module, ({ shape, dtype }) => empty([...shape], { dtype: dtype === 'int64' ? counter : dtype, device }));
}

/** Everything is converted before the first field changes: a failure leaves the module as it was. */
function replaceAll(module: Module, convert: (tensor: Tensor) => Tensor): void {
  untracked(() => {
    const changes: (() => void)[] = [];
    for (const tensor of tensorsOf(module)) {
      const { grad } = tensor;
      const [value, gradient] = [convert(tensor.detach()), grad === null ? null : convert(grad.detach())];
      changes.push(() => replace(tensor, value, gradient));
    }
    for (const change of changes) change();
  });
}

function replace(tensor: Tensor, value: Tensor, grad: Tensor | null): void {
  if (value.storage === tensor.storage) return;
  if (tensor.grad !== null) tensor.grad = null;
  tensor.data = value;
  // Integers have no gradients.
  if (grad !== null && isDifferentiable(value.dtype)) tensor.grad = grad;
}

export async function moveToCpu(module: Module): Promise<void> {
  const moved = await Promise.all(
    tensorsOf(module).map(
      async (tensor) => [tensor, await tensor.detach().cpu(), (await tensor.grad?.detach().cpu()) ?? null] as const,
    ),
  );
  untracked(() => {
    for (const [tensor, value, grad] of moved) replace(tensor, value, grad);
  });
}
