/** @file The normalizations as PyTorch's native functions have them, which return the statistics as well. */
import { empty } from '../creation.ts';
import { ShapeError } from '../errors.ts';
import { untracked } from '../modes.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { batchNorm, layerNorm } from './normalization.ts';

/** The normalized input, and the means and 1 / √(variance + eps) that were used; the latter have no gradients. */
export type Normalized = [output: Tensor, mean: Tensor, rstd: Tensor];

function statisticsOf(input: Tensor, dims: readonly number[], eps: number): [Tensor, Tensor] {
  return untracked(() => {
    const x = input.detach();
    return [x.mean(dims, true), x.var(dims, false, true).add(eps).rsqrt()];
  });
}

/**
 * `functional.layerNorm` with the means and inverse deviations that it used, whose normalized dimensions have size 1.
 *
 * ```ts
 * const [y, mean, rstd] = nativeLayerNorm(x, [64], weight, bias, 1e-5);
 * ```
 */
export function nativeLayerNorm(
  input: Tensor,
  normalizedShape: readonly number[],
  weight: Tensor | null,
  bias: Tensor | null,
  eps: number,
): Normalized {
  const output = layerNorm(input, normalizedShape, weight, bias, eps);
  const first = input.ndim - normalizedShape.length;
  const dims = normalizedShape.map((_, i) => first + i);
  return [output, ...statisticsOf(input, dims, eps)];
}

/**
 * `functional.batchNorm` with the means and inverse deviations of the channels in training; both without elements
 * otherwise.
 *
 * ```ts
 * const [y, mean, rstd] = nativeBatchNorm(x, weight, bias, runningMean, runningVar, true, 0.1, 1e-5);
 * ```
 */
export function nativeBatchNorm(
  input: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  training: boolean,
  momentum: number,
  eps: number,
): Normalized {
  if (input.ndim < 2)
    throw new ShapeError(`nativeBatchNorm(): input must be [N, C, …], got ${formatShape(input.shape)}`);
  const output = batchNorm(input, runningMean, runningVar, weight, bias, training, momentum, eps);
  if (!training) {
    const options = { dtype: input.dtype, device: input.device };
    return [output, empty([0], options), empty([0], options)];
  }
  const dims = input.shape.map((_, d) => d).filter((d) => d !== 1);
  const [mean, rstd] = statisticsOf(input, dims, eps);
  return [output, mean.flatten(), rstd.flatten()];
}
