/** @file Pooling to a given output size, p-norms of windows, and the inverse of max pooling. */
import { Buffer, functional as F, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import type { Arguments } from './arguments.ts';
import type { Sizes } from './conv.ts';
import { Module } from './module.ts';
import { settings } from './python.ts';

/** An output size: a number for all dimensions or one for each; null keeps the input's. */
export type AdaptiveSizes = number | null | readonly (number | null)[];

type AverageArguments = [outputSize: AdaptiveSizes] | [options: { outputSize: AdaptiveSizes }];

abstract class AdaptiveAvgPoolNd extends Module {
  readonly outputSize: AdaptiveSizes;

  constructor(...args: AverageArguments) {
    super();
    this.outputSize = signature<{ outputSize: AdaptiveSizes }>(new.target.name, ['outputSize'], {})(args).outputSize;
  }

  override extraRepr(): string {
    return settings({ output_size: this.outputSize });
  }
}

/** Averages of [N, C, L] over `outputSize` windows that cover it evenly. */
export class AdaptiveAvgPool1d extends AdaptiveAvgPoolNd {
  forward(input: Tensor): Tensor {
    return F.adaptiveAvgPool1d(input, this.outputSize);
  }
}

/**
 * Averages of [N, C, H, W] over windows that cover it evenly.
 *
 * ```ts
 * new AdaptiveAvgPool2d(1)(randn(2, 64, 7, 7)).shape; // [2, 64, 1, 1]
 * ```
 */
export class AdaptiveAvgPool2d extends AdaptiveAvgPoolNd {
  forward(input: Tensor): Tensor {
    return F.adaptiveAvgPool2d(input, this.outputSize);
  }
}

/** Averages of [N, C, D, H, W] over windows that cover it evenly. */
export class AdaptiveAvgPool3d extends AdaptiveAvgPoolNd {
  forward(input: Tensor): Tensor {
    return F.adaptiveAvgPool3d(input, this.outputSize);
  }
}

type MaxArguments<Indices extends boolean> = Arguments<
  [outputSize: AdaptiveSizes],
  [returnIndices: Indices],
  { outputSize: AdaptiveSizes },
  { returnIndices?: Indices | undefined }
>;

type Result<Indices extends boolean> = Indices extends true ? [output: Tensor, indices: Tensor] : Tensor;
type Pool = (input: Tensor, outputSize: AdaptiveSizes, returnIndices: boolean) => unknown;

abstract class AdaptiveMaxPoolNd<Indices extends boolean> extends Module {
  readonly outputSize: AdaptiveSizes;
  readonly returnIndices: boolean;

  constructor(...args: MaxArguments<Indices>) {
    super();
    const parse = signature<{ outputSize: AdaptiveSizes; returnIndices: boolean }>(
      new.target.name,
      ['outputSize', 'returnIndices'],
      { returnIndices: false },
    );
    const { outputSize, returnIndices } = parse(args);
    this.outputSize = outputSize;
    this.returnIndices = returnIndices;
  }

  protected pool(pool: Pool, input: Tensor): Result<Indices> {
    return pool(input, this.outputSize, this.returnIndices) as Result<Indices>;
  }

  override extraRepr(): string {
    return settings({ output_size: this.outputSize });
  }
}

/** Maxima of [N, C, L] over `outputSize` windows that cover it evenly. */
export class AdaptiveMaxPool1d<Indices extends boolean = false> extends AdaptiveMaxPoolNd<Indices> {
  forward(input: Tensor): Result<Indices> {
    return this.pool(F.adaptiveMaxPool1d as Pool, input);
  }
}

/** Maxima of [N, C, H, W] over windows that cover it evenly. */
export class AdaptiveMaxPool2d<Indices extends boolean = false> extends AdaptiveMaxPoolNd<Indices> {
  forward(input: Tensor): Result<Indices> {
    return this.pool(F.adaptiveMaxPool2d as Pool, input);
  }
}

/** Maxima of [N, C, D, H, W] over windows that cover it evenly. */
export class AdaptiveMaxPool3d<Indices extends boolean = false> extends AdaptiveMaxPoolNd<Indices> {
  forward(input: Tensor): Result<Indices> {
    return this.pool(F.adaptiveMaxPool3d as Pool, input);
  }
}

interface LPPoolOptions {
  /** Default: the kernel size. */
  stride?: Sizes | null | undefined;
  ceilMode?: boolean | undefined;
}

interface LPPoolSettings {
  normType: number;
  kernelSize: Sizes;
  stride: Sizes | null;
  ceilMode: boolean;
}

abstract class LPPoolNd extends Module {
  readonly normType: number;
  readonly kernelSize: Sizes;
  readonly stride: Sizes | null;
  readonly ceilMode: boolean;

  constructor(
    ...args: Arguments<
      [normType: number, kernelSize: Sizes],
      [stride: Sizes | null, ceilMode: boolean],
      { normType: number; kernelSize: Sizes },
      LPPoolOptions
    >
  ) {
    super();
    const parse = signature<LPPoolSettings>(new.target.name, ['normType', 'kernelSize', 'stride', 'ceilMode'], {
      stride: null,
      ceilMode: false,
    });
    const { normType, kernelSize, stride, ceilMode } = parse(args);
    this.normType = normType;
    this.kernelSize = kernelSize;
    this.stride = stride;
    this.ceilMode = ceilMode;
  }

  override extraRepr(): string {
    return settings({
      norm_type: this.normType,
      kernel_size: this.kernelSize,
      stride: this.stride,
      ceil_mode: this.ceilMode,
    });
  }
}

/** The p-norm of windows of [N, C, L]. */
export class LPPool1d extends LPPoolNd {
  forward(input: Tensor): Tensor {
    return F.lpPool1d(input, this.normType, this.kernelSize, this.stride, this.ceilMode);
  }
}

/** The p-norm of windows of [N, C, H, W]. */
export class LPPool2d extends LPPoolNd {
  forward(input: Tensor): Tensor {
    return F.lpPool2d(input, this.normType, this.kernelSize, this.stride, this.ceilMode);
  }
}

interface UnpoolOptions {
  /** Default: the kernel size. */
  stride?: Sizes | null | undefined;
  padding?: Sizes | undefined;
}

type UnpoolArguments = Arguments<
  [kernelSize: Sizes],
  [stride: Sizes | null, padding: Sizes],
  { kernelSize: Sizes },
  UnpoolOptions
>;
type OutputSizeArguments = Trailing<
  [outputSize: readonly number[] | null],
  { outputSize?: readonly number[] | null | undefined }
>;

const parseOutputSize = signature<{ outputSize: readonly number[] | null }>('MaxUnpool', ['outputSize'], {
  outputSize: null,
});

type Unpool = typeof F.maxUnpool1d;

abstract class MaxUnpoolNd extends Module {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];

  constructor(dims: number, args: UnpoolArguments) {
    super();
    const parse = signature<{ kernelSize: Sizes; stride: Sizes | null; padding: Sizes }>(
      new.target.name,
      ['kernelSize', 'stride', 'padding'],
      { stride: null, padding: 0 },
    );
    const { kernelSize, stride, padding } = parse(args);
    const list = (value: Sizes): readonly number[] =>
      typeof value === 'number' ? new Array<number>(dims).fill(value) : [...value];
    this.kernelSize = list(kernelSize);
    this.stride = list(stride ?? kernelSize);
    this.padding = list(padding);
  }

  protected unpool(unpool: Unpool, input: Tensor, indices: Tensor, args: OutputSizeArguments): Tensor {
    const { outputSize } = parseOutputSize(args);
    return unpool(input, indices, this.kernelSize, {
      stride: this.stride,
      padding: this.padding,
      outputSize: outputSize ?? undefined,
    });
  }

  override extraRepr(): string {
    return settings({ kernel_size: this.kernelSize, stride: this.stride, padding: this.padding });
  }
}

