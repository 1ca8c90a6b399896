import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DTypeError, ones, SerializationError, ShapeError, tensor, zeros } from '@flambeau/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { io, utils } from '../src/index.ts';
import { decodeTensor, type EncodedTensor, readGoldens } from './goldens.ts';

interface Golden {
  input: { $t: EncodedTensor } | { $t: EncodedTensor }[];
  kwargs: Record<string, unknown>;
  out: { $t: EncodedTensor };
}

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const goldens = readGoldens<Golden[]>('make-grid.json.gz').map(
  (golden) => [JSON.stringify(golden.kwargs), golden] as const,
);

describe('makeGrid gives the pictures of torchvision', () => {
  it.each(goldens)('%s', (_, { input, kwargs, out }) => {
    const images = Array.isArray(input) ? input.map(({ $t }) => decodeTensor($t)) : decodeTensor(input.$t);
    const options = Object.fromEntries(Object.entries(kwargs).map(([name, value]) => [camel(name), value]));
    const grid = utils.makeGrid(images, options);
    const expected = decodeTensor(out.$t);
    expect([grid.dtype, grid.shape]).toEqual([expected.dtype, expected.shape]);
    const [got, wanted] = [grid.toTypedArraySync() as Float32Array, expected.toTypedArraySync() as Float32Array];
    for (let i = 0; i < wanted.length; i++) expect(Math.abs(got[i]! - wanted[i]!)).toBeLessThanOrEqual(1e-6);
  });
});

describe('makeGrid', () => {
  it('takes options by position and does not change its images', () => {
    const images = ones(3, 1, 2, 2).requiresGrad_();
    expect(utils.makeGrid(images, 2, 0).shape).toEqual([3, 4, 4]);
    const grid = utils.makeGrid(images, 2, 1, true);
    expect([grid.shape, grid.requiresGrad]).toEqual([[3, 7, 7], false]);
    expect(images.toTypedArraySync()).toEqual(new Float32Array(12).fill(1));
  });

  it('keeps integers', () => {
    const grid = utils.makeGrid(ones([2, 1, 1, 1], { dtype: 'uint8' }), { padding: 1, padValue: 255 });
    expect(grid.dtype).toBe('uint8');
    expect(grid.select(0, 0).toArraySync()).toEqual([
      [255, 255, 255, 255, 255],
      [255, 1, 255, 1, 255],
      [255, 255, 255, 255, 255],
    ]);
  });

  it('refuses what is no image', () => {
    expect(() => utils.makeGrid(zeros(4))).toThrow(ShapeError);
    expect(() => utils.makeGrid(zeros(0, 3, 4, 4))).toThrow(/got shape \[0, 3, 4, 4\]/);
    expect(() => utils.makeGrid(zeros([1, 2, 2], { dtype: 'uint8' }), { normalize: true })).toThrow(DTypeError);
    expect(() => utils.makeGrid(zeros(1, 2, 2), { nrow: 0 })).toThrow(RangeError);
    expect(() => utils.makeGrid(zeros(1, 2, 2), { padding: -1 })).toThrow(RangeError);
    expect(() => utils.makeGrid(zeros(1, 2, 2), { pad: 1 } as never)).toThrow(/unknown option 'pad'/);
  });
});

