/** @file The derivative of normalization. */
import type { Tensor } from '@flambeau/tensor';
import {
  keptShape,
  type NormalizationAttributes,
  type NormalizationOps,
  normalizationGradients,
  state,
} from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

/** The gradients as ordinary ops, for derivatives of derivatives: mean and rstd are functions of x again. */
function differentiable(
  grad: Tensor,
  x: Tensor,
  weight: Tensor | null,
  fixedStatistics: readonly [Tensor, Tensor],
  attributes: NormalizationAttributes,
): [Tensor, Tensor, Tensor] {
  const { dims, shared, eps, fixed } = attributes;
  const over = [...dims];
  const centered = x.sub(fixed ? fixedStatistics[0] : x.mean(over, true));
  const rstd = fixed ? fixedStatistics[1] : centered.mul(centered).mean(over, true).add(eps).rsqrt();
  const z = centered.mul(rstd);
  const g = weight === null ? grad : grad.mul(weight.reshape(keptShape(x.shape, shared)));
  const gradX = fixed
    ? g.mul(rstd)
    : g
        .sub(g.mean(over, true))
        .sub(z.mul(g.mul(z).mean(over, true)))
        .mul(rstd);
  const sum = (values: Tensor): Tensor => (shared.length === 0 ? values : values.sum([...shared], true));
  return [gradX, sum(grad.mul(z)), sum(grad)];
}

export const normalizationRules = {
  normalization: {
    node: ({ node }) => node,
    shown: () => [0, 1, 2],
    save: ({ inputs: [x, weight, , mean, rstd] }) => [x, weight, mean, rstd],
    backward: ({ attributes, inputs, needs, saved }, grad) => {
      const [x, weight, mean, rstd] = saved as readonly [Tensor, Tensor | null, Tensor, Tensor];
      const gradients = state.gradEnabled
        ? differentiable(grad, x, weight, [mean, rstd], attributes)
        : normalizationGradients(grad, [x, weight, mean, rstd], needs, attributes);
      return gradients.map((gradient, i) => (needs[i] ? gradient!.reshape([...inputs[i]!.shape]) : null));
    },
  },
} satisfies Rules<keyof NormalizationOps>;
