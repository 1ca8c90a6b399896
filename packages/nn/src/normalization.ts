/** @file Normalization of batches, instances, groups and layers. */
import {
  Buffer,
  functional as F,
  noGrad,
  ones,
  Parameter,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { backendFor, signature } from '@flambeau/tensor/internal';
import { type Arguments, type Factory, factoryDefaults } from './arguments.ts';
import { counterDType } from './convert.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { settings, valueText } from './python.ts';

export interface BatchNormLayerOptions extends Factory {
  /** Added to variances. */
  eps?: number | undefined;
  /** The newest batch's share in the running statistics; null: their plain mean over all batches. */
  momentum?: number | null | undefined;
  /** Whether to learn a weight and a bias for each channel. */
  affine?: boolean | undefined;
  /** Whether to keep running statistics, which evaluation uses. */
  trackRunningStats?: boolean | undefined;
}

export type BatchNormLayerArguments = Arguments<
  [numFeatures: number],
  [eps: number, momentum: number | null, affine: boolean, trackRunningStats: boolean],
  { numFeatures: number },
  BatchNormLayerOptions
>;

interface Settings extends Factory {
  numFeatures: number;
  eps: number;
  momentum: number | null;
  affine: boolean;
  trackRunningStats: boolean;
}

const names = ['numFeatures', 'eps', 'momentum', 'affine', 'trackRunningStats'] as const;

/** A normalization with running statistics. State-dict names are PyTorch's. */
abstract class RunningNorm extends Module {
  weight: Parameter | null;
  bias: Parameter | null;
  running_mean: Buffer | null;
  running_var: Buffer | null;
  num_batches_tracked: Buffer | null;
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  readonly affine: boolean;
  readonly trackRunningStats: boolean;

  constructor({ numFeatures, eps, momentum, affine, trackRunningStats, dtype, device }: Settings) {
    super();
    this.numFeatures = numFeatures;
    this.eps = eps;
    this.momentum = momentum;
    this.affine = affine;
    this.trackRunningStats = trackRunningStats;
    const options = { dtype, device };
    this.weight = affine ? new Parameter(ones([numFeatures], options)) : null;
    this.bias = affine ? new Parameter(zeros([numFeatures], options)) : null;
    this.running_mean = trackRunningStats ? new Buffer(zeros([numFeatures], options)) : null;
    this.running_var = trackRunningStats ? new Buffer(ones([numFeatures], options)) : null;
    this.num_batches_tracked = trackRunningStats
      ? new Buffer(zeros([], { dtype: counterDType(device), device }))
      : null;
  }

  /** Sets the running statistics back to mean 0 and variance 1. */
  resetRunningStats(): void {
    this.running_mean?.zero_();
    this.running_var?.fill_(1);
    this.num_batches_tracked?.zero_();
  }

  /** Sets weight to 1, bias to 0, and the running statistics back. */
  resetParameters(): void {
    this.resetRunningStats();
    if (this.weight !== null) init.ones_(this.weight);
    if (this.bias !== null) init.zeros_(this.bias);
  }

  /** @throws ShapeError for an input of the wrong number of dimensions or channels. */
  protected checkInput(input: Tensor, dims: readonly number[], channelDim: number): void {
    const owner = this.constructor.name;
    if (!dims.includes(input.ndim))
      throw new ShapeError(`${owner}: expected ${dims.join(' or ')} dimensions, got shape [${input.shape.join(', ')}]`);
    const channels = input.shape[channelDim];
    if (channels !== this.numFeatures)
      throw new ShapeError(`${owner}: expected ${this.numFeatures} channels, got shape [${input.shape.join(', ')}]`);
  }

  /** State dicts of PyTorch before 0.4.1 do not count batches. */
  override adaptState(state: Map<string, unknown>, prefix: string): void {
    const key = `${prefix}num_batches_tracked`;
    if (this.num_batches_tracked !== null && !state.has(key)) state.set(key, tensor(0n, { device: 'cpu' }));
  }

  override extraRepr(): string {
    const { eps, momentum, affine, trackRunningStats } = this;
    return `${this.numFeatures}, ${settings({ eps, momentum, affine, track_running_stats: trackRunningStats })}`;
  }
}

function batchNormSettings(owner: string, args: readonly unknown[]): Settings {
  return signature<Settings>(owner, names, {
    eps: 1e-5,
    momentum: 0.1,
    affine: true,
    trackRunningStats: true,
    ...factoryDefaults,
  })(args);
}

abstract class BatchNormNd extends RunningNorm {
  constructor(...args: BatchNormLayerArguments) {
    super(batchNormSettings(new.target.name, args));
  }

  protected normalize(input: Tensor, dims: readonly number[]): Tensor {
    this.checkInput(input, dims, 1);
    const { training, running_mean, running_var } = this;
    const useBatch = training || running_mean === null || running_var === null;
    const [mean, variance] = !training || this.trackRunningStats ? [running_mean, running_var] : [null, null];
    return F.batchNorm(input, mean, variance, this.weight, this.bias, useBatch, this.countBatch(), this.eps);
  }

  /** The newest batch's share in the running statistics, a number or where they are read asynchronously a 0-d tensor. */
  private countBatch(): number | Tensor {
    const { num_batches_tracked: count } = this;
    if (!this.training || count === null) return this.momentum ?? 0;
    return noGrad(() => {
      count.add_(1);
      return this.momentum ?? momentumOf(count);
    });
  }
}

/** For a plain mean over all batches. */
const momentumOf = (count: Tensor): number | Tensor =>
  backendFor(count.device).readSync === null ? count.reciprocal() : 1 / count.itemSync();

/** Batch normalization of [N, C] or [N, C, L]. Ioffe & Szegedy 2015. */
export class BatchNorm1d extends BatchNormNd {
  forward(input: Tensor): Tensor {
    return this.normalize(input, [2, 3]);
  }
}

/**
 * Batch normalization of images [N, C, H, W]: each channel to mean 0 and variance 1, then scaled and shifted. In
 * training by the batch's statistics, in evaluation by the running ones.
 *
 * ```ts
 * const norm = new BatchNorm2d(16);
 * norm(randn(8, 16, 32, 32)).shape; // [8, 16, 32, 32]
 * ```
 */
export class BatchNorm2d extends BatchNormNd {
  forward(input: Tensor): Tensor {
    return this.normalize(input, [4]);
  }
}

/** Batch normalization of volumes [N, C, D, H, W]. */
export class BatchNorm3d extends BatchNormNd {
  forward(input: Tensor): Tensor {
    return this.normalize(input, [5]);
  }
}

/**
 * Batch normalization of [N, C, …] with statistics that PyTorch shares among processes. Here there is one process, so
 * that it is batch normalization of any number of dimensions; models that name it load and train.
 */
export class SyncBatchNorm extends BatchNormNd {
  forward(input: Tensor): Tensor {
    if (input.ndim < 2)
      throw new ShapeError(`SyncBatchNorm: expected at least 2 dimensions, got shape [${input.shape.join(', ')}]`);
    return this.normalize(input, [input.ndim]);
  }
}

abstract class InstanceNormNd extends RunningNorm {
  constructor(...args: BatchNormLayerArguments) {
    const parse = signature<Settings>(new.target.name, names, {
      eps: 1e-5,
      momentum: 0.1,
      affine: false,
      trackRunningStats: false,
      ...factoryDefaults,
    });
    super(parse(args));
  }

  /** `spatial`: number of spatial dimensions; without a batch dimension the input is one element. */
  protected normalize(input: Tensor, spatial: number): Tensor {
    const single = input.ndim === spatial + 1;
    this.checkInput(input, [spatial + 1, spatial + 2], single ? 0 : 1);
    const useOwn = this.training || !this.trackRunningStats;
    const x = single ? input.unsqueeze(0) : input;
    const out = F.instanceNorm(
      x,
      this.running_mean,
      this.running_var,
      this.weight,
      this.bias,
      useOwn,
      this.momentum ?? 0,
      this.eps,
    );
    return single ? out.squeeze(0) : out;
  }
}

/** Instance normalization of [N, C, L] or [C, L]. Ulyanov et al. 2016. */
export class InstanceNorm1d extends InstanceNormNd {
  forward(input: Tensor): Tensor {
    return this.normalize(input, 1);
  }
}

/** Instance normalization of images [N, C, H, W] or [C, H, W]. */
export class InstanceNorm2d extends InstanceNormNd {
  forward(input: Tensor): Tensor {
    return this.normalize(input, 2);
  }
}

/** Instance normalization of volumes [N, C, D, H, W] or [C, D, H, W]. */
export class InstanceNorm3d extends InstanceNormNd {
  forward(input: Tensor): Tensor {
    return this.normalize(input, 3);
  }
}

export interface LayerNormOptions extends Factory {
  eps?: number | undefined;
  /** Whether to learn a weight and a bias for each element of the normalized shape. */
  elementwiseAffine?: boolean | undefined;
}

/** Normalizes the last dimensions, of sizes `normalizedShape`. Ba et al. 2016. */
export class LayerNorm extends Module {
  weight: Parameter | null;
  bias: Parameter | null;
  readonly normalizedShape: readonly number[];
  readonly eps: number;
  readonly elementwiseAffine: boolean;

  constructor(
    ...args: Arguments<
      [normalizedShape: number | readonly number[]],
      [eps: number, elementwiseAffine: boolean],
      { normalizedShape: number | readonly number[] },
      LayerNormOptions
    >
  ) {
    super();
    const parse = signature<
      { normalizedShape: number | readonly number[]; eps: number; elementwiseAffine: boolean } & Factory
    >('LayerNorm', ['normalizedShape', 'eps', 'elementwiseAffine'], {
      eps: 1e-5,
      elementwiseAffine: true,
      ...factoryDefaults,
    });
    const { normalizedShape, eps, elementwiseAffine, dtype, device } = parse(args);
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape];
    this.eps = eps;
    this.elementwiseAffine = elementwiseAffine;
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape, { dtype, device })) : null;
    this.bias = elementwiseAffine ? new Parameter(zeros(this.normalizedShape, { dtype, device })) : null;
  }

  /** Sets weight to 1 and bias to 0. */
  resetParameters(): void {
    if (this.weight !== null) init.ones_(this.weight);
    if (this.bias !== null) init.zeros_(this.bias);
  }

  forward(input: Tensor): Tensor {
    return F.layerNorm(input, this.normalizedShape, this.weight, this.bias, this.eps);
  }

  override extraRepr(): string {
    return `${valueText(this.normalizedShape)}, ${settings({ eps: this.eps, elementwise_affine: this.elementwiseAffine })}`;
  }
}