/** Puts maxima of [N, C, L] back where {@link MaxPool1d} took them from, zeros elsewhere. */
export class MaxUnpool1d extends MaxUnpoolNd {
  constructor(...args: UnpoolArguments) {
    super(1, args);
  }
  forward(input: Tensor, indices: Tensor, ...args: OutputSizeArguments): Tensor {
    return this.unpool(F.maxUnpool1d, input, indices, args);
  }
}

/** Puts maxima of [N, C, H, W] back where {@link MaxPool2d} took them from, zeros elsewhere. */
export class MaxUnpool2d extends MaxUnpoolNd {
  constructor(...args: UnpoolArguments) {
    super(2, args);
  }
  forward(input: Tensor, indices: Tensor, ...args: OutputSizeArguments): Tensor {
    return this.unpool(F.maxUnpool2d, input, indices, args);
  }
}

/** Puts maxima of [N, C, D, H, W] back where {@link MaxPool3d} took them from, zeros elsewhere. */
export class MaxUnpool3d extends MaxUnpoolNd {
  constructor(...args: UnpoolArguments) {
    super(3, args);
  }
  forward(input: Tensor, indices: Tensor, ...args: OutputSizeArguments): Tensor {
    return this.unpool(F.maxUnpool3d, input, indices, args);
  }
}

