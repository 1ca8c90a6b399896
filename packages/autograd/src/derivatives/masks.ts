/** @file Derivatives of boolean masks. */
import { cat, type MaskOps, zeros } from '@flambeau/tensor';
import type { Rules } from '../rule.ts';
import { zerosFor } from './zeros.ts';

export const maskRules = {
  maskedSelect: {
    save: ({ inputs }) => [inputs[1]],
    backward: ({ inputs, saved: [mask] }, grad) => [zerosFor(inputs[0]!).maskedScatter(mask!, grad)],
  },
  maskedScatter: {
    save: ({ inputs }) => [inputs[1]],
    backward: ({ inputs, needs, saved: [mask] }, grad) => {
      const own = needs[0] ? grad.maskedFill(mask!, 0) : null;
      if (!needs[2]) return [own];
      const { shape, dtype, device } = inputs[2]!;
      const used = grad.maskedSelect(mask!);
      // What the source had beyond the mask's true elements was not used.
      const rest = shape.reduce((a, b) => a * b, 1) - used.elementCount;
      return [own, null, cat([used, zeros([rest], { dtype, device })]).reshape(shape)];
    },
  },
} satisfies Rules<keyof MaskOps>;
