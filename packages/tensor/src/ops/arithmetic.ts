/** @file Arithmetic of two operands, and negation. */
import { checkOptions } from '../args.ts';
import { filled } from '../creation.ts';
import { call, Expr } from '../ir/expr.ts';
import {
  type Pointwise,
  type PointwiseFunction,
  type PointwiseSpec,
  pointwise,
  pointwiseFunction,
  type StatedDerivative,
} from '../pointwise.ts';
import { scalarDType } from '../promotion.ts';
import { backendFor, state } from '../state.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import type { Value } from '../values.ts';
import {
  type BinaryFunction,
  binaryFunction,
  checkTensor,
  type EitherFunction,
  eitherFunction,
  type OutOption,
  sameDType,
  type TensorOrScalar,
  unary,
} from './make.ts';

export interface AlphaOptions extends OutOption {
  /** Multiplies the second operand first. */
  alpha?: Value | undefined;
}

const isFloat = (value: TensorOrScalar): boolean => typeof value === 'number' && !Number.isSafeInteger(value);

/**
 * The first operand. Sums, differences, products and quotients accept even two numbers, as in PyTorch: the first
 * becomes a 0-d tensor on the default device then, of the precision that numbers have, or else of what the device has.
 */
function firstOperand(self: TensorOrScalar, other: TensorOrScalar): TensorOrScalar {
  if (typeof self === 'object' || typeof other === 'object') return self;
  const dtype = isFloat(self) || isFloat(other) ? 'float64' : scalarDType(self);
  const narrow = dtype === 'float64' ? 'float32' : 'int32';
  const { dtypes } = backendFor(state.defaultDevice);
  return filled('scalarTensor', [], self, { dtype: dtypes.has(dtype) ? dtype : narrow });
}

type AlphaFunction = PointwiseFunction<[other: TensorOrScalar, options?: AlphaOptions], TensorOrScalar>;

/** `always` says when even a factor of 1 is multiplied by. */
function withAlpha(
  name: string,
  plain: Pointwise,
  scaled: Pointwise,
  always: ((self: TensorOrScalar, other: TensorOrScalar) => boolean) | null = null,
): AlphaFunction {
  return pointwiseFunction<[other: TensorOrScalar, options?: AlphaOptions], TensorOrScalar>((self, other, options) => {
    const first = firstOperand(self, other);
    const scales = always?.(first, other) ?? false;
    if (options === undefined) return scales ? [scaled, [first, other, 1]] : [plain, [first, other]];
    checkOptions(name, options, ['alpha', 'out']);
    const { alpha = 1, out } = options;
    return alpha === 1 && !scales ? [plain, [first, other], out] : [scaled, [first, other, alpha], out];
  });
}

const addSpec: PointwiseSpec = { name: 'add', promotion: 'promote' };
const addOp = pointwise(2, (a, b) => a.add(b), addSpec);
const addScaledOp = pointwise(3, (a, b, alpha) => a.add(alpha.mul(b)), { ...addSpec, parameters: 1 });

const subSpec: PointwiseSpec = { name: 'sub', promotion: 'promote', refuses: ['bool'] };
const subOp = pointwise(2, (a, b) => a.sub(b), subSpec);
const subScaledOp = pointwise(3, (a, b, alpha) => a.sub(alpha.mul(b)), { ...subSpec, parameters: 1 });

/**
 * self + alpha · other, elementwise with broadcasting; bools: or. `x.add_(y)` in place.
 *
 * ```ts
 * tensor([1, 2]).add(tensor([10, 20]), { alpha: 2 }); // tensor([21., 42.])
 * ```
 */
export const add = withAlpha('add', addOp, addScaledOp);

const isComplexTensor = (x: TensorOrScalar): boolean => isTensor(x) && x.isComplex();

/**
 * self − alpha · other. @throws DTypeError for bools: use logicalXor. As in PyTorch the product is a complex one even for
 * alpha 1, so that an infinite part of `other` makes its other part NaN.
 */
export const sub = withAlpha('sub', subOp, subScaledOp, (a, b) => isComplexTensor(a) || isComplexTensor(b));
export const subtract = sub;

