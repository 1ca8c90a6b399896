/** @file Convolutions and transposed convolutions over one, two or three dimensions. */
import { empty, functional as F, Parameter, ShapeError, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { type Arguments, type Factory, factoryDefaults } from './arguments.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { type Describable, settings } from './python.ts';

/** One number for all spatial dimensions, or one for each. */
export type Sizes = number | readonly number[];

/** What surrounds the input: zeros, its mirror image, its border repeated, or its other end. */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular';

export interface ConvLayerOptions extends Factory {
  stride?: Sizes | undefined;
  /** Elements added on both sides, 'same' to keep the size, or 'valid' for none. */
  padding?: Sizes | 'same' | 'valid' | undefined;
  dilation?: Sizes | undefined;
  /** Splits channels into groups that do not mix. */
  groups?: number | undefined;
  bias?: boolean | undefined;
  paddingMode?: PaddingMode | undefined;
}

interface RequiredNames {
  inChannels: number;
  outChannels: number;
  kernelSize: Sizes;
}

type Required3 = [inChannels: number, outChannels: number, kernelSize: Sizes];

export type ConvLayerArguments = Arguments<
  Required3,
  [
    stride: Sizes,
    padding: Sizes | 'same' | 'valid',
    dilation: Sizes,
    groups: number,
    bias: boolean,
    paddingMode: PaddingMode,
  ],
  RequiredNames,
  ConvLayerOptions
>;

interface Settings extends RequiredNames, Factory {
  stride: Sizes;
  padding: Sizes | string;
  outputPadding: Sizes;
  dilation: Sizes;
  groups: number;
  bias: boolean;
  paddingMode: PaddingMode;
}

export const convDefaults = {
  stride: 1,
  padding: 0,
  dilation: 1,
  groups: 1,
  bias: true,
  paddingMode: 'zeros',
  ...factoryDefaults,
} as const;
export const convNames = [
  'inChannels',
  'outChannels',
  'kernelSize',
  'stride',
  'padding',
  'dilation',
  'groups',
  'bias',
  'paddingMode',
] as const;
export const transposedNames = [
  'inChannels',
  'outChannels',
  'kernelSize',
  'stride',
  'padding',
  'outputPadding',
  'groups',
  'bias',
  'dilation',
  'paddingMode',
] as const;

/** @throws TypeError unless `value` is a number or one for each dimension. */
function perDimension(owner: string, name: string, value: Sizes, dims: number): readonly number[] {
  const list = typeof value === 'number' ? new Array<number>(dims).fill(value) : [...value];
  if (list.length !== dims || list.some((n) => !Number.isInteger(n)))
    throw new TypeError(`${owner}: ${name} must be an integer or ${dims} integers, got ${JSON.stringify(value)}`);
  return list;
}

/** What all convolutions have in common. */
abstract class ConvNd extends Module {
  weight: Parameter;
  bias: Parameter | null;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[] | 'same' | 'valid';
  readonly outputPadding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly paddingMode: PaddingMode;

  constructor(dims: number, transposed: boolean, s: Settings) {
    super();
    const owner = new.target.name;
    const { inChannels, outChannels, groups, paddingMode, dtype, device } = s;
    if (!Number.isInteger(groups) || groups < 1 || inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new RangeError(
        `${owner}: inChannels (${inChannels}) and outChannels (${outChannels}) must be divisible by groups (${groups})`,
      );
    }
    if (!['zeros', 'reflect', 'replicate', 'circular'].includes(paddingMode))
      throw new RangeError(
        `${owner}: paddingMode must be 'zeros', 'reflect', 'replicate' or 'circular', got '${paddingMode}'`,
      );
    if (transposed && paddingMode !== 'zeros')
      throw new RangeError(`${owner}: only paddingMode 'zeros' is supported, got '${paddingMode}'`);
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = perDimension(owner, 'kernelSize', s.kernelSize, dims);
    this.stride = perDimension(owner, 'stride', s.stride, dims);
    this.dilation = perDimension(owner, 'dilation', s.dilation, dims);
    this.outputPadding = perDimension(owner, 'outputPadding', s.outputPadding, dims);
    this.padding =
      typeof s.padding === 'string'
        ? namedPadding(owner, s.padding, this.stride)
        : perDimension(owner, 'padding', s.padding, dims);
    this.groups = groups;
    this.paddingMode = paddingMode;
    const channels = transposed ? [inChannels, outChannels / groups] : [outChannels, inChannels / groups];
    this.weight = new Parameter(empty([...channels, ...this.kernelSize], { dtype, device }));
    this.bias = s.bias ? new Parameter(empty([outChannels], { dtype, device })) : null;
    this.resetParameters();
  }

  /** Draws weight and bias anew, uniformly from ±1/√(input channels per group · kernel size). */
  resetParameters(): void {
    init.resetAffine(this.weight, this.bias);
  }

  override extraRepr(): string {
    const entries: Record<string, Describable> = { kernel_size: this.kernelSize, stride: this.stride };
    const nonzero = (list: readonly number[], usual: number): boolean => list.some((n) => n !== usual);
    if (typeof this.padding === 'string' || nonzero(this.padding, 0)) entries.padding = this.padding;
    if (nonzero(this.dilation, 1)) entries.dilation = this.dilation;
    if (nonzero(this.outputPadding, 0)) entries.output_padding = this.outputPadding;
    if (this.groups !== 1) entries.groups = this.groups;
    if (this.bias === null) entries.bias = false;
    if (this.paddingMode !== 'zeros') entries.padding_mode = this.paddingMode;
    return `${this.inChannels}, ${this.outChannels}, ${settings(entries)}`;
  }
}

function namedPadding(owner: string, name: string, stride: readonly number[]): 'same' | 'valid' {
  if (name !== 'same' && name !== 'valid')
    throw new RangeError(`${owner}: padding must be numbers, 'same' or 'valid', got '${name}'`);
  if (name === 'same' && stride.some((s) => s !== 1))
    throw new RangeError(`${owner}: padding 'same' needs stride 1, got [${stride.join(', ')}]`);
  return name;
}

type Convolve = (
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  stride: readonly number[],
  padding: readonly number[] | 'same' | 'valid',
  dilation: readonly number[],
  groups: number,
) => Tensor;

abstract class Convolution extends ConvNd {
  constructor(dims: number, owner: string, args: readonly unknown[]) {
    super(dims, false, {
      ...signature<Omit<Settings, 'outputPadding'>>(owner, convNames, convDefaults)(args),
      outputPadding: 0,
    });
  }

  protected convolve(convolve: Convolve, input: Tensor): Tensor {
    const { weight, bias, stride, dilation, groups, paddingMode } = this;
    if (paddingMode === 'zeros') return convolve(input, weight, bias, stride, this.padding, dilation, groups);
    const padded = F.pad(input, this.bothSides(), paddingMode);
    return convolve(
      padded,
      weight,
      bias,
      stride,
      stride.map(() => 0),
      dilation,
      groups,
    );
  }

  /** Padding before and after each dimension, the last one first, as F.pad wants it. */
  private bothSides(): number[] {
    const { padding, dilation, kernelSize } = this;
    const sides = kernelSize.map((kernel, d): [number, number] => {
      if (padding === 'valid') return [0, 0];
      if (padding !== 'same') return [padding[d]!, padding[d]!];
      const total = dilation[d]! * (kernel - 1);
      return [Math.floor(total / 2), total - Math.floor(total / 2)];
    });
    return sides.toReversed().flat();
  }
}

/** Cross-correlation over one dimension: input [N, C, L] or [C, L]. See {@link Conv2d}. */
export class Conv1d extends Convolution {
  constructor(...args: ConvLayerArguments) {
    super(1, 'Conv1d', args);
  }

  forward(input: Tensor): Tensor {
    return this.convolve(F.conv1d, input);
  }
}

/**
 * Cross-correlation of images with learned kernels.
 *
 * Input [N, C, H, W] or [C, H, W]; weight [outChannels, inChannels / groups, KH, KW], bias [outChannels].
 *
 * ```ts
 * const conv = new Conv2d(3, 16, 5, { stride: 2, padding: 2 });
 * conv(randn(8, 3, 32, 32)).shape; // [8, 16, 16, 16]
 * ```
 */
export class Conv2d extends Convolution {
  constructor(...args: ConvLayerArguments) {
    super(2, 'Conv2d', args);
  }

  forward(input: Tensor): Tensor {
    return this.convolve(F.conv2d, input);
  }
}

/** Cross-correlation over volumes: input [N, C, D, H, W] or [C, D, H, W]. See {@link Conv2d}. */
export class Conv3d extends Convolution {
  constructor(...args: ConvLayerArguments) {
    super(3, 'Conv3d', args);
  }

  forward(input: Tensor): Tensor {
    return this.convolve(F.conv3d, input);
  }
}

export interface ConvTransposeLayerOptions extends Factory {
  stride?: Sizes | undefined;
  padding?: Sizes | undefined;
  /** Added to one side of the output's size. */
  outputPadding?: Sizes | undefined;
  groups?: number | undefined;
  bias?: boolean | undefined;
  dilation?: Sizes | undefined;
  paddingMode?: 'zeros' | undefined;
}

export type ConvTransposeLayerArguments = Arguments<
  Required3,
  [
    stride: Sizes,
    padding: Sizes,
    outputPadding: Sizes,
    groups: number,
    bias: boolean,
    dilation: Sizes,
    paddingMode: 'zeros',
  ],
  RequiredNames,
  ConvTransposeLayerOptions
>;

type ConvolveTransposed = (
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  stride: readonly number[],
  padding: readonly number[],
  outputPadding: readonly number[],
  groups: number,
  dilation: readonly number[],
) => Tensor;

abstract class TransposedConvolution extends ConvNd {
  constructor(dims: number, owner: string, args: readonly unknown[]) {
    super(dims, true, signature<Settings>(owner, transposedNames, { ...convDefaults, outputPadding: 0 })(args));
  }

  /** The output padding that leads to an asked-for size. */
  private paddingFor(input: Tensor, outputSize: readonly number[] | null): readonly number[] {
    if (outputSize === null) return this.outputPadding;
    const dims = this.kernelSize.length;
    const [spatial, wanted] = [input.shape.slice(-dims), outputSize.slice(-dims)];
    const padding = this.padding as readonly number[];
    return spatial.map((size, d) => {
      const least = (size - 1) * this.stride[d]! - 2 * padding[d]! + this.dilation[d]! * (this.kernelSize[d]! - 1) + 1;
      const extra = (wanted[d] ?? -1) - least;
      if (outputSize.length < dims || extra < 0 || extra >= this.stride[d]!) {
        throw new ShapeError(
          `${this.constructor.name}: outputSize must be between ${least} and ${least + this.stride[d]! - 1} in dimension ${d}, got [${outputSize.join(', ')}]`,
        );
      }
      return extra;
    });
  }

  protected convolve(convolve: ConvolveTransposed, input: Tensor, outputSize: readonly number[] | null): Tensor {
    const { weight, bias, stride, groups, dilation } = this;
    return convolve(
      input,
      weight,
      bias,
      stride,
      this.padding as readonly number[],
      this.paddingFor(input, outputSize),
      groups,
      dilation,
    );
  }
}

type OutputSizeArguments = Trailing<
  [outputSize: readonly number[] | null],
  { outputSize?: readonly number[] | null | undefined }
>;
const parseOutputSize = signature<{ outputSize: readonly number[] | null }>('ConvTranspose', ['outputSize'], {
  outputSize: null,
});

/** Transposed convolution over one dimension: input [N, C, L] or [C, L]. See {@link ConvTranspose2d}. */
export class ConvTranspose1d extends TransposedConvolution {
  constructor(...args: ConvTransposeLayerArguments) {
    super(1, 'ConvTranspose1d', args);
  }

  forward(input: Tensor, ...args: OutputSizeArguments): Tensor {
    return this.convolve(F.convTranspose1d, input, parseOutputSize(args).outputSize);
  }
}

/**
 * Transposed convolution of images ("deconvolution"): what a convolution of these settings maps to the input's size.
 *
 * Input [N, C, H, W] or [C, H, W]; weight [inChannels, outChannels / groups, KH, KW], bias [outChannels].
 *
 * ```ts
 * new ConvTranspose2d(16, 3, 4, { stride: 2, padding: 1 })(randn(8, 16, 16, 16)).shape; // [8, 3, 32, 32]
 * ```
 */
export class ConvTranspose2d extends TransposedConvolution {
  constructor(...args: ConvTransposeLayerArguments) {
    super(2, 'ConvTranspose2d', args);
  }

  forward(input: Tensor, ...args: OutputSizeArguments): Tensor {
    return this.convolve(F.convTranspose2d, input, parseOutputSize(args).outputSize);
  }
}

/** Transposed convolution over volumes: input [N, C, D, H, W] or [C, D, H, W]. See {@link ConvTranspose2d}. */
export class ConvTranspose3d extends TransposedConvolution {
  constructor(...args: ConvTransposeLayerArguments) {
    super(3, 'ConvTranspose3d', args);
  }

  forward(input: Tensor, ...args: OutputSizeArguments): Tensor {
    return this.convolve(F.convTranspose3d, input, parseOutputSize(args).outputSize);
  }
}
