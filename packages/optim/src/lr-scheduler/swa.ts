/** @file SWALR: the learning rate of stochastic weight averaging. */

import { signature, type Trailing } from '@flambeau/tensor/internal';
import type { ParamGroup } from '../optimizer.ts';
import { type AnyOptimizer, LRScheduler, perGroup } from './scheduler.ts';

interface SWALROptions {
  annealEpochs?: number | undefined;
  annealStrategy?: 'cos' | 'linear' | undefined;
  lastEpoch?: number | undefined;
}

type Rates = number | readonly number[];

interface Settings {
  swaLr: Rates;
  annealEpochs: number;
  annealStrategy: 'cos' | 'linear';
  lastEpoch: number;
}

const parse = signature<Settings>('SWALR', ['swaLr', 'annealEpochs', 'annealStrategy', 'lastEpoch'], {
  annealEpochs: 10,
  annealStrategy: 'cos',
  lastEpoch: -1,
});

/** How far the way to the last learning rate is after a share of the epochs. */
const ways = {
  cos: (share: number): number => (1 - Math.cos(Math.PI * share)) / 2,
  linear: (share: number): number => share,
};

/** Goes from the present learning rate to `swaLr` within `annealEpochs`, then stays there. Izmailov et al. 2018. */
export class SWALR extends LRScheduler {
  annealEpochs: number;
  readonly #way: (share: number) => number;
  protected get stateKeys(): readonly string[] {
    return ['anneal_epochs'];
  }

  constructor(
    optimizer: AnyOptimizer,
    ...args:
      | [
          swaLr: Rates,
          ...Trailing<[annealEpochs: number, annealStrategy: 'cos' | 'linear', lastEpoch: number], SWALROptions>,
        ]
      | [options: SWALROptions & { swaLr: Rates }]
  ) {
    const { swaLr, annealEpochs, annealStrategy, lastEpoch } = parse(args);
    if (!Object.hasOwn(ways, annealStrategy))
      throw new RangeError(`SWALR: annealStrategy must be 'cos' or 'linear', got '${annealStrategy}'`);
    if (!Number.isInteger(annealEpochs) || annealEpochs < 0)
      throw new RangeError(`SWALR: annealEpochs must be an integer of at least 0, got ${annealEpochs}`);
    const targets = perGroup('SWALR', 'swaLr', swaLr, optimizer);
    super(optimizer, lastEpoch);
    (this.groups as (ParamGroup & { swaLr: number })[]).forEach((group, i) => {
      group.swaLr = targets[i]!;
    });
    this.annealEpochs = annealEpochs;
    this.#way = ways[annealStrategy];
    this.start();
  }

  protected nextLr(): number[] {
    const epochs = Math.max(1, this.annealEpochs);
    const step = this.annealEpochs === 0 ? Math.max(1, this.stepCount - 1) : this.stepCount - 1;
    const at = (count: number): number => this.#way(Math.max(0, Math.min(1, count / epochs)));
    const [before, now] = [at(step - 1), at(step)];
    return (this.groups as (ParamGroup & { swaLr: number })[]).map(({ lr, swaLr }) => {
      // The learning rate that the way started from.
      const start = before === 1 ? swaLr : (lr - before * swaLr) / (1 - before);
      return swaLr * now + start * (1 - now);
    });
  }
}
