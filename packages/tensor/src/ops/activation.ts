/** @file Activations that PyTorch has as tensor methods too; all are in functional/. */
import { hardshrink as shrink } from '../functional/activation.ts';
import type { Tensor } from '../tensor.ts';
import { unary } from './make.ts';

export { relu } from '../functional/activation.ts';
export { prelu } from '../functional/gates.ts';

/** 1 / (1 + e^−self). */
export const sigmoid = unary('sigmoid', (x) => x.sigmoid(), { promotion: 'float' });

/** self outside [−lambd, lambd], else 0. */
export function hardshrink(self: Tensor, lambd = 0.5): Tensor {
  return shrink(self, lambd);
}
