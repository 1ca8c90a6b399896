/** @file Losses of margins, distances and likelihoods as modules. Each computes the function of its name in `functional`. */
import { Buffer, functional as F, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { PairwiseDistance } from './distance.ts';
import { checkedReduction, type LossOptions, type LossReduction, PlainLoss } from './loss.ts';
import { Module } from './module.ts';

type WithMargin = LossOptions & { margin?: number | undefined };
type MarginArguments = Trailing<[margin: number], WithMargin>;

/** A loss with a margin. */
abstract class MarginLoss extends Module {
  readonly margin: number;
  readonly reduction: LossReduction;

  constructor(usual: number, args: readonly unknown[]) {
    super();
    const owner = new.target.name;
    const parse = signature<{ margin: number; reduction: LossReduction }>(owner, ['margin'], {
      margin: usual,
      reduction: 'mean',
    });
    const { margin, reduction } = parse(args);
    this.margin = margin;
    this.reduction = checkedReduction(owner, reduction);
  }
}

/** x where the target is 1, max(0, margin − x) where it is −1. */
export class HingeEmbeddingLoss extends MarginLoss {
  constructor(...args: MarginArguments) {
    super(1, args);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return F.hingeEmbeddingLoss(input, target, { margin: this.margin, reduction: this.reduction });
  }
}

/** max(0, −target · (input1 − input2) + margin): which of two should rank higher. */
export class MarginRankingLoss extends MarginLoss {
  constructor(...args: MarginArguments) {
    super(0, args);
  }
  forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    return F.marginRankingLoss(input1, input2, target, { margin: this.margin, reduction: this.reduction });
  }
}

/** 1 − cos(x1, x2) where the target is 1, max(0, cos(x1, x2) − margin) where it is −1. */
export class CosineEmbeddingLoss extends MarginLoss {
  constructor(...args: MarginArguments) {
    super(0, args);
  }
  forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    return F.cosineEmbeddingLoss(input1, input2, target, { margin: this.margin, reduction: this.reduction });
  }
}

/** log(1 + exp(−target · x)). */
export class SoftMarginLoss extends PlainLoss {
  forward(input: Tensor, target: Tensor): Tensor {
    return F.softMarginLoss(input, target, { reduction: this.reduction });
  }
}

/** Hinge loss of several classes for each sample; targets list them, up to the first −1. */
export class MultiLabelMarginLoss extends PlainLoss {
  forward(input: Tensor, target: Tensor): Tensor {
    return F.multilabelMarginLoss(input, target, { reduction: this.reduction });
  }
}

interface WeightOptions extends LossOptions {
  /** A factor for each class. */
  weight?: Tensor | null | undefined;
}

/** Binary cross entropy of each class, averaged over the classes. */
export class MultiLabelSoftMarginLoss extends Module {
  weight: Buffer | null;
  readonly reduction: LossReduction;

  constructor(...args: Trailing<[weight: Tensor | null], WeightOptions>) {
    super();
    const parse = signature<{ weight: Tensor | null; reduction: LossReduction }>(
      'MultiLabelSoftMarginLoss',
      ['weight'],
      { weight: null, reduction: 'mean' },
    );
    const { weight, reduction } = parse(args);
    this.weight = weight === null ? null : new Buffer(weight);
    this.reduction = checkedReduction('MultiLabelSoftMarginLoss', reduction);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return F.multilabelSoftMarginLoss(input, target, { weight: this.weight, reduction: this.reduction });
  }
}

/** Hinge loss of one class for each sample, to the power of `p`. */
export class MultiMarginLoss extends Module {
  weight: Buffer | null;
  readonly p: number;
  readonly margin: number;
  readonly reduction: LossReduction;

