/** @file Negative log likelihoods of distributions, and the divergence of one from another. */

import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { ShapeError } from '../errors.ts';
import { call, type Expr } from '../ir/expr.ts';
import { temporaries } from '../memory.ts';
import { formatShape, sameShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { applyLoss, asFloating, elementLoss, type LossOptions, type LossReduction } from './element-loss.ts';

export interface PoissonNllLossOptions extends LossOptions {
  /** Whether the input is the logarithm of the expected count (default), or the count itself. */
  logInput?: boolean | undefined;
  /** Adds Stirling's approximation of log(target!) for targets above 1. */
  full?: boolean | undefined;
  /** Keeps log(input) finite at 0 where `logInput` is false. Default 1e-8. */
  eps?: number | undefined;
}

/** Stirling's approximation of log(t!): t log t − t + log(2πt) / 2. */
const stirling = (t: Expr): Expr => {
  const logarithm = t.mul(t.log()).sub(t);
  return t.gt(1).where(
    logarithm.add(
      t
        .mul(2 * Math.PI)
        .log()
        .mul(0.5),
    ),
    0,
  );
};
const ofLog = (x: Expr, t: Expr): Expr => x.exp().sub(t.mul(x));
const ofCount = (x: Expr, t: Expr, eps: Expr): Expr => x.sub(t.mul(x.add(eps).log()));

const poisson = {
  log: elementLoss(2, 0, 'poissonNllLoss', (x, t) => ofLog(x!, t!)),
  fullLog: elementLoss(2, 0, 'poissonNllLoss', (x, t) => ofLog(x!, t!).add(stirling(t!))),
  count: elementLoss(3, 1, 'poissonNllLoss', (x, t, eps) => ofCount(x!, t!, eps!)),
  fullCount: elementLoss(3, 1, 'poissonNllLoss', (x, t, eps) => ofCount(x!, t!, eps!).add(stirling(t!))),
};

interface Poisson {
  logInput: boolean;
  full: boolean;
  eps: number;
  reduction: LossReduction;
}

const parsePoisson = signature<Poisson>('poissonNllLoss', ['logInput', 'full'], {
  logInput: true,
  full: false,
  eps: 1e-8,
  reduction: 'mean',
});

/**
 * The negative log likelihood of counts under Poisson distributions, exp(input) − target · input; log(target!) only
 * counts with `full`.
 */
export function poissonNllLoss(
  input: Tensor,
  target: Tensor,
  ...args: Trailing<[logInput: boolean, full: boolean], PoissonNllLossOptions>
): Tensor {
  if (state.autocasting) return withAutocast('poissonNllLoss', poissonNllLoss, input, target, ...args);
  return temporaries(() => {
    const { logInput, full, eps, reduction } = parsePoisson(args);
    const tensors = asFloating([input, target]);
    if (logInput) return applyLoss(full ? poisson.fullLog : poisson.log, tensors, [], reduction);
    return applyLoss(full ? poisson.fullCount : poisson.count, tensors, [eps], reduction);
  });
}

/** The variance is at least eps; as in PyTorch gradients do not see that. */
const gaussian = (constant: number) =>
  elementLoss(
    4,
    1,
    'gaussianNllLoss',
    (x, t, variance, eps) => {
      const v = call('max', variance!, eps!);
      return v.log().add(x!.sub(t!).square().div(v)).mul(0.5).add(constant);
    },
    (grad, [x, t, variance, eps]) => {
      const v = call('max', variance!, eps!);
      const d = x!.sub(t!);
      const byInput = grad.mul(d).div(v);
      return [byInput, byInput.neg(), grad.mul(0.5).mul(v.sub(d.square())).div(v.square())];
    },
  );

const gaussianLoss = gaussian(0);
const fullGaussianLoss = gaussian(0.5 * Math.log(2 * Math.PI));

export interface GaussianNllLossOptions extends LossOptions {
  /** Adds the constant log(2π) / 2. */
  full?: boolean | undefined;
  /** Least variance. Default 1e-6. */
  eps?: number | undefined;
}

const parseGaussian = signature<{ full: boolean; eps: number; reduction: LossReduction }>(
  'gaussianNllLoss',
  ['full', 'eps'],
  {
    full: false,
    eps: 1e-6,
    reduction: 'mean',
  },
);

/**
 * The negative log likelihood of `target` under normal distributions: (log var + (input − target)² / var) / 2.
 * @param variance of the input's shape, or with one value for its last dimension (size 1 there, or without it).
 * @throws ShapeError for another shape of `variance`, RangeError unless eps is positive.
 */
export function gaussianNllLoss(
  input: Tensor,
  target: Tensor,
  variance: Tensor,
  ...args: Trailing<[full: boolean, eps: number], GaussianNllLossOptions>
): Tensor {
  return temporaries(() => {
    const { full, eps, reduction } = parseGaussian(args);
    if (!(eps > 0)) throw new RangeError(`gaussianNllLoss(): eps must be positive, got ${eps}`);
    return applyLoss(
      full ? fullGaussianLoss : gaussianLoss,
      [input, target, fitVariance(input, variance)],
      [eps],
      reduction,
    );
  });
}

function fitVariance(input: Tensor, variance: Tensor): Tensor {
  if (sameShape(variance.shape, input.shape)) return variance;
  const leading = input.shape.slice(0, -1);
  if (sameShape(variance.shape, leading)) return variance.unsqueeze(-1);
  if (sameShape(variance.shape, [...leading, 1])) return variance;
  throw new ShapeError(
    `gaussianNllLoss(): variance ${formatShape(variance.shape)} does not fit input ${formatShape(input.shape)}; give it that shape, or size 1 in the last dimension`,
  );
}

/** t log t, with 0 log 0 = 0. */
const xlogx = (t: Expr): Expr => t.eq(0).where(0, t.mul(t.log()));

const divergence = elementLoss(
  2,
  0,
  'klDiv',
  (x, t) => xlogx(t!).sub(t!.mul(x!)),
  (grad, [x, t]) => [grad.mul(t!).neg(), grad.mul(t!.eq(0).where(0, t!.log().add(1)).sub(x!))],
);
const logDivergence = elementLoss(2, 0, 'klDiv', (x, t) => t!.exp().mul(t!.sub(x!)));

export interface KlDivOptions {
  /** 'batchmean' divides the sum by the size of the first dimension. */
  reduction?: LossReduction | 'batchmean' | undefined;
  /** Whether the target is given as logarithms, too. */
  logTarget?: boolean | undefined;
}

interface KlDiv {
  reduction: LossReduction | 'batchmean';
  logTarget: boolean;
}

const parseKlDiv = signature<KlDiv>('klDiv', [], { reduction: 'mean', logTarget: false });

/**
 * The Kullback-Leibler divergence of the target's distribution from the input's, which is given as logarithms:
 * target · (log(target) − input), elementwise, then reduced. 'batchmean' is the mathematical definition.
 */
export function klDiv(input: Tensor, target: Tensor, options: KlDivOptions = {}): Tensor {
  if (state.autocasting) return withAutocast('klDiv', klDiv, input, target, options);
  return temporaries(() => {
    const { reduction, logTarget } = parseKlDiv([options]);
    const loss = logTarget ? logDivergence : divergence;
    if (reduction !== 'batchmean') return applyLoss(loss, [input, target], [], reduction);
    const total = applyLoss(loss, [input, target], [], 'sum');
    return input.ndim === 0 ? total : total.div(input.shape[0]!);
  });
}
