/** @file Derivatives of scans. */
import { type ScanOps, type Tensor, where, zeros } from '@flambeau/tensor';
import type { Rules } from '../rule.ts';

/** Sums of the elements from each one to the end. */
const sumsToEnd = (x: Tensor, dim: number): Tensor => (x.ndim === 0 ? x : x.flip(dim).cumsum(dim).flip(dim));

const logSumsToEnd = (x: Tensor, dim: number): Tensor => (x.ndim === 0 ? x : x.flip(dim).logcumsumexp(dim).flip(dim));

/**
 * With y the products: ∂L/∂x_k = Σ_{i≥k} g_i y_i / x_k, but nothing may be divided by 0. Before the first zero of a row
 * that formula holds; at it the sum is over products that leave it out; behind it all products are 0.
 */
function cumprodBackward(grad: Tensor, x: Tensor, y: Tensor, dim: number): Tensor {
  const zero = x.eq(0);
  const seen = zero.cumsum(dim);
  const before = seen.eq(0);
  const first = zero.logicalAnd(seen.eq(1));
  const usual = sumsToEnd(grad.mul(y), dim).div(where(before, x, 1));
  const without = sumsToEnd(grad.mul(where(first, 1, x).cumprod(dim)), dim);
  return where(before, usual, where(first, without, 0));
}

/** ∂L/∂x_k = Σ_{i≥k} g_i exp(x_k − y_i), for gradients of each sign in logarithms, so that nothing overflows. */
function logcumsumexpBackward(grad: Tensor, x: Tensor, y: Tensor, dim: number): Tensor {
  const part = (g: Tensor): Tensor => {
    const there = g.gt(0);
    const logarithms = where(there, where(there, g, 1).log().sub(y), Number.NEGATIVE_INFINITY);
    return logSumsToEnd(logarithms, dim).add(x).exp();
  };
  return part(grad).sub(part(grad.neg()));
}

export const scanRules = {
  cumsum: { backward: ({ attributes: { dim }, inputs: [x] }, grad) => [sumsToEnd(grad, dim).to(x!.dtype)] },
  cumprod: {
    save: ({ inputs, outputs }) => [inputs[0], outputs[0]],
    backward: ({ attributes: { dim }, inputs: [meta], saved: [x, y] }, grad) => [
      cumprodBackward(grad, x!.to(grad.dtype).conj(), y!.conj(), dim).to(meta!.dtype),
    ],
  },
  logcumsumexp: {
    save: ({ inputs, outputs }) => [inputs[0], outputs[0]],
    backward: ({ attributes: { dim }, saved: [x, y] }, grad) => [logcumsumexpBackward(grad, x!, y!, dim)],
  },
  cumulativeExtreme: {
    node: ({ node }) => node,
    save: ({ outputs }) => [outputs[1]],
    backward: ({ attributes: { dim }, inputs: [x], saved: [indices] }, grad) => {
      if (grad === null) return [null];
      const { shape, dtype, device } = x!;
      return shape.length === 0 ? [grad] : [zeros([...shape], { dtype, device }).scatterAdd(dim, indices!, grad)];
    },
  },
} satisfies Rules<keyof ScanOps>;
