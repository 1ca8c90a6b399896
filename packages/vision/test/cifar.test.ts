import '@flambeau/backend-cpu';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { SerializationError } from '@flambeau/tensor';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extractTarGz, tarFiles } from '../src/datasets/tar.ts';
import { DatasetNotFoundError, DownloadError, datasets } from '../src/index.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'flambeau-cifar-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

/** Records whose red bytes are 1, green 2, blue 3 above the label. */
function records(labels: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(3073 * labels.length);
  for (const [i, label] of labels.entries()) {
    bytes[3073 * i] = label;
    for (let plane = 0; plane < 3; plane++) {
      bytes.fill(label + plane + 1, 3073 * i + 1 + 1024 * plane, 3073 * i + 1 + 1024 * (plane + 1));
    }
  }
  return bytes;
}

describe('CIFAR10', () => {
  it('reads the parts that are there when told so, plain and packed, in order', async () => {
    const folder = join(root, 'cifar-10-batches-bin');
    await mkdir(folder);
    await writeFile(join(folder, 'data_batch_2.bin.gz'), gzipSync(records([3])));
    await writeFile(join(folder, 'data_batch_1.bin'), records([9, 0]));
    await writeFile(join(folder, 'test_batch_first10.bin'), records([4]));
    const train = await datasets.CIFAR10.load(root, { partial: true });
    expect(train.targets.toArraySync()).toEqual([9, 0, 3]);
    expect([train.data.shape, train.data.dtype, train.classes[9]]).toEqual([[3, 3, 32, 32], 'uint8', 'truck']);
    const [image, label] = train.get(2);
    expect([image.shape, label]).toEqual([[3, 32, 32], 3]);
    expect([0, 1, 2].map((plane) => image.select(0, plane).select(0, 5).select(0, 7).itemSync())).toEqual([4, 5, 6]);
    expect((await datasets.CIFAR10.load(root, { train: false, partial: true })).targets.toArraySync()).toEqual([4]);
    expect((await datasets.CIFAR10.load(folder, { partial: true })).length).toBe(3);
  });

  it('names missing files and the ways out', async () => {
    await expect(datasets.CIFAR10.load(root)).rejects.toThrow(DatasetNotFoundError);
    await expect(datasets.CIFAR10.load(root, { partial: true })).rejects.toThrow(DatasetNotFoundError);
    await writeFile(join(root, 'data_batch_4.bin'), records([1]));
    await expect(datasets.CIFAR10.load(root)).rejects.toThrow(
      /CIFAR10: data_batch_1\.bin, data_batch_2\.bin, data_batch_3\.bin, data_batch_5\.bin \(or \.gz\) not found .*{ download: true } .*{ partial: true }/,
    );
    await expect(datasets.CIFAR10.load(root, { train: false })).rejects.toThrow(
      /test_batch\.bin \(or \.gz\) not found/,
    );
  });

  it('leaves nothing behind when no mirror delivers the archive', async () => {
    const loading = datasets.CIFAR10.load(root, { download: true, mirrors: ['http://127.0.0.1:1/'] });
    await expect(loading).rejects.toThrow(DownloadError);
    await expect(loading).rejects.toThrow(
      /could not download cifar-10-binary\.tar\.gz:\n {2}http:\/\/127\.0\.0\.1:1\/cifar-10-binary\.tar\.gz/,
    );
    expect(await readdir(root)).toEqual([]);
  });

  it('refuses damaged files', async () => {
    const path = join(root, 'test_batch.bin');
    for (const [bytes, message] of [
      [records([1]).subarray(0, -1), /3072 bytes are no whole number of CIFAR-10 records/],
      [new Uint8Array(0), /0 bytes/],
      [records([1, 10]), /image 1 has label 10/],
    ] as const) {
      await writeFile(path, bytes);
      const loading = datasets.CIFAR10.load(root, { train: false, partial: true });
      await expect(loading).rejects.toThrow(message);
      await expect(loading).rejects.toThrow(SerializationError);
    }
    await writeFile(path, records([1]));
    await expect(datasets.CIFAR10.load(root, { train: false })).rejects.toThrow(
      /has 1 images, where the official file has 10000/,
    );
  });
});

