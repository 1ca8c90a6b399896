/** @file Distances and similarities of vectors, and vectors made unit length. */
import { signature, type Trailing } from '../args.ts';
import { isFloating } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import { untracked } from '../modes.ts';
import { resultType } from '../promotion.ts';
import { broadcastShapes } from '../shape.ts';
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

const parseNormalize = signature<Normalize>('normalize', ['p', 'dim', 'eps', 'out'], { p: 2, dim: 1, eps: 1e-12, out: undefined });

/**
 * input / max(‖input‖ₚ, eps), norms along `dim` (1).
 *
 * ```ts
 * F.normalize(tensor([[3, 4]])); // tensor([[0.6000, 0.8000]])
 * ```
 */
export function normalize(input: Tensor, ...args: Trailing<[p: number, dim: number, eps: number], NormalizeOptions>): Tensor {
  const { p, dim, eps, out } = parseNormalize(args);
  return intoOut('normalize', out, [input], () => input.div(input.norm(p, dim, true).clampMin(eps)));
}

export interface SimilarityOptions {
  dim?: number | undefined;
  /** Least norm of each vector. Default 1e-8. */
  eps?: number | undefined;
}

const parseSimilarity = signature<{ dim: number; eps: number }>('cosineSimilarity', ['dim', 'eps'], { dim: 1, eps: 1e-8 });

/**
 * x1 · x2 / (max(‖x1‖, eps) max(‖x2‖, eps)), norms and products along `dim` (1) of the broadcast tensors.
 * @throws DTypeError unless the common dtype is a floating one.
 */
export function cosineSimilarity(x1: Tensor, x2: Tensor, ...args: Trailing<[dim: number, eps: number], SimilarityOptions>): Tensor {
  const { dim, eps } = parseSimilarity(args);
  const dtype = resultType(x1, x2);
  if (!isFloating(dtype)) throw new DTypeError(`cosineSimilarity(): needs floating point tensors, got ${dtype}; convert with .to('float32')`);
  const shape = broadcastShapes('cosineSimilarity', x1.shape, x2.shape);
  const unit = (x: Tensor): Tensor => {
    const vectors = x.to(dtype).expand(shape);
    const length = vectors.norm(2, dim, true);
    // As in PyTorch the clamp is invisible to gradients.
    const missing = untracked(() => length.clampMin(eps).sub(length));
    return vectors.div(length.add(missing));
  };
  return unit(x1).mul(unit(x2)).sum(dim);
}

export interface PairwiseDistanceOptions {
  p?: number | undefined;
  /** Added to the differences. Default 1e-6. */
  eps?: number | undefined;
  keepdim?: boolean | undefined;
}

const parseDistance = signature<{ p: number; eps: number; keepdim: boolean }>('pairwiseDistance', ['p', 'eps', 'keepdim'], {
  p: 2,
  eps: 1e-6,
  keepdim: false,
});

/** ‖x1 − x2 + eps‖ₚ along the last dimension. */
export function pairwiseDistance(
  x1: Tensor,
  x2: Tensor,
  ...args: Trailing<[p: number, eps: number, keepdim: boolean], PairwiseDistanceOptions>
): Tensor {
  const { p, eps, keepdim } = parseDistance(args);
  const [difference] = asFloating([x1.sub(x2)]) as [Tensor];
  return difference.add(eps).norm(p, -1, keepdim);
}
