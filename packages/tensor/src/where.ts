/** @file The choice between two values by a condition. */
import { checkOptions } from './args.ts';
import { DTypeError } from './errors.ts';
import type { OutOption, TensorOrScalar } from './ops/make.ts';
import { nonzero } from './ops/masks.ts';
import { callPointwise, callPointwiseInto, pointwise } from './pointwise.ts';
import type { Tensor } from './tensor.ts';

const whereOp = pointwise(3, (condition, yes, no) => condition.where(yes, no), {
  name: 'where',
  promotion: 'promote',
  conditions: [0],
  // Chosen, not multiplied by 0 or 1: the gradient of the other branch may be infinite.
  derivative: (grad, [condition]) => [null, condition!.where(grad, 0), condition!.where(0, grad)],
});

/**
 * `condition ? x : y`, elementwise with broadcasting. The method is `x.where(condition, y)`. Gradients go to the branch
 * that was chosen; an infinite or NaN value in the other one does no harm. With the condition alone: the positions
 * where it holds, one vector for each dimension, as `nonzero(condition, { asTuple: true })`.
 *
 * ```ts
 * where(x.gt(0), x, 0); // relu
 * ```
 * @throws DTypeError when the condition is not bool.
 */
export function where(condition: Tensor): Tensor[];
export function where(condition: Tensor, x: TensorOrScalar, y: TensorOrScalar, options?: OutOption): Tensor;
export function where(
  condition: Tensor,
  x?: TensorOrScalar,
  y?: TensorOrScalar,
  options: OutOption = {},
): Tensor | Tensor[] {
  if (x === undefined && y === undefined) return nonzero(condition, { asTuple: true });
  if (x === undefined || y === undefined)
    throw new TypeError('where(): takes a condition and two values, or the condition alone');
  checkOptions('where', options, ['out']);
  if (condition.dtype !== 'bool' && condition.dtype !== 'uint8') {
    throw new DTypeError(`where(): the condition must be bool, got ${condition.dtype}; compare it, e.g. with .ne(0)`);
  }
  const args = [condition, x, y];
  return options.out === undefined
    ? callPointwise(whereOp, args)
    : callPointwiseInto(whereOp, args, options.out, false);
}
