/** @file Normalization by the root mean square. */
import { functional as F, ones, Parameter, type Tensor } from '@flambeau/tensor';
import { signature } from '@flambeau/tensor/internal';
import { type Arguments, type Factory, factoryDefaults } from './arguments.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { settings, valueText } from './python.ts';

export interface RMSNormOptions extends Factory {
  /** Added to the mean square; null: the machine epsilon of the input's dtype. */
  eps?: number | null | undefined;
  /** Whether to learn a weight for each element of the normalized shape. */
  elementwiseAffine?: boolean | undefined;
}

interface Settings extends Factory {
  normalizedShape: number | readonly number[];
  eps: number | null;
  elementwiseAffine: boolean;
}

const parse = signature<Settings>('RMSNorm', ['normalizedShape', 'eps', 'elementwiseAffine'], {
  eps: null,
  elementwiseAffine: true,
  ...factoryDefaults,
});

/**
 * Divides the last dimensions, of sizes `normalizedShape`, by their root mean square. Zhang & Sennrich 2019.
 *
 * ```ts
 * new RMSNorm(64)(randn(8, 10, 64)).shape; // [8, 10, 64]
 * ```
 */
export class RMSNorm extends Module {
  weight: Parameter | null;
  readonly normalizedShape: readonly number[];
  readonly eps: number | null;
  readonly elementwiseAffine: boolean;

  constructor(
    ...args: Arguments<
      [normalizedShape: number | readonly number[]],
      [eps: number | null, elementwiseAffine: boolean],
      { normalizedShape: number | readonly number[] },
      RMSNormOptions
    >
  ) {
    super();
    const { normalizedShape, eps, elementwiseAffine, dtype, device } = parse(args);
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape];
    this.eps = eps;
    this.elementwiseAffine = elementwiseAffine;
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape, { dtype, device })) : null;
  }

  /** Sets weight to 1. */
  resetParameters(): void {
    if (this.weight !== null) init.ones_(this.weight);
  }

  forward(input: Tensor): Tensor {
    return F.rmsNorm(input, this.normalizedShape, this.weight, this.eps);
  }

  override extraRepr(): string {
    return `${valueText(this.normalizedShape)}, ${settings({ eps: this.eps, elementwise_affine: this.elementwiseAffine })}`;
  }
}
