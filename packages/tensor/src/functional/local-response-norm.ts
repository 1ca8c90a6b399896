/** @file Local response normalization. */
import { signature, type Trailing } from '../args.ts';
import { isFloating } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { temporaries } from '../memory.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { constantPad } from './pad.ts';

export interface LocalResponseNormOptions {
  alpha?: number | undefined;
  beta?: number | undefined;
  k?: number | undefined;
}

const parse = signature<{ alpha: number; beta: number; k: number }>('localResponseNorm', ['alpha', 'beta', 'k'], {
  alpha: 1e-4,
  beta: 0.75,
  k: 1,
});

/**
 * input / (k + alpha · a)^beta, a being the mean of the squares of `size` neighbouring channels, zeros beyond the first
 * and last (Krizhevsky et al., 2012).
 * @param input [N, C, ...]
 */
export function localResponseNorm(
  input: Tensor,
  size: number,
  ...args: Trailing<[alpha: number, beta: number, k: number], LocalResponseNormOptions>
): Tensor {
  return temporaries(() => {
    const { alpha, beta, k } = parse(args);
    if (input.ndim < 3)
      throw new ShapeError(
        `localResponseNorm(): input must be [N, C, ...] with more than 2 dimensions, got ${formatShape(input.shape)}`,
      );
    if (!Number.isInteger(size) || size < 1)
      throw new RangeError(`localResponseNorm(): size must be a positive integer, got ${size}`);
    if (input.elementCount === 0) return input.clone();
    const others = new Array<number>(2 * (input.ndim - 2)).fill(0);
    const squares = constantPad(input.square(), [...others, Math.floor(size / 2), Math.floor((size - 1) / 2)], 0);
    const windows = squares.unfold(1, size, 1);
    const means = isFloating(input.dtype) ? windows.mean(-1) : windows.sum(-1).div(size, { roundingMode: 'trunc' });
    return input.div(means.mul(alpha).add(k).pow(beta));
  });
}
