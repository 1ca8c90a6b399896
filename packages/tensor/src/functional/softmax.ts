/** @file softmax and its kin as functions of torch.nn.functional. */
import { softmax, type SoftmaxOptions } from '../ops/softmax.ts';
import type { Tensor } from '../tensor.ts';
import type { Trailing } from '../args.ts';

export { logSoftmax, softmax } from '../ops/softmax.ts';

/** softmax(−x) along `dim`: the least element gets the greatest share. */
export function softmin(input: Tensor, ...args: Trailing<[dim: number], SoftmaxOptions & { dim?: number | undefined }>): Tensor {
  return softmax(input.neg(), ...args);
}
