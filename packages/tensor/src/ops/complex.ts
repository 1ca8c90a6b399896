/** @file Complex conjugation and angles. */
import { call } from '../ir/expr.ts';
import type { PointwiseFunction } from '../pointwise.ts';
import type { Tensor } from '../tensor.ts';
import { type OutOption, unary } from './make.ts';

const conjugate = unary('conj', (x) => call('conj', x), { promotion: 'promote' });

/** The complex conjugates in memory of their own; a real tensor's values as they are. */
export const conjPhysical: PointwiseFunction<[options?: OutOption]> = unary('conjPhysical', (x) => call('conj', x), {
  promotion: 'promote',
});

/** The complex conjugates: a new tensor, where PyTorch makes a view with a mark. A real tensor itself. */
export const conj = (self: Tensor): Tensor => (self.isComplex() ? conjugate(self) : self);

/** The tensor itself: conjugates are always computed at once. For PyTorch's sake. */
export const resolveConj = (self: Tensor): Tensor => self;

/** The tensor itself: negation is always computed at once. For PyTorch's sake. */
export const resolveNeg = (self: Tensor): Tensor => self;

/** Whether the tensor is marked as to be conjugated: never, here. */
export const isConj = (_self: Tensor): boolean => false;

/** Whether the tensor is marked as to be negated: never, here. */
export const isNeg = (_self: Tensor): boolean => false;

/** The angle of complex numbers in the plane, in [−π, π]; of real ones π below 0, else 0. */
export const angle: PointwiseFunction<[options?: OutOption]> = unary('angle', (x) => call('angle', x), {
  promotion: 'float',
});
