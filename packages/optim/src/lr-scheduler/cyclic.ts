/** @file Cyclic schedules of learning rate and momentum: CyclicLR and OneCycleLR (Smith 2017, 2018). */

import { signature } from '@flambeau/tensor/internal';
import type { ParamGroup } from '../optimizer.ts';
import { type AnyOptimizer, LRScheduler, perGroup } from './scheduler.ts';

/** What the two schedulers keep with a parameter group. */
type CycledGroup = ParamGroup & {
  momentum?: number;
  betas?: readonly [number, number];
  maxLr?: number;
  minLr?: number;
  maxMomentum?: number;
  baseMomentum?: number;
};

export interface CyclicLROptions {
  /** Epochs of the rising half of a cycle. */
  stepSizeUp?: number | undefined;
  /** Epochs of the falling half; by default the same. */
  stepSizeDown?: number | null | undefined;
  mode?: 'triangular' | 'triangular2' | 'exp_range' | undefined;
  gamma?: number | undefined;
  /** A factor of the cycle's height, of one's own; `mode` is ignored then. */
  scaleFn?: ((x: number) => number) | null | undefined;
  /** Whether `scaleFn` gets the number of the cycle or of the step. */
  scaleMode?: 'cycle' | 'iterations' | undefined;
  /** Whether momentum moves too, in the opposite direction. */
  cycleMomentum?: boolean | undefined;
  baseMomentum?: number | readonly number[] | undefined;
  maxMomentum?: number | readonly number[] | undefined;
  lastEpoch?: number | undefined;
  verbose?: boolean | undefined;
}

interface CyclicSettings {
  baseLr: number | readonly number[];
  maxLr: number | readonly number[];
  stepSizeUp: number;
  stepSizeDown: number | null;
  mode: 'triangular' | 'triangular2' | 'exp_range';
  gamma: number;
  scaleFn: ((x: number) => number) | null;
  scaleMode: 'cycle' | 'iterations';
  cycleMomentum: boolean;
  baseMomentum: number | readonly number[];
  maxMomentum: number | readonly number[];
  lastEpoch: number;
  verbose: boolean;
}

type Rates = number | readonly number[];

const cyclicNames = [
  'baseLr',
  'maxLr',
  'stepSizeUp',
  'stepSizeDown',
  'mode',
  'gamma',
  'scaleFn',
  'scaleMode',
  'cycleMomentum',
  'baseMomentum',
  'maxMomentum',
  'lastEpoch',
] as const;

const parseCyclic = signature<CyclicSettings>('CyclicLR', cyclicNames, {
  stepSizeUp: 2000,
  stepSizeDown: null,
  mode: 'triangular',
  gamma: 1,
  scaleFn: null,
  scaleMode: 'cycle',
  cycleMomentum: true,
  baseMomentum: 0.8,
  maxMomentum: 0.9,
  lastEpoch: -1,
  verbose: false,
});

/** The learning rate up and down between `baseLr` and `maxLr`; momentum the other way round. */
export class CyclicLR extends LRScheduler {
  maxLrs: number[];
  totalSize: number;
  stepRatio: number;
  mode: 'triangular' | 'triangular2' | 'exp_range';
  gamma: number;
  scaleMode: 'cycle' | 'iterations';
  cycleMomentum: boolean;
  baseMomentums: number[] | undefined;
  maxMomentums: number[] | undefined;
  protected readonly scaleFnCustom = null;
  readonly #scaleFn: ((x: number) => number) | null;
  protected get stateKeys(): readonly string[] {
    return [
      'max_lrs',
      'total_size',
      'step_ratio',
      'mode',
      'gamma',
      '_scale_fn_custom',
      'scale_mode',
      'cycle_momentum',
      'base_momentums',
      'max_momentums',
    ];
  }

  constructor(
    optimizer: AnyOptimizer,
    ...args:
      | [baseLr: Rates, maxLr: Rates, options?: CyclicLROptions]
      | [options: CyclicLROptions & { baseLr: Rates; maxLr: Rates }]
  ) {
    const given = parseCyclic(args);
    const { mode, gamma, scaleFn, lastEpoch, cycleMomentum } = given;
    if (!['triangular', 'triangular2', 'exp_range'].includes(mode) && scaleFn === null)
      throw new RangeError(`CyclicLR: mode must be 'triangular', 'triangular2' or 'exp_range', got '${mode}'`);
    if (cycleMomentum && !('momentum' in optimizer.defaults))
      throw new TypeError('CyclicLR: the optimizer has no momentum; pass { cycleMomentum: false }');
    const baseLrs = perGroup('CyclicLR', 'baseLr', given.baseLr, optimizer);
    if (lastEpoch === -1) for (const [i, group] of optimizer.paramGroups.entries()) group.lr = baseLrs[i];
    super(optimizer, lastEpoch);
    this.maxLrs = perGroup('CyclicLR', 'maxLr', given.maxLr, optimizer);
    this.totalSize = given.stepSizeUp + (given.stepSizeDown ?? given.stepSizeUp);
    this.stepRatio = given.stepSizeUp / this.totalSize;
    this.mode = mode;
    this.gamma = gamma;
    this.#scaleFn = scaleFn;
    this.scaleMode = scaleFn !== null ? given.scaleMode : mode === 'exp_range' ? 'iterations' : 'cycle';
    this.cycleMomentum = cycleMomentum;
    if (cycleMomentum) {
      this.baseMomentums = perGroup('CyclicLR', 'baseMomentum', given.baseMomentum, optimizer);
      this.maxMomentums = perGroup('CyclicLR', 'maxMomentum', given.maxMomentum, optimizer);
    }
    this.start();
    this.baseLrs = baseLrs;
  }

