/** @file Losses of how near samples lie to each other: cosineEmbeddingLoss, tripletMarginLoss. */

import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { ShapeError } from '../errors.ts';
import { temporaries } from '../memory.ts';
import { formatShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { pairwiseDistance } from './distance.ts';
import { checkReduction, type LossOptions, type LossReduction, reduceLoss } from './element-loss.ts';
import type { MarginLossOptions } from './margin-loss.ts';

const parseCosine = signature<{ margin: number; reduction: LossReduction }>('cosineEmbeddingLoss', ['margin'], {
  margin: 0,
  reduction: 'mean',
});

/**
 * 1 − cos where the target is 1, max(0, cos − margin) where it is −1, for the cosine of the angle between the inputs.
 * @param input1 [N, D] or [D]
 * @param target [N], or 0-d
 * @throws ShapeError for other numbers of dimensions.
 */
export function cosineEmbeddingLoss(
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  ...args: Trailing<[margin: number], MarginLossOptions>
): Tensor {
  if (state.autocasting)
    return withAutocast('cosineEmbeddingLoss', cosineEmbeddingLoss, input1, input2, target, ...args);
  return temporaries(() => {
    const { margin, reduction } = parseCosine(args);
    checkReduction('cosineEmbeddingLoss', reduction);
    if (target.ndim > 1 || input1.ndim !== target.ndim + 1 || input2.ndim !== input1.ndim) {
      const shapes = [input1, input2, target].map((x) => formatShape(x.shape)).join(', ');
      throw new ShapeError(
        `cosineEmbeddingLoss(): expected inputs [N, D] with a target [N], or [D] with a 0-d target, got shapes ${shapes}`,
      );
    }
    const dim = input1.ndim - 1;
    const epsilon = 1e-12;
    const squares = (x: Tensor): Tensor => x.square().sum(dim).add(epsilon);
    const cosine = input1
      .mul(input2)
      .sum(dim)
      .div(squares(input1).mul(squares(input2)).sqrt());
    const alike = cosine.neg().add(1);
    const unlike = cosine.sub(margin).clampMin(0);
    const losses = alike.mul(target.eq(1)).add(unlike.mul(target.eq(-1)));
    return reduceLoss(losses, reduction);
  });
}

export interface TripletMarginLossOptions extends MarginLossOptions {
  /** The distance's norm. Default 2. */
  p?: number | undefined;
  eps?: number | undefined;
  /** Also considers the distance of positive and negative, and takes the smaller one. */
  swap?: boolean | undefined;
}

interface Triplet {
  margin: number;
  p: number;
  eps: number;
  swap: boolean;
  reduction: LossReduction;
}

const parseTriplet = signature<Triplet>('tripletMarginLoss', ['margin', 'p', 'eps', 'swap'], {
  margin: 1,
  p: 2,
  eps: 1e-6,
  swap: false,
  reduction: 'mean',
});

/** max(0, d(anchor, positive) − d(anchor, negative) + margin), distances along the last dimension. */
export function tripletMarginLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  ...args: Trailing<[margin: number, p: number, eps: number, swap: boolean], TripletMarginLossOptions>
): Tensor {
  if (state.autocasting)
    return withAutocast('tripletMarginLoss', tripletMarginLoss, anchor, positive, negative, ...args);
  return temporaries(() => {
    const { margin, p, eps, swap, reduction } = parseTriplet(args);
    if (anchor.ndim !== positive.ndim || anchor.ndim !== negative.ndim) {
      const shapes = [anchor, positive, negative].map((x) => formatShape(x.shape)).join(', ');
      throw new ShapeError(
        `tripletMarginLoss(): anchor, positive and negative must have as many dimensions, got shapes ${shapes}`,
      );
    }
    const distanceFunction = (a: Tensor, b: Tensor): Tensor => pairwiseDistance(a, b, p, eps);
    return tripletMarginWithDistanceLoss(anchor, positive, negative, { distanceFunction, margin, swap, reduction });
  });
}

export interface TripletMarginWithDistanceLossOptions extends LossOptions {
  /** Distances of two batches. Default {@link pairwiseDistance}. */
  distanceFunction?: ((a: Tensor, b: Tensor) => Tensor) | null | undefined;
  margin?: number | undefined;
  swap?: boolean | undefined;
}

interface TripletWithDistance {
  distanceFunction: ((a: Tensor, b: Tensor) => Tensor) | null;
  margin: number;
  swap: boolean;
  reduction: LossReduction;
}

const parseWithDistance = signature<TripletWithDistance>('tripletMarginWithDistanceLoss', [], {
  distanceFunction: null,
  margin: 1,
  swap: false,
  reduction: 'mean',
});

/** The triplet margin loss with any distance function. */
export function tripletMarginWithDistanceLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletMarginWithDistanceLossOptions = {},
): Tensor {
  const { distanceFunction, margin, swap, reduction } = parseWithDistance([options]);
  checkReduction('tripletMarginWithDistanceLoss', reduction);
  const distance = distanceFunction ?? ((a: Tensor, b: Tensor): Tensor => pairwiseDistance(a, b));
  const near = distance(anchor, positive);
  const far = distance(anchor, negative);
  const farther = swap ? far.minimum(distance(positive, negative)) : far;
  return reduceLoss(near.sub(farther).add(margin).clampMin(0), reduction);
}
