/** @file Derivatives of softmax and its logarithm, from the saved result. */
import type { SoftmaxOps, Tensor } from '@flambeau/tensor';
import { softmaxGradient, state } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

/** By the device's own kernel where it has one and no graph of this pass is being built, else composed. */
const gradient = (grad: Tensor, y: Tensor, dim: number, log: boolean, composed: () => Tensor): Tensor =>
  (state.gradEnabled ? null : softmaxGradient(grad, y, dim, log)) ?? composed();

export const softmaxRules = {
  // ∂L/∂x = y ∘ (g − Σ g ∘ y)
  softmax: {
    save: ({ outputs }) => [outputs[0]],
    backward: ({ attributes: { dim }, saved: [y] }, grad) => [
      gradient(grad, y!, dim, false, () => {
        const weighted = grad.mul(y!);
        return weighted.sub(y!.mul(weighted.sum(dim, true)));
      }),
    ],
  },
  // ∂L/∂x = g − exp(y) Σ g
  logSoftmax: {
    save: ({ outputs }) => [outputs[0]],
    backward: ({ attributes: { dim }, saved: [y] }, grad) => [
      gradient(grad, y!, dim, true, () => grad.sub(y!.exp().mul(grad.sum(dim, true)))),
    ],
  },
} satisfies Rules<keyof SoftmaxOps>;
