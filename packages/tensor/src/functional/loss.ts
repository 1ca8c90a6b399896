/** @file Losses of pairs of values: squared, absolute, Huber's, binary cross entropy. */
import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { ones } from '../creation.ts';
import { ShapeError } from '../errors.ts';
import { call, type Expr } from '../ir/expr.ts';
import { untracked } from '../modes.ts';
import { formatShape, sameShape } from '../shape.ts';
import { backendFor, state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { applyLoss, checkReduction, elementLoss, type LossOptions, type LossReduction } from './element-loss.ts';

export type { LossOps, LossOptions, LossReduction } from './element-loss.ts';

const warned = new Set<string>();

/** As PyTorch does: a [N, 1] prediction against [N] targets is almost always a mistake, but allowed. */
function warnAboutBroadcast(op: string, input: Tensor, target: Tensor): void {
  if (sameShape(input.shape, target.shape) || warned.has(op)) return;
  warned.add(op);
  console.warn(
    `${op}(): target ${formatShape(target.shape)} has another shape than input ${formatShape(input.shape)}; both are broadcast, which is probably not meant`,
  );
}

function checkSameShape(op: string, input: Tensor, target: Tensor): void {
  if (sameShape(input.shape, target.shape)) return;
  throw new ShapeError(
    `${op}(): target ${formatShape(target.shape)} must have the shape of input, ${formatShape(input.shape)}`,
  );
}

const parseMse = signature<{ reduction: LossReduction }>('mseLoss', [], { reduction: 'mean' });
const mse = elementLoss(
  2,
  0,
  'mseLoss',
  (x, y) => x!.sub(y!).square(),
  (grad, [x, y]) => {
    const slope = grad.mul(x!.sub(y!).mul(2));
    return [slope, slope.neg()];
  },
);

/**
 * Squared errors (input − target)², averaged unless `reduction` says otherwise.
 *
 * ```ts
 * mseLoss(tensor([1, 2]), tensor([1, 4])); // tensor(2.)
 * ```
 */
export function mseLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  if (state.autocasting) return withAutocast('mseLoss', mseLoss, input, target, options);
  warnAboutBroadcast('mseLoss', input, target);
  return applyLoss(mse, [input, target], [], parseMse([options]).reduction);
}

const parseL1 = signature<{ reduction: LossReduction }>('l1Loss', [], { reduction: 'mean' });

/** Absolute errors |input − target|. */
export function l1Loss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  if (state.autocasting) return withAutocast('l1Loss', l1Loss, input, target, options);
  const { reduction: kind } = parseL1([options]);
  checkReduction('l1Loss', kind);
  warnAboutBroadcast('l1Loss', input, target);
  const errors = input.sub(target).abs();
  return kind === 'none' ? errors : kind === 'sum' ? errors.sum() : errors.mean();
}

const smoothL1Of = (z: Expr, beta: Expr): Expr => z.lt(beta).where(z.mul(z).mul(0.5).div(beta), z.sub(beta.mul(0.5)));
const smoothL1 = elementLoss(
  3,
  1,
  'smoothL1Loss',
  (x, y, beta) => smoothL1Of(x!.sub(y!).abs(), beta!),
  (grad, [x, y, beta]) => {
    const z = x!.sub(y!);
    const slope = z.le(beta!.neg()).where(grad.neg(), z.ge(beta!).where(grad, z.mul(grad).div(beta!)));
    return [slope, slope.neg(), null];
  },
);
const parseSmoothL1 = signature<{ reduction: LossReduction; beta: number }>('smoothL1Loss', [], {
  reduction: 'mean',
  beta: 1,
});

/** Squared below `beta` (½ z² / beta), absolute above (|z| − ½ beta), for z = input − target. Girshick 2015. */
export function smoothL1Loss(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { beta?: number | undefined } = {},
): Tensor {
  if (state.autocasting) return withAutocast('smoothL1Loss', smoothL1Loss, input, target, options);
  const { reduction: kind, beta } = parseSmoothL1([options]);
  if (!(beta >= 0)) throw new RangeError(`smoothL1Loss(): beta must not be negative, got ${beta}`);
  if (beta === 0) return l1Loss(input, target, { reduction: kind });
  warnAboutBroadcast('smoothL1Loss', input, target);
  return applyLoss(smoothL1, [input, target], [beta], kind);
}

const huber = elementLoss(
  3,
  1,
  'huberLoss',
  (x, y, delta) => {
    const z = x!.sub(y!).abs();
    return z.le(delta!).where(z.mul(z).mul(0.5), delta!.mul(z.sub(delta!.mul(0.5))));
  },
  (grad, [x, y, delta]) => {
    const z = x!.sub(y!);
    const slope = z.le(delta!.neg()).where(grad.neg().mul(delta!), z.ge(delta!).where(grad.mul(delta!), z.mul(grad)));
    return [slope, slope.neg(), null];
  },
);
const parseHuber = signature<{ reduction: LossReduction; delta: number }>('huberLoss', [], {
  reduction: 'mean',
  delta: 1,
});

/** ½ z² up to `delta`, delta (|z| − ½ delta) above, for z = input − target. Huber 1964. */
export function huberLoss(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { delta?: number | undefined } = {},
): Tensor {
  if (state.autocasting) return withAutocast('huberLoss', huberLoss, input, target, options);
  const { reduction: kind, delta } = parseHuber([options]);
  if (!(delta > 0)) throw new RangeError(`huberLoss(): delta must be positive, got ${delta}`);
  warnAboutBroadcast('huberLoss', input, target);
  return applyLoss(huber, [input, target], [delta], kind);
}

