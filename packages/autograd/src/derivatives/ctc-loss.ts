/** @file Derivative of the CTC loss, once; PyTorch has no second one either. */
import type { Tensor } from '@flambeau/tensor';
import { type CtcOps, ctcLossGradient, untracked } from '@flambeau/tensor/internal';
import { refusingGradients } from '../once.ts';
import type { Rules } from '../rule.ts';

export const ctcRules = {
  ctcLoss: {
    shown: () => [0],
    save: ({ inputs, outputs }) => [...inputs, ...outputs],
    backward: ({ attributes: { blank, zeroInfinity }, saved }, grad) => {
      const [x, labels, lengths, steps, losses, alpha] = saved as readonly Tensor[];
      const samples = { labels: labels!, lengths: lengths!, steps: steps!, blank };
      return refusingGradients(
        'ctcLoss(): there are no second derivatives of this loss (nor are there in PyTorch)',
        [grad, x!],
        [untracked(() => ctcLossGradient(grad, x!, losses!, alpha!, samples, zeroInfinity))],
      );
    },
  },
} satisfies Rules<keyof CtcOps>;
