/** @file Reading values out of tensors: asynchronous on every device, synchronous (`…Sync`, `asTypedArray`) on the CPU. */
import { dtypeInfo, type TypedArray } from '../dtype.ts';
import { AutogradError, DeviceError, FlambeauError, ShapeError } from '../errors.ts';
import { decodeBfloat16, decodeFloat16 } from '../float16.ts';
import { readForSync, readLater } from '../read-now.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { type ComplexValue, decoder, type Value } from '../values.ts';

/** Values nested as the shape is; a plain value for 0-d tensors. */
export type NestedArray = number | boolean | ComplexValue | NestedArray[];

function widen(self: Tensor, array: TypedArray): TypedArray {
  if (self.dtype === 'float16') return decodeFloat16(array as Uint16Array);
  if (self.dtype === 'bfloat16') return decodeBfloat16(array as Uint16Array);
  return array;
}

function toNumber(op: string, value: Value): number | boolean | ComplexValue {
  if (typeof value !== 'bigint') return value;
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < -BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new RangeError(`${op}(): ${value} is beyond ±2^53, where numbers are not exact; use toTypedArray()`);
  }
  return Number(value);
}

function checkSingle(self: Tensor): void {
  if (self.elementCount !== 1) {
    throw new ShapeError(
      `item(): only tensors of one element have a value, this one has shape ${formatShape(self.shape)}; use toArray()`,
    );
  }
  if (dtypeInfo(self.dtype).kind === 'complex')
    throw new FlambeauError('item(): a complex value is no number; use toArray()');
}

const single = (self: Tensor, array: TypedArray): number => Number(toNumber('item', decoder(self.dtype, array)(0)));

/** The value of a one-element tensor as a number (bool: 0 or 1). @throws ShapeError for other shapes, RangeError beyond ±2^53. */
export async function item(self: Tensor): Promise<number> {
  checkSingle(self);
  return single(self, await readLater(self));
}

/** `item()` at once; CPU only. @throws DeviceError elsewhere. */
export function itemSync(self: Tensor): number {
  checkSingle(self);
  return single(self, readForSync('item', self));
}

function nest(self: Tensor, array: TypedArray): NestedArray {
  const value = decoder(self.dtype, array);
  const { shape } = self;
  const level = (d: number, start: number, count: number): NestedArray => {
    if (d === shape.length) return toNumber('toArray', value(start));
    const step = shape[d] === 0 ? 0 : count / shape[d]!;
    return Array.from({ length: shape[d]! }, (_, i) => level(d + 1, start + i * step, step));
  };
  return level(0, 0, self.elementCount);
}

/**
 * The values as nested arrays: numbers, booleans for bool, `{ re, im }` for complex.
 *
 * ```ts
 * await tensor([[1, 2], [3, 4]]).toArray(); // [[1, 2], [3, 4]]
 * ```
 */
export async function toArray(self: Tensor): Promise<NestedArray> {
  return nest(self, await readLater(self));
}

/** `toArray()` at once; CPU only. */
export function toArraySync(self: Tensor): NestedArray {
  return nest(self, readForSync('toArray', self));
}

/** A copy of the values, row-major, as a typed array; float16 and bfloat16 come as float32. */
export async function toTypedArray(self: Tensor): Promise<TypedArray> {
  return widen(self, await readLater(self));
}

/** `toTypedArray()` at once; CPU only. */
export function toTypedArraySync(self: Tensor): TypedArray {
  return widen(self, readForSync('toTypedArray', self));
}

/**
 * The tensor's own memory as a typed array, sharing it: what `numpy()` does in PyTorch. float16 and bfloat16 give bits.
 * @throws DeviceError off the CPU, AutogradError on tensors that require gradients, FlambeauError on non-contiguous ones.
 */
export function asTypedArray(self: Tensor): TypedArray {
  if (self.device !== 'cpu')
    throw new DeviceError(
      `asTypedArray(): memory of device '${self.device}' cannot be shared; use \`await x.toTypedArray()\``,
    );
  if (self.requiresGrad)
    throw new AutogradError('asTypedArray(): the tensor requires grad; use x.detach().asTypedArray()');
  if (!self.isContiguous())
    throw new FlambeauError('asTypedArray(): the tensor is not contiguous; use x.contiguous().asTypedArray()');
  const { lanes } = dtypeInfo(self.dtype);
  const data = self.storage.as(self.dtype);
  self.storage.external = true;
  return data.subarray(self.offset * lanes, (self.offset + self.elementCount) * lanes);
}

/** Number of elements. */
export const numel = (self: Tensor): number => self.elementCount;