// Logarithms are at least −100, so that losses stay finite; gradients divide by at least 1e-12. Both as PyTorch.
const clampedLog = (x: Expr): Expr => x.log().max(-100);
const clampedLog1p = (x: Expr): Expr => call('log1p', x).max(-100);
const crossEntropyOf = (x: Expr, y: Expr): Expr =>
  y
    .sub(1)
    .mul(clampedLog1p(x.neg()))
    .sub(y.mul(clampedLog(x)));
const crossEntropySlope = (grad: Expr, x: Expr, y: Expr): Expr =>
  grad.mul(x.sub(y)).div(x.neg().add(1).mul(x).max(1e-12));
const crossEntropyTargetSlope = (grad: Expr, x: Expr): Expr => grad.mul(clampedLog1p(x.neg()).sub(clampedLog(x)));
const bce = elementLoss(
  2,
  0,
  'binaryCrossEntropy',
  (x, y) => crossEntropyOf(x!, y!),
  (grad, [x, y]) => [crossEntropySlope(grad, x!, y!), crossEntropyTargetSlope(grad, x!)],
);
const weightedBce = elementLoss(
  3,
  0,
  'binaryCrossEntropy',
  (x, y, w) => crossEntropyOf(x!, y!).mul(w!),
  (grad, [x, y, w]) => [
    crossEntropySlope(grad, x!, y!).mul(w!),
    crossEntropyTargetSlope(grad, x!).mul(w!),
    grad.mul(crossEntropyOf(x!, y!)),
  ],
);

interface BinaryOptions extends LossOptions {
  /** Factors of the single losses; broadcasts to the input. */
  weight?: Tensor | null | undefined;
}

type BinaryArguments = Trailing<[weight: Tensor | null], BinaryOptions>;
const parseBce = signature<{ weight: Tensor | null; reduction: LossReduction }>('binaryCrossEntropy', ['weight'], {
  weight: null,
  reduction: 'mean',
});

/**
 * −(y log x + (1 − y) log(1 − x)) for probabilities x = input and y = target of one shape.
 * @throws RangeError on the CPU for an input outside [0, 1].
 */
export function binaryCrossEntropy(input: Tensor, target: Tensor, ...args: BinaryArguments): Tensor {
  if (state.autocasting) return withAutocast('binaryCrossEntropy', binaryCrossEntropy, input, target, ...args);
  const { weight, reduction: kind } = parseBce(args);
  checkSameShape('binaryCrossEntropy', input, target);
  checkProbabilities(input);
  if (weight === null) return applyLoss(bce, [input, target], [], kind);
  return applyLoss(weightedBce, [input, target, weight.expand(input.shape)], [], kind);
}

function checkProbabilities(input: Tensor): void {
  if (backendFor(input.device).readSync === null || input.elementCount === 0) return;
  const wrong = untracked(() => input.lt(0).logicalOr(input.gt(1)).any().itemSync());
  if (wrong === 1)
    throw new RangeError(
      'binaryCrossEntropy(): all elements of input must be between 0 and 1; for scores of any size use binaryCrossEntropyWithLogits()',
    );
}

/** log(1 + e^−x) without overflow. */
const softplusOfNegative = (x: Expr): Expr => x.neg().max(0).add(call('log1p', x.abs().neg().exp()));
const logitsOf = (x: Expr, y: Expr): Expr => x.sub(x.mul(y)).add(softplusOfNegative(x));
const positiveLogitsOf = (x: Expr, y: Expr, p: Expr): Expr =>
  x.sub(x.mul(y)).add(p.sub(1).mul(y).add(1).mul(softplusOfNegative(x)));
const positiveSlope = (x: Expr, y: Expr, p: Expr): Expr => p.mul(y).add(1).sub(y).mul(x.sigmoid()).sub(p.mul(y));
const logits = elementLoss(
  2,
  0,
  'binaryCrossEntropyWithLogits',
  (x, y) => logitsOf(x!, y!),
  (grad, [x, y]) => [grad.mul(x!.sigmoid().sub(y!)), grad.mul(x!).neg()],
);
/** Inputs x, y, weight, positive weight. */
const weightedLogits = elementLoss(
  4,
  0,
  'binaryCrossEntropyWithLogits',
  (x, y, w, p) => positiveLogitsOf(x!, y!, p!).mul(w!),
  (grad, [x, y, w, p]) => {
    const scaled = grad.mul(w!);
    return [
      scaled.mul(positiveSlope(x!, y!, p!)),
      scaled.mul(p!.sub(1).mul(softplusOfNegative(x!)).sub(x!)),
      grad.mul(positiveLogitsOf(x!, y!, p!)),
      scaled.mul(y!).mul(softplusOfNegative(x!)),
    ];
  },
);
const parseLogits = signature<{ weight: Tensor | null; posWeight: Tensor | null; reduction: LossReduction }>(
  'binaryCrossEntropyWithLogits',
  ['weight'],
  {
    weight: null,
    posWeight: null,
    reduction: 'mean',
  },
);

/**
 * Binary cross entropy of sigmoid(input), computed without overflow. `posWeight` multiplies the losses of positive
 * targets.
 */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  ...args: Trailing<[weight: Tensor | null], BinaryOptions & { posWeight?: Tensor | null | undefined }>
): Tensor {
  if (state.autocasting)
    return withAutocast('binaryCrossEntropyWithLogits', binaryCrossEntropyWithLogits, input, target, ...args);
  const { weight, posWeight, reduction: kind } = parseLogits(args);
  checkSameShape('binaryCrossEntropyWithLogits', input, target);
  if (weight === null && posWeight === null) return applyLoss(logits, [input, target], [], kind);
  const one = ones([], { dtype: input.dtype, device: input.device });
  return applyLoss(
    weightedLogits,
    [input, target, (weight ?? one).expand(input.shape), (posWeight ?? one).expand(input.shape)],
    [],
    kind,
  );
}
