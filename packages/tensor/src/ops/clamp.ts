/** @file Elementwise extremes and clamping. */
import { checkOptions, signature, type Trailing } from '../args.ts';
import type { Expr } from '../ir/expr.ts';
import {
  type Pointwise,
  type PointwiseArgument,
  type PointwiseFunction,
  type PointwiseSpec,
  type Prepared,
  pointwise,
  pointwiseFunction,
  type StatedDerivative,
} from '../pointwise.ts';
import type { Tensor } from '../tensor.ts';
import { checkTensor, type OutOption, ofTensors, type TensorFunction, type TensorOrScalar } from './make.ts';

/** The greater of two tensors, NaN where either is. Equal elements share the gradient. */
export const maximum: TensorFunction = ofTensors('maximum', (a, b) => a.max(b), { promotion: 'promote' });

/** The lesser of two tensors, NaN where either is. Equal elements share the gradient. */
export const minimum: TensorFunction = ofTensors('minimum', (a, b) => a.min(b), { promotion: 'promote' });

/** The whole gradient goes to `self` where it wins or `other` is NaN, else to `other`. */
const toOne =
  (wins: (a: Expr, b: Expr) => Expr): StatedDerivative =>
  (grad, [a, b]) => {
    const first = wins(a!, b!).or(b!.isNaN());
    return [first.where(grad, 0), first.where(0, grad)];
  };

const skipNaN = (a: Expr, b: Expr, both: Expr): Expr => a.isNaN().where(b, b.isNaN().where(a, both));

/** The greater of two tensors; NaN only where both are. */
export const fmax: TensorFunction = ofTensors('fmax', (a, b) => skipNaN(a, b, a.max(b)), {
  promotion: 'promote',
  derivative: toOne((a, b) => a.ge(b)),
});

/** The lesser of two tensors; NaN only where both are. */
export const fmin: TensorFunction = ofTensors('fmin', (a, b) => skipNaN(a, b, a.min(b)), {
  promotion: 'promote',
  derivative: toOne((a, b) => a.le(b)),
});

const promote = { promotion: 'promote' } as const;
const noBool = { promotion: 'promote', refuses: ['bool'] } as const;

/** Gradients by x and its bounds: bounds that are reached leave it with x. */
const clampDerivative: StatedDerivative = (grad, [x, low, high]) => [
  x!.ge(low!).and(x!.le(high!)).where(grad, 0),
  low!.lt(high!).and(x!.lt(low!)).where(grad, 0),
  x!.gt(high!).or(high!.lt(low!)).where(grad, 0),
];
const lowDerivative: StatedDerivative = (grad, [x, low]) => [x!.ge(low!).where(grad, 0), x!.lt(low!).where(grad, 0)];
const highDerivative: StatedDerivative = (grad, [x, high]) => [
  x!.le(high!).where(grad, 0),
  x!.gt(high!).where(grad, 0),
];

/** One entry for bounds that are tensors and one for numbers, under PyTorch's two node names. */
function variants(
  arity: number,
  expression: (...inputs: Expr[]) => Expr,
  spec: PointwiseSpec,
  tensorNode: string,
  scalarNode: string,
): (bound: TensorOrScalar) => Pointwise {
  const tensorOp = pointwise(arity, expression, { ...spec, node: tensorNode });
  const scalarOp = pointwise(arity, expression, { ...spec, node: scalarNode });
  return (bound) => (typeof bound === 'object' ? tensorOp : scalarOp);
}

const clampBoth = variants(
  3,
  (x, low, high) => x.max(low).min(high),
  { name: 'clamp', ...noBool, derivative: clampDerivative },
  'ClampBackward0',
  'ClampBackward1',
);
const clampLow = variants(
  2,
  (x, low) => x.max(low),
  { name: 'clamp', ...noBool, derivative: lowDerivative },
  'ClampBackward0',
  'ClampBackward1',
);
const clampHigh = variants(
  2,
  (x, high) => x.min(high),
  { name: 'clamp', ...noBool, derivative: highDerivative },
  'ClampBackward0',
  'ClampBackward1',
);
const clampMinOp = variants(
  2,
  (x, low) => x.max(low),
  { name: 'clampMin', ...promote, derivative: lowDerivative },
  'ClampMinBackward1',
  'ClampMinBackward0',
);
const clampMaxOp = variants(
  2,
  (x, high) => x.min(high),
  { name: 'clampMax', ...promote, derivative: highDerivative },
  'ClampMaxBackward1',
  'ClampMaxBackward0',
);

export interface ClampOptions extends OutOption {
  /** Lower bound; null for none. */
  min?: TensorOrScalar | null | undefined;
  /** Upper bound; null for none. */
  max?: TensorOrScalar | null | undefined;
}

type Bounds = { min: TensorOrScalar | null; max: TensorOrScalar | null; out: Tensor | undefined };
const parseClamp = signature<Bounds>('clamp', ['min', 'max'], { min: null, max: null, out: undefined });

type ClampArguments = Trailing<[min: TensorOrScalar | null, max: TensorOrScalar | null], ClampOptions>;

/**
 * min(max(self, min), max): values between two bounds, either of which may be a number, a tensor or absent. Where the
 * bounds cross the result is `max`. The gradient passes where self lies within or on the bounds.
 *
 * ```ts
 * x.clamp(0, 1); x.clamp({ min: 0 }); x.clamp_(-1, 1);
 * ```
 * @throws TypeError without any bound.
 */
export const clamp: PointwiseFunction<ClampArguments> = pointwiseFunction(
  (self: Tensor, ...args: ClampArguments): Prepared => {
    const { min, max, out } = parseClamp(args);
    const bounds = [min, max].filter((bound): bound is PointwiseArgument => bound !== null);
    const kinds = new Set(bounds.map((bound) => typeof bound === 'object'));
    if (bounds.length === 0) throw new TypeError('clamp(): at least one of min and max must be given');
    if (kinds.size > 1) throw new TypeError('clamp(): min and max must be both numbers or both tensors');
    const choose = bounds.length === 2 ? clampBoth : min === null ? clampHigh : clampLow;
    return [choose(bounds[0]!), [self, ...bounds], out];
  },
);
export const clip = clamp;

function oneBound(
  name: string,
  choose: (bound: TensorOrScalar) => Pointwise,
): PointwiseFunction<[bound: TensorOrScalar, options?: OutOption]> {
  return pointwiseFunction((self: Tensor, bound: TensorOrScalar, options: OutOption = {}) => {
    checkTensor(name, 'the first argument', self);
    checkOptions(name, options, ['out']);
    return [choose(bound), [self, bound], options.out];
  });
}

/** max(self, min). The gradient passes where self ≥ min. */
export const clampMin = oneBound('clampMin', clampMinOp);

/** min(self, max). The gradient passes where self ≤ max. */
export const clampMax = oneBound('clampMax', clampMaxOp);
