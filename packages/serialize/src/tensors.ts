/** @file Named tensors as files keep them, and their bytes. */
import {
  DeviceError,
  type DType,
  fromTypedArray,
  isTensor,
  SerializationError,
  type Tensor,
  type TypedArray,
} from '@flambeau/tensor';
import { dtypeInfo, isPlainObject } from '@flambeau/tensor/internal';

/** Tensors by name: a state dict, any other Map, or a plain object. */
export type NamedTensors = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

/** Tensors by name as read from a file, in the file's order. What `loadStateDict` takes. */
export class TensorMap extends Map<string, Tensor> {
  /** The strings that were saved beside the tensors, null when there are none. */
  metadata: ReadonlyMap<string, string> | null = null;
}

/** The tensors of a value to save. @throws SerializationError for anything that is not a tensor. */
export function tensorEntries(value: unknown): Map<string, Tensor> {
  if (!(value instanceof Map) && (!isPlainObject(value) || isTensor(value))) {
    throw new SerializationError(
      `save(): a .safetensors file holds tensors by name: a state dict, a Map or a plain object; got ${nameOf(value)}`,
    );
  }
  const entries = new Map<string, Tensor>(
    value instanceof Map ? value : Object.entries(value as Record<string, Tensor>),
  );
  for (const [name, tensor] of entries) {
    if (typeof name !== 'string') throw new SerializationError(`save(): names must be strings, got ${nameOf(name)}`);
    if (!isTensor(tensor)) {
      throw new SerializationError(
        `save(): a .safetensors file holds tensors only, but ${JSON.stringify(name)} is ${nameOf(tensor)}`,
      );
    }
  }
  return entries;
}

function nameOf(value: unknown): string {
  if (isTensor(value)) return 'a single tensor';
  if (typeof value === 'object' && value !== null) return `an object of class ${value.constructor?.name ?? 'Object'}`;
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** The elements of a CPU tensor in row-major order, as bytes. They are shared with the tensor where it is contiguous. */
export function bytesOf(name: string, tensor: Tensor): Uint8Array {
  if (tensor.device !== 'cpu') {
    throw new DeviceError(
      `saveSafetensors(): ${JSON.stringify(name)} is on '${tensor.device}'; pass \`await x.cpu()\`, or use \`await save()\``,
    );
  }
  const array = tensor.detach().contiguous().asTypedArray();
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** A tensor that is yet to be filled, and its memory as bytes. */
export function allocate(
  dtype: DType,
  shape: readonly number[],
  bytes: number,
): { tensor: Tensor; memory: Uint8Array } {
  const array: TypedArray = new (dtypeInfo(dtype).array)(bytes / dtypeInfo(dtype).array.BYTES_PER_ELEMENT);
  return {
    tensor: fromTypedArray(array, shape, { dtype }),
    memory: new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
  };
}
