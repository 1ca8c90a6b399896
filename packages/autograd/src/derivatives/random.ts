/** @file Random numbers do not depend on what they replace: their gradients are zeros. */
import { zeros } from '@flambeau/tensor';
import type { RandomOps } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

export const randomRules = {
  random: {
    node: ({ node }) => node,
    backward: ({ inputs }) => inputs.map((x) => x && zeros(x.shape, { dtype: x.dtype, device: x.device })),
  },
} satisfies Rules<keyof RandomOps>;
