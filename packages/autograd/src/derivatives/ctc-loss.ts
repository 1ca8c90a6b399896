/** @file Derivative of the CTC loss, once; PyTorch has no second one either. */
import { type CtcOps, ctcLossGradient } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

export const ctcRules = {
  ctcLoss: {
    save: ({ inputs, outputs }) => [inputs[0], outputs[0], outputs[1]],
    backward: ({ attributes: { samples, zeroInfinity }, saved: [x, losses, alpha] }, grad) => [
      ctcLossGradient(grad, x!, losses!, alpha!, samples, zeroInfinity),
    ],
  },
} satisfies Rules<keyof CtcOps>;
