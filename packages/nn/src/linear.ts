/** @file Linear maps. */
import { empty, functional as F, Parameter, type Tensor } from '@flambeau/tensor';
import { signature } from '@flambeau/tensor/internal';
import { type Arguments, type Factory, factoryDefaults } from './arguments.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { settings } from './python.ts';

export interface LinearOptions extends Factory {
  /** Whether a learned number is added to each output. */
  bias?: boolean | undefined;
}

export type LinearArguments = Arguments<
  [inFeatures: number, outFeatures: number],
  [bias: boolean],
  { inFeatures: number; outFeatures: number },
  LinearOptions
>;

const parseLinear = signature<{ inFeatures: number; outFeatures: number; bias: boolean } & Factory>(
  'Linear',
  ['inFeatures', 'outFeatures', 'bias'],
  {
    bias: true,
    ...factoryDefaults,
  },
);

/**
 * y = x · weightᵀ + bias.
 *
 * Input [..., inFeatures], output [..., outFeatures]; weight [outFeatures, inFeatures], bias [outFeatures]. Both are
 * drawn uniformly from ±1/√inFeatures, bit for bit as PyTorch does.
 *
 * ```ts
 * const layer = new Linear(20, 30);
 * layer(randn(128, 20)).shape; // [128, 30]
 * ```
 */
export class Linear extends Module {
  weight: Parameter;
  bias: Parameter | null;
  readonly inFeatures: number;
  readonly outFeatures: number;

  constructor(...args: LinearArguments) {
    super();
    const { inFeatures, outFeatures, bias, dtype, device } = parseLinear(args);
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = new Parameter(empty([outFeatures, inFeatures], { dtype, device }));
    this.bias = bias ? new Parameter(empty([outFeatures], { dtype, device })) : null;
    this.resetParameters();
  }

  /** Draws weight and bias anew. */
  resetParameters(): void {
    init.resetAffine(this.weight, this.bias);
  }

  forward(input: Tensor): Tensor {
    return F.linear(input, this.weight, this.bias);
  }

  override extraRepr(): string {
    return settings({ in_features: this.inFeatures, out_features: this.outFeatures, bias: this.bias !== null });
  }
}

/** Returns its input; arguments of the constructor are ignored, as in PyTorch. */
export class Identity extends Module {
  constructor(..._args: unknown[]) {
    super();
  }

  forward<T>(input: T): T {
    return input;
  }
}

export type BilinearArguments = Arguments<
  [in1Features: number, in2Features: number, outFeatures: number],
  [bias: boolean],
  { in1Features: number; in2Features: number; outFeatures: number },
  LinearOptions
>;

const parseBilinear = signature<
  { in1Features: number; in2Features: number; outFeatures: number; bias: boolean } & Factory
>('Bilinear', ['in1Features', 'in2Features', 'outFeatures', 'bias'], { bias: true, ...factoryDefaults });

/** y = x1ᵀ · weight · x2 + bias for inputs [..., in1Features] and [..., in2Features]; weight [out, in1, in2]. */
export class Bilinear extends Module {
  weight: Parameter;
  bias: Parameter | null;
  readonly in1Features: number;
  readonly in2Features: number;
  readonly outFeatures: number;

  constructor(...args: BilinearArguments) {
    super();
    const { in1Features, in2Features, outFeatures, bias, dtype, device } = parseBilinear(args);
    this.in1Features = in1Features;
    this.in2Features = in2Features;
    this.outFeatures = outFeatures;
    this.weight = new Parameter(empty([outFeatures, in1Features, in2Features], { dtype, device }));
    this.bias = bias ? new Parameter(empty([outFeatures], { dtype, device })) : null;
    this.resetParameters();
  }

  /** Draws weight and bias anew, uniformly from ±1/√in1Features. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.in1Features);
    init.uniform_(this.weight, -bound, bound);
    if (this.bias !== null) init.uniform_(this.bias, -bound, bound);
  }

  forward(input1: Tensor, input2: Tensor): Tensor {
    return F.bilinear(input1, input2, this.weight, this.bias);
  }

  override extraRepr(): string {
    return settings({
      in1_features: this.in1Features,
      in2_features: this.in2Features,
      out_features: this.outFeatures,
      bias: this.bias !== null,
    });
  }
}
