/**
 * @file Lazy modules: layers that take the size of their input from the first one they see. From then on they are
 * ordinary layers, of the ordinary class.
 */
import { ShapeError, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { type Arguments, type Factory, factoryDefaults } from './arguments.ts';
import { Linear, type LinearOptions } from './linear.ts';
import type { Module } from './module.ts';
import {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  type BatchNormLayerOptions,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
} from './normalization.ts';
import { isLazy, UninitializedBuffer, UninitializedParameter } from './uninitialized.ts';

type Resettable = Module & { resetParameters(): void };

/** What of a module has no shape yet. */
const waiting = (module: Module): [name: string, value: UninitializedParameter | UninitializedBuffer][] =>
  [...module.ownEntries()].flatMap(([name, value]) => (isLazy(value) ? [[name, value]] : []));

/**
 * Makes a lazy module one of class `Class`: gives it its settings, shapes to what has none, and first values if there
 * was any (a state dict may have brought them all).
 */
export function settle(
  module: Resettable,
  Class: { readonly prototype: object },
  settings: Readonly<Record<string, number>>,
  shapes: Readonly<Record<string, readonly number[]>>,
): void {
  const lacking = waiting(module);
  Object.assign(module, settings);
  Object.setPrototypeOf(module, Class.prototype);
  for (const [name, value] of lacking) value.materialize(shapes[name]!);
  if (lacking.length > 0) module.resetParameters();
}

/** A size that loaded values fix, or else the input. */
export const sizeOf = (value: Tensor | null, dim: number, fromInput: number): number =>
  value === null || isLazy(value) ? fromInput : value.shape[dim]!;

const parseLinear = signature<{ outFeatures: number; bias: boolean } & Factory>('LazyLinear', ['outFeatures', 'bias'], {
  bias: true,
  ...factoryDefaults,
});

/**
 * A {@link Linear} that takes `inFeatures` from its first input.
 *
 * ```ts
 * const layer = new LazyLinear(30);
 * layer(randn(128, 20)).shape; // [128, 30]
 * layer instanceof Linear && layer.inFeatures; // 20
 * ```
 */
export class LazyLinear extends Linear {
  constructor(...args: Arguments<[outFeatures: number], [bias: boolean], { outFeatures: number }, LinearOptions>) {
    const { outFeatures, bias, ...factory } = parseLinear(args);
    super(0, 0, { bias: false, ...factory });
    Object.assign(this, { outFeatures });
    this.weight = new UninitializedParameter(factory);
    if (bias) this.bias = new UninitializedParameter(factory);
  }

  /** Nothing as long as there are no shapes. */
  override resetParameters(): void {}

  override forward(input: Tensor): Tensor {
    if (input.ndim === 0) throw new ShapeError('LazyLinear: expected at least 1 dimension, got shape []');
    const { outFeatures } = this;
    const inFeatures = sizeOf(this.weight, 1, input.shape.at(-1)!);
    settle(this, Linear, { inFeatures }, { weight: [outFeatures, inFeatures], bias: [outFeatures] });
    return this.forward(input);
  }
}

type LazyNormArguments = Trailing<
  [eps: number, momentum: number | null, affine: boolean, trackRunningStats: boolean],
  BatchNormLayerOptions
>;

type AnyNorm = BatchNorm1d | InstanceNorm1d;

interface NormSettings extends Factory {
  eps: number;
  momentum: number | null;
  affine: boolean;
  trackRunningStats: boolean;
}

/** Settings of a normalization that has none but its channels; `usual`: whether it is affine and tracks by default. */
function normSettings(owner: string, usual: boolean, args: readonly unknown[]): NormSettings {
  return signature<NormSettings>(owner, ['eps', 'momentum', 'affine', 'trackRunningStats'], {
    eps: 1e-5,
    momentum: 0.1,
    affine: usual,
    trackRunningStats: usual,
    ...factoryDefaults,
  })(args);
}

/** What a lazy normalization waits with. */
function waitForFeatures(layer: AnyNorm, { affine, trackRunningStats, dtype, device }: NormSettings): void {
  const factory = { dtype, device };
  if (affine) {
    layer.weight = new UninitializedParameter(factory);
    layer.bias = new UninitializedParameter(factory);
  }
  if (trackRunningStats) {
    layer.running_mean = new UninitializedBuffer(factory);
    layer.running_var = new UninitializedBuffer(factory);
  }
}

/** `single`: number of dimensions of an input without a batch, where there may be one. */
function settleNorm(
  layer: AnyNorm,
  Class: { readonly name: string; readonly prototype: object },
  input: Tensor,
  dims: readonly number[],
  single?: number,
): void {
  if (!dims.includes(input.ndim)) {
    throw new ShapeError(
      `Lazy${Class.name}: expected ${dims.join(' or ')} dimensions, got shape [${input.shape.join(', ')}]`,
    );
  }
  const seen = input.shape[input.ndim === single ? 0 : 1]!;
  const numFeatures = sizeOf(layer.weight ?? layer.running_mean, 0, seen);
  const shape = [numFeatures];
  settle(layer, Class, { numFeatures }, { weight: shape, bias: shape, running_mean: shape, running_var: shape });
}

/** A {@link BatchNorm1d} that takes `numFeatures` from its first input. */
export class LazyBatchNorm1d extends BatchNorm1d {
  constructor(...args: LazyNormArguments) {
    const settings = normSettings('LazyBatchNorm1d', true, args);
    super(0, settings);
    waitForFeatures(this, settings);
  }

  override forward(input: Tensor): Tensor {
    settleNorm(this, BatchNorm1d, input, [2, 3]);
    return this.forward(input);
  }
}

/** A {@link BatchNorm2d} that takes `numFeatures` from its first input. */
export class LazyBatchNorm2d extends BatchNorm2d {
  constructor(...args: LazyNormArguments) {
    const settings = normSettings('LazyBatchNorm2d', true, args);
    super(0, settings);
    waitForFeatures(this, settings);
  }

  override forward(input: Tensor): Tensor {
    settleNorm(this, BatchNorm2d, input, [4]);
    return this.forward(input);
  }
}

/** A {@link BatchNorm3d} that takes `numFeatures` from its first input. */
export class LazyBatchNorm3d extends BatchNorm3d {
  constructor(...args: LazyNormArguments) {
    const settings = normSettings('LazyBatchNorm3d', true, args);
    super(0, settings);
    waitForFeatures(this, settings);
  }

  override forward(input: Tensor): Tensor {
    settleNorm(this, BatchNorm3d, input, [5]);
    return this.forward(input);
  }
}

/** A {@link InstanceNorm1d} that takes `numFeatures` from its first input. */
export class LazyInstanceNorm1d extends InstanceNorm1d {
  constructor(...args: LazyNormArguments) {
    const settings = normSettings('LazyInstanceNorm1d', false, args);
    super(0, settings);
    waitForFeatures(this, settings);
  }

  override forward(input: Tensor): Tensor {
    settleNorm(this, InstanceNorm1d, input, [2, 3], 2);
    return this.forward(input);
  }
}

/** A {@link InstanceNorm2d} that takes `numFeatures` from its first input. */
export class LazyInstanceNorm2d extends InstanceNorm2d {
  constructor(...args: LazyNormArguments) {
    const settings = normSettings('LazyInstanceNorm2d', false, args);
    super(0, settings);
    waitForFeatures(this, settings);
  }

  override forward(input: Tensor): Tensor {
    settleNorm(this, InstanceNorm2d, input, [3, 4], 3);
    return this.forward(input);
  }
}

/** A {@link InstanceNorm3d} that takes `numFeatures` from its first input. */
export class LazyInstanceNorm3d extends InstanceNorm3d {
  constructor(...args: LazyNormArguments) {
    const settings = normSettings('LazyInstanceNorm3d', false, args);
    super(0, settings);
    waitForFeatures(this, settings);
  }

  override forward(input: Tensor): Tensor {
    settleNorm(this, InstanceNorm3d, input, [4, 5], 4);
    return this.forward(input);
  }
}
