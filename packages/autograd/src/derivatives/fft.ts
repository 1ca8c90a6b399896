/**
 * @file Derivatives of Fourier transforms. A transform's matrix is symmetric, so its conjugate transpose, which the
 * gradient goes through, is the transform in the other direction with the same scale.
 */
import { cat, ones, type Tensor, zeros } from '@flambeau/tensor';
import { contiguousStrides, type FftOps, fftC2c, fftR2c, inZeros } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

/** Twice what stands for its conjugate as well: all but frequency 0 and, of an even size, the last one. */
function doubled(half: Tensor, dim: number, size: number): Tensor {
  const count = half.shape[dim]!;
  const { device } = half;
  const twice = ones([size - count], { device }).mul(2);
  const weights = cat([ones([1], { device }), twice, zeros([2 * count - size - 1], { device }).add(1)]);
  return half.mul(weights.view(half.shape.map((_, d) => (d === dim ? count : 1))));
}

export const fftRules = {
  fftC2c: {
    node: 'FftC2CBackward0',
    backward: ({ attributes: { dims, inverse, scale } }, grad) => [fftC2c(grad, dims, !inverse, scale)],
  },
  fftR2c: {
    node: 'FftR2CBackward0',
    backward: ({ attributes: { dims, scale }, inputs: [x] }, grad) => [
      fftC2c(inZeros(grad, x!.shape, contiguousStrides(x!.shape), 0), dims, true, scale).real,
    ],
  },
  fftC2r: {
    node: 'FftC2RBackward0',
    backward: ({ attributes: { dims, scale, size } }, grad) => [doubled(fftR2c(grad, dims, scale), dims.at(-1)!, size)],
  },
} satisfies Rules<keyof FftOps>;
