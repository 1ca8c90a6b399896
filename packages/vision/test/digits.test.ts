import '@flambeau/backend-cpu';
import { describe, expect, it } from 'vitest';
import { datasets, transforms } from '../src/index.ts';

const pixels = (data: datasets.Digits): Uint8Array => data.data.asTypedArray() as Uint8Array;

describe('Digits', () => {
  it('are drawn alike for equal seeds, and differently for others and for the test set', async () => {
    const [a, b, other, test] = await Promise.all([
      datasets.Digits.load({ count: 50, seed: 3 }),
      datasets.Digits.load({ count: 50, seed: 3 }),
      datasets.Digits.load({ count: 50, seed: 4 }),
      datasets.Digits.load({ count: 50, seed: 3, train: false }),
    ]);
    expect(pixels(a)).toEqual(pixels(b));
    expect(a.targets.toArraySync()).toEqual(b.targets.toArraySync());
    expect(pixels(a)).not.toEqual(pixels(other));
    expect(pixels(a)).not.toEqual(pixels(test));
  });

  it('have the form of MNIST', async () => {
    const data = await datasets.Digits.load({ count: 1100, transform: new transforms.ToTensor() });
    expect([data.data.shape, data.data.dtype, data.targets.dtype]).toEqual([[1100, 28, 28], 'uint8', 'int32']);
    expect(String(data)).toContain('Dataset Digits\n    Number of datapoints: 1100\n    Split: Train');
    expect(new Set(data.targets.toArraySync() as number[])).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    const [image, label] = data.get(1099);
    expect([image.shape, image.dtype, data.classes.length]).toEqual([[1, 28, 28], 'float32', 10]);
    expect(label).toBe((data.targets.toArraySync() as number[])[1099]);
  });

  it('show strokes inside the picture', async () => {
    const data = await datasets.Digits.load({ count: 200 });
    const all = pixels(data);
    for (let i = 0; i < 200; i++) {
      const image = all.subarray(i * 784, (i + 1) * 784);
      const ink = image.reduce((total, value) => total + Number(value > 128), 0);
      expect(ink).toBeGreaterThan(15);
      expect(ink).toBeLessThan(300);
      for (let x = 0; x < 28; x++) {
        expect(Math.max(image[x]!, image[27 * 28 + x]!, image[28 * x]!, image[28 * x + 27]!)).toBeLessThan(128);
      }
    }
  });

  it('refuse counts and seeds that make no sense', async () => {
    await expect(datasets.Digits.load({ count: 0 })).rejects.toThrow(RangeError);
    await expect(datasets.Digits.load({ seed: 0.5 })).rejects.toThrow(RangeError);
    await expect(datasets.Digits.load({ cuont: 5 } as never)).rejects.toThrow(/unknown option 'cuont'/);
  });
});
