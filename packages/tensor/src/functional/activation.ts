/** @file Activation functions, elementwise. Gradients at the kinks are PyTorch's. */
import { signature, type Trailing } from '../args.ts';
import type { Scalar } from '../backend.ts';
import { call, Expr } from '../ir/expr.ts';
import {
  callPointwise,
  callPointwiseInto,
  type Pointwise,
  type PointwiseFunction,
  type PointwiseSpec,
  pointwise,
} from '../pointwise.ts';
import type { Tensor } from '../tensor.ts';

export interface InplaceOption {
  /** Overwrites the input with the result. */
  inplace?: boolean | undefined;
}

/** All options with their values. */
type Given<O> = { readonly [K in keyof O]-?: Exclude<O[K], undefined> };

const one = Expr.const(1);
const floating: Pick<PointwiseSpec, 'promotion' | 'refuses'> = { promotion: 'promote', refuses: ['bool', 'int'] };
const numeric: Pick<PointwiseSpec, 'promotion' | 'refuses'> = { promotion: 'promote', refuses: ['bool'] };

/**
 * The public function of an op. `defaults` names its arguments `P` behind the input in order; `parameters` makes the
 * op's numbers of them.
 */
function activation<P extends unknown[], O extends object>(
  op: Pointwise,
  defaults: Given<O>,
  parameters: (options: Given<O>) => readonly Scalar[],
): PointwiseFunction<Trailing<P, O>> {
  const parse = signature<Given<O>>(op.name, Object.keys(defaults) as (keyof O & string)[], defaults);
  const usual = parameters(defaults);
  const inplace = (input: Tensor, ...args: unknown[]): Tensor =>
    callPointwiseInto(op, [input, ...parameters(parse(args))], input, true);
  const outOfPlace = (input: Tensor, ...args: unknown[]): Tensor => {
    if (args.length === 0) return callPointwise(op, [input, ...usual]);
    const options: Given<O> & InplaceOption = parse(args);
    return options.inplace ? inplace(input, ...args) : callPointwise(op, [input, ...parameters(options)]);
  };
  return Object.assign(outOfPlace, { inplace });
}

/** An activation whose only option is `inplace`. */
function plain(
  name: string,
  expression: (x: Expr) => Expr,
  spec: Omit<PointwiseSpec, 'name'>,
): PointwiseFunction<Trailing<[inplace: boolean], InplaceOption>> {
  return activation<[inplace: boolean], InplaceOption>(
    pointwise(1, expression, { name, ...spec }),
    { inplace: false },
    () => [],
  );
}

/** max(x, 0). Gradient 0 at 0. */
export const relu = plain('relu', (x) => x.max(0), {
  ...numeric,
  derivative: (grad, _, y) => [y.le(0).where(0, grad)],
});
export const relu_ = relu.inplace;

const hardtanhSlope = (grad: Expr, x: Expr, low: Expr, high: Expr): Expr => x.le(low).or(x.ge(high)).where(0, grad);

/** min(max(x, 0), 6). Gradient 0 at both bounds. */
export const relu6 = plain('relu6', (x) => x.max(0).min(6), {
  ...numeric,
  node: 'HardtanhBackward0',
  derivative: (grad, [x]) => [hardtanhSlope(grad, x!, Expr.const(0), Expr.const(6))],
});

export interface HardtanhOptions extends InplaceOption {
  minVal?: number | undefined;
  maxVal?: number | undefined;
}

/** min(max(x, minVal), maxVal), by default between −1 and 1. Gradient 0 at both bounds. */
export const hardtanh = activation<[minVal: number, maxVal: number, inplace: boolean], HardtanhOptions>(
  pointwise(3, (x, low, high) => x.max(low).min(high), {
    name: 'hardtanh',
    ...numeric,
    parameters: 2,
    derivative: (grad, [x, low, high]) => [hardtanhSlope(grad, x!, low!, high!)],
  }),
  { minVal: -1, maxVal: 1, inplace: false },
  ({ minVal, maxVal }) => [minVal, maxVal],
);
export const hardtanh_ = hardtanh.inplace;

export interface LeakyReluOptions extends InplaceOption {
  negativeSlope?: number | undefined;
}

const leaky = (x: Expr, slope: Expr): Expr => x.gt(0).where(x, x.mul(slope));
const leakySlope = (grad: Expr, x: Expr, slope: Expr): Expr => x.gt(0).where(grad, grad.mul(slope));

/** x where x > 0, else negativeSlope · x (default 0.01). */
export const leakyRelu = activation<[negativeSlope: number, inplace: boolean], LeakyReluOptions>(
  pointwise(2, leaky, {
    name: 'leakyRelu',
    ...floating,
    parameters: 1,
    derivative: (grad, [x, slope]) => [leakySlope(grad, x!, slope!)],
  }),
  { negativeSlope: 0.01, inplace: false },
  ({ negativeSlope }) => [negativeSlope],
);
export const leakyRelu_ = leakyRelu.inplace;

