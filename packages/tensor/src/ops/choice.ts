/** @file Choosing and replacing values. */
import { signature, type Trailing } from '../args.ts';
import { type DType, isFloating } from '../dtype.ts';
import { type PointwiseFunction, type Prepared, pointwise, pointwiseFunction } from '../pointwise.ts';
import type { Tensor } from '../tensor.ts';
import { where as choose } from '../where.ts';
import type { OutOption, TensorOrScalar } from './make.ts';

/** The method `x.where(condition, other)`: x where the condition holds, else other. As a function: `where(condition, x, other)`. */
export function where(self: Tensor, condition: Tensor, other: TensorOrScalar): Tensor {
  return choose(condition, self, other);
}

export interface NanToNumOptions extends OutOption {
  /** Replaces NaN. Default 0. */
  nan?: number | null | undefined;
  /** Replaces ∞. Default: the dtype's greatest finite value. */
  posinf?: number | null | undefined;
  /** Replaces −∞. Default: the dtype's least finite value. */
  neginf?: number | null | undefined;
}

type NanToNumArguments = Trailing<[nan: number | null, posinf: number | null, neginf: number | null], NanToNumOptions>;

const nanToNumOp = pointwise(
  4,
  (x, nan, high, low) =>
    x.isNaN().where(nan, x.eq(Number.POSITIVE_INFINITY).where(high, x.eq(Number.NEGATIVE_INFINITY).where(low, x))),
  {
    name: 'nanToNum',
    promotion: 'promote',
    parameters: 3,
    derivative: (grad, [x]) => [x!.abs().lt(Number.POSITIVE_INFINITY).where(grad, 0)],
  },
);
const unchangedOp = pointwise(1, (x) => x, { name: 'nanToNum', promotion: 'promote' });
type Replacements = { nan: number | null; posinf: number | null; neginf: number | null; out: Tensor | undefined };
const parseNanToNum = signature<Replacements>('nanToNum', ['nan', 'posinf', 'neginf'], {
  nan: null,
  posinf: null,
  neginf: null,
  out: undefined,
});

/** The greatest finite value of a floating dtype. */
const greatest: Partial<Record<DType, number>> = {
  float16: 65504,
  bfloat16: (2 - 2 ** -7) * 2 ** 127,
  float32: (2 - 2 ** -23) * 2 ** 127,
  float64: Number.MAX_VALUE,
};

/** self with NaN and infinities replaced by numbers; integers stay. */
export const nanToNum: PointwiseFunction<NanToNumArguments> = pointwiseFunction(
  (self: Tensor, ...args: NanToNumArguments): Prepared => {
    const { nan, posinf, neginf, out } = parseNanToNum(args);
    if (!isFloating(self.dtype)) return [unchangedOp, [self], out];
    const limit = greatest[self.dtype]!;
    return [nanToNumOp, [self, nan ?? 0, posinf ?? limit, neginf ?? -limit], out];
  },
);
