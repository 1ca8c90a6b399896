/** @file Built-in digits: drawn, not downloaded, so that there are images to train on without any network. */
import { fromTypedArray, Generator, type Tensor } from '@flambeau/tensor';
import { signature } from '@flambeau/tensor/internal';
import { ImageDataset, type ImageParts, type TransformOptions } from './image-dataset.ts';
import { digitNames } from './mnist.ts';
import { drawDigit } from './strokes.ts';

const side = 28;

export interface DigitsOptions<X, Y> extends TransformOptions<X, Y> {
  /** The images to train with (default), or those to test with; they have nothing in common. */
  train?: boolean | undefined;
  /** Number of images. Default 20,000 to train with, 4,000 to test with. */
  count?: number | null | undefined;
  /** Equal seeds draw equal images. Default 0. */
  seed?: number | undefined;
}

const parse = signature<{
  [K in keyof DigitsOptions<never, never>]-?: Exclude<DigitsOptions<never, never>[K], undefined>;
}>('Digits.load', [], { train: true, count: null, seed: 0, transform: null, targetTransform: null });

/**
 * Digits in many made-up handwritings, in the form of {@link MNIST}: uint8 [1, 28, 28] and a label 0 to 9. They are
 * drawn with varying slant, proportions, rotation, size, pen and noise, and need no files, network or other package.
 *
 * ```ts
 * const train = await datasets.Digits.load({ count: 1000, transform: new transforms.ToTensor() });
 * ```
 */
export class Digits<X = Tensor, Y = number> extends ImageDataset<X, Y> {
  /** Draws the images. @throws RangeError for a count that is not a positive integer, or a seed that is no integer. */
  static async load<X = Tensor, Y = number>(options: DigitsOptions<X, Y> = {}): Promise<Digits<X, Y>> {
    const { train, count, seed } = parse([options]);
    const total = count ?? (train ? 20_000 : 4_000);
    if (!Number.isInteger(total) || total < 1) {
      throw new RangeError(`Digits.load(): count must be a positive integer, got ${total}`);
    }
    if (!Number.isSafeInteger(seed)) throw new RangeError(`Digits.load(): seed must be an integer, got ${seed}`);
    const generator = new Generator().manualSeed(2n * BigInt(seed) + (train ? 0n : 1n));
    const { images, labels } = drawDigits(total, generator);
    const parts: ImageParts = {
      name: 'Digits',
      data: fromTypedArray(images, [total, side, side]),
      targets: fromTypedArray(labels),
      classes: digitNames,
      imageShape: [1, side, side],
      root: null,
      train,
    };
    return new Digits<X, Y>(parts, options);
  }
}

function drawDigits(total: number, generator: Generator): { images: Uint8Array; labels: Int32Array } {
  const labels = Int32Array.from({ length: total }, () => Math.floor(generator.uniform(0, 10)));
  const images = new Uint8Array(total * side * side);
  for (let i = 0; i < total; i++) {
    drawDigit(labels[i]!, generator, images.subarray(i * side * side, (i + 1) * side * side), side);
  }
  addNoise(images, generator);
  return { images, labels };
}

/** Uniform noise on every pixel, of another strength in each image. */
function addNoise(images: Uint8Array, generator: Generator): void {
  const size = side * side;
  const { engine } = generator;
  for (let start = 0; start < images.length; start += size) {
    const strength = generator.uniform(0, 48);
    for (let i = start; i < start + size; i++) {
      const noisy = images[i]! + (engine.u24() - 0.5) * strength;
      images[i] = Math.min(Math.max(Math.round(noisy), 0), 255);
    }
  }
}
