/** @file Derivatives of indexing by tensors. */
import { type IndexOps, zeros } from '@flambeau/tensor';
import { index, indexPutAt } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';
import { zerosFor } from './zeros.ts';

export const indexRules = {
  index: {
    shown: () => [0],
    save: ({ inputs }) => inputs.slice(1),
    backward: ({ inputs, saved }, grad) => [indexPutAt.inplace(zerosFor(inputs[0]!), saved, grad, true)],
  },
  indexPut: {
    shown: () => [0, 1],
    save: ({ inputs }) => inputs.slice(2),
    backward: ({ inputs, needs, attributes: { accumulate }, saved }, grad) => {
      const { dtype, device } = inputs[0]!;
      const own = accumulate || !needs[0] ? grad : indexPutAt(grad, saved, zeros([], { dtype, device }), false);
      return [needs[0] ? own : null, needs[1] ? index(grad, saved).sumToSize(inputs[1]!.shape) : null];
    },
  },
} satisfies Rules<keyof IndexOps>;