type FractionalArguments<Indices extends boolean> = Arguments<
  [kernelSize: Sizes],
  [outputSize: Sizes | null, outputRatio: number | readonly number[] | null, returnIndices: Indices],
  { kernelSize: Sizes },
  F.FractionalMaxPoolOptions<Indices>
>;

interface FractionalSettings {
  kernelSize: Sizes;
  outputSize: Sizes | null;
  outputRatio: number | readonly number[] | null;
  returnIndices: boolean;
  _randomSamples: Tensor | null;
}

type FractionalPool = typeof F.fractionalMaxPool2d<boolean>;

abstract class FractionalMaxPoolNd<Indices extends boolean> extends Module {
  _random_samples: Buffer | null;
  readonly kernelSize: Sizes;
  readonly outputSize: Sizes | null;
  readonly outputRatio: number | readonly number[] | null;
  readonly returnIndices: boolean;

  constructor(...args: FractionalArguments<Indices>) {
    super();
    const parse = signature<FractionalSettings>(
      new.target.name,
      ['kernelSize', 'outputSize', 'outputRatio', 'returnIndices', '_randomSamples'],
      {
        outputSize: null,
        outputRatio: null,
        returnIndices: false,
        _randomSamples: null,
      },
    );
    const { kernelSize, outputSize, outputRatio, returnIndices, _randomSamples } = parse(args);
    this._random_samples = _randomSamples === null ? null : new Buffer(_randomSamples);
    this.kernelSize = kernelSize;
    this.outputSize = outputSize;
    this.outputRatio = outputRatio;
    this.returnIndices = returnIndices;
  }

  protected pool(pool: FractionalPool, input: Tensor): Result<Indices> {
    const { kernelSize, outputSize, outputRatio, returnIndices, _random_samples: _randomSamples } = this;
    return pool(input, kernelSize, { outputSize, outputRatio, returnIndices, _randomSamples }) as Result<Indices>;
  }
}

/** Maxima over windows of images at random, nearly even distances. Graham 2014. */
export class FractionalMaxPool2d<Indices extends boolean = false> extends FractionalMaxPoolNd<Indices> {
  forward(input: Tensor): Result<Indices> {
    return this.pool(F.fractionalMaxPool2d, input);
  }
}

/** Maxima over windows of volumes at random, nearly even distances. */
export class FractionalMaxPool3d<Indices extends boolean = false> extends FractionalMaxPoolNd<Indices> {
  forward(input: Tensor): Result<Indices> {
    return this.pool(F.fractionalMaxPool3d, input);
  }
}
