/** @file Derivatives of reductions. */
import { cat, type ReduceAttributes, type ReduceOps, type Tensor, zeros } from '@flambeau/tensor';
import { keptShape } from '@flambeau/tensor/internal';
import type { InputMeta, Rules } from '../rule.ts';

type Reduced = Pick<ReduceAttributes, 'dims' | 'keepdim'>;

/** A reduction's result or gradient with its reduced dimensions back, of size 1. */
export function restoreDims(x: Tensor, input: Pick<InputMeta, 'shape'>, { dims, keepdim }: Reduced): Tensor {
  return keepdim || dims.length === 0 ? x : x.reshape(keptShape(input.shape, dims));
}

const numbered =
  (name: string) =>
  ({ all }: ReduceAttributes) =>
    `${name}Backward${all ? 0 : 1}`;
const countOf = (shape: readonly number[], dims: readonly number[]): number => dims.reduce((n, d) => n * shape[d]!, 1);

/** Shares a gradient evenly among the elements that equal the reduction's result (NaN equals NaN here). */
function shareEvenly(x: Tensor, result: Tensor, grad: Tensor, attributes: Reduced): Tensor {
  const restored = restoreDims(result, x, attributes);
  const mask = x.eq(restored).logicalOr(x.isnan().logicalAnd(restored.isnan())).to(grad.dtype);
  return mask.mul(restoreDims(grad, x, attributes)).div(mask.sum(attributes.dims, true));
}

/** For each position of a row the product of all other ones: without division, so that zeros need no care. */
function productOfOthers(x: Tensor, dim: number): Tensor {
  const size = x.shape[dim]!;
  const one = x.narrow(dim, 0, 1).mul(0).add(1);
  const before = (row: Tensor): Tensor => cat([one, row.narrow(dim, 0, size - 1)], dim).cumprod(dim);
  return before(x).mul(before(x.flip(dim)).flip(dim));
}

export const reduceRules = {
  sum: {
    node: numbered('Sum'),
    backward: ({ attributes, inputs: [x] }, grad) => [restoreDims(grad.to(x!.dtype), x!, attributes).expand(x!.shape)],
  },
  nansum: {
    save: ({ inputs }) => [inputs[0]],
    backward: ({ attributes, saved: [x] }, grad) => [
      restoreDims(grad.to(x!.dtype), x!, attributes).mul(x!.isnan().logicalNot()),
    ],
  },
  mean: {
    node: numbered('Mean'),
    backward: ({ attributes, inputs: [x] }, grad) => [
      restoreDims(grad.to(x!.dtype), x!, attributes).div(countOf(x!.shape, attributes.dims)).expand(x!.shape),
    ],
  },
  prod: {
    node: numbered('Prod'),
    save: ({ inputs }) => [inputs[0]],
    backward: ({ attributes, saved: [x] }, grad) => {
      const wide = x!.to(grad.dtype).conj();
      if (x!.elementCount <= 1) return [restoreDims(grad, x!, attributes).expand(x!.shape).to(x!.dtype)];
      const others =
        attributes.dims.length > 1
          ? productOfOthers(wide.flatten(), 0).reshape(x!.shape)
          : productOfOthers(wide, attributes.dims[0]!);
      return [restoreDims(grad, x!, attributes).mul(others).to(x!.dtype)];
    },
  },
  extreme: {
    node: ({ node }) => node,
    save: ({ inputs, outputs }) => [inputs[0], outputs[0]],
    backward: ({ attributes, saved: [x, result] }, grad) => [shareEvenly(x!, result!, grad, attributes)],
  },
  pick: {
    node: ({ node }) => node,
    save: ({ outputs }) => [outputs[1]],
    backward: ({ attributes: { dim, keepdim }, inputs: [x], saved: [indices] }, grad) => {
      if (grad === null) return [null];
      const { shape, dtype, device } = x!;
      if (shape.length === 0) return [grad];
      const [places, values] = keepdim ? [indices!, grad] : [indices!.unsqueeze(dim), grad.unsqueeze(dim)];
      return [zeros([...shape], { dtype, device }).scatter(dim, places, values)];
    },
  },
} satisfies Rules<keyof ReduceOps>;
