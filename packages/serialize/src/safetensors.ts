/** @file Writing and reading .safetensors, in memory and in files. */
import { SerializationError, type Tensor } from '@flambeau/tensor';
import { nodeModule } from '@flambeau/tensor/internal';
import { fileError, maxTransfer, writeFileAtomic } from './atomic.ts';
import {
  type Header,
  layOut,
  lengthBytes,
  type Metadata,
  parseHeader,
  parseHeaderLength,
} from './safetensors-header.ts';
import { allocate, bytesOf, type NamedTensors, TensorMap, tensorEntries } from './tensors.ts';

/** The pieces of a file: its header and the bytes of each tensor, without copying contiguous tensors. */
function pieces(tensors: ReadonlyMap<string, Tensor>, metadata: Metadata | null | undefined): Uint8Array[] {
  const bytes = new Map([...tensors].map(([name, tensor]) => [name, bytesOf(name, tensor)]));
  const described = new Map(
    [...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape, bytes: bytes.get(name)!.length }]),
  );
  const { header, order } = layOut(described, metadata);
  return [header, ...order.map((name) => bytes.get(name)!)];
}

/**
 * The bytes of a .safetensors file.
 *
 * Tensors that share memory are written one by one, so loading gives separate ones. Gradients are not part of it.
 *
 * ```ts
 * const bytes = saveSafetensors({ weight: ones(2, 3) }, { author: 'me' });
 * loadSafetensors(bytes).get('weight'); // the same values
 * ```
 * @param tensors on the CPU, of any dtype but complex128
 * @throws SerializationError for values that are no tensors, DeviceError for tensors elsewhere
 */
export function saveSafetensors(tensors: NamedTensors, metadata?: Metadata | null): Uint8Array {
  const parts = pieces(tensorEntries(tensors), metadata);
  const file = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let position = 0;
  for (const part of parts) {
    file.set(part, position);
    position += part.length;
  }
  return file;
}

/**
 * Reads the bytes of a .safetensors file. The tensors have memory of their own. The bytes may come from anywhere: all
 * of the format's rules are checked, and no more memory is taken than the file is long.
 *
 * @throws SerializationError naming what is wrong
 */
export function loadSafetensors(bytes: Uint8Array | ArrayBuffer): TensorMap {
  const file = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  const name = 'loadSafetensors()';
  const dataStart = lengthBytes + parseHeaderLength(name, file, file.length);
  const header = parseHeader(name, file.subarray(lengthBytes, dataStart), file.length - dataStart);
  const result = emptyResult(header);
  for (const [key, { dtype, shape, begin, end }] of header.entries) {
    const { tensor, memory } = allocate(dtype, shape, end - begin);
    memory.set(file.subarray(dataStart + begin, dataStart + end));
    if (dtype === 'bool') checkBooleans(name, key, memory);
    result.set(key, tensor);
  }
  return result;
}

function emptyResult(header: Header): TensorMap {
  const result = new TensorMap();
  result.metadata = header.metadata;
  return result;
}

/** Kernels rely on bools being 0 or 1. */
function checkBooleans(file: string, name: string, memory: Uint8Array): void {
  const odd = memory.find((byte) => byte > 1);
  if (odd !== undefined) {
    throw new SerializationError(`${file}: tensor ${JSON.stringify(name)}: a BOOL must be 0 or 1, found ${odd}`);
  }
}

/** Writes a .safetensors file. See `save`. */
export async function writeSafetensors(value: unknown, path: string, metadata?: Metadata | null): Promise<void> {
  const given = tensorEntries(value);
  const versions = new Map([...given].map(([name, tensor]) => [name, tensor.storage.version]));
  const tensors = new Map<string, Tensor>();
  for (const [name, tensor] of given) tensors.set(name, tensor.device === 'cpu' ? tensor : await tensor.detach().cpu());
  await writeFileAtomic(path, pieces(tensors, metadata), () => {
    for (const [name, tensor] of given) {
      if (tensor.storage.version === versions.get(name)) continue;
      throw new SerializationError(
        `save(): tensor ${JSON.stringify(name)} was changed while ${path} was being written; \`await\` save() before going on`,
      );
    }
  });
}

/** Reads a .safetensors file, each tensor straight into its memory. See `load`. */
export async function readSafetensors(path: string): Promise<TensorMap> {
  const { open } = nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
  const handle = await open(path).catch((error) => {
    throw fileError('cannot read', path, error);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new SerializationError(`cannot read ${path}: it is not a file`);
    const read = async (memory: Uint8Array, position: number): Promise<Uint8Array> => {
      for (let done = 0; done < memory.length; ) {
        const wanted = Math.min(memory.length - done, maxTransfer);
        const { bytesRead } = await handle.read(memory, done, wanted, position + done);
        if (bytesRead === 0) throw new SerializationError(`cannot read ${path}: it became shorter while it was read`);
        done += bytesRead;
      }
      return memory;
    };
    const lengthField = await read(new Uint8Array(Math.min(lengthBytes, stats.size)), 0);
    const dataStart = lengthBytes + parseHeaderLength(path, lengthField, stats.size);
    const text = await read(new Uint8Array(dataStart - lengthBytes), lengthBytes);
    const header = parseHeader(path, text, stats.size - dataStart);
    const result = emptyResult(header);
    for (const [key, { dtype, shape, begin, end }] of header.entries) {
      const { tensor, memory } = allocate(dtype, shape, end - begin);
      await read(memory, dataStart + begin);
      if (dtype === 'bool') checkBooleans(path, key, memory);
      result.set(key, tensor);
    }
    return result;
  } catch (error) {
    throw fileError('cannot read', path, error);
  } finally {
    await handle.close();
  }
}
