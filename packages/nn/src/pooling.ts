/** @file Pooling: maxima and averages of windows. */
import { functional as F, type Tensor } from '@flambeau/tensor';
import { signature } from '@flambeau/tensor/internal';
import type { Arguments } from './arguments.ts';
import type { Sizes } from './conv.ts';
import { Module } from './module.ts';
import { settings } from './python.ts';

export interface MaxPoolLayerOptions<Indices extends boolean = boolean> {
  /** Default: the kernel size. */
  stride?: Sizes | null | undefined;
  padding?: Sizes | undefined;
  dilation?: Sizes | undefined;
  /** Returns [maxima, positions]. */
  returnIndices?: Indices | undefined;
  /** Counts a last window that is only partly inside. */
  ceilMode?: boolean | undefined;
}

export type MaxPoolLayerArguments<Indices extends boolean> = Arguments<
  [kernelSize: Sizes],
  [stride: Sizes | null, padding: Sizes, dilation: Sizes, returnIndices: Indices, ceilMode: boolean],
  { kernelSize: Sizes },
  MaxPoolLayerOptions<Indices>
>;

interface MaxPoolSettings {
  kernelSize: Sizes;
  stride: Sizes | null;
  padding: Sizes;
  dilation: Sizes;
  returnIndices: boolean;
  ceilMode: boolean;
}

type Result<Indices extends boolean> = Indices extends true ? [output: Tensor, indices: Tensor] : Tensor;

type Pool = (
  input: Tensor,
  kernelSize: Sizes,
  stride: Sizes,
  padding: Sizes,
  dilation: Sizes,
  ceilMode: boolean,
  returnIndices: boolean,
) => unknown;

abstract class MaxPoolNd<Indices extends boolean> extends Module {
  readonly kernelSize: Sizes;
  readonly stride: Sizes;
  readonly padding: Sizes;
  readonly dilation: Sizes;
  readonly returnIndices: boolean;
  readonly ceilMode: boolean;

  constructor(...args: MaxPoolLayerArguments<Indices>) {
    super();
    const names = ['kernelSize', 'stride', 'padding', 'dilation', 'returnIndices', 'ceilMode'] as const;
    const parse = signature<MaxPoolSettings>(new.target.name, names, {
      stride: null,
      padding: 0,
      dilation: 1,
      returnIndices: false,
      ceilMode: false,
    });
    const { kernelSize, stride, padding, dilation, returnIndices, ceilMode } = parse(args);
    this.kernelSize = kernelSize;
    this.stride = stride ?? kernelSize;
    this.padding = padding;
    this.dilation = dilation;
    this.returnIndices = returnIndices;
    this.ceilMode = ceilMode;
  }

  protected pool(pool: Pool, input: Tensor): Result<Indices> {
    return pool(
      input,
      this.kernelSize,
      this.stride,
      this.padding,
      this.dilation,
      this.ceilMode,
      this.returnIndices,
    ) as Result<Indices>;
  }

  override extraRepr(): string {
    return settings({
      kernel_size: this.kernelSize,
      stride: this.stride,
      padding: this.padding,
      dilation: this.dilation,
      ceil_mode: this.ceilMode,
    });
  }
}

/** Maxima over windows of [N, C, L] or [C, L]. */
export class MaxPool1d<Indices extends boolean = false> extends MaxPoolNd<Indices> {
  forward(input: Tensor): Result<Indices> {
    return this.pool(F.maxPool1d as Pool, input);
  }
}

/**
 * Maxima over windows of images [N, C, H, W] or [C, H, W].
 *
 * ```ts
 * new MaxPool2d(2)(randn(1, 3, 8, 8)).shape; // [1, 3, 4, 4]
 * ```
 */
export class MaxPool2d<Indices extends boolean = false> extends MaxPoolNd<Indices> {
  forward(input: Tensor): Result<Indices> {
    return this.pool(F.maxPool2d as Pool, input);
  }
}

/** Maxima over windows of volumes [N, C, D, H, W] or [C, D, H, W]. */
export class MaxPool3d<Indices extends boolean = false> extends MaxPoolNd<Indices> {
  forward(input: Tensor): Result<Indices> {
    return this.pool(F.maxPool3d as Pool, input);
  }
}