  #scale(x: number): number {
    if (this.#scaleFn !== null) return this.#scaleFn(x);
    return this.mode === 'triangular' ? 1 : this.mode === 'triangular2' ? 1 / 2 ** (x - 1) : this.gamma ** x;
  }

  protected nextLr(): number[] {
    const { lastEpoch: epoch, stepRatio } = this;
    const cycle = Math.floor(1 + epoch / this.totalSize);
    const x = 1 + epoch / this.totalSize - cycle;
    const height = x <= stepRatio ? x / stepRatio : (x - 1) / (stepRatio - 1);
    const scale = this.#scale(this.scaleMode === 'cycle' ? cycle : epoch);
    if (this.cycleMomentum) {
      (this.groups as CycledGroup[]).forEach((group, i) => {
        const [base, max] = [this.baseMomentums![i]!, this.maxMomentums![i]!];
        group.momentum = max - (max - base) * height * scale;
      });
    }
    return this.baseLrs.map((base, i) => base + (this.maxLrs[i]! - base) * height * scale);
  }
}

export interface OneCycleLROptions {
  /** Steps of the whole cycle; or give `epochs` and `stepsPerEpoch`. */
  totalSteps?: number | null | undefined;
  epochs?: number | null | undefined;
  stepsPerEpoch?: number | null | undefined;
  /** The rising share of the cycle. */
  pctStart?: number | undefined;
  annealStrategy?: 'cos' | 'linear' | undefined;
  /** Whether momentum moves too, in the opposite direction. */
  cycleMomentum?: boolean | undefined;
  baseMomentum?: number | readonly number[] | undefined;
  maxMomentum?: number | readonly number[] | undefined;
  /** maxLr / the first learning rate. */
  divFactor?: number | undefined;
  /** The first learning rate / the last. */
  finalDivFactor?: number | undefined;
  /** Goes down to the first learning rate as it went up, and only then to the last. */
  threePhase?: boolean | undefined;
  lastEpoch?: number | undefined;
  verbose?: boolean | undefined;
}

type OneCycleSettings = { maxLr: Rates } & {
  [K in keyof OneCycleLROptions]-?: Exclude<OneCycleLROptions[K], undefined>;
};

const oneCycleNames = [
  'maxLr',
  'totalSteps',
  'epochs',
  'stepsPerEpoch',
  'pctStart',
  'annealStrategy',
  'cycleMomentum',
  'baseMomentum',
  'maxMomentum',
  'divFactor',
  'finalDivFactor',
  'threePhase',
  'lastEpoch',
] as const;

const parseOneCycle = signature<OneCycleSettings>('OneCycleLR', oneCycleNames, {
  totalSteps: null,
  epochs: null,
  stepsPerEpoch: null,
  pctStart: 0.3,
  annealStrategy: 'cos',
  cycleMomentum: true,
  baseMomentum: 0.85,
  maxMomentum: 0.95,
  divFactor: 25,
  finalDivFactor: 1e4,
  threePhase: false,
  lastEpoch: -1,
  verbose: false,
});

interface Phase {
  readonly end: number;
  readonly lr: readonly [from: 'initialLr' | 'maxLr' | 'minLr', to: 'initialLr' | 'maxLr' | 'minLr'];
  readonly momentum: readonly [from: 'maxMomentum' | 'baseMomentum', to: 'maxMomentum' | 'baseMomentum'];
}

const anneal = {
  cos: (from: number, to: number, share: number): number => to + ((from - to) / 2) * (Math.cos(Math.PI * share) + 1),
  linear: (from: number, to: number, share: number): number => (to - from) * share + from,
};

