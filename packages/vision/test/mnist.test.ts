import '@flambeau/backend-cpu';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DataLoader } from '@flambeau/data';
import { IndexError, SerializationError, type Tensor } from '@flambeau/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DatasetNotFoundError, DownloadError, datasets, transforms } from '../src/index.ts';
import { idxBytes } from './idx-bytes.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'flambeau-mnist-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

const pixel = (image: number, i: number): number => (image * 7 + i) & 255;

/** Writes a set of `count` images with labels 0, 1, 2 … */
async function writeSet(folder: string, prefix: string, count: number, pack = false, labels = count): Promise<void> {
  await mkdir(folder, { recursive: true });
  const images = idxBytes(
    [count, 28, 28],
    Array.from({ length: count * 784 }, (_, i) => pixel(Math.floor(i / 784), i % 784)),
  );
  const targets = idxBytes(
    [labels],
    Array.from({ length: labels }, (_, i) => i % 10),
  );
  const ending = pack ? '.gz' : '';
  const packed = (bytes: Uint8Array): Uint8Array => (pack ? gzipSync(bytes) : bytes);
  await writeFile(join(folder, `${prefix}-images-idx3-ubyte${ending}`), packed(images));
  await writeFile(join(folder, `${prefix}-labels-idx1-ubyte${ending}`), packed(targets));
}

describe('MNIST', () => {
  it('reads plain and packed files from the root and from MNIST/raw', async () => {
    await writeSet(root, 'train', 3);
    await writeSet(join(root, 'MNIST', 'raw'), 't10k', 2, true);
    const train = await datasets.MNIST.load(root, { partial: true });
    const test = await datasets.MNIST.load(root, false, { partial: true });
    expect([train.length, test.length]).toEqual([3, 2]);
    expect([train.data.shape, train.data.dtype]).toEqual([[3, 28, 28], 'uint8']);
    expect([train.targets.dtype, train.targets.toArraySync()]).toEqual(['int32', [0, 1, 2]]);
    expect([train.train, test.train, train.root]).toEqual([true, false, root]);
    expect(train.classes[3]).toBe('3 - three');
    expect(train.classToIdx['3 - three']).toBe(3);
    const [image, label] = train.get(2);
    expect([image.shape, image.dtype, label]).toEqual([[1, 28, 28], 'uint8', 2]);
    expect([...(image.asTypedArray() as Uint8Array)]).toEqual(Array.from({ length: 784 }, (_, i) => pixel(2, i)));
    expect(test.get(-1)[1]).toBe(1);
  });

  it('applies transforms', async () => {
    await writeSet(root, 'train', 3);
    const data = await datasets.MNIST.load(root, {
      partial: true,
      transform: new transforms.Compose([new transforms.ToTensor(), new transforms.Normalize([0.5], [0.5])]),
      targetTransform: (label) => ['zero', 'one', 'two'][label]!,
    });
    const [image, label]: [Tensor, string] = data.get(1);
    expect([image.dtype, image.shape, label]).toEqual(['float32', [1, 28, 28], 'one']);
    expect((image.asTypedArray() as Float32Array)[5]).toBeCloseTo((pixel(1, 5) / 255 - 0.5) / 0.5, 6);
    const [images, labels] = await new DataLoader(data, { batchSize: 3 }).first();
    expect([images.shape, labels]).toEqual([
      [3, 1, 28, 28],
      ['zero', 'one', 'two'],
    ]);
  });

  it('gives images that are copies', async () => {
    await writeSet(root, 'train', 2);
    const data = await datasets.MNIST.load(root, { partial: true });
    (data.get(0)[0].asTypedArray() as Uint8Array).fill(9);
    expect((data.get(0)[0].asTypedArray() as Uint8Array)[0]).toBe(0);
  });

  it('prints as in PyTorch', async () => {
    await writeSet(root, 'train', 2);
    const plain = await datasets.MNIST.load(root, { partial: true });
    expect(String(plain)).toBe(
      `Dataset MNIST\n    Number of datapoints: 2\n    Root location: ${root}\n    Split: Train`,
    );
    const transform = new transforms.Compose([new transforms.ToTensor()]);
    expect(String(await datasets.MNIST.load(root, { partial: true, transform }))).toBe(
      `Dataset MNIST\n    Number of datapoints: 2\n    Root location: ${root}\n    Split: Train\n    StandardTransform\n` +
        `Transform: Compose(\n               ToTensor()\n           )`,
    );
  });

  it('refuses indices that are out of range', async () => {
    await writeSet(root, 'train', 2);
    const data = await datasets.MNIST.load(root, { partial: true });
    for (const index of [2, -3, 0.5, Number.NaN]) expect(() => data.get(index)).toThrow(IndexError);
    expect(() => data.get(2)).toThrow('MNIST.get(2): the index must be an integer from -2 to 1');
  });

  it('says where it looked when files are missing, and what to do', async () => {
    const missing = datasets.MNIST.load(join(root, 'nowhere'));
    await expect(missing).rejects.toThrow(DatasetNotFoundError);
    await expect(missing).rejects.toThrow(
      `MNIST: there is no train-images-idx3-ubyte or train-images-idx3-ubyte.gz in ${join(root, 'nowhere', 'MNIST', 'raw')} or ${join(root, 'nowhere')}. Pass { download: true }`,
    );
    await writeSet(root, 'train', 2);
    await rm(join(root, 'train-labels-idx1-ubyte'));
    await expect(datasets.MNIST.load(root)).rejects.toThrow(/there is no train-labels-idx1-ubyte/);
    await expect(datasets.MNIST.load(undefined as never)).rejects.toThrow(TypeError);
    await expect(datasets.MNIST.load(root, { trian: true } as never)).rejects.toThrow(
      /unknown option 'trian'; did you mean 'train'/,
    );
  });

  it('refuses files that do not belong together or are damaged', async () => {
    const expectRefusal = async (message: RegExp, options = { partial: true }): Promise<void> => {
      const loading = datasets.MNIST.load(root, options);
      await expect(loading).rejects.toThrow(message);
      await expect(loading).rejects.toThrow(SerializationError);
    };
    const images = join(root, 'train-images-idx3-ubyte');
    const labels = join(root, 'train-labels-idx1-ubyte');
    await writeSet(root, 'train', 3);
    await expectRefusal(/has 3 images, where the official set has 60000; pass { partial: true }/, { partial: false });
    await writeSet(root, 'train', 3, false, 4);
    await expectRefusal(/has 3 images, but .* has 4 labels/);
    await writeFile(labels, idxBytes([3], [1, 10, 2]));
    await expectRefusal(/labels must be 0 to 9, found 10/);
    await writeFile(images, idxBytes([3, 2, 2], new Uint8Array(12)));
    await expectRefusal(/must have 28 × 28 pixels, these have 2 × 2/);
    await writeFile(images, idxBytes([3, 28, 28], new Uint8Array(100)));
    await expectRefusal(/is it truncated/);
    await writeFile(images, idxBytes([12], new Uint8Array(12)));
    await expectRefusal(/begins with 0x00000801/);
    await writeFile(images, gzipSync(idxBytes([3, 28, 28], new Uint8Array(3 * 784))).subarray(0, -20));
    await expectRefusal(/cannot unpack .*truncated/);
    await writeFile(images, gzipSync(new Uint8Array(60_000_000)));
    await expectRefusal(/cannot unpack/);
  });

  it('does not take the files of MNIST for those of FashionMNIST', async () => {
    // The checksum decides, so the file must be the official one; its 5 KB are a fixture.
    const labels = await readFile(new URL('./fixtures/t10k-labels-idx1-ubyte.gz', import.meta.url));
    await writeFile(join(root, 't10k-labels-idx1-ubyte.gz'), labels);
    await writeFile(join(root, 't10k-images-idx3-ubyte'), idxBytes([10_000, 28, 28], new Uint8Array(7_840_000)));
    expect((await datasets.MNIST.load(root, { train: false })).length).toBe(10_000);
    await expect(datasets.FashionMNIST.load(root, { train: false })).rejects.toThrow(/belongs to MNIST/);
  });
});

