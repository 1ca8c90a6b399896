/** @file Layers for images: shuffling of channels and pixels, resizing, patches, normalization of neighbours. */
import { functional as F, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import type { Arguments } from './arguments.ts';
import type { Sizes } from './conv.ts';
import { Module } from './module.ts';
import { floatText, settings, valueText } from './python.ts';

/** [N, C · r², H, W] as [N, C, H · r, W · r]. Shi et al. 2016. */
export class PixelShuffle extends Module {
  readonly upscaleFactor: number;

  constructor(...args: [upscaleFactor: number] | [options: { upscaleFactor: number }]) {
    super();
    this.upscaleFactor = signature<{ upscaleFactor: number }>(
      'PixelShuffle',
      ['upscaleFactor'],
      {},
    )(args).upscaleFactor;
  }

  forward(input: Tensor): Tensor {
    return F.pixelShuffle(input, this.upscaleFactor);
  }

  override extraRepr(): string {
    return settings({ upscale_factor: this.upscaleFactor });
  }
}

/** [N, C, H · r, W · r] as [N, C · r², H, W]. */
export class PixelUnshuffle extends Module {
  readonly downscaleFactor: number;

  constructor(...args: [downscaleFactor: number] | [options: { downscaleFactor: number }]) {
    super();
    this.downscaleFactor = signature<{ downscaleFactor: number }>(
      'PixelUnshuffle',
      ['downscaleFactor'],
      {},
    )(args).downscaleFactor;
  }

  forward(input: Tensor): Tensor {
    return F.pixelUnshuffle(input, this.downscaleFactor);
  }

  override extraRepr(): string {
    return settings({ downscale_factor: this.downscaleFactor });
  }
}

/** Channels of [N, C, H, W] in another order: the first of each group, then the second of each, and so on. */
export class ChannelShuffle extends Module {
  readonly groups: number;

  constructor(...args: [groups: number] | [options: { groups: number }]) {
    super();
    this.groups = signature<{ groups: number }>('ChannelShuffle', ['groups'], {})(args).groups;
  }

  forward(input: Tensor): Tensor {
    return F.channelShuffle(input, this.groups);
  }

  override extraRepr(): string {
    return settings({ groups: this.groups });
  }
}

export type UpsampleMode = 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'bicubic' | 'trilinear';

export interface UpsampleOptions {
  /** Output size. This or `scaleFactor`. */
  size?: Sizes | null | undefined;
  /** Output size over input size. */
  scaleFactor?: Sizes | null | undefined;
  mode?: UpsampleMode | undefined;
  /** The outermost pixels' centres stay where they are, instead of the image's edges. */
  alignCorners?: boolean | null | undefined;
  /** Positions follow from the resulting sizes, not from `scaleFactor` itself. */
  recomputeScaleFactor?: boolean | null | undefined;
}

interface UpsampleSettings {
  size: Sizes | null;
  scaleFactor: Sizes | null;
  mode: UpsampleMode;
  alignCorners: boolean | null;
  recomputeScaleFactor: boolean | null;
}

/** Resizes [N, C, …] by interpolation. */
export class Upsample extends Module {
  readonly size: Sizes | null;
  readonly scaleFactor: Sizes | null;
  readonly mode: UpsampleMode;
  readonly alignCorners: boolean | null;
  readonly recomputeScaleFactor: boolean | null;

  constructor(
    ...args: Trailing<
      [size: Sizes | null, scaleFactor: Sizes | null, mode: UpsampleMode, alignCorners: boolean | null],
      UpsampleOptions
    >
  ) {
    super();
    const parse = signature<UpsampleSettings>(
      'Upsample',
      ['size', 'scaleFactor', 'mode', 'alignCorners', 'recomputeScaleFactor'],
      {
        size: null,
        scaleFactor: null,
        mode: 'nearest',
        alignCorners: null,
        recomputeScaleFactor: null,
      },
    );
    const { size, scaleFactor, mode, alignCorners, recomputeScaleFactor } = parse(args);
    this.size = size;
    this.scaleFactor = scaleFactor;
    this.mode = mode;
    this.alignCorners = alignCorners;
    this.recomputeScaleFactor = recomputeScaleFactor;
  }

  forward(input: Tensor): Tensor {
    const { size, scaleFactor, mode, alignCorners, recomputeScaleFactor } = this;
    return F.interpolate(input, { size, scaleFactor, mode, alignCorners, recomputeScaleFactor });
  }

  override extraRepr(): string {
    const { size, scaleFactor, mode } = this;
    if (scaleFactor === null) return `size=${valueText(size)}, mode=${mode}`;
    // PyTorch makes floats of scale factors.
    const text =
      typeof scaleFactor === 'number' ? floatText(scaleFactor) : `(${scaleFactor.map(floatText).join(', ')})`;
    return `scale_factor=${text}, mode=${mode}`;
  }
}

type ScaleArguments = Trailing<
  [size: Sizes | null, scaleFactor: Sizes | null],
  { size?: Sizes | null | undefined; scaleFactor?: Sizes | null | undefined }
>;
const parseScale = signature<{ size: Sizes | null; scaleFactor: Sizes | null }>('Upsampling', ['size', 'scaleFactor'], {
  size: null,
  scaleFactor: null,
});

/** Resizes images [N, C, H, W] by repeating pixels. */
export class UpsamplingNearest2d extends Upsample {
  constructor(...args: ScaleArguments) {
    super({ ...parseScale(args), mode: 'nearest' });
  }
}

/** Resizes images [N, C, H, W] by bilinear interpolation with aligned corners. */
export class UpsamplingBilinear2d extends Upsample {
  constructor(...args: ScaleArguments) {
    super({ ...parseScale(args), mode: 'bilinear', alignCorners: true });
  }
}

interface PatchOptions {
  dilation?: Sizes | undefined;
  padding?: Sizes | undefined;
  stride?: Sizes | undefined;
}

interface PatchSettings {
  kernelSize: Sizes;
  dilation: Sizes;
  padding: Sizes;
  stride: Sizes;
}

const patchDefaults = { dilation: 1, padding: 0, stride: 1 } as const;
type PatchTrailing = [dilation: Sizes, padding: Sizes, stride: Sizes];

/** Sliding patches of images: [N, C, H, W] as [N, C · kernel elements, patches]. */
export class Unfold extends Module {
  readonly kernelSize: Sizes;
  readonly dilation: Sizes;
  readonly padding: Sizes;
  readonly stride: Sizes;

  constructor(...args: Arguments<[kernelSize: Sizes], PatchTrailing, { kernelSize: Sizes }, PatchOptions>) {
    super();
    const { kernelSize, dilation, padding, stride } = signature<PatchSettings>(
      'Unfold',
      ['kernelSize', 'dilation', 'padding', 'stride'],
      patchDefaults,
    )(args);
    this.kernelSize = kernelSize;
    this.dilation = dilation;
    this.padding = padding;
    this.stride = stride;
  }

  forward(input: Tensor): Tensor {
    return F.unfold(input, this.kernelSize, this.dilation, this.padding, this.stride);
  }

  override extraRepr(): string {
    return settings({
      kernel_size: this.kernelSize,
      dilation: this.dilation,
      padding: this.padding,
      stride: this.stride,
    });
  }
}

/** Images of `outputSize` made of patches, added up where they overlap: the inverse of {@link Unfold}'s layout. */
export class Fold extends Module {
  readonly outputSize: Sizes;
  readonly kernelSize: Sizes;
  readonly dilation: Sizes;
  readonly padding: Sizes;
  readonly stride: Sizes;

  constructor(
    ...args: Arguments<
      [outputSize: Sizes, kernelSize: Sizes],
      PatchTrailing,
      { outputSize: Sizes; kernelSize: Sizes },
      PatchOptions
    >
  ) {
    super();
    const parse = signature<PatchSettings & { outputSize: Sizes }>(
      'Fold',
      ['outputSize', 'kernelSize', 'dilation', 'padding', 'stride'],
      patchDefaults,
    );
    const { outputSize, kernelSize, dilation, padding, stride } = parse(args);
    this.outputSize = outputSize;
    this.kernelSize = kernelSize;
    this.dilation = dilation;
    this.padding = padding;
    this.stride = stride;
  }

  forward(input: Tensor): Tensor {
    return F.fold(input, this.outputSize, this.kernelSize, this.dilation, this.padding, this.stride);
  }

  override extraRepr(): string {
    const { outputSize, kernelSize, dilation, padding, stride } = this;
    return settings({ output_size: outputSize, kernel_size: kernelSize, dilation, padding, stride });
  }
}

interface NeighbourOptions {
  alpha?: number | undefined;
  beta?: number | undefined;
  k?: number | undefined;
}

type NeighbourArguments = Arguments<
  [size: number],
  [alpha: number, beta: number, k: number],
  { size: number },
  NeighbourOptions
>;

export abstract class NeighbourNorm extends Module {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;

  constructor(...args: NeighbourArguments) {
    super();
    const parse = signature<{ size: number; alpha: number; beta: number; k: number }>(
      new.target.name,
      ['size', 'alpha', 'beta', 'k'],
      {
        alpha: 1e-4,
        beta: 0.75,
        k: 1,
      },
    );
    const { size, alpha, beta, k } = parse(args);
    this.size = size;
    this.alpha = alpha;
    this.beta = beta;
    this.k = k;
  }

  forward(input: Tensor): Tensor {
    return F.localResponseNorm(input, this.size, this.alpha, this.beta, this.k);
  }
}

/** Divides by a power of the mean square of neighbouring channels. Krizhevsky et al. 2012. */
export class LocalResponseNorm extends NeighbourNorm {
  override extraRepr(): string {
    return `${this.size}, ${settings({ alpha: this.alpha, beta: this.beta })}, k=${floatText(this.k)}`;
  }
}
