/** @file Makers of the ordinary public forms of pointwise ops. */
import { checkOptions } from '../args.ts';
import type { Scalar } from '../backend.ts';
import type { Expr } from '../ir/expr.ts';
import { type Pointwise, type PointwiseFunction, type PointwiseSpec, pointwise, pointwiseFunction } from '../pointwise.ts';
import type { Tensor } from '../tensor.ts';

/** A tensor, or a number that counts as a scalar operand. */
export type TensorOrScalar = Tensor | Scalar;

export interface OutOption {
  /** Receives the result and is returned. */
  out?: Tensor | undefined;
}

/** Makes `f(self, { out })` from an expression. */
export function unary(
  name: string,
  expression: (x: Expr) => Expr,
  spec: Omit<PointwiseSpec, 'name'>,
): PointwiseFunction<[options?: OutOption]> & { readonly op: Pointwise } {
  const op = pointwise(1, expression as (...inputs: Expr[]) => Expr, { name, ...spec });
  const f = pointwiseFunction((self: Tensor, options?: OutOption) => {
    if (options === undefined) return [op, [self]];
    checkOptions(name, options, ['out']);
    return [op, [self], options.out];
  });
  return Object.assign(f, { op });
}

/** Makes `f(self, other, { out })` from an expression. */
export function binary(
  name: string,
  expression: (a: Expr, b: Expr) => Expr,
  spec: Omit<PointwiseSpec, 'name'>,
): PointwiseFunction<[other: TensorOrScalar, options?: OutOption]> & { readonly op: Pointwise } {
  const op = pointwise(2, expression as (...inputs: Expr[]) => Expr, { name, ...spec });
  const f = pointwiseFunction((self: Tensor, other: TensorOrScalar, options?: OutOption) => {
    if (options === undefined) return [op, [self, other]];
    checkOptions(name, options, ['out']);
    return [op, [self, other], options.out];
  });
  return Object.assign(f, { op });
}
