/** @file Compose, ToTensor and Normalize. */
import type { Tensor } from '@flambeau/tensor';
import { signature } from '@flambeau/tensor/internal';
import { normalize, toTensor } from './functional.ts';
import type { PixelImage } from './pixels.ts';
import { Transform } from './transform.ts';

/** One step of a {@link Compose}: a transform or any function of one argument. */
export type Step = (input: never) => unknown;

type FirstInput<Steps extends readonly Step[]> = Steps extends readonly [(input: infer Input) => unknown, ...unknown[]]
  ? Input
  : unknown;
type LastOutput<Steps extends readonly Step[]> = Steps extends readonly [...unknown[], (input: never) => infer Output]
  ? Output
  : unknown;

/**
 * Several transforms, one after the other.
 *
 * ```ts
 * const transform = new Compose([new ToTensor(), new Normalize([0.1307], [0.3081])]);
 * transform(image); // float32 [1, 28, 28]
 * ```
 */
export class Compose<const Steps extends readonly Step[]> extends Transform<FirstInput<Steps>, LastOutput<Steps>> {
  readonly transforms: Steps;

  constructor(transforms: Steps | { transforms: Steps }) {
    super();
    this.transforms = 'transforms' in transforms ? transforms.transforms : transforms;
    for (const [i, step] of this.transforms.entries()) {
      if (typeof step !== 'function') {
        throw new TypeError(`Compose(): step ${i} must be a transform or a function, got ${String(step)}`);
      }
    }
  }

  forward(input: FirstInput<Steps>): LastOutput<Steps> {
    let value: unknown = input;
    for (const step of this.transforms) value = step(value as never);
    return value as LastOutput<Steps>;
  }

  override toString(): string {
    const lines = this.transforms.map(
      (step) => `\n    ${step instanceof Transform ? step.toString() : step.name || 'function'}`,
    );
    return `Compose(${lines.join('')}\n)`;
  }
}

/**
 * A decoded image (uint8 [C, H, W], or interleaved pixels) as a float32 tensor [C, H, W] from 0 to 1. Tensors of other
 * dtypes are passed on as they are.
 *
 * ```ts
 * new ToTensor()(await io.readImage('cat.png')).dtype; // 'float32'
 * ```
 */
export class ToTensor extends Transform<Tensor | PixelImage, Tensor> {
  forward(image: Tensor | PixelImage): Tensor {
    return toTensor(image);
  }
}

export interface NormalizeOptions {
  /** One number per channel, or one for all. */
  mean: readonly number[];
  /** Likewise; none may be 0. */
  std: readonly number[];
  /** Changes the image itself. Default false. */
  inplace?: boolean | undefined;
}

const parseNormalize = signature<Required<NormalizeOptions>>('Normalize', ['mean', 'std', 'inplace'], {
  inplace: false,
});

/**
 * `(image - mean) / std` for each channel of a floating-point image [..., C, H, W].
 *
 * ```ts
 * new Normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]); // from 0…1 to -1…1
 * ```
 */
export class Normalize extends Transform<Tensor, Tensor> {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly inplace: boolean;

  constructor(mean: readonly number[], std: readonly number[], inplace?: boolean | { inplace?: boolean | undefined });
  constructor(options: NormalizeOptions);
  constructor(...args: unknown[]) {
    super();
    const { mean, std, inplace } = parseNormalize(args);
    for (const [name, values] of Object.entries({ mean, std })) {
      if (Array.isArray(values) && values.every((value) => typeof value === 'number')) continue;
      throw new TypeError(`Normalize(): ${name} must be a list of numbers, got ${String(values)}`);
    }
    this.mean = mean;
    this.std = std;
    this.inplace = inplace ?? false;
  }

  forward(image: Tensor): Tensor {
    return normalize(image, this.mean, this.std, this.inplace);
  }

  override toString(): string {
    return `Normalize(mean=[${this.mean.join(', ')}], std=[${this.std.join(', ')}])`;
  }
}
