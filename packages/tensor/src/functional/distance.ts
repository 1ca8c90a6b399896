/** @file Distances and similarities of vectors, and vectors made unit length. */

import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { isFloating } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import { temporaries } from '../memory.ts';
import { untracked } from '../modes.ts';
import { triuIndices } from '../ops/combine.ts';
import { resultType } from '../promotion.ts';
import { shownAs } from '../record.ts';
import { broadcastShapes, formatShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { asFloating } from './element-loss.ts';

export interface NormalizeOptions {
  /** The norm's order. Default 2. */
  p?: number | undefined;
  dim?: number | undefined;
  /** Least norm that is divided by. Default 1e-12. */
  eps?: number | undefined;
  out?: Tensor | undefined;
}

interface Normalize {
  p: number;
  dim: number;
  eps: number;
  out: Tensor | undefined;
}

const parseNormalize = signature<Normalize>('normalize', ['p', 'dim', 'eps', 'out'], {
  p: 2,
  dim: 1,
  eps: 1e-12,
  out: undefined,
});

/**
 * input / max(‖input‖ₚ, eps), norms along `dim` (1).
 *
 * ```ts
 * F.normalize(tensor([[3, 4]])); // tensor([[0.6000, 0.8000]])
 * ```
 */
export function normalize(
  input: Tensor,
  ...args: Trailing<[p: number, dim: number, eps: number], NormalizeOptions>
): Tensor {
  return temporaries(() => {
    const { p, dim, eps, out } = parseNormalize(args);
    return intoOut('normalize', out, [input], () => input.div(input.norm(p, dim, true).clampMin(eps)));
  });
}

export interface SimilarityOptions {
  dim?: number | undefined;
  /** Least norm of each vector. Default 1e-8. */
  eps?: number | undefined;
}

const parseSimilarity = signature<{ dim: number; eps: number }>('cosineSimilarity', ['dim', 'eps'], {
  dim: 1,
  eps: 1e-8,
});

/**
 * x1 · x2 / (max(‖x1‖, eps) max(‖x2‖, eps)), norms and products along `dim` (1) of the broadcast tensors.
 * @throws DTypeError unless the common dtype is a floating one.
 */
export function cosineSimilarity(
  x1: Tensor,
  x2: Tensor,
  ...args: Trailing<[dim: number, eps: number], SimilarityOptions>
): Tensor {
  if (state.autocasting) return withAutocast('cosineSimilarity', cosineSimilarity, x1, x2, ...args);
  return temporaries(() => {
    const { dim, eps } = parseSimilarity(args);
    const dtype = resultType(x1, x2);
    if (!isFloating(dtype))
      throw new DTypeError(
        `cosineSimilarity(): needs floating point tensors, got ${dtype}; convert with .to('float32')`,
      );
    const shape = broadcastShapes('cosineSimilarity', x1.shape, x2.shape);
    const unit = (x: Tensor): Tensor => {
      const vectors = x.to(dtype).expand(shape);
      const length = vectors.norm(2, dim, true);
      // As in PyTorch the clamp is invisible to gradients.
      const missing = untracked(() => length.clampMin(eps).sub(length));
      return vectors.div(length.add(missing));
    };
    return unit(x1).mul(unit(x2)).sum(dim);
  });
}

export interface PairwiseDistanceOptions {
  p?: number | undefined;
  /** Added to the differences. Default 1e-6. */
  eps?: number | undefined;
  keepdim?: boolean | undefined;
}

const parseDistance = signature<{ p: number; eps: number; keepdim: boolean }>(
  'pairwiseDistance',
  ['p', 'eps', 'keepdim'],
  {
    p: 2,
    eps: 1e-6,
    keepdim: false,
  },
);

/** ‖x1 − x2 + eps‖ₚ along the last dimension. */
export function pairwiseDistance(
  x1: Tensor,
  x2: Tensor,
  ...args: Trailing<[p: number, eps: number, keepdim: boolean], PairwiseDistanceOptions>
): Tensor {
  return temporaries(() => {
    const { p, eps, keepdim } = parseDistance(args);
    const [difference] = asFloating([x1.sub(x2)]) as [Tensor];
    return difference.add(eps).norm(p, -1, keepdim);
  });
}

/** How `cdist` may compute Euclidean distances: by matrix products (faster for many vectors, less exact) or not. */
export type CdistMode =
  | 'use_mm_for_euclid_dist_if_necessary'
  | 'use_mm_for_euclid_dist'
  | 'donot_use_mm_for_euclid_dist';

export interface CdistOptions {
  p?: number | undefined;
  /** Accepted for PyTorch's sake: distances are always computed from the differences. */
  computeMode?: CdistMode | undefined;
}

const parseCdist = signature<{ p: number; computeMode: CdistMode }>('cdist', ['p', 'computeMode'], {
  p: 2,
  computeMode: 'use_mm_for_euclid_dist_if_necessary',
});

function checkVectors(op: string, x: Tensor, least: number): void {
  if (!isFloating(x.dtype))
    throw new DTypeError(`${op}(): needs floating point tensors, got ${x.dtype}; convert with .to('float32')`);
  if (x.ndim < least)
    throw new ShapeError(`${op}(): expected a batch of vectors [..., N, D], got ${formatShape(x.shape)}`);
}

/**
 * The p-norms of the differences of all pairs of vectors.
 * @param x1 [..., P, D]
 * @param x2 [..., R, D]
 * @returns [..., P, R]
 * @throws ShapeError when the vectors have different lengths, RangeError for a negative p.
 */
export function cdist(
  x1: Tensor,
  x2: Tensor,
  ...args: Trailing<[p: number, computeMode: CdistMode], CdistOptions>
): Tensor {
  if (state.autocasting) return withAutocast('cdist', cdist, x1, x2, ...args);
  return temporaries(() => {
    const { p } = parseCdist(args);
    for (const x of [x1, x2]) checkVectors('cdist', x, 2);
    if (x1.shape.at(-1) !== x2.shape.at(-1))
      throw new ShapeError(
        `cdist(): vectors of ${formatShape(x1.shape)} and ${formatShape(x2.shape)} have different lengths`,
      );
    if (!(p >= 0)) throw new RangeError(`cdist(): p must be at least 0, got ${p}`);
    const differences = x1.unsqueeze(-2).sub(x2.unsqueeze(-3));
    const norms = differences.shape.at(-1) === 0 ? differences.sum(-1) : differences.norm(p, -1);
    return shownAs('CdistBackward0', [x1, x2], norms);
  });
}

const parsePdist = signature<{ p: number }>('pdist', ['p'], { p: 2 });

/**
 * The p-norms of the differences of all pairs of rows, each pair once: the upper triangle of `cdist(x, x)`, row by row.
 * @param input [N, D]
 * @returns [N (N − 1) / 2]
 */
export function pdist(input: Tensor, ...args: Trailing<[p: number], { p?: number | undefined }>): Tensor {
  if (state.autocasting) return withAutocast('pdist', pdist, input, ...args);
  return temporaries(() => {
    const { p } = parsePdist(args);
    checkVectors('pdist', input, 2);
    if (input.ndim !== 2) throw new ShapeError(`pdist(): input must be [N, D], got ${formatShape(input.shape)}`);
    if (!(p >= 0)) throw new RangeError(`pdist(): p must be at least 0, got ${p}`);
    const [first, second] = triuIndices(input.shape[0]!, input.shape[0]!, 1, { device: input.device }).unbind(0) as [
      Tensor,
      Tensor,
    ];
    const differences = input.indexSelect(0, first).sub(input.indexSelect(0, second));
    const norms = differences.shape.at(-1) === 0 ? differences.sum(-1) : differences.norm(p, -1);
    return shownAs('PdistBackward0', [input], norms);
  });
}
