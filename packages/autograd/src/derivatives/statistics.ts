/** @file Derivatives of spreads, norms and logsumexp. */
import { type StatisticsOps, type Tensor, where, zeros } from '@flambeau/tensor';
import type { Rules } from '../rule.ts';
import { restoreDims } from './reduce.ts';

type Spread = StatisticsOps['var'];

/** ∂var/∂x = 2 (x − mean) / (n − correction); without degrees of freedom it is not defined. */
function varBackward(grad: Tensor, x: Tensor, attributes: Spread): Tensor {
  const { dims, correction } = attributes;
  const freedom = dims.reduce((n, d) => n * x.shape[d]!, 1) - correction;
  const deviations = x.sub(x.mean(dims, true));
  const wide = restoreDims(grad, x, attributes);
  if (freedom <= 0) return wide.mul(where(deviations.eq(0), Number.NaN, Number.POSITIVE_INFINITY).to(x.dtype));
  return wide.mul(deviations).mul(2 / freedom);
}

/** With n the norm: ∂n/∂x = sgn(x) (|x| / n)^(p−1), and 0 where that has no limit. */
function normBackward(grad: Tensor, x: Tensor, norm: Tensor, attributes: StatisticsOps['norm']): Tensor {
  const { p, dims } = attributes;
  const [g, n] = [restoreDims(grad, x, attributes), restoreDims(norm, x, attributes)];
  if (p === 0) return zeros([...x.shape], { dtype: x.dtype, device: x.device });
  if (p === 1) return x.sgn().mul(g);
  if (p === 2) return x.mul(g.div(n).maskedFill(n.eq(0), 0));
  if (Math.abs(p) === Number.POSITIVE_INFINITY) {
    const mask = x.abs().eq(n).logicalOr(x.isnan().logicalAnd(n.isnan()));
    return x
      .sgn()
      .mul(g.div(mask.sum(dims, true)))
      .mul(mask);
  }
  if (p < 1)
    return x
      .sgn()
      .mul(
        x
          .abs()
          .pow(p - 1)
          .maskedFill(x.eq(0), 0),
      )
      .mul(g)
      .mul(n.pow(1 - p));
  if (p < 2)
    return x
      .sgn()
      .mul(x.abs().pow(p - 1))
      .mul(g.mul(n.pow(1 - p)).maskedFill(n.eq(0), 0));
  return x.mul(x.abs().pow(p - 2)).mul(g.div(n.pow(p - 1)).maskedFill(n.eq(0), 0));
}

export const statisticsRules = {
  var: {
    save: ({ inputs }) => [inputs[0]],
    backward: ({ attributes, saved: [x] }, grad) => [varBackward(grad, x!, attributes)],
  },
  std: {
    save: ({ inputs, outputs }) => [inputs[0], outputs[0]],
    // As PyTorch: no gradient through the root at 0.
    backward: ({ attributes, saved: [x, deviation] }, grad) => [
      varBackward(grad.div(deviation!.mul(2)).maskedFill(deviation!.eq(0), 0), x!, attributes),
    ],
  },
  norm: {
    node: ({ node }) => node,
    save: ({ inputs, outputs }) => [inputs[0], outputs[0]],
    backward: ({ attributes, saved: [x, norm] }, grad) => [normBackward(grad, x!, norm!, attributes)],
  },
  logsumexp: {
    save: ({ inputs, outputs }) => [inputs[0], outputs[0]],
    backward: ({ attributes, saved: [x, result] }, grad) => [
      restoreDims(grad, x!, attributes).mul(
        x!
          .sub(restoreDims(result!, x!, attributes))
          .exp()
          .conj(),
      ),
    ],
  },
} satisfies Rules<keyof StatisticsOps>;
