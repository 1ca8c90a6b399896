/** @file Files that are either written whole or not at all. */
import { SerializationError } from '@flambeau/tensor';
import { nodeModule } from '@flambeau/tensor/internal';

/** The most that one system call is asked to read or write; Node refuses 2 GiB. */
export const maxTransfer = 2 ** 30;

/** What Node's file errors are called. */
const reasons: Record<string, string> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  ENOSPC: 'no space left on the device',
  EROFS: 'the file system is read-only',
};

/** An error of the file system as a SerializationError that says what failed. */
export function fileError(action: string, path: string, error: unknown): SerializationError {
  if (error instanceof SerializationError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new SerializationError(`${action} ${path}: ${reasons[code ?? ''] ?? message}`, { cause: error });
}

/**
 * Writes a file under a temporary name in the same folder and renames it when it is complete, so that there is never
 * half a file under `path`, and an existing one stays as it is when writing fails.
 *
 * @param chunks the contents, in pieces
 * @param check called before the rename; what it throws abandons the file
 * @throws SerializationError when the file system refuses
 */
export async function writeFileAtomic(path: string, chunks: Iterable<Uint8Array>, check?: () => void): Promise<void> {
  const { open, rename, rm } = nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
  const temporary = `${path}.${process.pid}-${Math.random().toString(36).slice(2, 10)}.tmp`;
  try {
    const handle = await open(temporary, 'wx');
    try {
      for (const chunk of chunks) {
        for (let done = 0; done < chunk.byteLength; ) {
          done += (await handle.write(chunk, done, Math.min(chunk.byteLength - done, maxTransfer))).bytesWritten;
        }
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    check?.();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError('cannot write', path, error);
  }
}