describe('image files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flambeau-image-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('of PNG keep every value, for 1 to 4 channels', async () => {
    for (const channels of [1, 2, 3, 4]) {
      const data = Array.from({ length: channels * 6 }, (_, i) => (i * 37) & 255);
      const image = tensor(data, { dtype: 'uint8' }).view(channels, 2, 3);
      const path = join(folder, `${channels}.png`);
      await io.writePng(image, path);
      expect((await io.readImage(path)).toArraySync()).toEqual(image.toArraySync());
    }
    expect(await readdir(folder)).toHaveLength(4);
  });

  it('are decoded with the channels that are asked for', async () => {
    const bytes = await io.encodeImage(tensor([[[255]], [[0]], [[0]]], { dtype: 'uint8' }), 'png');
    const decoded = async (mode: io.ImageReadMode) => (await io.decodeImage(bytes, mode)).toTypedArraySync();
    expect([...(await decoded('unchanged'))]).toEqual([255, 0, 0]);
    expect([...(await decoded('rgb'))]).toEqual([255, 0, 0]);
    expect([...(await decoded('rgbAlpha'))]).toEqual([255, 0, 0, 255]);
    expect([...(await decoded('gray'))]).toEqual([76]);
    expect([...(await decoded('grayAlpha'))]).toEqual([76, 255]);
    const grey = await io.encodeImage(tensor([[[7]]], { dtype: 'uint8' }), 'png');
    expect([...(await io.decodeImage(grey, 'rgb')).toTypedArraySync()]).toEqual([7, 7, 7]);
    await expect(io.decodeImage(bytes, 'RGB' as never)).rejects.toThrow(/mode must be one of unchanged, gray/);
  });

  it('of JPEG come close', async () => {
    const path = join(folder, 'x.jpg');
    const image = ones([3, 16, 16], { dtype: 'uint8' }).mul_(100);
    await io.writeJpeg(image, path, 95);
    const decoded = await io.readImage(path);
    expect(decoded.shape).toEqual([3, 16, 16]);
    for (const value of decoded.toTypedArraySync() as Uint8Array) expect(Math.abs(value - 100)).toBeLessThanOrEqual(2);
  });

  it('that are missing, damaged or none are named', async () => {
    const path = join(folder, 'x.png');
    await expect(io.readImage(path)).rejects.toThrow(/readImage\(\): cannot read .*x\.png/);
    await io.writePng(ones([1, 30, 30], { dtype: 'uint8' }), path);
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 20));
    await expect(io.readImage(path)).rejects.toThrow(/x\.png: not an image that can be decoded/);
    await writeFile(path, 'no image');
    await expect(io.readImage(path)).rejects.toThrow(SerializationError);
    await expect(io.decodeImage(new Uint8Array(0))).rejects.toThrow(SerializationError);
  });

  it('cannot be made of what is no image', async () => {
    await expect(io.writePng(zeros(1, 2, 2), join(folder, 'x.png'))).rejects.toThrow(DTypeError);
    await expect(io.writePng(zeros([2, 2], { dtype: 'uint8' }), join(folder, 'x.png'))).rejects.toThrow(ShapeError);
    await expect(io.writePng(zeros([5, 2, 2], { dtype: 'uint8' }), join(folder, 'x.png'))).rejects.toThrow(ShapeError);
    await expect(io.writePng(zeros([1, 0, 2], { dtype: 'uint8' }), join(folder, 'x.png'))).rejects.toThrow(ShapeError);
    await expect(io.writePng(zeros([1, 2, 2], { dtype: 'uint8' }), join(folder, 'no', 'x.png'))).rejects.toThrow(
      SerializationError,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('are saved by saveImage, values from 0 to 1 or bytes', async () => {
    const path = join(folder, 'grid.png');
    await utils.saveImage(tensor([[[0, 0.5, 1, 2, -1]]]), path);
    expect((await io.readImage(path, 'gray')).toArraySync()).toEqual([[[0, 128, 255, 255, 0]]]);
    await utils.saveImage(ones([2, 3, 1, 1], { dtype: 'uint8' }).mul_(9), path, { padding: 1, nrow: 1 });
    expect((await io.readImage(path)).select(0, 2).toArraySync()).toEqual([
      [0, 0, 0],
      [0, 9, 0],
      [0, 0, 0],
      [0, 9, 0],
      [0, 0, 0],
    ]);
    await utils.saveImage(zeros(3, 2, 2), join(folder, 'picture'), 'jpeg');
    expect((await io.readImage(join(folder, 'picture'))).shape).toEqual([3, 2, 2]);
    await expect(utils.saveImage(zeros(3, 2, 2), join(folder, 'x.bmp'))).rejects.toThrow(
      /must end in \.png, \.jpg, \.jpeg/,
    );
  });
});
