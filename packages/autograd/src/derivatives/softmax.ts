/** @file Derivatives of softmax and its logarithm, from the saved result. */
import type { SoftmaxOps } from '@flambeau/tensor';
import type { Rules } from '../rule.ts';

export const softmaxRules = {
  // ∂L/∂x = y ∘ (g − Σ g ∘ y)
  softmax: {
    save: ({ outputs }) => [outputs[0]],
    backward: ({ attributes: { dim }, saved: [y] }, grad) => {
      const weighted = grad.mul(y!);
      return [weighted.sub(y!.mul(weighted.sum(dim, true)))];
    },
  },
  // ∂L/∂x = g − exp(y) Σ g
  logSoftmax: {
    save: ({ outputs }) => [outputs[0]],
    backward: ({ attributes: { dim }, saved: [y] }, grad) => [grad.sub(y!.exp().mul(grad.sum(dim, true)))],
  },
} satisfies Rules<keyof SoftmaxOps>;