/** A tar archive, as `tar` writes it. */
function tar(files: readonly (readonly [name: string, contents: Uint8Array, type?: string])[]): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const [name, contents, type = '0'] of files) {
    const header = new Uint8Array(512);
    const put = (text: string, at: number): void => void new TextEncoder().encodeInto(text, header.subarray(at));
    put(name, 0);
    put(`${contents.length.toString(8).padStart(11, '0')} `, 124);
    put('        ', 148);
    put(type, 156);
    put(
      `${header
        .reduce((a, b) => a + b, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    );
    const padded = new Uint8Array(Math.ceil(contents.length / 512) * 512);
    padded.set(contents);
    blocks.push(header, padded);
  }
  return new Uint8Array(Buffer.concat([...blocks, new Uint8Array(1024)]));
}

describe('tar archives', () => {
  const text = (s: string): Uint8Array => new TextEncoder().encode(s);

  it('give the wanted files only, and write nowhere else', async () => {
    const archive = join(root, 'a.tar.gz');
    const files = [
      ['a/', new Uint8Array(0), '5'],
      ['a/one.bin', text('one')],
      ['../outside', text('evil')],
      ['/etc/outside', text('evil')],
      ['a/link', new Uint8Array(0), '2'],
      ['a/other', new Uint8Array(2000)],
      ['a/two.bin', new Uint8Array(1024).fill(7)],
    ] as const;
    await writeFile(archive, gzipSync(tar(files)));
    await extractTarGz(archive, join(root, 'out'), ['a/one.bin', 'a/two.bin'], 1024);
    expect(await readdir(join(root, 'out', 'a'))).toEqual(['one.bin', 'two.bin']);
    expect(await readFile(join(root, 'out', 'a', 'one.bin'), 'utf8')).toBe('one');
    expect(await readdir(root)).toEqual(['a.tar.gz', 'out']);
  });

  it('are refused when files are missing, too large, cut off or damaged', async () => {
    const archive = join(root, 'a.tar.gz');
    const good = tar([['a', new Uint8Array(600)]]);
    const damaged = good.slice();
    damaged[3] = 65;
    for (const [bytes, limit, message] of [
      [gzipSync(good), 599, /a is larger than the 599 bytes/],
      [gzipSync(good.subarray(0, 900)), 600, /ends in the middle of a file/],
      [gzipSync(damaged), 600, /a header has a wrong checksum/],
      [gzipSync(text('x'.repeat(512))), 600, /no tar archive/],
      [gzipSync(good).subarray(0, 40), 600, /cannot unpack .*unexpected end of file/],
      [gzipSync(tar([['b', text('b')]])), 600, /it has no a; delete it and try again/],
    ] as const) {
      await writeFile(archive, bytes);
      const extracting = extractTarGz(archive, root, ['a'], limit);
      await expect(extracting).rejects.toThrow(message);
      await expect(extracting).rejects.toThrow(SerializationError);
    }
    expect(await readdir(root)).toEqual(['a.tar.gz']);
  });

  it('are read the same however the bytes are cut, and any damage is an error', async () => {
    const good = tar([
      ['skip', new Uint8Array(700)],
      ['a', Uint8Array.from({ length: 1000 }, (_, i) => i & 255)],
    ]);
    async function* cut(bytes: Uint8Array, size: number) {
      for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
    }
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1500 }),
        fc.nat(good.length - 1),
        fc.nat(255),
        async (size, position, value) => {
          const found: number[] = [];
          for await (const { bytes } of tarFiles(cut(good, size), new Set(['a']), 1000)) {
            found.push(bytes.length, bytes[999]!);
          }
          expect(found).toEqual([1000, 999 & 255]);
          const changed = good.slice();
          changed[position] = value;
          try {
            for await (const { bytes } of tarFiles(cut(changed, size), new Set(['a']), 1000)) {
              expect(bytes.length).toBeLessThan(1001);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
          }
        },
      ),
    );
  });
});