  constructor(
    ...args: Trailing<
      [p: number, margin: number, weight: Tensor | null],
      WeightOptions & { p?: number | undefined; margin?: number | undefined }
    >
  ) {
    super();
    const parse = signature<{ p: number; margin: number; weight: Tensor | null; reduction: LossReduction }>(
      'MultiMarginLoss',
      ['p', 'margin', 'weight'],
      {
        p: 1,
        margin: 1,
        weight: null,
        reduction: 'mean',
      },
    );
    const { p, margin, weight, reduction } = parse(args);
    if (p !== 1 && p !== 2) throw new RangeError(`MultiMarginLoss: p must be 1 or 2, got ${p}`);
    this.weight = weight === null ? null : new Buffer(weight);
    this.p = p;
    this.margin = margin;
    this.reduction = checkedReduction('MultiMarginLoss', reduction);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { p, margin, weight, reduction } = this;
    return F.multiMarginLoss(input, target, { p, margin, weight, reduction });
  }
}

interface TripletOptions extends LossOptions {
  margin?: number | undefined;
  /** Compares the negative with the positive too, if that is nearer. */
  swap?: boolean | undefined;
}

/** max(0, d(anchor, positive) − d(anchor, negative) + margin) with the p-norm's distance d. */
export class TripletMarginLoss extends Module {
  readonly margin: number;
  readonly p: number;
  readonly eps: number;
  readonly swap: boolean;
  readonly reduction: LossReduction;

  constructor(
    ...args: Trailing<
      [margin: number, p: number, eps: number, swap: boolean],
      TripletOptions & { p?: number | undefined; eps?: number | undefined }
    >
  ) {
    super();
    const parse = signature<{ margin: number; p: number; eps: number; swap: boolean; reduction: LossReduction }>(
      'TripletMarginLoss',
      ['margin', 'p', 'eps', 'swap'],
      { margin: 1, p: 2, eps: 1e-6, swap: false, reduction: 'mean' },
    );
    const { margin, p, eps, swap, reduction } = parse(args);
    this.margin = margin;
    this.p = p;
    this.eps = eps;
    this.swap = swap;
    this.reduction = checkedReduction('TripletMarginLoss', reduction);
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { margin, p, eps, swap, reduction } = this;
    return F.tripletMarginLoss(anchor, positive, negative, { margin, p, eps, swap, reduction });
  }
}

/** A function or module of two tensors [N, D] that gives distances [N]. */
export type DistanceFunction = (x1: Tensor, x2: Tensor) => Tensor;

/** {@link TripletMarginLoss} with a distance of one's own. */
export class TripletMarginWithDistanceLoss extends Module {
  /** Under PyTorch's name, because it may be a module with a state. */
  readonly distance_function: DistanceFunction;
  readonly margin: number;
  readonly swap: boolean;
  readonly reduction: LossReduction;

  constructor(options: TripletOptions & { distanceFunction?: DistanceFunction | null | undefined } = {}) {
    super();
    const parse = signature<{
      distanceFunction: DistanceFunction | null;
      margin: number;
      swap: boolean;
      reduction: LossReduction;
    }>('TripletMarginWithDistanceLoss', [], { distanceFunction: null, margin: 1, swap: false, reduction: 'mean' });
    const { distanceFunction, margin, swap, reduction } = parse([options]);
    this.distance_function = distanceFunction ?? new PairwiseDistance();
    this.margin = margin;
    this.swap = swap;
    this.reduction = checkedReduction('TripletMarginWithDistanceLoss', reduction);
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { distance_function: distanceFunction, margin, swap, reduction } = this;
    return F.tripletMarginWithDistanceLoss(anchor, positive, negative, { distanceFunction, margin, swap, reduction });
  }
}

/** Kullback–Leibler divergence of a target from an input of logarithms. */
export class KLDivLoss extends Module {
  readonly reduction: LossReduction | 'batchmean';
  readonly logTarget: boolean;

