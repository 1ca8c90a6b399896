/** @file What all learning-rate schedulers have in common. */
import type { Optimizer, ParamGroup } from '../optimizer.ts';
import { camelCase } from '../state-dict.ts';

/** An optimizer of any kind. */
// biome-ignore lint/suspicious/noExplicitAny: an optimizer of SGD's options is no optimizer of any options.
export type AnyOptimizer = Optimizer<any>;

/** A scheduler's numbers under PyTorch's names. */
export type SchedulerState = Record<string, unknown>;

/** What every scheduler can do. */
export interface Scheduler {
  step(...args: never[]): void;
  /** The learning rates that the last step set, one for each parameter group. */
  getLastLr(): readonly number[];
  stateDict(): SchedulerState;
  loadStateDict(state: unknown): void;
}

/** The property that holds what PyTorch calls `key`: `_last_lr` is `lastLr`, `T_max` is `TMax`. */
export const fieldOf = (key: string): string => camelCase(key.replace(/^_/, ''));

/** Numbers of an object under PyTorch's names; absent ones are left out. */
export function packFields(source: object, keys: readonly string[]): SchedulerState {
  const values = source as Record<string, unknown>;
  return Object.fromEntries(
    keys.filter((key) => values[fieldOf(key)] !== undefined).map((key) => [key, values[fieldOf(key)]]),
  );
}

/** Takes values over from a dictionary with PyTorch's names, however it came out of a file. */
export function unpackFields(target: object, state: unknown, keys: readonly string[]): void {
  if (typeof state !== 'object' || state === null)
    throw new TypeError(`loadStateDict(): expected a dictionary, got ${String(state)}`);
  const entries = state instanceof Map ? state : new Map(Object.entries(state));
  for (const key of keys) {
    const value: unknown = entries.get(key);
    if (value !== undefined)
      (target as Record<string, unknown>)[fieldOf(key)] = Array.isArray(value) ? [...value] : value;
  }
}

const commonKeys = [
  'base_lrs',
  'last_epoch',
  'verbose',
  '_step_count',
  '_get_lr_called_within_step',
  '_last_lr',
] as const;

/**
 * Base class of schedulers that compute learning rates from the number of steps taken. A subclass sets its fields and
 * then calls `start()`.
 */
export abstract class LRScheduler implements Scheduler {
  readonly optimizer: AnyOptimizer;
  baseLrs: number[];
  lastEpoch: number;
  lastLr: number[] = [];
  protected stepCount = 0;
  protected readonly verbose = false;
  protected readonly getLrCalledWithinStep = false;

  /** @throws TypeError when resuming (`lastEpoch` ≥ 0) and a parameter group has no `initialLr`. */
  constructor(optimizer: AnyOptimizer, lastEpoch = -1) {
    const owner = new.target.name;
    this.optimizer = optimizer;
    this.baseLrs = optimizer.paramGroups.map((group: ParamGroup, i: number) => {
      if (lastEpoch === -1) group.initialLr ??= group.lr;
      else if (group.initialLr === undefined)
        throw new TypeError(`${owner}: to resume with lastEpoch, parameter group ${i} needs initialLr`);
      return group.initialLr;
    });
    this.lastEpoch = lastEpoch;
  }

  /** The first step, which sets the first learning rates. */
  start(): void {
    this.stepCount = 0;
    this.step();
  }

  /** The parameter groups of the optimizer. */
  protected get groups(): ParamGroup[] {
    return this.optimizer.paramGroups as ParamGroup[];
  }

  /** Learning rates after the step that `lastEpoch` counts, from those before it. */
  protected abstract nextLr(): number[];

  /** Learning rates for `lastEpoch` from the base ones alone; by default as one step from the present ones. */
  protected closedForm(): number[] {
    return this.nextLr();
  }

  /** Sets the next learning rates, or those of a given epoch. Called after `optimizer.step()`. */
  step(epoch?: number): void {
    this.stepCount += 1;
    if (epoch === undefined) {
      this.lastEpoch += 1;
      this.setLr(this.nextLr());
    } else {
      this.lastEpoch = epoch;
      this.setLr(this.closedForm());
    }
  }

  protected setLr(values: readonly number[]): void {
    this.groups.forEach((group, i) => {
      group.lr = values[i]!;
    });
    this.lastLr = this.groups.map(({ lr }) => lr);
  }

  getLastLr(): readonly number[] {
    return this.lastLr;
  }

  /** PyTorch's names of what a subclass adds to the state dict. */
  protected abstract readonly stateKeys: readonly string[];

  /** Everything but the optimizer, under PyTorch's names. Functions are not part of it. */
  stateDict(): SchedulerState {
    return packFields(this, [...this.stateKeys, ...commonKeys]);
  }

  loadStateDict(state: unknown): void {
    unpackFields(this, state, [...this.stateKeys, ...commonKeys]);
  }
}

/** One value for each parameter group. @throws TypeError for a list of another length. */
export function perGroup(
  owner: string,
  name: string,
  value: number | readonly number[],
  optimizer: AnyOptimizer,
): number[] {
  const count = optimizer.paramGroups.length;
  if (typeof value === 'number') return new Array<number>(count).fill(value);
  if (value.length !== count)
    throw new TypeError(
      `${owner}: ${name} must have a value for each of ${count} parameter groups, got ${value.length}`,
    );
  return [...value];
}