const rsubSpec: PointwiseSpec = { name: 'rsub', promotion: 'promote', refuses: ['bool'], parameters: 1 };
const rsubExpression = (a: Expr, b: Expr, alpha: Expr): Expr => b.sub(alpha.mul(a));
const rsubOp = pointwise(3, rsubExpression, rsubSpec);
const rsubScalarOp = pointwise(3, rsubExpression, { ...rsubSpec, node: 'RsubBackward1' });

/** other − alpha · self. */
export const rsub: PointwiseFunction<[other: TensorOrScalar, options?: AlphaOptions]> = pointwiseFunction(
  (self: Tensor, other: TensorOrScalar, options: AlphaOptions = {}) => {
    checkTensor('rsub', 'the first argument', self);
    checkOptions('rsub', options, ['alpha', 'out']);
    return [typeof other === 'object' ? rsubOp : rsubScalarOp, [self, other, options.alpha ?? 1], options.out];
  },
);

/** `f(self, other, { out })` where even both operands may be numbers. */
function ofNumbers(name: string, op: Pointwise): EitherFunction {
  return pointwiseFunction<[other: TensorOrScalar, options?: OutOption], TensorOrScalar>((self, other, options) => {
    const first = firstOperand(self, other);
    if (options === undefined) return [op, [first, other]];
    checkOptions(name, options, ['out']);
    return [op, [first, other], options.out];
  });
}

const mulOp = pointwise(2, (a, b) => a.mul(b), { name: 'mul', promotion: 'promote' });

/** self · other; bools: and. */
export const mul: EitherFunction = ofNumbers('mul', mulOp);
export const multiply = mul;

const divDerivative: StatedDerivative = (grad, [a, b]) => [grad.div(b!), grad.neg().mul(a!.div(b!).div(b!))];
const divSpec: PointwiseSpec = {
  name: 'div',
  promotion: 'promote',
  refuses: ['bool'],
  throws: true,
  node: 'DivBackward2',
};
const trueDiv = pointwise(2, (a, b) => a.div(b), { name: 'div', promotion: 'float', derivative: divDerivative });
const truncDiv = pointwise(2, (a, b) => call('truncDiv', a, b), divSpec);
const floorDiv = pointwise(2, (a, b) => call('floorDiv', a, b), divSpec);

export interface DivOptions extends OutOption {
  /** null: true division; 'trunc': towards zero; 'floor': down. */
  roundingMode?: 'trunc' | 'floor' | null | undefined;
}

/**
 * self / other. Integers give the default floating dtype unless `roundingMode` is given; then they stay integers.
 * @throws RangeError for a rounded integer division by zero.
 */
export const div: PointwiseFunction<[other: TensorOrScalar, options?: DivOptions], TensorOrScalar> = pointwiseFunction<
  [other: TensorOrScalar, options?: DivOptions],
  TensorOrScalar
>((self, other, options) => {
  const first = firstOperand(self, other);
  if (options === undefined) return [trueDiv, [first, other]];
  checkOptions('div', options, ['roundingMode', 'out']);
  const { roundingMode = null, out } = options;
  if (roundingMode !== null && roundingMode !== 'trunc' && roundingMode !== 'floor') {
    throw new TypeError(`div(): roundingMode must be null, 'trunc' or 'floor', got ${JSON.stringify(roundingMode)}`);
  }
  return [roundingMode === null ? trueDiv : roundingMode === 'trunc' ? truncDiv : floorDiv, [first, other], out];
});
export const divide = div;

/** self / other, as a floating result always. */
export const trueDivide: EitherFunction = ofNumbers('trueDivide', trueDiv);

const floorDivideOp = pointwise(2, (a, b) => call('floorDiv', a, b), {
  name: 'floorDivide',
  promotion: 'promote',
  refuses: ['bool'],
  throws: true,
  differentiable: false,
});

/** The quotient rounded down, without gradient (as in PyTorch; `div` with roundingMode 'floor' has a zero one). */
export const floorDivide: EitherFunction = ofNumbers('floorDivide', floorDivideOp);