/** scale · x above 0, alpha · (e^(inputScale · x) − 1) up to it. */
const exponentialLinear = (x: Expr, alpha: Expr, scale: Expr, inputScale: Expr): Expr =>
  x.le(0).where(call('expm1', x.mul(inputScale)).mul(alpha), x.mul(scale));
const exponentialSlope = (grad: Expr, x: Expr, alpha: Expr, scale: Expr, inputScale: Expr): Expr =>
  x.le(0).where(grad.mul(inputScale.mul(alpha).mul(x.mul(inputScale).exp())), grad.mul(scale));

export interface EluOptions extends InplaceOption {
  alpha?: number | undefined;
}

/** x where x > 0, else alpha · (e^x − 1). */
export const elu = activation<[alpha: number, inplace: boolean], EluOptions>(
  pointwise(2, (x, alpha) => exponentialLinear(x, alpha, one, one), {
    name: 'elu',
    ...floating,
    parameters: 1,
    derivative: (grad, [x, alpha]) => [exponentialSlope(grad, x!, alpha!, one, one)],
  }),
  { alpha: 1, inplace: false },
  ({ alpha }) => [alpha],
);
export const elu_ = elu.inplace;

/** x where x > 0, else alpha · (e^(x / alpha) − 1). @throws RangeError for alpha 0. */
export const celu = activation<[alpha: number, inplace: boolean], EluOptions>(
  pointwise(4, (x, alpha, inverse) => exponentialLinear(x, alpha, one, inverse), {
    name: 'celu',
    ...floating,
    parameters: 3,
    derivative: (grad, [x, alpha, , slopeInverse]) => [exponentialSlope(grad, x!, alpha!, one, slopeInverse!)],
  }),
  { alpha: 1, inplace: false },
  ({ alpha }) => {
    if (alpha === 0) throw new RangeError('celu(): alpha must not be 0');
    // PyTorch's derivative takes alpha as a float32.
    return [alpha, 1 / alpha, 1 / Math.fround(alpha)];
  },
);
export const celu_ = celu.inplace;

// The fixed point of mean 0 and variance 1: Klambauer et al., Self-Normalizing Neural Networks (2017), equation 14.
const seluAlpha = Expr.const(1.6732632423543772 * 1.0507009873554805);
const seluScale = Expr.const(1.0507009873554805);

/** scale · elu(x, alpha) with the constants that keep mean 0 and variance 1. */
export const selu = plain('selu', (x) => exponentialLinear(x, seluAlpha, seluScale, one), {
  ...floating,
  node: 'EluBackward0',
  derivative: (grad, [x]) => [exponentialSlope(grad, x!, seluAlpha, seluScale, one)],
});
export const selu_ = selu.inplace;

const geluOp = pointwise(1, (x) => x.mul(0.5).mul(call('erf', x.mul(Math.SQRT1_2)).add(1)), {
  name: 'gelu',
  ...floating,
});
const geluTanhOp = pointwise(
  1,
  (x) => {
    const inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
    return x.mul(0.5).mul(inner.tanh().add(1));
  },
  { name: 'gelu', ...floating },
);

export interface GeluOptions {
  /** 'tanh' replaces the normal distribution by a formula with tanh. */
  approximate?: 'none' | 'tanh' | undefined;
}

const parseGelu = signature<{ approximate: string }>('gelu', ['approximate'], { approximate: 'none' });

/** x · Φ(x), with the distribution function Φ of the standard normal distribution. */
export function gelu(input: Tensor, ...args: Trailing<[approximate: 'none' | 'tanh'], GeluOptions>): Tensor {
  const { approximate } = parseGelu(args);
  if (approximate !== 'none' && approximate !== 'tanh') {
    throw new TypeError(`gelu(): approximate must be 'none' or 'tanh', got ${JSON.stringify(approximate)}`);
  }
  return callPointwise(approximate === 'none' ? geluOp : geluTanhOp, [input]);
}

/** x · sigmoid(x), also called swish. */
export const silu = plain('silu', (x) => x.mul(x.sigmoid()), {
  ...floating,
  derivative: (grad, [x]) => [grad.mul(x!.sigmoid().mul(x!.mul(one.sub(x!.sigmoid())).add(1)))],
});

/** x · tanh(log(1 + e^x)). */
export const mish = plain('mish', (x) => x.mul(call('log1p', x.exp()).tanh()), {
  ...floating,
  derivative: (grad, [x]) => {
    const t = call('log1p', x!.exp()).tanh();
    return [grad.mul(t.add(x!.mul(x!.sigmoid()).mul(one.sub(t.mul(t)))))];
  },
});

export interface SoftplusOptions {
  beta?: number | undefined;
  threshold?: number | undefined;
}

