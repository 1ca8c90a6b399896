/** @file Norms of vectors. */

import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { type DType, type DTypeAlias, toDType } from '../dtype.ts';
import { intoOut } from '../inplace.ts';
import { normOver } from '../norm.ts';
import type { OutOption } from '../ops/make.ts';
import { type Dims, reduceDims } from '../reduction.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';

export interface VectorNormOptions extends OutOption {
  ord?: number | undefined;
  /** Dimensions that make up a vector; all if left off. */
  dim?: Dims | undefined;
  keepdim?: boolean | undefined;
  /** Converts first. */
  dtype?: DType | DTypeAlias | undefined;
}

const parse = signature<{
  ord: number;
  dim: Dims;
  keepdim: boolean;
  dtype: DType | undefined;
  out: Tensor | undefined;
}>('vectorNorm', ['ord', 'dim', 'keepdim'], { ord: 2, dim: null, keepdim: false, dtype: undefined, out: undefined });

/**
 * (Σ |x|^ord)^(1/ord) of all elements, or of the vectors along some dimensions; ±Infinity and 0 as in `norm`.
 *
 * ```ts
 * linalg.vectorNorm(tensor([3, -4])); // tensor(5.)
 * ```
 * @throws DTypeError for integers.
 */
export function vectorNorm(
  x: Tensor,
  ...args: Trailing<[ord: number, dim: Dims, keepdim: boolean], VectorNormOptions>
): Tensor {
  if (state.autocasting) return withAutocast('linalg.vectorNorm', vectorNorm, x, ...args);
  const { ord, dim, keepdim, dtype: asked, out } = parse(args);
  const dtype = asked === undefined ? undefined : toDType(asked);
  const dims = reduceDims('vectorNorm', dim, x.ndim);
  return intoOut('vectorNorm', out, [x], () =>
    normOver(x, {
      op: 'linalg.vectorNorm',
      node: 'LinalgVectorNormBackward0',
      p: ord,
      dims,
      keepdim,
      all: dim === null,
      dtype,
    }),
  );
}
