/** @file Cosine annealing, with and without warm restarts. Loshchilov & Hutter 2017. */

import { signature, type Trailing } from '@flambeau/tensor/internal';
import { type AnyOptimizer, LRScheduler } from './scheduler.ts';

interface CosineOptions {
  /** The least learning rate. */
  etaMin?: number | undefined;
  lastEpoch?: number | undefined;
  verbose?: boolean | undefined;
}

const defaults = { etaMin: 0, lastEpoch: -1, verbose: false } as const;

/** Half a cosine from the initial learning rate down to `etaMin` over `TMax` epochs (and up again after them). */
export class CosineAnnealingLR extends LRScheduler {
  TMax: number;
  etaMin: number;
  protected get stateKeys(): readonly string[] {
    return ['T_max', 'eta_min'];
  }

  constructor(
    optimizer: AnyOptimizer,
    ...args:
      | [TMax: number, ...Trailing<[etaMin: number, lastEpoch: number], CosineOptions>]
      | [options: CosineOptions & { TMax: number }]
  ) {
    const parse = signature<{ TMax: number; etaMin: number; lastEpoch: number; verbose: boolean }>(
      'CosineAnnealingLR',
      ['TMax', 'etaMin', 'lastEpoch'],
      defaults,
    );
    const { TMax, etaMin, lastEpoch } = parse(args);
    super(optimizer, lastEpoch);
    this.TMax = TMax;
    this.etaMin = etaMin;
    this.start();
  }

  protected nextLr(): number[] {
    const { TMax, etaMin, lastEpoch: epoch } = this;
    if (epoch === 0) return this.groups.map(({ lr }) => lr);
    if (this.stepCount === 1 && epoch > 0) return this.closedForm();
    const angle = Math.PI / TMax;
    // At the turning point the quotient below would be 0 / 0.
    if ((epoch - 1 - TMax) % (2 * TMax) === 0) {
      return this.groups.map(({ lr }, i) => lr + ((this.baseLrs[i]! - etaMin) * (1 - Math.cos(angle))) / 2);
    }
    const factor = (1 + Math.cos((Math.PI * epoch) / TMax)) / (1 + Math.cos((Math.PI * (epoch - 1)) / TMax));
    return this.groups.map(({ lr }) => factor * (lr - etaMin) + etaMin);
  }

  protected override closedForm(): number[] {
    const share = (1 + Math.cos((Math.PI * this.lastEpoch) / this.TMax)) / 2;
    return this.baseLrs.map((base) => this.etaMin + (base - this.etaMin) * share);
  }
}

/** Cosine annealing that starts again after `T0` epochs, then after periods that are `TMult` times as long each. */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  T0: number;
  /** The present period. */
  TI: number;
  TMult: number;
  etaMin: number;
  /** Epochs since the last restart. */
  TCur: number;
  protected get stateKeys(): readonly string[] {
    return ['T_0', 'T_i', 'T_mult', 'eta_min', 'T_cur'];
  }

  constructor(
    optimizer: AnyOptimizer,
    ...args:
      | [
          T0: number,
          ...Trailing<[TMult: number, etaMin: number, lastEpoch: number], CosineOptions & { TMult?: number }>,
        ]
      | [options: CosineOptions & { T0: number; TMult?: number }]
  ) {
    const parse = signature<{ T0: number; TMult: number; etaMin: number; lastEpoch: number; verbose: boolean }>(
      'CosineAnnealingWarmRestarts',
      ['T0', 'TMult', 'etaMin', 'lastEpoch'],
      { TMult: 1, ...defaults },
    );
    const { T0, TMult, etaMin, lastEpoch } = parse(args);
    if (!Number.isInteger(T0) || T0 < 1)
      throw new RangeError(`CosineAnnealingWarmRestarts: T0 must be an integer of at least 1, got ${T0}`);
    if (!Number.isInteger(TMult) || TMult < 1)
      throw new RangeError(`CosineAnnealingWarmRestarts: TMult must be an integer of at least 1, got ${TMult}`);
    super(optimizer, lastEpoch);
    this.T0 = T0;
    this.TI = T0;
    this.TMult = TMult;
    this.etaMin = etaMin;
    this.TCur = lastEpoch;
    this.start();
  }

  protected nextLr(): number[] {
    const share = (1 + Math.cos((Math.PI * this.TCur) / this.TI)) / 2;
    return this.baseLrs.map((base) => this.etaMin + (base - this.etaMin) * share);
  }

  /** One epoch on, or to an epoch that may be fractional: `step(epoch + batch / batches)`. @throws RangeError for a negative one. */
  override step(epoch?: number): void {
    let target = epoch ?? (this.lastEpoch < 0 ? 0 : undefined);
    if (target === undefined) {
      target = this.lastEpoch + 1;
      this.TCur += 1;
      if (this.TCur >= this.TI) {
        this.TCur -= this.TI;
        this.TI *= this.TMult;
      }
    } else this.#moveTo(target);
    this.lastEpoch = Math.floor(target);
    this.setLr(this.nextLr());
  }

  #moveTo(epoch: number): void {
    if (!(epoch >= 0)) throw new RangeError(`CosineAnnealingWarmRestarts: epoch must not be negative, got ${epoch}`);
    const { T0, TMult } = this;
    if (epoch < T0) [this.TI, this.TCur] = [T0, epoch];
    else if (TMult === 1) [this.TI, this.TCur] = [T0, epoch % T0];
    else {
      // The periods before number n are a geometric series, T0 (TMultⁿ − 1) / (TMult − 1).
      const n = Math.floor(Math.log((epoch / T0) * (TMult - 1) + 1) / Math.log(TMult));
      this.TCur = epoch - (T0 * (TMult ** n - 1)) / (TMult - 1);
      this.TI = T0 * TMult ** n;
    }
  }
}
