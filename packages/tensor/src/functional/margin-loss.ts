/** @file Losses that want a margin between scores. */

import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { call } from '../ir/expr.ts';
import { zerosLike } from '../like.ts';
import { temporaries } from '../memory.ts';
import { shownAs } from '../record.ts';
import { formatShape, sameShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import {
  applyLoss,
  asFloating,
  checkReduction,
  elementLoss,
  type LossOptions,
  type LossReduction,
  reduceLoss,
} from './element-loss.ts';
import { binaryCrossEntropyWithLogits } from './loss.ts';

export interface MarginLossOptions extends LossOptions {
  margin?: number | undefined;
}

interface Margin {
  margin: number;
  reduction: LossReduction;
}

const marginArguments = (op: string, margin: number) =>
  signature<Margin>(op, ['margin'], { margin, reduction: 'mean' });

const softMargin = elementLoss(
  2,
  0,
  'softMarginLoss',
  (x, t) => call('log1p', t!.mul(x!).neg().exp()),
  (grad, [x, t]) => {
    const slope = grad.mul(t!.mul(x!).neg().sigmoid());
    return [slope.mul(t!).neg(), slope.mul(x!).neg()];
  },
);
const parseSoftMargin = signature<{ reduction: LossReduction }>('softMarginLoss', [], { reduction: 'mean' });

/** log(1 + exp(−target · input)) for targets ±1. */
export function softMarginLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  if (state.autocasting) return withAutocast('softMarginLoss', softMarginLoss, input, target, options);
  return temporaries(() => applyLoss(softMargin, [input, target], [], parseSoftMargin([options]).reduction));
}

const hinge = elementLoss(
  3,
  1,
  'hingeEmbeddingLoss',
  (x, t, margin) => t!.ne(1).where(margin!.sub(x!).max(0), 0).add(t!.ne(-1).where(x!, 0)),
  (grad, [x, t, margin]) => [
    t!.ne(1).and(margin!.sub(x!).ge(0)).where(grad.neg(), 0).add(t!.ne(-1).where(grad, 0)),
    // The target only chooses.
    grad.mul(0),
  ],
);
const parseHinge = marginArguments('hingeEmbeddingLoss', 1);

/** The input, a distance, where the target is 1; max(0, margin − input) where it is −1. */
export function hingeEmbeddingLoss(
  input: Tensor,
  target: Tensor,
  ...args: Trailing<[margin: number], MarginLossOptions>
): Tensor {
  if (state.autocasting) return withAutocast('hingeEmbeddingLoss', hingeEmbeddingLoss, input, target, ...args);
  return temporaries(() => {
    const { margin, reduction } = parseHinge(args);
    return applyLoss(hinge, [input, target], [margin], reduction);
  });
}

const ranking = elementLoss(
  4,
  1,
  'marginRankingLoss',
  (a, b, t, margin) => t!.neg().mul(a!.sub(b!)).add(margin!).max(0),
  (grad, [a, b, t, margin]) => {
    const slope = t!.neg().mul(a!.sub(b!)).add(margin!).ge(0).where(grad, 0);
    return [slope.mul(t!).neg(), slope.mul(t!), slope.mul(b!.sub(a!))];
  },
);
const parseRanking = marginArguments('marginRankingLoss', 0);

/**
 * max(0, −target · (input1 − input2) + margin): a target of 1 says that input1 should be greater, −1 that it should not.
 * @throws ShapeError unless all three have the same number of dimensions.
 */
export function marginRankingLoss(
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  ...args: Trailing<[margin: number], MarginLossOptions>
): Tensor {
  if (state.autocasting) return withAutocast('marginRankingLoss', marginRankingLoss, input1, input2, target, ...args);
  return temporaries(() => {
    const { margin, reduction } = parseRanking(args);
    if (input1.ndim !== input2.ndim || input1.ndim !== target.ndim) {
      const shapes = [input1, input2, target].map((x) => formatShape(x.shape)).join(', ');
      throw new ShapeError(
        `marginRankingLoss(): both inputs and the target must have as many dimensions, got shapes ${shapes}`,
      );
    }
    return applyLoss(ranking, asFloating([input1, input2, target]), [margin], reduction);
  });
}

/** [C] or [N, C] as [N, C]. @throws ShapeError naming the op. */
function asBatch(op: string, input: Tensor): Tensor {
  if (input.ndim === 1) return input.unsqueeze(0);
  if (input.ndim === 2) return input;
  if (input.ndim === 0) return input.view([1, 1]);
  throw new ShapeError(`${op}(): input must be [C] or [N, C], got ${formatShape(input.shape)}`);
}

function checkClassTarget(op: string, input: Tensor, target: Tensor, expected: readonly number[]): void {
  if (target.dtype !== 'int64' && target.dtype !== 'int32') {
    throw new DTypeError(`${op}(): targets must be integers, got ${target.dtype}; make them with { dtype: 'int32' }`);
  }
  if (target.elementCount !== expected.reduce((n, size) => n * size, 1)) {
    throw new ShapeError(
      `${op}(): input ${formatShape(input.shape)} wants targets of shape ${formatShape(expected)}, got ${formatShape(target.shape)}`,
    );
  }
}