/** log(1 + e^(beta · x)) / beta; x itself where beta · x is above `threshold` (default 20). */
export const softplus = activation<[beta: number, threshold: number], SoftplusOptions>(
  pointwise(
    3,
    (x, beta, threshold) =>
      x
        .mul(beta)
        .gt(threshold)
        .where(x, call('log1p', x.mul(beta).exp()).div(beta)),
    {
      name: 'softplus',
      ...floating,
      parameters: 2,
      derivative: (grad, [x, beta, threshold]) => {
        const power = x!.mul(beta!).exp();
        return [
          x!
            .mul(beta!)
            .gt(threshold!)
            .where(grad, grad.mul(power).div(power.add(1))),
        ];
      },
    },
  ),
  { beta: 1, threshold: 20 },
  ({ beta, threshold }) => [beta, threshold],
);

const logsigmoidOp = pointwise(1, (x) => x.min(0).sub(call('log1p', x.abs().neg().exp())), {
  name: 'logsigmoid',
  ...floating,
  node: 'LogSigmoidBackward0',
  derivative: (grad, [x]) => {
    const z = x!.abs().neg().exp();
    const share = z.div(z.add(1));
    return [grad.mul(x!.lt(0).where(one.sub(share), share))];
  },
});

/** log(1 / (1 + e^−x)). */
export function logsigmoid(input: Tensor): Tensor {
  return callPointwise(logsigmoidOp, [input]);
}

/** x / (1 + |x|). */
export function softsign(input: Tensor): Tensor {
  return input.div(input.abs().add(1));
}

/** x − tanh(x). */
export function tanhshrink(input: Tensor): Tensor {
  return input.sub(input.tanh());
}

const sixth = (x: Expr): Expr => x.add(3).max(0).min(6).div(6);

/** A piecewise linear sigmoid: min(max(x + 3, 0), 6) / 6. */
export const hardsigmoid = plain('hardsigmoid', sixth, {
  ...floating,
  // PyTorch multiplies by 1/6 in float32 whatever the dtype.
  derivative: (grad, [x]) => [
    x!
      .gt(-3)
      .and(x!.lt(3))
      .where(grad.mul(Math.fround(1 / 6)), 0),
  ],
});

/** x · hardsigmoid(x). */
export const hardswish = plain('hardswish', (x) => x.mul(x.add(3).max(0).min(6)).div(6), {
  ...floating,
  derivative: (grad, [x]) => [x!.lt(-3).where(0, x!.le(3).where(grad.mul(x!.div(3).add(0.5)), grad))],
});

export interface ShrinkOptions {
  lambd?: number | undefined;
}

const within = (x: Expr, lambd: Expr): Expr => x.ge(lambd.neg()).and(x.le(lambd));
const shrinkSpec: Omit<PointwiseSpec, 'name'> = {
  ...floating,
  parameters: 1,
  derivative: (grad, [x, lambd]) => [within(x!, lambd!).where(0, grad)],
};

/** x outside [−lambd, lambd] (default 0.5), else 0. */
export const hardshrink = activation<[lambd: number], ShrinkOptions>(
  pointwise(2, (x, lambd) => within(x, lambd).where(0, x), { name: 'hardshrink', ...shrinkSpec }),
  { lambd: 0.5 },
  ({ lambd }) => [lambd],
);

/** x moved by lambd (default 0.5) towards 0, and 0 within [−lambd, lambd]. @throws RangeError for a negative lambd. */
export const softshrink = activation<[lambd: number], ShrinkOptions>(
  pointwise(2, (x, lambd) => x.gt(lambd).where(x.sub(lambd), x.lt(lambd.neg()).where(x.add(lambd), 0)), {
    name: 'softshrink',
    ...shrinkSpec,
  }),
  { lambd: 0.5 },
  ({ lambd }) => {
    if (!(lambd >= 0)) throw new RangeError(`softshrink(): lambd must be at least 0, got ${lambd}`);
    return [lambd];
  },
);

const thresholdOp = pointwise(3, (x, limit, value) => x.le(limit).where(value, x), {
  name: 'threshold',
  ...numeric,
  parameters: 2,
  derivative: (grad, [x, limit]) => [x!.le(limit!).where(0, grad)],
});

export interface ThresholdOptions extends InplaceOption {
  threshold: number;
  value: number;
}

type ThresholdArguments =
  | [threshold: number, value: number, inplace?: boolean | InplaceOption]
  | [options: ThresholdOptions];
const parseThreshold = signature<{ threshold: number; value: number; inplace: boolean }>(
  'threshold',
  ['threshold', 'value', 'inplace'],
  { inplace: false },
);

/** x where x > threshold, else value. */
export function threshold(input: Tensor, ...args: ThresholdArguments): Tensor {
  const { threshold, value, inplace } = parseThreshold(args);
  const operands = [input, threshold, value];
  return inplace ? callPointwiseInto(thresholdOp, operands, input, true) : callPointwise(thresholdOp, operands);
}

export const threshold_ = (input: Tensor, limit: number, value: number): Tensor => threshold(input, limit, value, true);
