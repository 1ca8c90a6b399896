/** @file The parts of floating point numbers: signs, neighbours, mantissas, and steps at 0. */
import { checkOptions } from '../args.ts';
import { DTypeError } from '../errors.ts';
import { call } from '../ir/expr.ts';
import { type Named, named } from '../named.ts';
import { callPointwise, callPointwiseInto, pointwise } from '../pointwise.ts';
import type { Tensor } from '../tensor.ts';
import { where } from '../where.ts';
import { isfinite } from './compare.ts';
import {
  type BinaryFunction,
  binary,
  checkTensor,
  type OutOption,
  ofTensors,
  sameDType,
  type TensorFunction,
} from './make.ts';
import { exp2 } from './math.ts';

/** The tensor with the sign of `other`, that of zeros and NaN included. Gradient 0 where self is 0. */
export const copysign: BinaryFunction = binary('copysign', (a, b) => call('copysign', a, b), { promotion: 'float' });

/** The next representable number after self towards `other`. Not differentiable. */
export const nextafter: TensorFunction = ofTensors('nextafter', (a, b) => call('nextafter', a, b), {
  promotion: 'promote',
  refuses: ['bool', 'int'],
  differentiable: false,
});

const stepOp = pointwise(2, (x, values) => x.eq(0).where(values, x.gt(0).where(1, 0)), {
  name: 'heaviside',
  promotion: 'promote',
  differentiable: false,
});

/** 0 below 0, 1 above, `values` at 0. Both tensors must have one dtype. Not differentiable. */
export const heaviside: TensorFunction = Object.assign(
  (self: Tensor, values: Tensor, options: OutOption = {}): Tensor => {
    checkStep(self, values);
    checkOptions('heaviside', options, ['out']);
    return options.out === undefined
      ? callPointwise(stepOp, [self, values])
      : callPointwiseInto(stepOp, [self, values], options.out, false);
  },
  {
    inplace: (self: Tensor, values: Tensor): Tensor => {
      checkStep(self, values);
      return callPointwiseInto(stepOp, [self, values], self, true);
    },
  },
);

function checkStep(self: Tensor, values: Tensor): void {
  checkTensor('heaviside', 'the first argument', self);
  checkTensor('heaviside', 'values', values);
  sameDType('heaviside', self, values);
}

/** Where the exponent lies in the bits of a floating dtype. */
const exponentFields = {
  float32: { bits: 'int32', shift: 23, mask: 0xff, bias: 126 },
  float64: { bits: 'int64', shift: 52, mask: 0x7ff, bias: 1022 },
} as const;

/** The binary exponents e (int32) of x = m · 2^e with 0.5 ≤ |m| < 1; 0 for 0, infinities and NaN. */
function exponentOf(x: Tensor): Tensor {
  const { bits, shift, mask, bias } = exponentFields[x.dtype as 'float32'];
  // Denormal numbers are scaled into the normal range first.
  const tiny = x.abs().lt(2 ** (1 - bias));
  const normal = where(tiny, x.mul(2 ** 64), x).contiguous();
  const exponent = normal.view(bits).bitwiseRightShift(shift).bitwiseAnd(mask).to('int32').sub(bias);
  const plain = x.eq(0).logicalOr(isfinite(x).logicalNot());
  return where(plain, 0, exponent.sub(tiny.to('int32').mul(64)));
}

/**
 * Mantissa in [0.5, 1) with the sign of self, and exponent (int32), so that self = mantissa · 2^exponent.
 *
 * ```ts
 * const { mantissa, exponent } = tensor([6]).frexp(); // 0.75, 3
 * ```
 * @throws DTypeError for anything but float32 and float64.
 */
export function frexp(self: Tensor): Named<readonly ['mantissa', 'exponent'], Tensor> {
  if (self.dtype !== 'float32' && self.dtype !== 'float64') {
    throw new DTypeError(`frexp(): not defined for ${self.dtype} inputs; convert with .to('float32')`);
  }
  const exponent = exponentOf(self.detach());
  // In two steps: 2^-exponent alone may overflow.
  const half = exponent.bitwiseRightShift(1);
  const scale = (e: Tensor): Tensor => exp2(e.neg().to(self.dtype));
  return named(['mantissa', 'exponent'], [self.mul(scale(half)).mul(scale(exponent.sub(half))), exponent], 'frexp');
}
