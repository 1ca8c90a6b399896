/** @file Derivatives of losses. */
import { Tensor, zeros } from '@flambeau/tensor';
import { callPointwise, isComplex, type LossOps, nllGradient, nodeName } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

export const lossRules = {
  reducedLoss: {
    node: ({ loss }) => nodeName(loss),
    save: ({ inputs }) => inputs,
    backward: ({ attributes: { loss, scalars, divisor, shape }, inputs, needs, saved }, grad) => {
      const spread = (divisor === 1 ? grad : grad.div(divisor)).expand(shape);
      const args = [...saved, ...scalars];
      return inputs.map((input, i) => {
        if (!needs[i]) return null;
        const { op, reads } = loss.backward(
          1 << i,
          inputs.some((other) => other !== null && isComplex(other.dtype)),
        );
        const values = reads.map((read) => (read === 'grad' ? spread : args[read as number]!));
        return callPointwise(op, values).sumToSize(input!.shape).to(input!.dtype);
      });
    },
  },
  nllLoss: {
    node: ({ spatial }) => (spatial ? 'NllLoss2DBackward0' : 'NllLossBackward0'),
    shown: () => [0],
    save: ({ inputs: [, ...others] }) => others,
    backward: ({ attributes, inputs: [x], saved }, grad) => {
      const { dim, reduction, divisor } = attributes;
      const [ownIndex, ownFactors, total, target, weight] = saved as readonly (Tensor | null)[];
      const fused = ownIndex ? null : nllGradient(grad, x!, [target!, weight ?? null, total ?? null], attributes);
      if (fused instanceof Tensor) return [fused];
      const [index, factors] = fused ?? [ownIndex!, ownFactors];
      const scaled = total ? grad.div(total).neg() : grad.mul(-1 / divisor);
      const values = reduction === 'none' ? scaled.unsqueeze(dim) : scaled.expand(index.shape);
      const { shape, dtype, device } = x!;
      const nothing = zeros([...shape], { dtype, device });
      if (!factors) return [nothing.scatter(dim, index, values)];
      // Where nothing counts the total is 0, and yet the gradient is 0, not NaN.
      const counted = total ? values.mul(factors).maskedFill(factors.eq(0), 0) : values.mul(factors);
      return [nothing.scatter(dim, index, counted)];
    },
  },
} satisfies Rules<keyof LossOps>;