describe('downloads of MNIST', () => {
  /** Serves `files`, everything else is 404; calls `use` with the address and gives the requests. */
  async function serving(files: Record<string, Uint8Array>, use: (mirror: string) => Promise<void>): Promise<string[]> {
    const requests: string[] = [];
    const server = createServer((request, response) => {
      requests.push(request.url!);
      const file = files[request.url!];
      if (file === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-length': file.length }).end(file);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mnist`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
    return requests;
  }

  it('fetch what is missing into MNIST/raw and check it', async () => {
    const labels = await readFile(new URL('./fixtures/t10k-labels-idx1-ubyte.gz', import.meta.url));
    expect(createHash('md5').update(labels).digest('hex')).toBe('ec29112dd5afa0611ce80d1b7f02629c');
    await writeSet(root, 'train', 1);
    await writeFile(join(root, 't10k-images-idx3-ubyte'), idxBytes([10_000, 28, 28], new Uint8Array(7_840_000)));
    const progress: number[] = [];
    const requests = await serving({ '/mnist/t10k-labels-idx1-ubyte.gz': labels }, async (mirror) => {
      const data = await datasets.MNIST.load(root, {
        train: false,
        download: true,
        mirrors: [mirror],
        onProgress: ({ received }) => progress.push(received),
      });
      expect(data.length).toBe(10_000);
      expect(data.get(0)[1]).toBe(7);
    });
    expect(requests).toEqual(['/mnist/t10k-labels-idx1-ubyte.gz']);
    expect(await readdir(join(root, 'MNIST', 'raw'))).toEqual(['t10k-labels-idx1-ubyte.gz']);
    expect(progress.at(-1)).toBe(labels.length);
  });

  it('leave no file behind that is not the official one', async () => {
    await serving({ '/mnist/train-images-idx3-ubyte.gz': gzipSync('something else') }, async (mirror) => {
      const loading = datasets.MNIST.load(root, { download: true, mirrors: [mirror] });
      await expect(loading).rejects.toThrow(DownloadError);
      await expect(loading).rejects.toThrow(/the file has MD5 .* instead of f68b3c2dcbeaaa9fbdd348bbdeb94873/);
    });
    expect(await readdir(join(root, 'MNIST', 'raw'))).toEqual([]);
  });
});
