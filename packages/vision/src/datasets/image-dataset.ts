/** @file The base of datasets that hold all their images in memory, with one class each. */
import { Dataset } from '@flambeau/data';
import { fromTypedArray, IndexError, type Tensor } from '@flambeau/tensor';

const inspect = Symbol.for('nodejs.util.inspect.custom');

/** What every dataset's `load` takes. `X` and `Y` are what the transforms make of an image and a label. */
export interface TransformOptions<X, Y> {
  /** Applied to each image, a uint8 tensor [C, H, W]. */
  transform?: ((image: Tensor) => X) | null | undefined;
  /** Applied to each label, a number. */
  targetTransform?: ((label: number) => Y) | null | undefined;
}

/** The parts of a dataset. */
export interface ImageParts {
  /** What messages and summaries call it; the class's own name does not survive every bundler. */
  readonly name: string;
  readonly data: Tensor;
  readonly targets: Tensor;
  readonly classes: readonly string[];
  /** Channels, height and width of one image. */
  readonly imageShape: readonly [number, number, number];
  readonly root: string | null;
  readonly train: boolean;
}

/**
 * Images in memory, each with one of `classes`. Item `i` is `[image, label]`: a uint8 tensor [C, H, W] and a number,
 * or what the transforms make of them.
 */
export class ImageDataset<X = Tensor, Y = number> extends Dataset<[X, Y]> {
  /** All images, uint8, one after the other. */
  readonly data: Tensor;
  /** All labels, int32 [N]. */
  readonly targets: Tensor;
  /** Names of the labels 0, 1 … */
  readonly classes: readonly string[];
  /** The folder it was loaded from, null for generated images. */
  readonly root: string | null;
  /** Whether these are the images to train with, not those to test with. */
  readonly train: boolean;
  readonly transform: ((image: Tensor) => X) | null;
  readonly targetTransform: ((label: number) => Y) | null;
  readonly #name: string;
  readonly #imageShape: readonly [number, number, number];
  readonly #pixels: Uint8Array;
  readonly #labels: Int32Array;

  constructor(parts: ImageParts, { transform, targetTransform }: TransformOptions<X, Y>) {
    super();
    this.data = parts.data;
    this.targets = parts.targets;
    this.classes = parts.classes;
    this.root = parts.root;
    this.train = parts.train;
    this.transform = transform ?? null;
    this.targetTransform = targetTransform ?? null;
    this.#name = parts.name;
    this.#imageShape = parts.imageShape;
    this.#pixels = parts.data.asTypedArray() as Uint8Array;
    this.#labels = parts.targets.asTypedArray() as Int32Array;
  }

  /** Number of images. */
  override get length(): number {
    return this.#labels.length;
  }

  /** Labels by the names of their classes. */
  get classToIdx(): Record<string, number> {
    return Object.fromEntries(this.classes.map((name, label) => [name, label]));
  }

  /** The image (with memory of its own) and the label at `index`; negative ones count from the end. @throws IndexError */
  override get(index: number): [image: X, label: Y] {
    const { length } = this;
    const i = index < 0 ? index + length : index;
    if (!Number.isInteger(i) || i < 0 || i >= length) {
      throw new IndexError(
        `${this.#name}.get(${String(index)}): the index must be an integer from ${-length} to ${length - 1}`,
      );
    }
    const [channels, height, width] = this.#imageShape;
    const size = channels * height * width;
    const image = fromTypedArray(this.#pixels.slice(i * size, (i + 1) * size), this.#imageShape);
    const label = this.#labels[i]!;
    return [
      this.transform === null ? (image as X) : this.transform(image),
      this.targetTransform === null ? (label as Y) : this.targetTransform(label),
    ];
  }

  /** A summary, as PyTorch prints it. */
  override toString(): string {
    const lines = [`Dataset ${this.#name}`, `    Number of datapoints: ${this.length}`];
    if (this.root !== null) lines.push(`    Root location: ${this.root}`);
    lines.push(`    Split: ${this.train ? 'Train' : 'Test'}`);
    if (this.transform !== null || this.targetTransform !== null) lines.push('    StandardTransform');
    if (this.transform !== null) lines.push(indented('Transform: ', this.transform));
    if (this.targetTransform !== null) lines.push(indented('Target transform: ', this.targetTransform));
    return lines.join('\n');
  }

  [inspect](): string {
    return this.toString();
  }
}

/** A transform behind a heading, its further lines below its first. */
function indented(heading: string, transform: object): string {
  const text = 'forward' in transform ? String(transform) : (transform as () => void).name || 'function';
  return heading + text.replaceAll('\n', `\n${' '.repeat(heading.length)}`);
}