export interface MultiMarginLossOptions extends LossOptions {
  /** Power of the losses, 1 (default) or 2. */
  p?: number | undefined;
  margin?: number | undefined;
  /** A factor for each class, shape [C]. */
  weight?: Tensor | null | undefined;
}

interface MultiMargin extends Margin {
  p: number;
  weight: Tensor | null;
}

const parseMultiMargin = signature<MultiMargin>('multiMarginLoss', ['p', 'margin', 'weight'], {
  p: 1,
  margin: 1,
  weight: null,
  reduction: 'mean',
});

/**
 * Over the classes other than the target's: the mean over C of max(0, margin − x[target] + x[i])ᵖ, times the target's weight.
 * @param input [N, C] or [C]
 * @param target classes [N], or one
 * @throws IndexError for a target that is no class.
 */
export function multiMarginLoss(
  input: Tensor,
  target: Tensor,
  ...args: Trailing<[p: number, margin: number, weight: Tensor | null], MultiMarginLossOptions>
): Tensor {
  if (state.autocasting) return withAutocast('multiMarginLoss', multiMarginLoss, input, target, ...args);
  return temporaries(() => {
    const { p, margin, weight, reduction } = parseMultiMargin(args);
    checkReduction('multiMarginLoss', reduction);
    if (p !== 1 && p !== 2) throw new RangeError(`multiMarginLoss(): p must be 1 or 2, got ${p}`);
    const x = asBatch('multiMarginLoss', input);
    const [count, classes] = x.shape as [number, number];
    checkClassTarget('multiMarginLoss', input, target, [count]);
    const index = target.reshape([count, 1]);
    const distances = x.sub(x.gather(1, index)).add(margin).clampMin(0);
    let losses = (p === 2 ? distances.square() : distances).scatter(1, index, 0);
    if (weight !== null) losses = losses.mul(weight.indexSelect(0, index.reshape([count])).unsqueeze(1));
    const perSample = losses.sum(1).div(classes);
    const loss = reduceLoss(input.ndim === 2 ? perSample : perSample.reshape([]), reduction);
    return shownAs('MultiMarginLossBackward0', [input], loss);
  });
}

const parseMultilabel = signature<{ reduction: LossReduction }>('multilabelMarginLoss', [], { reduction: 'mean' });

/**
 * For each sample and each of its classes y, over all classes i that are not the sample's: the sum of
 * max(0, 1 − (x[y] − x[i])), divided by C.
 * @param input [N, C] or [C]
 * @param target of the same shape: classes, the first −1 ends the list
 */
export function multilabelMarginLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  if (state.autocasting) return withAutocast('multilabelMarginLoss', multilabelMarginLoss, input, target, options);
  return temporaries(() => {
    const { reduction } = parseMultilabel([options]);
    checkReduction('multilabelMarginLoss', reduction);
    if (!sameShape(input.shape, target.shape)) {
      throw new ShapeError(
        `multilabelMarginLoss(): target ${formatShape(target.shape)} must have the shape of input, ${formatShape(input.shape)}`,
      );
    }
    const x = asBatch('multilabelMarginLoss', input);
    checkClassTarget('multilabelMarginLoss', input, target, x.shape);
    const classes = target.reshape(x.shape);
    // 1 before the first −1, 0 from there on.
    const listed = classes.ge(0).cumprod(1).to('bool');
    const index = classes.maskedFill(listed.logicalNot(), 0);
    const own = zerosLike(x.detach()).scatterAdd(1, index, listed.to(x.dtype)).gt(0);
    const distances = x.unsqueeze(1).sub(x.gather(1, index).unsqueeze(2)).add(1).clampMin(0);
    const counted = listed.unsqueeze(2).logicalAnd(own.logicalNot().unsqueeze(1));
    const perSample = distances.mul(counted).sum([1, 2]).div(x.shape[1]!);
    const loss = reduceLoss(input.ndim === 2 ? perSample : perSample.reshape([]), reduction);
    return shownAs('MultilabelMarginLossBackward0', [input], loss);
  });
}

export interface MultilabelSoftMarginLossOptions extends LossOptions {
  /** A factor for each class; broadcasts to the input. */
  weight?: Tensor | null | undefined;
}

const parseSoftMultilabel = signature<{ weight: Tensor | null; reduction: LossReduction }>(
  'multilabelSoftMarginLoss',
  ['weight'],
  {
    weight: null,
    reduction: 'mean',
  },
);

/** The mean over the last dimension, the classes, of the binary cross entropy with logits; targets are 0 or 1. */
export function multilabelSoftMarginLoss(
  input: Tensor,
  target: Tensor,
  ...args: Trailing<[weight: Tensor | null], MultilabelSoftMarginLossOptions>
): Tensor {
  return temporaries(() => {
    const { weight, reduction } = parseSoftMultilabel(args);
    checkReduction('multilabelSoftMarginLoss', reduction);
    const losses = binaryCrossEntropyWithLogits(input, target, weight, { reduction: 'none' });
    return reduceLoss(losses.mean(-1), reduction);
  });
}