/** Two entries for the two graph nodes that PyTorch has, for a tensor and for a number as divisor. */
function remainderOps(
  name: string,
  fn: 'mod' | 'fmod',
  tensorNode: string,
): readonly [tensorOp: Pointwise, scalarOp: Pointwise] {
  const spec: PointwiseSpec = { name, promotion: 'promote', refuses: ['bool'], throws: true };
  const expression = (a: Expr, b: Expr): Expr => call(fn, a, b);
  const make = (more: PointwiseSpec): Pointwise => pointwise(2, expression, more);
  return [make({ ...spec, node: tensorNode }), make(spec)];
}

const [remainderOp, remainderScalarOp] = remainderOps('remainder', 'mod', 'RemainderBackward1');

/** Remainder with the sign of the divisor, Python's %. @throws RangeError for integers by zero. */
export const remainder: EitherFunction = eitherFunction(remainderOp, remainderScalarOp);

/** Remainder with the sign of the dividend, C's fmod. @throws RangeError for integers by zero. */
export const fmod: BinaryFunction = binaryFunction(...remainderOps('fmod', 'fmod', 'FmodBackward1'));

/** −self. @throws DTypeError for bools: use logicalNot. */
export const neg = unary('neg', (x) => x.neg(), { promotion: 'promote', refuses: ['bool'] });
export const negative = neg;

export interface ValueOptions extends OutOption {
  /** Multiplies the product or quotient. Default 1. */
  value?: Value | undefined;
}

type TernaryFunction = PointwiseFunction<[tensor1: Tensor, tensor2: Tensor, options?: ValueOptions]>;

function withValue(name: string, op: Pointwise): TernaryFunction {
  return pointwiseFunction((self: Tensor, tensor1: Tensor, tensor2: Tensor, options: ValueOptions = {}) => {
    checkOptions(name, options, ['value', 'out']);
    return [op, [self, tensor1, tensor2, options.value ?? 1], options.out];
  });
}

/** self + value · tensor1 · tensor2. */
export const addcmul = withValue(
  'addcmul',
  pointwise(4, (x, a, b, value) => x.add(value.mul(a).mul(b)), {
    name: 'addcmul',
    promotion: 'promote',
    parameters: 1,
    refuses: ['bool'],
  }),
);

/** self + value · tensor1 / tensor2. @throws DTypeError for integers, whose division would have to be rounded. */
export const addcdiv = withValue(
  'addcdiv',
  pointwise(4, (x, a, b, value) => x.add(value.mul(a).div(b)), {
    name: 'addcdiv',
    promotion: 'promote',
    parameters: 1,
    refuses: ['bool', 'int'],
    derivative: (grad, [, a, b, value]) => [
      grad,
      grad.mul(value!.div(b!)),
      grad.neg().mul(value!.mul(a!).div(b!.mul(b!))),
    ],
  }),
);

const lerpExpression = (a: Expr, b: Expr, weight: Expr): Expr => {
  // From the nearer end, so that weight 1 gives `end` exactly.
  const step = b.sub(a);
  return weight
    .abs()
    .lt(0.5)
    .where(a.add(weight.mul(step)), b.sub(step.mul(Expr.const(1).sub(weight))));
};
const lerpSpec: PointwiseSpec = {
  name: 'lerp',
  promotion: 'promote',
  refuses: ['bool', 'int'],
  derivative: (grad, [a, b, weight]) => [grad.mul(Expr.const(1).sub(weight!)), grad.mul(weight!), grad.mul(b!.sub(a!))],
};
const lerpScalarOp = pointwise(3, lerpExpression, { ...lerpSpec, parameters: 1 });
const lerpTensorOp = pointwise(3, lerpExpression, { ...lerpSpec, node: 'LerpBackward1' });

/** self + weight · (end − self), for a number or a tensor of weights. All tensors must have one floating dtype. */
export const lerp: PointwiseFunction<[end: Tensor, weight: TensorOrScalar, options?: OutOption]> = pointwiseFunction(
  (self: Tensor, end: Tensor, weight: TensorOrScalar, options: OutOption = {}) => {
    checkOptions('lerp', options, ['out']);
    sameDType('lerp', self, end);
    const tensorWeight = isTensor(weight);
    if (tensorWeight) sameDType('lerp', self, weight);
    return [tensorWeight ? lerpTensorOp : lerpScalarOp, [self, end, weight], options.out];
  },
);