export interface GroupNormOptions extends Factory {
  eps?: number | undefined;
  /** Whether to learn a weight and a bias for each channel. */
  affine?: boolean | undefined;
}

/** Normalizes the channels of [N, C, …] in groups. Wu & He 2018. */
export class GroupNorm extends Module {
  weight: Parameter | null;
  bias: Parameter | null;
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  readonly affine: boolean;

  constructor(
    ...args: Arguments<
      [numGroups: number, numChannels: number],
      [eps: number, affine: boolean],
      { numGroups: number; numChannels: number },
      GroupNormOptions
    >
  ) {
    super();
    const parse = signature<{ numGroups: number; numChannels: number; eps: number; affine: boolean } & Factory>(
      'GroupNorm',
      ['numGroups', 'numChannels', 'eps', 'affine'],
      { eps: 1e-5, affine: true, ...factoryDefaults },
    );
    const { numGroups, numChannels, eps, affine, dtype, device } = parse(args);
    if (numChannels % numGroups !== 0)
      throw new RangeError(`GroupNorm: numChannels (${numChannels}) must be divisible by numGroups (${numGroups})`);
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = eps;
    this.affine = affine;
    this.weight = affine ? new Parameter(ones([numChannels], { dtype, device })) : null;
    this.bias = affine ? new Parameter(zeros([numChannels], { dtype, device })) : null;
  }

  /** Sets weight to 1 and bias to 0. */
  resetParameters(): void {
    if (this.weight !== null) init.ones_(this.weight);
    if (this.bias !== null) init.zeros_(this.bias);
  }

  forward(input: Tensor): Tensor {
    return F.groupNorm(input, this.numGroups, this.weight, this.bias, this.eps);
  }

  override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}, ${settings({ eps: this.eps, affine: this.affine })}`;
  }
}
