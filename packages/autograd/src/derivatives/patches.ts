/** @file Derivatives of unfold and fold: each is the other's. */
import { col2im, im2col, type PatchOps } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

export const patchRules = {
  im2col: { node: 'Im2ColBackward0', backward: ({ attributes }, grad) => [col2im(grad, attributes)] },
  col2im: { node: 'Col2ImBackward0', backward: ({ attributes }, grad) => [im2col(grad, attributes)] },
} satisfies Rules<keyof PatchOps>;
