/** @file Lazy convolutions: their number of input channels is that of the first input. */
import { ShapeError, type Tensor } from '@flambeau/tensor';
import { signature } from '@flambeau/tensor/internal';
import type { Arguments, Factory } from './arguments.ts';
import {
  Conv1d,
  Conv2d,
  Conv3d,
  type ConvLayerOptions,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeLayerOptions,
  convDefaults,
  convNames,
  type PaddingMode,
  type Sizes,
  transposedNames,
} from './conv.ts';
import { settle, sizeOf } from './lazy.ts';
import { UninitializedParameter } from './uninitialized.ts';

interface ConvSettings extends Factory {
  outChannels: number;
  kernelSize: Sizes;
  bias: boolean;
}

type RequiredConv = [outChannels: number, kernelSize: Sizes];
interface ConvNames {
  outChannels: number;
  kernelSize: Sizes;
}

export type LazyConvArguments = Arguments<
  RequiredConv,
  [
    stride: Sizes,
    padding: Sizes | 'same' | 'valid',
    dilation: Sizes,
    groups: number,
    bias: boolean,
    paddingMode: PaddingMode,
  ],
  ConvNames,
  ConvLayerOptions
>;

export type LazyConvTransposeArguments = Arguments<
  RequiredConv,
  [
    stride: Sizes,
    padding: Sizes,
    outputPadding: Sizes,
    groups: number,
    bias: boolean,
    dilation: Sizes,
    paddingMode: 'zeros',
  ],
  ConvNames,
  ConvTransposeLayerOptions
>;

interface EmptyConv extends ConvLayerOptions {
  inChannels: number;
  outChannels: number;
  kernelSize: Sizes;
}

/** The settings of a convolution without channels. */
const withoutChannels = (settings: ConvSettings): EmptyConv => ({
  ...settings,
  inChannels: 0,
  outChannels: 0,
  bias: false,
});

function convSettings(owner: string, args: readonly unknown[]): ConvSettings {
  const names = convNames.filter((name) => name !== 'inChannels');
  return signature<ConvSettings>(owner, names as never[], convDefaults)(args);
}

function transposedSettings(owner: string, args: readonly unknown[]): ConvSettings {
  const names = transposedNames.filter((name) => name !== 'inChannels');
  return signature<ConvSettings>(owner, names as never[], { ...convDefaults, outputPadding: 0 } as object)(args);
}

type AnyConv = Conv1d | ConvTranspose1d;

/** What a lazy convolution waits with. */
function waitForChannels(layer: AnyConv, { outChannels, bias, dtype, device }: ConvSettings): void {
  Object.assign(layer, { outChannels });
  layer.weight = new UninitializedParameter({ dtype, device });
  if (bias) layer.bias = new UninitializedParameter({ dtype, device });
}

function settleConv(
  layer: AnyConv,
  Class: { readonly name: string; readonly prototype: object },
  input: Tensor,
  transposed = false,
): void {
  const { outChannels, groups, kernelSize } = layer;
  const spatial = kernelSize.length;
  if (input.ndim !== spatial + 1 && input.ndim !== spatial + 2) {
    throw new ShapeError(
      `Lazy${Class.name}: expected ${spatial + 1} or ${spatial + 2} dimensions, got shape [${input.shape.join(', ')}]`,
    );
  }
  const seen = input.shape.at(-spatial - 1)!;
  const inChannels = transposed ? sizeOf(layer.weight, 0, seen) : sizeOf(layer.weight, 1, seen / groups) * groups;
  if (inChannels % groups !== 0)
    throw new RangeError(`Lazy${Class.name}: the input's ${inChannels} channels do not divide into ${groups} groups`);
  const channels = transposed ? [inChannels, outChannels / groups] : [outChannels, inChannels / groups];
  settle(layer, Class, { inChannels }, { weight: [...channels, ...kernelSize], bias: [outChannels] });
}

/** A {@link Conv1d} that takes `inChannels` from its first input. */
export class LazyConv1d extends Conv1d {
  constructor(...args: LazyConvArguments) {
    const settings = convSettings('LazyConv1d', args);
    super(withoutChannels(settings));
    waitForChannels(this, settings);
  }

  /** Nothing as long as there are no shapes. */
  override resetParameters(): void {}

  override forward(input: Tensor): Tensor {
    settleConv(this, Conv1d, input);
    return this.forward(input);
  }
}

/**
 * A {@link Conv2d} that takes `inChannels` from its first input.
 *
 * ```ts
 * const net = new Sequential(new LazyConv2d(16, 3), new ReLU(), new Flatten(), new LazyLinear(10));
 * net(randn(8, 3, 32, 32)).shape; // [8, 10]
 * ```
 */
export class LazyConv2d extends Conv2d {
  constructor(...args: LazyConvArguments) {
    const settings = convSettings('LazyConv2d', args);
    super(withoutChannels(settings));
    waitForChannels(this, settings);
  }

  /** Nothing as long as there are no shapes. */
  override resetParameters(): void {}

  override forward(input: Tensor): Tensor {
    settleConv(this, Conv2d, input);
    return this.forward(input);
  }
}

/** A {@link Conv3d} that takes `inChannels` from its first input. */
export class LazyConv3d extends Conv3d {
  constructor(...args: LazyConvArguments) {
    const settings = convSettings('LazyConv3d', args);
    super(withoutChannels(settings));
    waitForChannels(this, settings);
  }

  /** Nothing as long as there are no shapes. */
  override resetParameters(): void {}

  override forward(input: Tensor): Tensor {
    settleConv(this, Conv3d, input);
    return this.forward(input);
  }
}

type TransposedInput = Parameters<ConvTranspose1d['forward']>;

/** A {@link ConvTranspose1d} that takes `inChannels` from its first input. */
export class LazyConvTranspose1d extends ConvTranspose1d {
  constructor(...args: LazyConvTransposeArguments) {
    const settings = transposedSettings('LazyConvTranspose1d', args);
    super(withoutChannels(settings) as never);
    waitForChannels(this, settings);
  }

  /** Nothing as long as there are no shapes. */
  override resetParameters(): void {}

  override forward(...input: TransposedInput): Tensor {
    settleConv(this, ConvTranspose1d, input[0], true);
    return this.forward(...input);
  }
}

/** A {@link ConvTranspose2d} that takes `inChannels` from its first input. */
export class LazyConvTranspose2d extends ConvTranspose2d {
  constructor(...args: LazyConvTransposeArguments) {
    const settings = transposedSettings('LazyConvTranspose2d', args);
    super(withoutChannels(settings) as never);
    waitForChannels(this, settings);
  }

  /** Nothing as long as there are no shapes. */
  override resetParameters(): void {}

  override forward(...input: TransposedInput): Tensor {
    settleConv(this, ConvTranspose2d, input[0], true);
    return this.forward(...input);
  }
}

/** A {@link ConvTranspose3d} that takes `inChannels` from its first input. */
export class LazyConvTranspose3d extends ConvTranspose3d {
  constructor(...args: LazyConvTransposeArguments) {
    const settings = transposedSettings('LazyConvTranspose3d', args);
    super(withoutChannels(settings) as never);
    waitForChannels(this, settings);
  }

  /** Nothing as long as there are no shapes. */
  override resetParameters(): void {}

  override forward(...input: TransposedInput): Tensor {
    settleConv(this, ConvTranspose3d, input[0], true);
    return this.forward(...input);
  }
}
