/** @file Makers of the ordinary public forms of pointwise ops. */
import { checkOptions } from '../args.ts';
import type { Scalar } from '../backend.ts';
import { isComplexValue } from '../complex-scalar.ts';
import { DTypeError } from '../errors.ts';
import type { Expr } from '../ir/expr.ts';
import {
  type Pointwise,
  type PointwiseFunction,
  type PointwiseSpec,
  pointwise,
  pointwiseFunction,
} from '../pointwise.ts';
import type { Tensor } from '../tensor.ts';
import type { ComplexValue } from '../values.ts';

/** A tensor, or a number that counts as a scalar operand; `{ re, im }` is a complex one. */
export type TensorOrScalar = Tensor | Scalar | ComplexValue;

export interface OutOption {
  /** Receives the result and is returned. */
  out?: Tensor | undefined;
}

/** Makes `f(self, { out })` from an expression. */
export function unary(
  name: string,
  expression: (x: Expr) => Expr,
  spec: Omit<PointwiseSpec, 'name'>,
): PointwiseFunction<[options?: OutOption]> {
  const op = pointwise(1, expression, { name, ...spec });
  return pointwiseFunction((self: Tensor, options?: OutOption) => {
    if (options === undefined) return [op, [self]];
    checkOptions(name, options, ['out']);
    return [op, [self], options.out];
  });
}

/** A function of a tensor and a tensor or number. */
export type BinaryFunction = PointwiseFunction<[other: TensorOrScalar, options?: OutOption]>;
/** A function of two operands of which either may be a number, e.g. `pow(2, x)`. */
export type EitherFunction = PointwiseFunction<[other: TensorOrScalar, options?: OutOption], TensorOrScalar>;
/** A function of two tensors. */
export type TensorFunction = PointwiseFunction<[other: Tensor, options?: OutOption]>;

/** @throws TypeError for a number where PyTorch wants a tensor. */
export function checkTensor(op: string, argument: string, value: TensorOrScalar): asserts value is Tensor {
  if (typeof value !== 'object') {
    throw new TypeError(`${op}(): ${argument} must be a tensor, got ${typeof value} ${value}; use tensor(${value})`);
  }
  if (isComplexValue(value))
    throw new TypeError(`${op}(): ${argument} must be a tensor, got a complex number; use tensor(...)`);
}

/** Makes `f(self, other, { out })` where either operand may be a number; `scalarOp` is for numbers as `other`. */
export function eitherFunction(op: Pointwise, scalarOp: Pointwise = op): EitherFunction {
  return pointwiseFunction<[other: TensorOrScalar, options?: OutOption], TensorOrScalar>((self, other, options) => {
    const chosen = typeof other === 'object' ? op : scalarOp;
    if (options === undefined) return [chosen, [self, other]];
    checkOptions(op.name, options, ['out']);
    return [chosen, [self, other], options.out];
  });
}

/** Makes `f(self, other, { out })` from an op, or from two that differ when `other` is a number. */
export function binaryFunction(op: Pointwise, scalarOp: Pointwise = op): BinaryFunction {
  return pointwiseFunction((self: Tensor, other: TensorOrScalar, options?: OutOption) => {
    checkTensor(op.name, 'the first argument', self);
    const chosen = typeof other === 'object' ? op : scalarOp;
    if (options === undefined) return [chosen, [self, other]];
    checkOptions(op.name, options, ['out']);
    return [chosen, [self, other], options.out];
  });
}

type Spec = Omit<PointwiseSpec, 'name'>;

/** Makes `f(self, other, { out })` from an expression; `other` may be a number. */
export function binary(name: string, expression: (a: Expr, b: Expr) => Expr, spec: Spec): BinaryFunction {
  return binaryFunction(pointwise(2, expression, { name, ...spec }));
}

/** Makes `f(self, other, { out })` from an expression; either operand may be a number. */
export function either(name: string, expression: (a: Expr, b: Expr) => Expr, spec: Spec): EitherFunction {
  return eitherFunction(pointwise(2, expression, { name, ...spec }));
}

/** Makes `f(self, other, { out })` of two tensors from an expression. */
export function ofTensors(name: string, expression: (a: Expr, b: Expr) => Expr, spec: Spec): TensorFunction {
  const op = pointwise(2, expression, { name, ...spec });
  return pointwiseFunction((self: Tensor, other: Tensor, options?: OutOption) => {
    checkTensor(name, 'the first argument', self);
    checkTensor(name, 'other', other);
    if (options === undefined) return [op, [self, other]];
    checkOptions(name, options, ['out']);
    return [op, [self, other], options.out];
  });
}

/** @throws DTypeError when two arguments of an op that does not promote have different dtypes. */
export function sameDType(op: string, a: Tensor, b: Tensor): void {
  if (a.dtype !== b.dtype)
    throw new DTypeError(
      `${op}(): arguments must have one dtype, got ${a.dtype} and ${b.dtype}; convert one with .to(dtype)`,
    );
}
