/** @file Derivatives of writing by index: what was overwritten gets no gradient, what was written gets that of its place. */
import { onesLike, type ScatterOps, type Tensor, where, zerosLike } from '@flambeau/tensor';
import type { Rules } from '../rule.ts';

export const scatterRules = {
  scatter: {
    node: ({ value }) => (value ? 'ScatterBackward1' : 'ScatterBackward0'),
    save: ({ inputs }) => [inputs[1]],
    backward: ({ inputs, needs, attributes: { dim }, saved: [index] }, grad) => [
      needs[0] ? grad.scatter(dim, index!, 0) : null,
      null,
      needs[2] ? fit(grad.gather(dim, index!), inputs[2]!.shape) : null,
    ],
  },
  scatterAdd: {
    save: ({ inputs }) => [inputs[1]],
    backward: ({ inputs, needs, attributes: { dim }, saved: [index] }, grad) => [
      grad,
      null,
      needs[2] ? fit(grad.gather(dim, index!), inputs[2]!.shape) : null,
    ],
  },
  scatterReduce: {
    save: ({ inputs, outputs, attributes: { reduce } }) =>
      reduce === 'sum'
        ? [inputs[1]]
        : reduce === 'mean'
          ? [inputs[1], null, inputs[2]]
          : [inputs[1], inputs[0], inputs[2], outputs[0]],
    backward: ({ attributes, inputs, needs, saved: [index, self, src, result] }, grad) => {
      const [bySelf, bySrc] = gradients[attributes.reduce](attributes, grad, index!, {
        self: self!,
        src: src!,
        result: result!,
      });
      // A place whose own value does not count has no gradient.
      const own = needs[0] && !attributes.includeSelf ? bySelf.scatter(attributes.dim, index!, 0) : bySelf;
      return [needs[0] ? own : null, null, needs[2] ? fit(bySrc, inputs[2]!.shape) : null];
    },
  },
  indexAdd: {
    save: ({ inputs }) => [inputs[1]],
    backward: ({ inputs, needs, attributes: { dim, alpha }, saved: [index] }, grad) => [
      grad,
      null,
      needs[2] ? fit(grad.indexSelect(dim, index!), inputs[2]!.shape).mul(alpha) : null,
    ],
  },
  indexCopy: {
    save: ({ inputs }) => [inputs[1]],
    backward: ({ inputs, needs, attributes: { dim }, saved: [index] }, grad) => [
      needs[0] ? grad.indexFill(dim, index!, 0) : null,
      null,
      needs[2] ? fit(grad.indexSelect(dim, index!), inputs[2]!.shape) : null,
    ],
  },
  indexFill: {
    save: ({ inputs }) => [inputs[1]],
    backward: ({ needs, attributes: { dim }, saved: [index] }, grad) => [
      needs[0] ? grad.indexFill(dim, index!, 0) : null,
      null,
      needs[2] ? atIndex(grad, dim, index!).sum() : null,
    ],
  },
  put: {
    save: ({ inputs }) => [inputs[1]],
    backward: ({ inputs, needs, attributes: { accumulate }, saved: [index] }, grad) => {
      const own = accumulate ? grad : grad.put(index!, zerosLike(index!, { dtype: grad.dtype }));
      return [needs[0] ? own : null, null, needs[2] ? grad.take(index!).reshape(inputs[2]!.shape) : null];
    },
  },
} satisfies Rules<keyof ScatterOps>;

/** A gradient for a source that may be 0-d where the index is [1]. */
const fit = (grad: Tensor, shape: readonly number[]): Tensor => grad.reshape(shape);

/** `indexSelect` with an index that may count from the end. */
function atIndex(grad: Tensor, dim: number, index: Tensor): Tensor {
  const size = grad.ndim === 0 ? 1 : grad.shape[dim]!;
  return grad.indexSelect(dim, where(index.lt(0), index.add(size), index));
}

type Attributes = ScatterOps['scatterReduce'];
interface Values {
  readonly self: Tensor;
  readonly src: Tensor;
  readonly result: Tensor;
}
type Gradients = (
  attributes: Attributes,
  grad: Tensor,
  index: Tensor,
  values: Values,
) => readonly [self: Tensor, src: Tensor];

/** Extremes share the gradient evenly among all values that equal the result, as PyTorch does. */
const extreme: Gradients = ({ dim }, grad, index, { self, src, result }) => {
  const [own, from] = [self.eq(result).to(grad.dtype), src.eq(result.gather(dim, index)).to(grad.dtype)];
  const share = grad.div(own.scatterAdd(dim, index, from));
  return [own.mul(share), from.mul(share.gather(dim, index))];
};

const gradients: Record<Attributes['reduce'], Gradients> = {
  sum: ({ dim }, grad, index) => [grad, grad.gather(dim, index)],
  mean: ({ dim, includeSelf }, grad, index, { src }) => {
    const start = includeSelf ? onesLike(grad) : zerosLike(grad);
    const share = grad.div(start.scatterAdd(dim, index, onesLike(src)).clamp(1));
    return [share, share.gather(dim, index)];
  },
  // The product of the others is result / value, except for the only zero among them: there it is computed without it.
  prod: ({ dim, reduce, includeSelf }, grad, index, { self, src, result }) => {
    const nonzero = self.maskedFill(self.eq(0), 1);
    const own = grad.mul(nonzero.scatterReduce(dim, index, src, reduce, { includeSelf })).div(nonzero);
    const zero = src.eq(0);
    const zeroCount = zerosLike(self).scatterAdd(dim, index, zero.to(self.dtype)).gather(dim, index);
    const onlyZero = zero.logicalAnd(zeroCount.eq(1));
    const others = self.scatterReduce(dim, index, src.maskedFill(onlyZero, 1), reduce, { includeSelf });
    const divided = grad.mul(result).gather(dim, index).div(src.maskedFill(zero, 1));
    return [own, where(onlyZero, grad.mul(others).gather(dim, index), divided)];
  },
  amax: extreme,
  amin: extreme,
};
