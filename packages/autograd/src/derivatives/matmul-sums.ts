/** @file Derivatives of matrix products added to a tensor: β · self + α · product. */
import type { MatmulSumOps, Tensor } from '@flambeau/tensor';
import type { Rule, Rules } from '../rule.ts';

type Gradient = Tensor | null | undefined;

/** The gradients of the product's factors from that of the product, as products again; none for one that is not wanted. */
type Factors = (grad: Tensor, a: Tensor | null, b: Tensor | null) => readonly [Gradient, Gradient];

const scaled = (x: Gradient, factor: number): Gradient => (factor === 1 ? x : x?.mul(factor));

/** The other factor is saved only for one that wants a gradient, and so tells which these are. */
function sumRule(factors: Factors): Rule<keyof MatmulSumOps> {
  return {
    save: ({ inputs: [, a, b], needs }) => [needs[2] ? a! : null, needs[1] ? b! : null],
    backward: ({ attributes: { alpha, beta }, inputs: [self], saved: [a, b], needs }, grad) => [
      needs[0] ? scaled(grad.sumToSize([...self!.shape]), beta) : null,
      ...factors(grad, a!, b!).map((x) => scaled(x, alpha)),
    ],
  };
}

export const matmulSumRules = {
  addmv: sumRule((grad, a, b) => [b && grad.outer(b.conj()), a?.mH.mv(grad)]),
  addr: sumRule((grad, a, b) => [b && grad.mv(b.conj()), a && grad.t().mv(a.conj())]),
  baddbmm: sumRule((grad, a, b) => [b && grad.bmm(b.mH), a?.mH.bmm(grad)]),
  addbmm: sumRule((grad, a, b) => {
    const each = grad.unsqueeze(0);
    return [b && each.matmul(b.mH), a?.mH.matmul(each)];
  }),
} satisfies Rules<keyof MatmulSumOps>;
