/** @file ReduceLROnPlateau: smaller learning rates when a metric stops improving. */
import { isTensor, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import type { ParamGroup } from '../optimizer.ts';
import {
  type AnyOptimizer,
  packFields,
  perGroup,
  type Scheduler,
  type SchedulerState,
  unpackFields,
} from './scheduler.ts';

export interface ReduceLROnPlateauOptions {
  /** Whether the metric should fall ('min') or rise ('max'). */
  mode?: 'min' | 'max' | undefined;
  /** What learning rates are multiplied with. */
  factor?: number | undefined;
  /** Epochs without improvement that are tolerated. */
  patience?: number | undefined;
  /** How much better counts as better. */
  threshold?: number | undefined;
  /** Whether `threshold` is a fraction of the best metric or a difference. */
  thresholdMode?: 'rel' | 'abs' | undefined;
  /** Epochs to wait after a reduction. */
  cooldown?: number | undefined;
  minLr?: number | readonly number[] | undefined;
  /** The least change of a learning rate that is made. */
  eps?: number | undefined;
  verbose?: boolean | undefined;
}

type Settings = { [K in keyof ReduceLROnPlateauOptions]-?: Exclude<ReduceLROnPlateauOptions[K], undefined> };

const names = [
  'mode',
  'factor',
  'patience',
  'threshold',
  'thresholdMode',
  'cooldown',
  'minLr',
  'eps',
  'verbose',
] as const;
const parse = signature<Settings>('ReduceLROnPlateau', names, {
  mode: 'min',
  factor: 0.1,
  patience: 10,
  threshold: 1e-4,
  thresholdMode: 'rel',
  cooldown: 0,
  minLr: 0,
  eps: 1e-8,
  verbose: false,
});

const keys = [
  'factor',
  'min_lrs',
  'patience',
  'verbose',
  'cooldown',
  'cooldown_counter',
  'mode',
  'threshold',
  'threshold_mode',
  'best',
  'num_bad_epochs',
  'mode_worse',
  'eps',
  'last_epoch',
  '_last_lr',
] as const;

/**
 * Multiplies learning rates by `factor` when a metric has not improved for more than `patience` epochs.
 *
 * ```ts
 * const scheduler = new lrScheduler.ReduceLROnPlateau(optimizer, 'min', { patience: 5 });
 * scheduler.step(validationLoss);
 * ```
 */
export class ReduceLROnPlateau implements Scheduler {
  readonly optimizer: AnyOptimizer;
  factor: number;
  minLrs: number[];
  patience: number;
  verbose: boolean;
  cooldown: number;
  cooldownCounter = 0;
  mode: 'min' | 'max';
  threshold: number;
  thresholdMode: 'rel' | 'abs';
  best: number;
  numBadEpochs = 0;
  modeWorse: number;
  eps: number;
  lastEpoch = 0;
  lastLr: number[] | undefined;

  constructor(
    optimizer: AnyOptimizer,
    ...args: Trailing<
      [mode: 'min' | 'max', factor: number, patience: number, threshold: number],
      ReduceLROnPlateauOptions
    >
  ) {
    const given = parse(args);
    if (!(given.factor < 1)) throw new RangeError(`ReduceLROnPlateau: factor must be below 1, got ${given.factor}`);
    if (given.mode !== 'min' && given.mode !== 'max')
      throw new RangeError(`ReduceLROnPlateau: mode must be 'min' or 'max', got '${String(given.mode)}'`);
    if (given.thresholdMode !== 'rel' && given.thresholdMode !== 'abs')
      throw new RangeError(
        `ReduceLROnPlateau: thresholdMode must be 'rel' or 'abs', got '${String(given.thresholdMode)}'`,
      );
    this.optimizer = optimizer;
    this.factor = given.factor;
    this.minLrs = perGroup('ReduceLROnPlateau', 'minLr', given.minLr, optimizer);
    this.patience = given.patience;
    this.verbose = given.verbose;
    this.cooldown = given.cooldown;
    this.mode = given.mode;
    this.threshold = given.threshold;
    this.thresholdMode = given.thresholdMode;
    this.modeWorse = given.mode === 'min' ? Infinity : -Infinity;
    this.best = this.modeWorse;
    this.eps = given.eps;
  }

  /** Takes an epoch's metric into account, a number or a tensor of one element on the CPU. */
  step(metrics: number | Tensor, epoch = this.lastEpoch + 1): void {
    const current = isTensor(metrics) ? metrics.itemSync() : metrics;
    this.lastEpoch = epoch;
    if (this.#isBetter(current)) {
      this.best = current;
      this.numBadEpochs = 0;
    } else this.numBadEpochs += 1;
    if (this.cooldownCounter > 0) {
      this.cooldownCounter -= 1;
      this.numBadEpochs = 0;
    }
    if (this.numBadEpochs > this.patience) {
      this.#reduce();
      this.cooldownCounter = this.cooldown;
      this.numBadEpochs = 0;
    }
    this.lastLr = this.#groups.map(({ lr }) => lr);
  }

  get #groups(): ParamGroup[] {
    return this.optimizer.paramGroups as ParamGroup[];
  }

  #reduce(): void {
    this.#groups.forEach((group, i) => {
      const lr = Math.max(group.lr * this.factor, this.minLrs[i]!);
      if (group.lr - lr > this.eps) group.lr = lr;
    });
  }

  #isBetter(value: number): boolean {
    const { best, threshold } = this;
    const relative = this.thresholdMode === 'rel';
    if (this.mode === 'min') return value < (relative ? best * (1 - threshold) : best - threshold);
    return value > (relative ? best * (threshold + 1) : best + threshold);
  }

  getLastLr(): readonly number[] {
    return this.lastLr ?? this.#groups.map(({ lr }) => lr);
  }

  stateDict(): SchedulerState {
    return packFields(this, keys);
  }

  loadStateDict(state: unknown): void {
    unpackFields(this, state, keys);
  }
}
