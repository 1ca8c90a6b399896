/** @file Finding and reading the files of a dataset, plain or gzipped. */
import { SerializationError } from '@flambeau/tensor';
import { nodeModule } from '@flambeau/tensor/internal';

/** The first of `<folder>/<name>`, `<folder>/<name>.gz` that exists, in the order of the folders. */
export async function findFile(folders: readonly string[], name: string): Promise<string | undefined> {
  const { stat } = nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
  const { join } = nodeModule<typeof import('node:path')>('node:path');
  for (const folder of folders) {
    for (const candidate of [join(folder, name), join(folder, `${name}.gz`)]) {
      const stats = await stat(candidate).catch(() => undefined);
      if (stats?.isFile()) return candidate;
    }
  }
  return undefined;
}

/**
 * The contents of a file, unpacked if they are gzipped, whatever the name says.
 *
 * @param maxBytes no more than this is unpacked, so that a small file cannot fill the memory
 * @throws SerializationError when the file cannot be read or unpacked
 */
export async function readPossiblyGzipped(path: string, maxBytes: number): Promise<Uint8Array> {
  const { readFile } = nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
  const bytes = await readFile(path).catch((error: Error): never => {
    throw new SerializationError(`cannot read ${path}: ${error.message}`, { cause: error });
  });
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return plain(bytes);
  const { gunzip } = nodeModule<typeof import('node:zlib')>('node:zlib');
  return await new Promise((resolve, reject) => {
    gunzip(bytes, { maxOutputLength: maxBytes }, (error, result) => {
      if (error === null) resolve(plain(result));
      else
        reject(new SerializationError(`cannot unpack ${path}: ${error.message}; is it truncated?`, { cause: error }));
    });
  });
}

/** The same memory without Node's Buffer methods, some of which (slice) do not do what those of typed arrays do. */
const plain = (bytes: Buffer): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
