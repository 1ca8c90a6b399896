/** @file The derivative of attention that a device computes by a kernel of its own. */
import type { Tensor } from '@flambeau/tensor';
import {
  type AttentionOps,
  type AttentionSpec,
  attentionGradients,
  attentionWeights,
  state,
} from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

/** The gradients as ordinary ops, for derivatives of derivatives: the weights are functions of query and key again. */
function differentiable(
  grad: Tensor,
  [query, key, value]: readonly [Tensor, Tensor, Tensor],
  mask: Tensor | null,
  spec: AttentionSpec,
): Tensor[] {
  const weights = attentionWeights(query, key, mask, spec);
  const weighted = weights.mul(grad.matmul(value.mT));
  const slopes = weighted.sub(weights.mul(weighted.sum(-1, true))).mul(spec.scale);
  return [slopes.matmul(key), slopes.mT.matmul(query), weights.mT.matmul(grad)];
}

export const attentionRules = {
  scaledDotProductAttention: {
    node: 'ScaledDotProductEfficientAttentionBackward0',
    shown: () => [0, 1, 2, 3],
    save: ({ inputs: [query, key, value, mask, logSumExp], outputs: [out] }) => [
      query,
      key,
      value,
      mask,
      out,
      logSumExp,
    ],
    backward: ({ attributes, inputs, needs, saved }, grad) => {
      const [query, key, value, mask, out, logSumExp] = saved as readonly [
        Tensor,
        Tensor,
        Tensor,
        Tensor | null,
        Tensor,
        Tensor,
      ];
      const operands = [query, key, value] as const;
      if (!state.gradEnabled) return attentionGradients(grad, operands, [mask, out, logSumExp], attributes, needs);
      return differentiable(grad, operands, mask, attributes).map((gradient, i) =>
        needs[i] ? gradient.sumToSize(inputs[i]!.shape) : null,
      );
    },
  },
} satisfies Rules<keyof AttentionOps>;
