/** @file Schedulers that multiply learning rates: by steps, powers, lines and functions of one's own. */

import { signature, type Trailing } from '@flambeau/tensor/internal';
import { type AnyOptimizer, LRScheduler } from './scheduler.ts';

interface Resume {
  /** The epoch to go on from; −1 starts anew. */
  lastEpoch?: number | undefined;
  /** Accepted for PyTorch's sake. */
  verbose?: boolean | undefined;
}

const resume = { lastEpoch: -1, verbose: false } as const;

/** A factor as a function of the epoch, or one for each parameter group. */
export type LrLambda = ((epoch: number) => number) | readonly ((epoch: number) => number)[];

type LambdaArguments = [lrLambda: LrLambda, ...Trailing<[lastEpoch: number], Resume>];

abstract class FunctionLR extends LRScheduler {
  protected readonly lambdas: readonly ((epoch: number) => number)[];
  /** PyTorch saves None in place of functions. */
  protected readonly lrLambdas: readonly null[];
  protected get stateKeys(): readonly string[] {
    return ['lr_lambdas'];
  }

  constructor(optimizer: AnyOptimizer, args: readonly unknown[]) {
    const { lrLambda, lastEpoch } = signature<{ lrLambda: LrLambda } & Required<Resume>>(
      new.target.name,
      ['lrLambda', 'lastEpoch'],
      resume,
    )(args);
    super(optimizer, lastEpoch as number);
    const count = optimizer.paramGroups.length;
    const list = typeof lrLambda === 'function' ? new Array<(epoch: number) => number>(count).fill(lrLambda) : lrLambda;
    if (list.length !== count)
      throw new TypeError(
        `${new.target.name}: lrLambda must have a function for each of ${count} parameter groups, got ${list.length}`,
      );
    this.lambdas = list;
    this.lrLambdas = list.map(() => null);
    this.start();
  }
}

/** The initial learning rate times a function of the epoch. */
export class LambdaLR extends FunctionLR {
  constructor(optimizer: AnyOptimizer, ...args: LambdaArguments) {
    super(optimizer, args);
  }
  protected nextLr(): number[] {
    return this.baseLrs.map((base, i) => base * this.lambdas[i]!(this.lastEpoch));
  }
}

/** The last learning rate times a function of the epoch. */
export class MultiplicativeLR extends FunctionLR {
  constructor(optimizer: AnyOptimizer, ...args: LambdaArguments) {
    super(optimizer, args);
  }
  protected nextLr(): number[] {
    return this.groups.map(({ lr }, i) => (this.lastEpoch > 0 ? lr * this.lambdas[i]!(this.lastEpoch) : lr));
  }
}

/**
 * Multiplies the learning rate by `gamma` every `stepSize` epochs.
 *
 * ```ts
 * const scheduler = new lrScheduler.StepLR(optimizer, 30, { gamma: 0.1 });
 * for (let epoch = 0; epoch < 100; epoch++) {
 *   train();
 *   scheduler.step();
 * }
 * ```
 */
export class StepLR extends LRScheduler {
  stepSize: number;
  gamma: number;
  protected get stateKeys(): readonly string[] {
    return ['step_size', 'gamma'];
  }

  constructor(
    optimizer: AnyOptimizer,
    ...args:
      | [stepSize: number, ...Trailing<[gamma: number, lastEpoch: number], Resume & { gamma?: number }>]
      | [options: Resume & { stepSize: number; gamma?: number }]
  ) {
    const parse = signature<{ stepSize: number; gamma: number; lastEpoch: number; verbose: boolean }>(
      'StepLR',
      ['stepSize', 'gamma', 'lastEpoch'],
      { gamma: 0.1, ...resume },
    );
    const { stepSize, gamma, lastEpoch } = parse(args);
    if (!Number.isInteger(stepSize) || stepSize < 1)
      throw new RangeError(`StepLR: stepSize must be an integer of at least 1, got ${stepSize}`);
    super(optimizer, lastEpoch);
    this.stepSize = stepSize;
    this.gamma = gamma;
    this.start();
  }

