/** @file Derivative of the CTC loss, once; PyTorch has no second one either. */
import { type CtcOps, ctcLossGradient, untracked } from '@flambeau/tensor/internal';
import { refusingGradients } from '../once.ts';
import type { Rules } from '../rule.ts';

export const ctcRules = {
  ctcLoss: {
    save: ({ inputs, outputs }) => [inputs[0], outputs[0], outputs[1]],
    backward: ({ attributes: { samples, zeroInfinity }, saved: [x, losses, alpha] }, grad) =>
      refusingGradients(
        'ctcLoss(): there are no second derivatives of this loss (nor are there in PyTorch)',
        [grad, x],
        [untracked(() => ctcLossGradient(grad, x!, losses!, alpha!, samples, zeroInfinity))],
      ),
  },
} satisfies Rules<keyof CtcOps>;
