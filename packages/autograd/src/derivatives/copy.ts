/** @file Derivatives of copies and conversions. */
import type { ConvertOps, CopyOps } from '@flambeau/tensor';
import type { Rules } from '../rule.ts';

export const copyRules = {
  clone: { backward: (_, grad) => [grad] },
  copy: {
    node: 'CopyBackwards',
    shown: () => [0, 1],
    backward: ({ inputs: [, source] }, grad) => [null, grad.sumToSize([...source!.shape]).to(source!.dtype)],
  },
} satisfies Rules<keyof CopyOps>;

export const convertRules = {
  toCopy: { node: 'ToCopyBackward0', backward: ({ inputs }, grad) => [grad.to(inputs[0]!.dtype)] },
  toDevice: { node: 'ToCopyBackward0', backward: ({ inputs }, grad) => [grad.to(inputs[0]!.device)] },
} satisfies Rules<keyof ConvertOps>;