  protected nextLr(): number[] {
    const stays = this.lastEpoch === 0 || this.lastEpoch % this.stepSize !== 0;
    return this.groups.map(({ lr }) => (stays ? lr : lr * this.gamma));
  }

  protected override closedForm(): number[] {
    return this.baseLrs.map((base) => base * this.gamma ** Math.floor(this.lastEpoch / this.stepSize));
  }
}

/** Multiplies the learning rate by `gamma` at each of `milestones`; one that is listed twice counts twice. */
export class MultiStepLR extends LRScheduler {
  /** How often each epoch is a milestone. */
  milestones: Map<number, number>;
  gamma: number;
  protected get stateKeys(): readonly string[] {
    return ['milestones', 'gamma'];
  }

  constructor(
    optimizer: AnyOptimizer,
    ...args:
      | [milestones: readonly number[], ...Trailing<[gamma: number, lastEpoch: number], Resume & { gamma?: number }>]
      | [options: Resume & { milestones: readonly number[]; gamma?: number }]
  ) {
    const parse = signature<{ milestones: readonly number[]; gamma: number; lastEpoch: number; verbose: boolean }>(
      'MultiStepLR',
      ['milestones', 'gamma', 'lastEpoch'],
      { gamma: 0.1, ...resume },
    );
    const { milestones, gamma, lastEpoch } = parse(args);
    super(optimizer, lastEpoch);
    this.milestones = new Map();
    for (const epoch of milestones) this.milestones.set(epoch, (this.milestones.get(epoch) ?? 0) + 1);
    this.gamma = gamma;
    this.start();
  }

  protected nextLr(): number[] {
    const times = this.milestones.get(this.lastEpoch) ?? 0;
    return this.groups.map(({ lr }) => (times === 0 ? lr : lr * this.gamma ** times));
  }

  protected override closedForm(): number[] {
    let passed = 0;
    for (const [epoch, times] of this.milestones) if (epoch <= this.lastEpoch) passed += times;
    return this.baseLrs.map((base) => base * this.gamma ** passed);
  }
}

/** The learning rate times `factor` until `totalIters`, then the full one. */
export class ConstantLR extends LRScheduler {
  factor: number;
  totalIters: number;
  protected get stateKeys(): readonly string[] {
    return ['factor', 'total_iters'];
  }

  constructor(
    optimizer: AnyOptimizer,
    ...args: Trailing<
      [factor: number, totalIters: number, lastEpoch: number],
      Resume & { factor?: number; totalIters?: number }
    >
  ) {
    const parse = signature<{ factor: number; totalIters: number; lastEpoch: number; verbose: boolean }>(
      'ConstantLR',
      ['factor', 'totalIters', 'lastEpoch'],
      { factor: 1 / 3, totalIters: 5, ...resume },
    );
    const { factor, totalIters, lastEpoch } = parse(args);
    if (!(factor > 0 && factor <= 1))
      throw new RangeError(`ConstantLR: factor must be above 0 and at most 1, got ${factor}`);
    super(optimizer, lastEpoch);
    this.factor = factor;
    this.totalIters = totalIters;
    this.start();
  }

  protected nextLr(): number[] {
    const change = this.lastEpoch === 0 ? this.factor : this.lastEpoch === this.totalIters ? 1 / this.factor : 1;
    return this.groups.map(({ lr }) => lr * change);
  }

  protected override closedForm(): number[] {
    return this.baseLrs.map((base) => base * (this.lastEpoch >= this.totalIters ? 1 : this.factor));
  }
}

/** A line from `startFactor` to `endFactor` times the learning rate over `totalIters` epochs. */
export class LinearLR extends LRScheduler {
  startFactor: number;
  endFactor: number;
  totalIters: number;
  protected get stateKeys(): readonly string[] {
    return ['start_factor', 'end_factor', 'total_iters'];
  }

