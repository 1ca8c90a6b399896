/**
 * @file The idx format of MNIST: two zero bytes, a type code, the number of dimensions, their sizes as big-endian
 * 32-bit integers, the data. Described at http://yann.lecun.com/exdb/mnist/.
 */
import { SerializationError } from '@flambeau/tensor';

/** Type code of unsigned bytes. */
const uint8Code = 0x08;

export interface IdxArray {
  readonly shape: readonly number[];
  /** The elements, row-major; a view of the file's bytes. */
  readonly data: Uint8Array;
}

/**
 * Reads an idx file of unsigned bytes.
 *
 * @param file what to call the file in messages
 * @param ndim how many dimensions it must have
 * @throws SerializationError when the magic number, a size or the length of the file is wrong
 */
export function parseIdx(file: string, bytes: Uint8Array, ndim: number): IdxArray {
  const fail = (reason: string): never => {
    throw new SerializationError(`${file}: not the idx file that was expected: ${reason}`);
  };
  const headerBytes = 4 + 4 * ndim;
  if (bytes.length < headerBytes) return fail(`${bytes.length} bytes are too few; is it truncated?`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0);
  const expected = (uint8Code << 8) | ndim;
  if (magic !== expected) {
    return fail(`it begins with ${hex(magic)}, where unsigned bytes in ${ndim} dimensions have ${hex(expected)}`);
  }
  const shape = Array.from({ length: ndim }, (_, dim) => view.getUint32(4 + 4 * dim));
  const count = shape.reduce((product, size) => product * size, 1);
  if (headerBytes + count !== bytes.length) {
    return fail(
      `shape [${shape.join(', ')}] takes ${headerBytes + count} bytes, but there are ${bytes.length}; is it truncated?`,
    );
  }
  return { shape, data: bytes.subarray(headerBytes) };
}

const hex = (n: number): string => `0x${n.toString(16).padStart(8, '0')}`;
