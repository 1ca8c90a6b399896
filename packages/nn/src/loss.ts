/** @file Losses as modules. Each computes the function of the same name in `functional`. */
import { Buffer, functional as F, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { Module } from './module.ts';

export type LossReduction = 'none' | 'mean' | 'sum';

export interface LossOptions {
  /** What becomes of the losses of single elements: their mean (the default), their sum, or nothing. */
  reduction?: LossReduction | undefined;
}

/** @throws RangeError for an unknown reduction. */
export function checkedReduction(owner: string, reduction: LossReduction): LossReduction {
  if (!['none', 'mean', 'sum'].includes(reduction))
    throw new RangeError(`${owner}: reduction must be 'none', 'mean' or 'sum', got '${String(reduction)}'`);
  return reduction;
}

/** A loss that has no other setting than its reduction. */
export abstract class PlainLoss extends Module {
  readonly reduction: LossReduction;

  constructor(options: LossOptions = {}) {
    super();
    const { reduction } = signature<{ reduction: LossReduction }>(new.target.name, [], { reduction: 'mean' })([
      options,
    ]);
    this.reduction = checkedReduction(new.target.name, reduction);
  }
}

/** Mean squared error. */
export class MSELoss extends PlainLoss {
  forward(input: Tensor, target: Tensor): Tensor {
    return F.mseLoss(input, target, { reduction: this.reduction });
  }
}

/** Mean absolute error. */
export class L1Loss extends PlainLoss {
  forward(input: Tensor, target: Tensor): Tensor {
    return F.l1Loss(input, target, { reduction: this.reduction });
  }
}

/** A loss with a factor for each class or element, which is part of the module's state. */
abstract class WeightedLoss extends Module {
  readonly reduction: LossReduction;
  weight: Buffer | null;

  constructor(weight: Tensor | null, reduction: LossReduction) {
    super();
    this.weight = weight === null ? null : new Buffer(weight);
    this.reduction = checkedReduction(new.target.name, reduction);
  }
}

interface WeightOptions extends LossOptions {
  weight?: Tensor | null | undefined;
}

interface ClassOptions extends WeightOptions {
  /** A target that counts for nothing. */
  ignoreIndex?: number | undefined;
}

const classDefaults = { weight: null, ignoreIndex: -100, reduction: 'mean' } as const;

/** Negative log likelihood of classes, for inputs that are logarithms of probabilities. */
export class NLLLoss extends WeightedLoss {
  readonly ignoreIndex: number;

  constructor(...args: Trailing<[weight: Tensor | null], ClassOptions>) {
    const parse = signature<{ weight: Tensor | null; ignoreIndex: number; reduction: LossReduction }>(
      'NLLLoss',
      ['weight'],
      classDefaults,
    );
    const { weight, ignoreIndex, reduction } = parse(args);
    super(weight, reduction);
    this.ignoreIndex = ignoreIndex;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return F.nllLoss(input, target, { weight: this.weight, ignoreIndex: this.ignoreIndex, reduction: this.reduction });
  }
}

/**
 * Cross entropy of scores [N, C, …] and classes [N, …] (or probabilities of the scores' shape).
 *
 * ```ts
 * const loss = new CrossEntropyLoss()(net(images), labels);
 * ```
 */
export class CrossEntropyLoss extends WeightedLoss {
  readonly ignoreIndex: number;
  readonly labelSmoothing: number;

  constructor(...args: Trailing<[weight: Tensor | null], ClassOptions & { labelSmoothing?: number | undefined }>) {
    const parse = signature<{
      weight: Tensor | null;
      ignoreIndex: number;
      reduction: LossReduction;
      labelSmoothing: number;
    }>('CrossEntropyLoss', ['weight'], {
      ...classDefaults,
      labelSmoothing: 0,
    });
    const { weight, ignoreIndex, reduction, labelSmoothing } = parse(args);
    super(weight, reduction);
    this.ignoreIndex = ignoreIndex;
    this.labelSmoothing = labelSmoothing;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction, labelSmoothing } = this;
    return F.crossEntropy(input, target, { weight, ignoreIndex, reduction, labelSmoothing });
  }
}

const weightDefaults = { weight: null, reduction: 'mean' } as const;

/** Binary cross entropy of probabilities. */
export class BCELoss extends WeightedLoss {
  constructor(...args: Trailing<[weight: Tensor | null], WeightOptions>) {
    const { weight, reduction } = signature<{ weight: Tensor | null; reduction: LossReduction }>(
      'BCELoss',
      ['weight'],
      weightDefaults,
    )(args);
    super(weight, reduction);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return F.binaryCrossEntropy(input, target, { weight: this.weight, reduction: this.reduction });
  }
}

/** Binary cross entropy of scores of any size: of their sigmoid, without overflow. */
export class BCEWithLogitsLoss extends WeightedLoss {
  pos_weight: Buffer | null;

  constructor(...args: Trailing<[weight: Tensor | null], WeightOptions & { posWeight?: Tensor | null | undefined }>) {
    const parse = signature<{ weight: Tensor | null; reduction: LossReduction; posWeight: Tensor | null }>(
      'BCEWithLogitsLoss',
      ['weight'],
      {
        ...weightDefaults,
        posWeight: null,
      },
    );
    const { weight, reduction, posWeight } = parse(args);
    super(weight, reduction);
    this.pos_weight = posWeight === null ? null : new Buffer(posWeight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return F.binaryCrossEntropyWithLogits(input, target, {
      weight: this.weight,
      posWeight: this.pos_weight,
      reduction: this.reduction,
    });
  }
}

/** Squared below `beta`, absolute above. */
export class SmoothL1Loss extends Module {
  readonly reduction: LossReduction;
  readonly beta: number;

  constructor(options: LossOptions & { beta?: number | undefined } = {}) {
    super();
    const { reduction, beta } = signature<{ reduction: LossReduction; beta: number }>('SmoothL1Loss', [], {
      reduction: 'mean',
      beta: 1,
    })([options]);
    this.reduction = checkedReduction('SmoothL1Loss', reduction);
    this.beta = beta;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return F.smoothL1Loss(input, target, { reduction: this.reduction, beta: this.beta });
  }
}

/** Squared up to `delta`, linear above. */
export class HuberLoss extends Module {
  readonly reduction: LossReduction;
  readonly delta: number;

  constructor(
    ...args: Trailing<[reduction: LossReduction, delta: number], LossOptions & { delta?: number | undefined }>
  ) {
    super();
    const parse = signature<{ reduction: LossReduction; delta: number }>('HuberLoss', ['reduction', 'delta'], {
      reduction: 'mean',
      delta: 1,
    });
    const { reduction, delta } = parse(args);
    this.reduction = checkedReduction('HuberLoss', reduction);
    this.delta = delta;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return F.huberLoss(input, target, { reduction: this.reduction, delta: this.delta });
  }
}
