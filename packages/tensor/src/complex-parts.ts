/** @file Complex tensors and their real and imaginary parts: what PyTorch has as functions and properties, not as methods. */

import { checkOptions } from './args.ts';
import { autocastOperands } from './autocast.ts';
import { isComplex as isComplexDType, isFloating, realDType } from './dtype.ts';
import { DTypeError, ShapeError } from './errors.ts';
import { call } from './ir/expr.ts';
import { type OutOption, sameDType } from './ops/make.ts';
import { callPointwise, callPointwiseInto, type Pointwise, pointwise } from './pointwise.ts';
import { toComplex } from './promotion.ts';
import { record } from './record.ts';
import { formatShape } from './shape.ts';
import { state } from './state.ts';
import type { Tensor } from './tensor.ts';
import { partsView, selectOf } from './view.ts';

/** Views between complex numbers and pairs of real ones. */
export interface ComplexPartOps {
  viewAsReal: object;
  viewAsComplex: object;
}

/** Whether a tensor's dtype is a complex one. */
export const isComplex = (self: Tensor): boolean => isComplexDType(self.dtype);

/**
 * The real and imaginary parts of a complex tensor as a last dimension of size 2, in the same memory.
 * @throws DTypeError for a real tensor.
 */
export function viewAsReal(self: Tensor): Tensor {
  if (!isComplexDType(self.dtype)) throw new DTypeError(`viewAsReal(): needs a complex tensor, got ${self.dtype}`);
  const strides = [...self.strides.map((stride) => 2 * stride), 1];
  const out = partsView(self, [...self.shape, 2], strides, 2 * self.offset, realDType(self.dtype));
  return record('viewAsReal', [self], out, {});
}

/**
 * Pairs of real numbers, along a last dimension of size 2, as complex ones in the same memory.
 *
 * ```ts
 * viewAsComplex(tensor([[3, 4], [0, 1]])); // tensor([3.+4.j, 0.+1.j])
 * ```
 * @throws DTypeError unless the tensor is float32 or float64, ShapeError for another last dimension, or one whose
 *   neighbours are not adjacent in memory, or that does not start every pair at an even place: use contiguous().
 */
export function viewAsComplex(self: Tensor): Tensor {
  if (state.autocasting) [self] = autocastOperands('viewAsComplex', [self] as const);
  if (self.dtype !== 'float32' && self.dtype !== 'float64')
    throw new DTypeError(`viewAsComplex(): needs a float32 or float64 tensor, got ${self.dtype}`);
  const last = self.ndim - 1;
  if (self.shape[last] !== 2)
    throw new ShapeError(`viewAsComplex(): the last dimension must have size 2, got shape ${formatShape(self.shape)}`);
  const strides = self.strides.slice(0, last);
  const even = self.offset % 2 === 0 && strides.every((stride, d) => stride % 2 === 0 || self.shape[d]! <= 1);
  if (self.strides[last] !== 1 || !even) {
    throw new ShapeError(
      `viewAsComplex(): pairs must lie together at even places in memory, got strides ${formatShape(self.strides)} and offset ${self.offset}; use contiguous()`,
    );
  }
  const halves = strides.map((stride) => Math.trunc(stride / 2));
  const out = partsView(self, self.shape.slice(0, last), halves, self.offset / 2, toComplex(self.dtype));
  return record('viewAsComplex', [self], out, {});
}

/** The same of pairs anywhere in memory: a view where that is possible, else of a copy. */
export function pairsAsComplex(self: Tensor): Tensor {
  const pairs = self.contiguous();
  return viewAsComplex(pairs.offset % 2 === 0 ? pairs : pairs.clone());
}

/** The real parts, in the same memory; a real tensor is its own. `x.real` is the same. */
export function real(self: Tensor): Tensor {
  return isComplexDType(self.dtype) ? selectOf(viewAsReal(self), self.ndim, 0) : self;
}

/** The imaginary parts, in the same memory. `x.imag` is the same. @throws DTypeError for a real tensor. */
export function imag(self: Tensor): Tensor {
  if (!isComplexDType(self.dtype)) throw new DTypeError(`imag(): ${self.dtype} tensors have no imaginary parts`);
  return selectOf(viewAsReal(self), self.ndim, 1);
}

type FromParts = (a: Tensor, b: Tensor, options?: OutOption) => Tensor;

function fromParts(op: Pointwise): FromParts {
  return (a, b, options = {}) => {
    checkOptions(op.name, options, ['out']);
    sameDType(op.name, a, b);
    if (!isFloating(a.dtype))
      throw new DTypeError(`${op.name}(): needs floating point tensors, got ${a.dtype}; convert with .to('float32')`);
    return options.out === undefined ? callPointwise(op, [a, b]) : callPointwiseInto(op, [a, b], options.out, false);
  };
}

/**
 * The complex tensor with given real and imaginary parts, which must have one floating dtype.
 *
 * ```ts
 * complex(tensor([1, 2]), tensor([3, 4])); // tensor([1.+3.j, 2.+4.j])
 * ```
 */
export const complex: FromParts = fromParts(
  pointwise(2, (re, im) => call('complex', re, im), { name: 'complex', promotion: 'promote' }),
);

/** The complex tensor with given magnitudes and angles: abs · (cos angle + i sin angle). */
export const polar: FromParts = fromParts(
  pointwise(2, (r, angle) => call('complex', r.mul(call('cos', angle)), r.mul(call('sin', angle))), {
    name: 'polar',
    promotion: 'promote',
    // PyTorch's: of a negative magnitude the gradient counts outwards.
    derivative: (grad, _, y) => [
      call('real', grad.mul(call('sgn', y))),
      call('real', grad.mul(y.mul(call('complex', 0, 1)))),
    ],
  }),
);
