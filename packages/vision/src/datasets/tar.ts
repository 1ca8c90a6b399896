/** @file Taking known files out of a .tar.gz (POSIX ustar: blocks of 512 bytes, a header before each file). */

import { writeFileAtomic } from '@flambeau/serialize';
import { SerializationError } from '@flambeau/tensor';
import { nodeModule } from '@flambeau/tensor/internal';

const blockBytes = 512;

/**
 * Unpacks the files called `wanted` (their names in the archive) below `folder`; everything else is skipped, so that no
 * name in an archive can lead anywhere else.
 *
 * @param maxBytes the most that one of them may hold
 * @throws SerializationError when the archive is damaged, or has not all of them
 */
export async function extractTarGz(
  path: string,
  folder: string,
  wanted: readonly string[],
  maxBytes: number,
): Promise<void> {
  const { createReadStream } = nodeModule<typeof import('node:fs')>('node:fs');
  const { createGunzip } = nodeModule<typeof import('node:zlib')>('node:zlib');
  const { pipeline } = nodeModule<typeof import('node:stream/promises')>('node:stream/promises');
  const { mkdir } = nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
  const { dirname, join } = nodeModule<typeof import('node:path')>('node:path');
  const missing = new Set(wanted);
  try {
    await pipeline(createReadStream(path), createGunzip(), async (chunks: AsyncIterable<Uint8Array>) => {
      for await (const { name, bytes } of tarFiles(chunks, missing, maxBytes)) {
        const target = join(folder, name);
        await mkdir(dirname(target), { recursive: true });
        await writeFileAtomic(target, [bytes]);
        missing.delete(name);
      }
    });
  } catch (error) {
    throw new SerializationError(`cannot unpack ${path}: ${(error as Error).message}; delete it and try again`, {
      cause: error,
    });
  }
  if (missing.size > 0) {
    throw new SerializationError(
      `cannot unpack ${path}: it has no ${[...missing].join(', ')}; delete it and try again`,
    );
  }
}

/** The wanted files of an uncompressed archive, in its order. */
export async function* tarFiles(
  chunks: AsyncIterable<Uint8Array>,
  wanted: ReadonlySet<string>,
  maxBytes: number,
): AsyncGenerator<{ name: string; bytes: Uint8Array }> {
  const reader = new BlockReader(chunks);
  for (;;) {
    const header = await reader.take(blockBytes);
    // Two blocks of zeros end an archive; one is enough to tell.
    if (header.every((byte) => byte === 0)) return;
    const { name, size, isFile } = parseTarHeader(header);
    const padded = Math.ceil(size / blockBytes) * blockBytes;
    if (!isFile || !wanted.has(name)) {
      await reader.skip(padded);
      continue;
    }
    if (size > maxBytes) throw new Error(`${name} is larger than the ${maxBytes} bytes that it may have`);
    const bytes = (await reader.take(padded)).subarray(0, size);
    yield { name, bytes };
  }
}

function parseTarHeader(header: Uint8Array): { name: string; size: number; isFile: boolean } {
  const text = (start: number, length: number): string => {
    const field = header.subarray(start, start + length);
    const end = field.indexOf(0);
    return new TextDecoder('latin1').decode(end < 0 ? field : field.subarray(0, end));
  };
  const octal = (start: number, length: number): number => {
    const digits = text(start, length).trim();
    if (!/^[0-7]+$/.test(digits)) throw new Error('it is no tar archive');
    return Number.parseInt(digits, 8);
  };
  const sumAt = 148;
  const sum = header.reduce((total, byte, i) => total + (i >= sumAt && i < sumAt + 8 ? 0x20 : byte), 0);
  if (sum !== octal(sumAt, 8)) throw new Error('a header has a wrong checksum');
  const type = text(156, 1);
  return { name: text(0, 100).replace(/^\.\//, ''), size: octal(124, 12), isFile: type === '' || type === '0' };
}

/** Takes runs of bytes out of a stream of chunks. */
class BlockReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `count` bytes. @throws Error when the stream ends before. */
  async take(count: number): Promise<Uint8Array> {
    const result = new Uint8Array(count);
    let filled = 0;
    for await (const piece of this.#pieces(count)) {
      result.set(piece, filled);
      filled += piece.length;
    }
    return result;
  }

  async skip(count: number): Promise<void> {
    for await (const _ of this.#pieces(count)) {
      // Dropped.
    }
  }

  async *#pieces(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0; ) {
      if (this.#rest.length === 0) {
        const step = await this.#chunks.next();
        if (step.done) throw new Error('it ends in the middle of a file');
        this.#rest = step.value;
        continue;
      }
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }
}