  constructor(
    optimizer: AnyOptimizer,
    ...args: Trailing<
      [startFactor: number, endFactor: number, totalIters: number, lastEpoch: number],
      Resume & { startFactor?: number; endFactor?: number; totalIters?: number }
    >
  ) {
    const parse = signature<{
      startFactor: number;
      endFactor: number;
      totalIters: number;
      lastEpoch: number;
      verbose: boolean;
    }>('LinearLR', ['startFactor', 'endFactor', 'totalIters', 'lastEpoch'], {
      startFactor: 1 / 3,
      endFactor: 1,
      totalIters: 5,
      ...resume,
    });
    const { startFactor, endFactor, totalIters, lastEpoch } = parse(args);
    if (!(startFactor > 0 && startFactor <= 1))
      throw new RangeError(`LinearLR: startFactor must be above 0 and at most 1, got ${startFactor}`);
    if (!(endFactor >= 0 && endFactor <= 1))
      throw new RangeError(`LinearLR: endFactor must be between 0 and 1, got ${endFactor}`);
    super(optimizer, lastEpoch);
    this.startFactor = startFactor;
    this.endFactor = endFactor;
    this.totalIters = totalIters;
    this.start();
  }

  protected nextLr(): number[] {
    const { startFactor: start, endFactor: end, totalIters: total, lastEpoch: epoch } = this;
    if (epoch === 0) return this.groups.map(({ lr }) => lr * start);
    if (epoch > total) return this.groups.map(({ lr }) => lr);
    return this.groups.map(({ lr }) => lr * (1 + (end - start) / (total * start + (epoch - 1) * (end - start))));
  }

  protected override closedForm(): number[] {
    const share = Math.min(this.totalIters, this.lastEpoch) / this.totalIters;
    return this.baseLrs.map((base) => base * (this.startFactor + (this.endFactor - this.startFactor) * share));
  }
}

/** Multiplies the learning rate by `gamma` every epoch. */
export class ExponentialLR extends LRScheduler {
  gamma: number;
  protected get stateKeys(): readonly string[] {
    return ['gamma'];
  }

  constructor(
    optimizer: AnyOptimizer,
    ...args: [gamma: number, ...Trailing<[lastEpoch: number], Resume>] | [options: Resume & { gamma: number }]
  ) {
    const { gamma, lastEpoch } = signature<{ gamma: number; lastEpoch: number; verbose: boolean }>(
      'ExponentialLR',
      ['gamma', 'lastEpoch'],
      resume,
    )(args);
    super(optimizer, lastEpoch);
    this.gamma = gamma;
    this.start();
  }

  protected nextLr(): number[] {
    return this.groups.map(({ lr }) => (this.lastEpoch === 0 ? lr : lr * this.gamma));
  }

  protected override closedForm(): number[] {
    return this.baseLrs.map((base) => base * this.gamma ** this.lastEpoch);
  }
}

/** (1 − epoch / totalIters)^power times the learning rate. */
export class PolynomialLR extends LRScheduler {
  totalIters: number;
  power: number;
  protected get stateKeys(): readonly string[] {
    return ['total_iters', 'power'];
  }

  constructor(
    optimizer: AnyOptimizer,
    ...args: Trailing<
      [totalIters: number, power: number, lastEpoch: number],
      Resume & { totalIters?: number; power?: number }
    >
  ) {
    const parse = signature<{ totalIters: number; power: number; lastEpoch: number; verbose: boolean }>(
      'PolynomialLR',
      ['totalIters', 'power', 'lastEpoch'],
      { totalIters: 5, power: 1, ...resume },
    );
    const { totalIters, power, lastEpoch } = parse(args);
    super(optimizer, lastEpoch);
    this.totalIters = totalIters;
    this.power = power;
    this.start();
  }

  protected nextLr(): number[] {
    const { totalIters: total, lastEpoch: epoch } = this;
    if (epoch === 0 || epoch > total) return this.groups.map(({ lr }) => lr);
    const factor = ((1 - epoch / total) / (1 - (epoch - 1) / total)) ** this.power;
    return this.groups.map(({ lr }) => lr * factor);
  }

  protected override closedForm(): number[] {
    return this.baseLrs.map(
      (base) => base * (1 - Math.min(this.totalIters, this.lastEpoch) / this.totalIters) ** this.power,
    );
  }
}