export interface AvgPool1dOptions {
  /** Default: the kernel size. */
  stride?: Sizes | null | undefined;
  padding?: Sizes | undefined;
  ceilMode?: boolean | undefined;
  /** Whether padding zeros count in the averages. */
  countIncludePad?: boolean | undefined;
}

export interface AvgPoolLayerOptions extends AvgPool1dOptions {
  /** Divide by this instead of by the window's size. */
  divisorOverride?: number | null | undefined;
}

type AvgPool1dArguments = Arguments<
  [kernelSize: Sizes],
  [stride: Sizes | null, padding: Sizes, ceilMode: boolean, countIncludePad: boolean],
  { kernelSize: Sizes },
  AvgPool1dOptions
>;

export type AvgPoolLayerArguments = Arguments<
  [kernelSize: Sizes],
  [stride: Sizes | null, padding: Sizes, ceilMode: boolean, countIncludePad: boolean, divisorOverride: number | null],
  { kernelSize: Sizes },
  AvgPoolLayerOptions
>;

interface AvgPoolSettings {
  kernelSize: Sizes;
  stride: Sizes | null;
  padding: Sizes;
  ceilMode: boolean;
  countIncludePad: boolean;
  divisorOverride: number | null;
}

const avgNames = ['kernelSize', 'stride', 'padding', 'ceilMode', 'countIncludePad'] as const;
const avgDefaults = { stride: null, padding: 0, ceilMode: false, countIncludePad: true } as const;

abstract class AvgPoolNd extends Module {
  readonly kernelSize: Sizes;
  readonly stride: Sizes;
  readonly padding: Sizes;
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;

  constructor({ kernelSize, stride, padding, ceilMode, countIncludePad }: Omit<AvgPoolSettings, 'divisorOverride'>) {
    super();
    this.kernelSize = kernelSize;
    this.stride = stride ?? kernelSize;
    this.padding = padding;
    this.ceilMode = ceilMode;
    this.countIncludePad = countIncludePad;
  }

  override extraRepr(): string {
    return settings({ kernel_size: this.kernelSize, stride: this.stride, padding: this.padding });
  }
}

/** Averages over windows of [N, C, L] or [C, L]. */
export class AvgPool1d extends AvgPoolNd {
  constructor(...args: AvgPool1dArguments) {
    const given = signature<Omit<AvgPoolSettings, 'divisorOverride'>>('AvgPool1d', avgNames, avgDefaults)(args);
    const list = (value: Sizes): readonly number[] => (typeof value === 'number' ? [value] : value);
    super({
      ...given,
      kernelSize: list(given.kernelSize),
      stride: list(given.stride ?? given.kernelSize),
      padding: list(given.padding),
    });
  }

  forward(input: Tensor): Tensor {
    return F.avgPool1d(input, this.kernelSize, this.stride, this.padding, this.ceilMode, this.countIncludePad);
  }
}

function parseAvgPool(owner: string, args: readonly unknown[]): AvgPoolSettings {
  return signature<AvgPoolSettings>(owner, [...avgNames, 'divisorOverride'], { ...avgDefaults, divisorOverride: null })(
    args,
  );
}

/** Averages over windows of images [N, C, H, W] or [C, H, W]. */
export class AvgPool2d extends AvgPoolNd {
  readonly divisorOverride: number | null;

  constructor(...args: AvgPoolLayerArguments) {
    const given = parseAvgPool('AvgPool2d', args);
    super(given);
    this.divisorOverride = given.divisorOverride;
  }

  forward(input: Tensor): Tensor {
    return F.avgPool2d(
      input,
      this.kernelSize,
      this.stride,
      this.padding,
      this.ceilMode,
      this.countIncludePad,
      this.divisorOverride,
    );
  }
}

/** Averages over windows of volumes [N, C, D, H, W] or [C, D, H, W]. */
export class AvgPool3d extends AvgPoolNd {
  readonly divisorOverride: number | null;

  constructor(...args: AvgPoolLayerArguments) {
    const given = parseAvgPool('AvgPool3d', args);
    super(given);
    this.divisorOverride = given.divisorOverride;
  }

  forward(input: Tensor): Tensor {
    return F.avgPool3d(
      input,
      this.kernelSize,
      this.stride,
      this.padding,
      this.ceilMode,
      this.countIncludePad,
      this.divisorOverride,
    );
  }
}
