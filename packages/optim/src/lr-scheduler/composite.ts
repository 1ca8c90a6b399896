/** @file Schedulers made of schedulers: one after the other, or all together. */

import { signature } from '@flambeau/tensor/internal';
import type { ParamGroup } from '../optimizer.ts';
import {
  type AnyOptimizer,
  type LRScheduler,
  packFields,
  type Scheduler,
  type SchedulerState,
  unpackFields,
} from './scheduler.ts';

interface Sequence {
  schedulers: readonly LRScheduler[];
  milestones: readonly number[];
  lastEpoch: number;
  verbose: boolean;
}

/**
 * Schedulers one after the other: the second takes over at the first milestone, and so on.
 *
 * ```ts
 * const warmup = new LinearLR(optimizer, { startFactor: 0.1, totalIters: 5 });
 * const decay = new CosineAnnealingLR(optimizer, 95);
 * const scheduler = new SequentialLR(optimizer, [warmup, decay], [5]);
 * ```
 */
export class SequentialLR implements Scheduler {
  readonly optimizer: AnyOptimizer;
  lastEpoch: number;
  lastLr: readonly number[];
  protected milestones: number[];
  readonly #schedulers: readonly LRScheduler[];

  constructor(
    optimizer: AnyOptimizer,
    ...args:
      | [schedulers: readonly LRScheduler[], milestones: readonly number[], lastEpoch?: number]
      | [options: { schedulers: readonly LRScheduler[]; milestones: readonly number[]; lastEpoch?: number }]
  ) {
    const parse = signature<Sequence>('SequentialLR', ['schedulers', 'milestones', 'lastEpoch'], {
      lastEpoch: -1,
      verbose: false,
    });
    const { schedulers, milestones, lastEpoch } = parse(args);
    if (schedulers.some((scheduler) => scheduler.optimizer !== optimizer))
      throw new TypeError('SequentialLR: all schedulers must belong to the given optimizer');
    if (schedulers.length === 0 || milestones.length !== schedulers.length - 1) {
      throw new TypeError(
        `SequentialLR: ${schedulers.length} schedulers need ${Math.max(schedulers.length - 1, 0)} milestones, got ${milestones.length}`,
      );
    }
    this.optimizer = optimizer;
    this.#schedulers = schedulers;
    this.milestones = [...milestones];
    this.lastEpoch = lastEpoch + 1;
    // Each scheduler took its first step when it was made: all but the first one's are undone.
    for (const group of optimizer.paramGroups as ParamGroup[]) group.lr = group.initialLr!;
    for (const scheduler of schedulers) scheduler.lastEpoch -= 1;
    schedulers[0]!.start();
    this.lastLr = schedulers[0]!.getLastLr();
  }

  step(): void {
    this.lastEpoch += 1;
    const place = this.milestones.filter((milestone) => milestone <= this.lastEpoch).length;
    const scheduler = this.#schedulers[place]!;
    if (place > 0 && this.milestones[place - 1] === this.lastEpoch) scheduler.step(0);
    else scheduler.step();
    this.lastLr = scheduler.getLastLr();
  }

  getLastLr(): readonly number[] {
    return this.lastLr;
  }

  stateDict(): SchedulerState {
    return {
      ...packFields(this, sequenceKeys),
      _schedulers: this.#schedulers.map((scheduler) => scheduler.stateDict()),
    };
  }

  loadStateDict(state: unknown): void {
    unpackFields(this, state, sequenceKeys);
    loadAll(this.#schedulers, state);
  }
}

const sequenceKeys = ['_milestones', 'last_epoch', '_last_lr'] as const;

function loadAll(schedulers: readonly Scheduler[], state: unknown): void {
  const saved = (state instanceof Map ? state.get('_schedulers') : (state as SchedulerState)._schedulers) as
    | readonly unknown[]
    | undefined;
  if (!Array.isArray(saved) || saved.length !== schedulers.length)
    throw new TypeError(`loadStateDict(): expected the states of ${schedulers.length} schedulers`);
  schedulers.forEach((scheduler, i) => {
    scheduler.loadStateDict(saved[i]);
  });
}

/** Steps several schedulers at once, whose factors multiply. */
export class ChainedScheduler implements Scheduler {
  readonly optimizer: AnyOptimizer;
  lastLr: readonly number[];
  readonly #schedulers: readonly LRScheduler[];

  constructor(schedulers: readonly LRScheduler[]) {
    if (schedulers.length === 0) throw new TypeError('ChainedScheduler: the list of schedulers is empty');
    this.optimizer = schedulers[0]!.optimizer;
    if (schedulers.some((scheduler) => scheduler.optimizer !== this.optimizer))
      throw new TypeError('ChainedScheduler: all schedulers must belong to one optimizer');
    this.#schedulers = schedulers;
    this.lastLr = this.#present();
  }

  #present(): number[] {
    return (this.optimizer.paramGroups as ParamGroup[]).map(({ lr }) => lr);
  }

  step(): void {
    for (const scheduler of this.#schedulers) scheduler.step();
    this.lastLr = this.#present();
  }

  getLastLr(): readonly number[] {
    return this.lastLr;
  }

  stateDict(): SchedulerState {
    return { _last_lr: this.lastLr, _schedulers: this.#schedulers.map((scheduler) => scheduler.stateDict()) };
  }

  loadStateDict(state: unknown): void {
    unpackFields(this, state, ['_last_lr']);
    loadAll(this.#schedulers, state);
  }
}
