/** @file Derivatives of cat and stack. */
import { type JoinOps, zeros } from '@flambeau/tensor';
import type { Rules } from '../rule.ts';

export const joinRules = {
  cat: {
    backward: ({ inputs, needs, attributes: { dim, sizes } }, grad) => {
      let start = 0;
      return inputs.map((input, i) => {
        const [size, { shape, dtype, device }] = [sizes[i], input!];
        if (size === null || size === undefined) return needs[i] ? zeros([...shape], { dtype, device }) : null;
        start += size;
        return needs[i] ? grad.narrow(dim, start - size, size).to(dtype) : null;
      });
    },
  },
  stack: {
    backward: ({ inputs, needs, attributes: { dim } }, grad) =>
      grad.unbind(dim).map((part, i) => (needs[i] ? part.to(inputs[i]!.dtype) : null)),
  },
} satisfies Rules<keyof JoinOps>;
