/** @file Derivatives of scans. */
import { eye, type ScanOps, type Tensor, where } from '@flambeau/tensor';
import { state } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';
import { zerosFor } from './zeros.ts';

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

/**
 * The same as ordinary ops without divisions and cases, for derivatives of derivatives: at [k, i] the product of all
 * elements up to i but x_k. As large as the square of the dimension.
 */
function differentiableCumprodBackward(grad: Tensor, x: Tensor, dim: number): Tensor {
  if (x.ndim === 0) return grad;
  const size = x.shape[dim]!;
  const [rows, g] = [x.movedim(dim, -1).unsqueeze(-2), grad.movedim(dim, -1).unsqueeze(-2)];
  const itself = eye(size, { dtype: 'bool', device: x.device });
  const others = where(itself, 1, rows).cumprod(-1).triu();
  return others.mul(g).sum(-1).movedim(-1, dim);
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
    backward: ({ attributes: { dim }, inputs: [meta], saved: [x, y] }, grad) => {
      const wide = x!.to(grad.dtype).conj();
      const gradient = state.gradEnabled
        ? differentiableCumprodBackward(grad, wide, dim)
        : cumprodBackward(grad, wide, y!.conj(), dim);
      return [gradient.to(meta!.dtype)];
    },
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
      return x!.shape.length === 0 ? [grad] : [zerosFor(x!).scatterAdd_(dim, indices!, grad)];
    },
  },
} satisfies Rules<keyof ScanOps>;
