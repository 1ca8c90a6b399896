/** @file Gradients that nothing came back to. */
import { type Tensor, zeros } from '@flambeau/tensor';
import type { InputMeta } from '../rule.ts';

/** Zeros that fit an input. */
export function zerosFor({ shape, dtype, device }: InputMeta): Tensor {
  return zeros([...shape], { dtype, device });
}
