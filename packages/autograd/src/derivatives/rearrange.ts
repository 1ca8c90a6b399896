/** @file Derivatives of copies in another order. */
import type { RearrangeOps } from '@flambeau/tensor';
import type { Rules } from '../rule.ts';
import { inDiagonal } from './views.ts';

export const rearrangeRules = {
  flip: { backward: ({ attributes: { dims } }, grad) => [grad.flip([...dims])] },
  roll: {
    backward: ({ attributes: { shifts, dims } }, grad) => [
      grad.roll(
        shifts.map((n) => -n),
        dims,
      ),
    ],
  },
  rot90: { backward: ({ attributes: { k, dims } }, grad) => [grad.rot90(-k, dims)] },
  repeat: {
    backward: ({ inputs, attributes: { repeats } }, grad) => {
      const { shape } = inputs[0]!;
      const lead = repeats.length - shape.length;
      // A pair of dimensions, (repeat, element), for each; the repeats are summed.
      const pairs = repeats.flatMap((n, i) => [n, i < lead ? 1 : shape[i - lead]!]);
      if (repeats.length === 0) return [grad];
      return [
        grad
          .reshape(pairs)
          .sum(repeats.map((_, i) => 2 * i))
          .reshape(shape),
      ];
    },
  },
  tril: { backward: ({ attributes: { diagonal } }, grad) => [grad.tril(diagonal)] },
  triu: { backward: ({ attributes: { diagonal } }, grad) => [grad.triu(diagonal)] },
  trace: {
    backward: ({ inputs }, grad) => {
      const { shape } = inputs[0]!;
      return [inDiagonal(grad.expand(Math.min(shape[0]!, shape[1]!)), shape, 0, 0, 1)];
    },
  },
  diagEmbed: { backward: ({ attributes: { offset, dim1, dim2 } }, grad) => [grad.diagonal(offset, dim1, dim2)] },
} satisfies Rules<keyof RearrangeOps>;
