/** @file Derivatives of picking by index: the gradient goes back to where each element came from. */
import type { GatherOps } from '@flambeau/tensor';
import type { Rules } from '../rule.ts';
import { zerosFor } from './zeros.ts';

export const gatherRules = {
  gather: {
    save: ({ inputs }) => [inputs[1]],
    backward: ({ inputs, attributes: { dim }, saved: [index] }, grad) => [
      zerosFor(inputs[0]!).scatterAdd_(dim, index!, grad),
    ],
  },
  indexSelect: {
    save: ({ inputs }) => [inputs[1]],
    backward: ({ inputs, attributes: { dim }, saved: [index] }, grad) => [
      zerosFor(inputs[0]!).indexAdd_(dim, index!, grad),
    ],
  },
  take: {
    save: ({ inputs }) => [inputs[1]],
    backward: ({ inputs, saved: [index] }, grad) => [zerosFor(inputs[0]!).put_(index!, grad, true)],
  },
} satisfies Rules<keyof GatherOps>;
