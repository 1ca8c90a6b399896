/** @file Matrix products added to a tensor: beta · self + alpha · product. */
import { autocastOperands } from '../autocast.ts';
import { addmmFactors } from '../contraction.ts';
import { ShapeError } from '../errors.ts';
import { inplaceOf, overwrite } from '../inplace.ts';
import { untracked } from '../modes.ts';
import { record } from '../record.ts';
import { resizeMemory } from '../resize.ts';
import { broadcastShapes, formatShape, sameShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import type { ComplexValue } from '../values.ts';
import { type AddmmOptions, bmm, mv, outer } from './matmul.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface MatmulSumOps {
  addmv: { beta: number; alpha: number };
  addr: { beta: number; alpha: number };
  baddbmm: { beta: number; alpha: number };
  addbmm: { beta: number; alpha: number };
}

type Factor = number | ComplexValue;

type SumOf = (self: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions) => Tensor;

/** `f(self, a, b, { beta, alpha })` from the product, with its in-place form. */
function sumOf(op: keyof MatmulSumOps, product: (a: Tensor, b: Tensor) => Tensor): SumOf & { readonly inplace: SumOf } {
  const compute = (self: Tensor, a: Tensor, b: Tensor, beta: Factor, alpha: Factor): Tensor => {
    const result = product(a, b);
    if (!sameShape(broadcastShapes(op, self.shape, result.shape), result.shape)) {
      throw new ShapeError(
        `${op}(): self of shape ${formatShape(self.shape)} does not broadcast to the product's ${formatShape(result.shape)}`,
      );
    }
    // Factors of bools are 0 or 1, and keep them bools.
    const bools = result.dtype === 'bool';
    const scaled = alpha === 1 ? result : result.mul(bools ? alpha !== 0 : alpha);
    // beta 0 ignores self, NaN and all.
    if (beta === 0) return scaled;
    return (beta === 1 ? self : self.mul(bools ? true : beta)).add(scaled);
  };
  const sum: SumOf = (self, a, b, options) => {
    if (state.autocasting) [self, a, b] = autocastOperands(op, [self, a, b] as const);
    const { beta, alpha } = addmmFactors(op, self.dtype, options);
    // Complex factors are rare: the composition differentiates itself.
    if (typeof beta === 'object' || typeof alpha === 'object') return compute(self, a, b, beta, alpha);
    const out = untracked(() => compute(self, a, b, beta, alpha));
    return record(op, [self, a, b], out, { beta, alpha });
  };
  return Object.assign(sum, { inplace: inplaceOf(op, sum) });
}

/** beta · self + alpha · (mat × vec). */
export const addmv = sumOf('addmv', mv);

/** beta · self + alpha · (vec1 ⊗ vec2). */
export const addr = sumOf('addr', outer);

/** beta · self + alpha · (batch1 × batch2), each of the batch. */
export const baddbmm = sumOf('baddbmm', bmm);

const sumOfBatch = sumOf('addbmm', (a, b) => bmm(a, b).sum(0, { dtype: a.dtype }));

/** In place, where self has to be broadcast to the product, PyTorch resizes it in this op alone. */
function addbmmInto(self: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions): Tensor {
  const fits = a.ndim !== 3 || b.ndim !== 3 || sameShape(self.shape, [a.shape[1]!, b.shape[2]!]);
  if (fits) return sumOfBatch.inplace(self, a, b, options);
  const result = sumOfBatch(self, a, b, options);
  resizeMemory('addbmm_', self, result.shape);
  return overwrite('addbmm_', self, () => result);
}

/** beta · self + alpha · Σ over the batch of (batch1 × batch2). */
export const addbmm: typeof sumOfBatch = Object.assign(
  (self: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions) => sumOfBatch(self, a, b, options),
  { inplace: addbmmInto },
);