  constructor(options: { reduction?: LossReduction | 'batchmean' | undefined; logTarget?: boolean | undefined } = {}) {
    super();
    const parse = signature<{ reduction: LossReduction | 'batchmean'; logTarget: boolean }>('KLDivLoss', [], {
      reduction: 'mean',
      logTarget: false,
    });
    const { reduction, logTarget } = parse([options]);
    this.reduction = reduction === 'batchmean' ? reduction : checkedReduction('KLDivLoss', reduction);
    this.logTarget = logTarget;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return F.klDiv(input, target, { reduction: this.reduction, logTarget: this.logTarget });
  }
}

interface PoissonOptions extends LossOptions {
  /** Whether the input is the logarithm of the rate. */
  logInput?: boolean | undefined;
  /** Adds Stirling's approximation of log(target!). */
  full?: boolean | undefined;
  eps?: number | undefined;
}

/** Negative log likelihood of counts that follow Poisson distributions. */
export class PoissonNLLLoss extends Module {
  readonly logInput: boolean;
  readonly full: boolean;
  readonly eps: number;
  readonly reduction: LossReduction;

  constructor(...args: Trailing<[logInput: boolean, full: boolean], PoissonOptions>) {
    super();
    const parse = signature<{ logInput: boolean; full: boolean; eps: number; reduction: LossReduction }>(
      'PoissonNLLLoss',
      ['logInput', 'full'],
      {
        logInput: true,
        full: false,
        eps: 1e-8,
        reduction: 'mean',
      },
    );
    const { logInput, full, eps, reduction } = parse(args);
    this.logInput = logInput;
    this.full = full;
    this.eps = eps;
    this.reduction = checkedReduction('PoissonNLLLoss', reduction);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { logInput, full, eps, reduction } = this;
    return F.poissonNllLoss(input, target, { logInput, full, eps, reduction });
  }
}

/** Negative log likelihood of targets that follow normal distributions of given means and variances. */
export class GaussianNLLLoss extends Module {
  readonly full: boolean;
  readonly eps: number;
  readonly reduction: LossReduction;

  constructor(options: LossOptions & { full?: boolean | undefined; eps?: number | undefined } = {}) {
    super();
    const parse = signature<{ full: boolean; eps: number; reduction: LossReduction }>('GaussianNLLLoss', [], {
      full: false,
      eps: 1e-6,
      reduction: 'mean',
    });
    const { full, eps, reduction } = parse([options]);
    this.full = full;
    this.eps = eps;
    this.reduction = checkedReduction('GaussianNLLLoss', reduction);
  }

  forward(input: Tensor, target: Tensor, variance: Tensor): Tensor {
    return F.gaussianNllLoss(input, target, variance, { full: this.full, eps: this.eps, reduction: this.reduction });
  }
}

interface CtcOptions extends LossOptions {
  /** The class that stands for no label. */
  blank?: number | undefined;
  /** Targets that do not fit their input count 0. */
  zeroInfinity?: boolean | undefined;
}

/** Connectionist temporal classification: label sequences against longer inputs. Graves et al. 2006. */
export class CTCLoss extends Module {
  readonly blank: number;
  readonly reduction: LossReduction;
  readonly zeroInfinity: boolean;

  constructor(...args: Trailing<[blank: number, reduction: LossReduction, zeroInfinity: boolean], CtcOptions>) {
    super();
    const parse = signature<{ blank: number; reduction: LossReduction; zeroInfinity: boolean }>(
      'CTCLoss',
      ['blank', 'reduction', 'zeroInfinity'],
      {
        blank: 0,
        reduction: 'mean',
        zeroInfinity: false,
      },
    );
    const { blank, reduction, zeroInfinity } = parse(args);
    this.blank = blank;
    this.reduction = checkedReduction('CTCLoss', reduction);
    this.zeroInfinity = zeroInfinity;
  }

  forward(
    logProbs: Tensor,
    targets: Tensor,
    inputLengths: Tensor | readonly number[],
    targetLengths: Tensor | readonly number[],
  ): Tensor {
    const { blank, reduction, zeroInfinity } = this;
    return F.ctcLoss(logProbs, targets, inputLengths, targetLengths, { blank, reduction, zeroInfinity });
  }
}