function phasesOf({ pctStart, threePhase }: OneCycleSettings, total: number): Phase[] {
  const up: Phase = {
    end: pctStart * total - 1,
    lr: ['initialLr', 'maxLr'],
    momentum: ['maxMomentum', 'baseMomentum'],
  };
  if (!threePhase) return [up, { end: total - 1, lr: ['maxLr', 'minLr'], momentum: ['baseMomentum', 'maxMomentum'] }];
  return [
    up,
    { end: 2 * pctStart * total - 2, lr: ['maxLr', 'initialLr'], momentum: ['baseMomentum', 'maxMomentum'] },
    { end: total - 1, lr: ['initialLr', 'minLr'], momentum: ['maxMomentum', 'maxMomentum'] },
  ];
}

function totalOf({ totalSteps, epochs, stepsPerEpoch }: OneCycleSettings): number {
  const total = totalSteps ?? (epochs === null || stepsPerEpoch === null ? Number.NaN : epochs * stepsPerEpoch);
  if (!Number.isInteger(total) || total < 1)
    throw new RangeError('OneCycleLR: give totalSteps, or epochs and stepsPerEpoch, as positive integers');
  return total;
}

/**
 * One cycle: up to `maxLr`, then down far below the start, step by step of a whole training. Call `step()` after every
 * batch.
 * @throws RangeError from `step()` after the last of `totalSteps`.
 */
export class OneCycleLR extends LRScheduler {
  totalSteps: number;
  cycleMomentum: boolean;
  /** Whether the momentum that moves is Adam's first beta. */
  useBeta1: boolean | undefined;
  readonly #phases: readonly Phase[];
  readonly #anneal: (from: number, to: number, share: number) => number;
  protected get stateKeys(): readonly string[] {
    return ['total_steps', 'cycle_momentum', 'use_beta1'];
  }

  constructor(
    optimizer: AnyOptimizer,
    ...args: [maxLr: Rates, options?: OneCycleLROptions] | [options: OneCycleLROptions & { maxLr: Rates }]
  ) {
    const given = parseOneCycle(args);
    const { pctStart, annealStrategy, cycleMomentum, lastEpoch } = given;
    const total = totalOf(given);
    if (!(pctStart >= 0 && pctStart <= 1))
      throw new RangeError(`OneCycleLR: pctStart must be between 0 and 1, got ${pctStart}`);
    if (!Object.hasOwn(anneal, annealStrategy))
      throw new RangeError(`OneCycleLR: annealStrategy must be 'cos' or 'linear', got '${annealStrategy}'`);
    const useBeta1 = 'betas' in optimizer.defaults;
    if (cycleMomentum && !useBeta1 && !('momentum' in optimizer.defaults))
      throw new TypeError('OneCycleLR: the optimizer has no momentum; pass { cycleMomentum: false }');
    if (lastEpoch === -1) prepareGroups(optimizer, given, useBeta1);
    super(optimizer, lastEpoch);
    this.totalSteps = total;
    this.cycleMomentum = cycleMomentum;
    this.useBeta1 = cycleMomentum ? useBeta1 : undefined;
    this.#phases = phasesOf(given, total);
    this.#anneal = anneal[annealStrategy];
    this.start();
  }

  protected nextLr(): number[] {
    const step = this.lastEpoch;
    if (step > this.totalSteps)
      throw new RangeError(`OneCycleLR: step ${step} is beyond the ${this.totalSteps} steps of the cycle`);
    const place = this.#phases.findIndex(({ end }, i) => step <= end || i === this.#phases.length - 1);
    const phase = this.#phases[place]!;
    const start = place === 0 ? 0 : this.#phases[place - 1]!.end;
    const share = (step - start) / (phase.end - start);
    return (this.groups as CycledGroup[]).map((group) => {
      if (this.cycleMomentum)
        setMomentum(group, this.#anneal(group[phase.momentum[0]]!, group[phase.momentum[1]]!, share), this.useBeta1!);
      return this.#anneal(group[phase.lr[0]]!, group[phase.lr[1]]!, share);
    });
  }
}

function setMomentum(group: CycledGroup, momentum: number, useBeta1: boolean): void {
  if (useBeta1) group.betas = [momentum, group.betas![1]];
  else group.momentum = momentum;
}

function prepareGroups(optimizer: AnyOptimizer, given: OneCycleSettings, useBeta1: boolean): void {
  const rates = perGroup('OneCycleLR', 'maxLr', given.maxLr, optimizer);
  const [most, least] = (['maxMomentum', 'baseMomentum'] as const).map((name) =>
    perGroup('OneCycleLR', name, given[name], optimizer),
  ) as [number[], number[]];
  (optimizer.paramGroups as CycledGroup[]).forEach((group, i) => {
    group.initialLr = rates[i]! / given.divFactor;
    group.maxLr = rates[i]!;
    group.minLr = group.initialLr / given.finalDivFactor;
    if (!given.cycleMomentum) return;
    group.maxMomentum = most[i]!;
    group.baseMomentum = least[i]!;
    setMomentum(group, most[i]!, useBeta1);
  });
}
