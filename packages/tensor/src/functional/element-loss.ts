/** @file Losses that are an expression of each element, averaged or summed in one kernel; the derivative is the expression's. */
import type { ClassSpec, Scalar } from '../backend.ts';
import { isDifferentiable, isFloating } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import type { Expr } from '../ir/expr.ts';
import { temporaries } from '../memory.ts';
import { callPointwise, mixedDevices, type Pointwise, pointwise } from '../pointwise.ts';
import { resultType } from '../promotion.ts';
import { record } from '../record.ts';
import { type Reduction, reduceTensors, reduction } from '../reduction.ts';
import { broadcastShapes } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';

/** What becomes of the losses of single elements. */
export type LossReduction = 'none' | 'mean' | 'sum';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface LossOps {
  /** The sum of a pointwise loss over all elements, divided by `divisor`. `scalars` are the loss's last arguments. */
  reducedLoss: {
    readonly loss: Pointwise;
    readonly scalars: readonly Scalar[];
    readonly divisor: number;
    readonly shape: readonly number[];
  };
  /**
   * Negative log likelihood of (x, index, factors, total): minus the elements of x at `index` along `dim`, times the
   * factors (1 if null); if `reduced`, summed and divided by `divisor`, or by `total` if that is not null.
   */
  /**
   * Of (input, index, factors, total, null, null), where it is composed; of (input, null, null, total, target, weight),
   * where the device has a kernel.
   */
  nllLoss: ClassSpec & { readonly spatial: boolean; readonly divisor: number };
}

export interface LossOptions {
  reduction?: LossReduction | undefined;
}

/** @throws RangeError for an unknown reduction. */
export function checkReduction(op: string, reduction: string): asserts reduction is LossReduction {
  if (reduction === 'none' || reduction === 'mean' || reduction === 'sum') return;
  throw new RangeError(`${op}(): reduction must be 'none', 'mean' or 'sum', got '${String(reduction)}'`);
}

export interface ElementLoss {
  readonly op: Pointwise;
  readonly reduced: Reduction;
}

/** A loss of single elements, and the reduction kernel that sums it. */
export function elementLoss(
  arity: number,
  parameters: number,
  name: string,
  expression: (...inputs: Expr[]) => Expr,
  derivative?: Pointwise['derivative'],
): ElementLoss {
  return temporaries(() => {
    const op = pointwise(arity, expression, {
      name,
      promotion: 'promote',
      parameters,
      ...(derivative && { derivative }),
    });
    return {
      op,
      reduced: reduction({
        name,
        kind: 'sum',
        prologue: (...inputs) => expression(...inputs),
        epilogue: (total, divisor) => total.div(divisor!),
      }),
    };
  });
}

/**
 * A loss of tensors that broadcast with each other.
 * @throws RangeError for an unknown reduction, DTypeError unless the common dtype is a floating one, ShapeError when the
 *   shapes do not broadcast.
 */
export function applyLoss(
  { op, reduced }: ElementLoss,
  tensors: readonly Tensor[],
  scalars: readonly Scalar[],
  reductionKind: LossReduction,
): Tensor {
  return temporaries(() => {
    checkReduction(op.name, reductionKind);
    const dtype = resultType(...tensors);
    if (!isFloating(dtype))
      throw new DTypeError(
        `${op.name}(): needs floating point tensors, got ${tensors.map((x) => x.dtype).join(' and ')}; convert with .to('float32')`,
      );
    const args = [...tensors, ...scalars];
    if (reductionKind === 'none') return callPointwise(op, args);
    let shape = tensors[0]!.shape;
    for (const x of tensors) {
      if (x.device !== tensors[0]!.device) throw mixedDevices(op.name, tensors[0]!, x);
      shape = broadcastShapes(op.name, shape, x.shape);
    }
    const divisor = reductionKind === 'mean' ? shape.reduce((n, size) => n * size, 1) : 1;
    const dims = shape.map((_, d) => d);
    const out = reduceTensors(reduced, args, dims, false, { compute: dtype, output: dtype }, [divisor]);
    return record('reducedLoss', tensors, out, { loss: op, scalars, divisor, shape });
  });
}

/** Integers as the default floating dtype: for losses that PyTorch computes with its floating options. */
export const asFloating = (tensors: readonly Tensor[]): Tensor[] =>
  isDifferentiable(resultType(...tensors)) ? [...tensors] : tensors.map((x) => x.to(state.defaultDType));

/** Reduces losses that other ops computed. */
export function reduceLoss(losses: Tensor, how: LossReduction): Tensor {
  return how === 'mean' ? losses.mean() : how === 'sum' ? losses.sum() : losses;
}
