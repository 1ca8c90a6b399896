/** @file Golden values as a device has them: where there is no int64, int32 stands for it. */
import { backendFor } from '@flambeau/tensor/internal';
import { type GoldenTensor, isGoldenDType, isGoldenTensor, tensorsIn } from './decode.ts';

/** A case, or why it does not apply to the device. */
export type Fitted<T> = { readonly value: T } | { readonly lacking: string };

const fitsInt32 = (value: bigint): boolean => value === BigInt.asIntN(32, value);

function toInt32(golden: GoldenTensor): GoldenTensor {
  return { ...golden, dtype: 'int32', data: Int32Array.from(golden.data as BigInt64Array, Number) };
}

/** int64 tensors and dtypes within decoded values as int32. */
function narrowed(value: unknown): unknown {
  if (isGoldenTensor(value)) return value.dtype === 'int64' ? toInt32(value) : value;
  if (isGoldenDType(value)) return value.dtype === 'int64' ? { ...value, dtype: 'int32' } : value;
  if (Array.isArray(value)) return value.map(narrowed);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, narrowed(item)]));
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, narrowed(item)]));
}

/** Decoded values for `device`: every tensor in a dtype that it has. */
export function fitToDevice<T>(decoded: T, device: string): Fitted<T> {
  const { dtypes } = backendFor(device);
  const tensors = tensorsIn(decoded);
  const lacking = tensors.find(({ dtype }) => !dtypes.has(dtype) && dtype !== 'int64')?.dtype;
  if (lacking !== undefined) return { lacking: `device '${device}' has no ${lacking}` };
  if (dtypes.has('int64')) return { value: decoded };
  const wide = tensors.some(({ dtype, data }) => dtype === 'int64' && !(data as BigInt64Array).every(fitsInt32));
  if (wide) return { lacking: `device '${device}' has no int64, and a value does not fit into int32` };
  return { value: narrowed(decoded) as T };
}
