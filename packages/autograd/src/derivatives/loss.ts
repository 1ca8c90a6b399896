/** @file Derivatives of losses. */
import { type Tensor, zeros } from '@flambeau/tensor';
import { callPointwise, type LossOps, nodeName } from '@flambeau/tensor/internal';
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
        const { op, reads } = loss.backward(1 << i);
        const values = reads.map((read) => (read === 'grad' ? spread : args[read as number]!));
        return callPointwise(op, values).sumToSize(input!.shape).to(input!.dtype);
      });
    },
  },
  nllLoss: {
    node: ({ spatial }) => (spatial ? 'NllLoss2DBackward0' : 'NllLossBackward0'),
    shown: () => [0],
    save: ({ inputs: [, index, factors, total] }) => [index, factors, total],
    backward: ({ attributes: { dim, reduced, divisor }, inputs: [x], saved }, grad) => {
      const [index, factors, total] = saved as readonly [Tensor, Tensor | null, Tensor | null];
      const scaled = total === null ? grad.mul(-1 / divisor) : grad.div(total).neg();
      const values = reduced ? scaled.expand(index.shape) : scaled.unsqueeze(dim);
      const { shape, dtype, device } = x!;
      if (factors === null) return [zeros([...shape], { dtype, device }).scatter(dim, index, values)];
      // Where nothing counts the total is 0, and yet the gradient is 0, not NaN.
      const counted = total === null ? values.mul(factors) : values.mul(factors).maskedFill(factors.eq(0), 0);
      return [zeros([...shape], { dtype, device }).scatter(dim, index, counted)];
    },
  },
} satisfies Rules<keyof LossOps>;
