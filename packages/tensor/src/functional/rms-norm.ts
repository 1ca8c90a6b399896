/** @file Normalization by the root mean square. */
import { signature, type Trailing } from '../args.ts';

import { ShapeError } from '../errors.ts';
import { computeDType } from '../ir/kernel.ts';
import { finfo } from '../limits.ts';
import { formatShape, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

export interface RmsNormOptions {
  /** Of the shape `normalizedShape`. */
  weight?: Tensor | null | undefined;
  /** Added to the mean square; null: the machine epsilon of the input's dtype. */
  eps?: number | null | undefined;
}

const parse = signature<{ weight: Tensor | null; eps: number | null }>('rmsNorm', ['weight', 'eps'], {
  weight: null,
  eps: null,
});

/**
 * x / √(mean of x² over the last dimensions, whose sizes are `normalizedShape`, + eps), times `weight`. Zhang &
 * Sennrich 2019. 16-bit inputs are computed in float32.
 *
 * ```ts
 * F.rmsNorm(tensor([3, 4]), 2); // [0.8485, 1.1314]: divided by √12.5
 * ```
 * @throws ShapeError when the input does not end with `normalizedShape`, or the weight has another shape.
 */
export function rmsNorm(
  input: Tensor,
  normalizedShape: number | readonly number[],
  ...args: Trailing<[weight: Tensor | null, eps: number | null], RmsNormOptions>
): Tensor {
  const { weight, eps } = parse(args);
  const sizes = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
  const first = input.ndim - sizes.length;
  if (sizes.length === 0 || first < 0 || !sameShape(input.shape.slice(first), sizes)) {
    throw new ShapeError(
      `rmsNorm(): input ${formatShape(input.shape)} must end with normalizedShape ${formatShape(sizes)}`,
    );
  }
  if (weight !== null && !sameShape(weight.shape, sizes)) {
    throw new ShapeError(
      `rmsNorm(): weight ${formatShape(weight.shape)} must have the shape normalizedShape ${formatShape(sizes)}`,
    );
  }
  const x = input.to(computeDType(input.dtype));
  const meanSquare = x.square().mean(
    sizes.map((_, i) => first + i),
    true,
  );
  const normalized = x.mul(meanSquare.add(eps ?? finfo(input.dtype).eps).rsqrt());
  const scaled = weight === null ? normalized : normalized.mul(weight.to(x.dtype));
  return scaled.to(input.dtype);
}
