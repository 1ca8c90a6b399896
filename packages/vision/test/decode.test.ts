import '@flambeau/backend-cpu';
import { createHash } from 'node:crypto';
import { SerializationError, type Tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { io } from '../src/index.ts';
import { readGoldens } from './goldens.ts';

/** Image files (PngSuite by Willem van Schaik, Pillow's and jpeg-decoder's tests) and what torchvision 0.14 makes of them. */
interface Golden {
  file: string;
  bytes: string;
  /** SHA-256 of the pixels, height × width × 3; null for files that must be refused. */
  rgb: string | null;
  shape: number[];
  unchanged: { shape: number[]; hwc_sha256: string } | null;
}

const goldens = readGoldens<Golden[]>('images.json.gz');
const bytesOf = ({ bytes }: Golden): Uint8Array => new Uint8Array(Buffer.from(bytes, 'base64'));
const hash = (image: Tensor): string =>
  createHash('sha256')
    .update(image.permute(1, 2, 0).contiguous().asTypedArray() as Uint8Array)
    .digest('hex');

describe('decodeImage gives the pixels of torchvision', () => {
  it.each(goldens.filter(({ rgb }) => rgb !== null))('$file', async (golden) => {
    const image = await io.decodeImage(bytesOf(golden), { mode: 'rgb' });
    expect([image.dtype, image.shape]).toEqual(['uint8', golden.shape]);
    expect(hash(image)).toBe(golden.rgb);
    if (golden.unchanged === null) return;
    const unchanged = await io.decodeImage(bytesOf(golden));
    expect(unchanged.shape).toEqual(golden.unchanged.shape);
    expect(hash(unchanged)).toBe(golden.unchanged.hwc_sha256);
  });

  it.each(goldens.filter(({ rgb }) => rgb === null))('refuses $file', async (golden) => {
    await expect(io.decodeImage(bytesOf(golden))).rejects.toThrow(SerializationError);
  });
});
