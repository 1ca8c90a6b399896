/** @file Covariances and correlations of variables. */
import { checkOptions } from '../args.ts';
import { complex } from '../complex-parts.ts';
import { isDifferentiable, isFloating } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

export interface CovOptions {
  /** Divides by n − correction. Default 1. */
  correction?: number | undefined;
  /** How often each observation counts: integers. */
  fweights?: Tensor | null | undefined;
  /** How much each observation counts: floating point numbers. */
  aweights?: Tensor | null | undefined;
}

/** @throws ShapeError, DTypeError or RangeError for weights that do not fit `count` observations. */
function checkWeights(name: 'fweights' | 'aweights', weights: Tensor, count: number): void {
  const fits =
    name === 'aweights' ? isFloating(weights.dtype) : !isDifferentiable(weights.dtype) && weights.dtype !== 'bool';
  if (!fits)
    throw new DTypeError(
      `cov(): ${name} must be ${name === 'aweights' ? 'floating point numbers' : 'integers'}, got ${weights.dtype}`,
    );
  if (weights.ndim > 1 || weights.elementCount !== count)
    throw new ShapeError(
      `cov(): ${name} must be a vector of ${count} elements, got shape ${formatShape(weights.shape)}`,
    );
  if (weights.device === 'cpu' && weights.detach().lt(0).any().itemSync() !== 0)
    throw new RangeError(`cov(): ${name} must not be negative`);
}

/**
 * The covariances of variables, one in each row, of which the columns are observations; of a vector its variance.
 * Entry (i, j) of complex variables is the mean of xᵢ · conj(xⱼ) about the means.
 *
 * ```ts
 * tensor([[0, 1, 2], [2, 1, 0]]).cov(); // tensor([[ 1., -1.], [-1.,  1.]])
 * ```
 * @throws ShapeError for more than two dimensions or weights of another length, DTypeError for bools and weights of another
 *   kind, RangeError for negative weights, or ones that sum to 0.
 */
export function cov(self: Tensor, options: CovOptions = {}): Tensor {
  checkOptions('cov', options, ['correction', 'fweights', 'aweights']);
  const { correction = 1, fweights = null, aweights = null } = options;
  if (self.ndim > 2) throw new ShapeError(`cov(): needs at most two dimensions, got shape ${formatShape(self.shape)}`);
  if (self.dtype === 'bool') throw new DTypeError("cov(): not defined for bool; convert with .to('float32')");
  const x = self.ndim < 2 ? self.reshape([1, -1]) : self;
  const count = x.shape[1]!;
  if (fweights !== null) checkWeights('fweights', fweights, count);
  if (aweights !== null) checkWeights('aweights', aweights, count);
  const weights = fweights !== null && aweights !== null ? fweights.mul(aweights) : (fweights ?? aweights);
  const weighted = (values: Tensor): Tensor => (weights === null ? values : values.mul(weights));
  const total = weights === null ? count : weights.sum();
  if (typeof total === 'object' && total.device === 'cpu' && total.detach().itemSync() === 0)
    throw new RangeError('cov(): the weights sum to 0');
  const centered = x.sub(weighted(x).sum(1, true).div(total));
  const product = centered.mm(weighted(centered).t().conj());
  return product.div(degrees(total, correction, weights, aweights)).squeeze();
}

/** What the sums are divided by; not below 0. */
function degrees(
  total: number | Tensor,
  correction: number,
  weights: Tensor | null,
  aweights: Tensor | null,
): number | Tensor {
  if (typeof total === 'number') return Math.max(0, total - correction);
  const used =
    aweights !== null && correction !== 0 ? weights!.mul(aweights).sum().div(total).mul(correction) : correction;
  return total.sub(used).clamp(0);
}

/** The correlations of variables, one in each row: covariances over the products of standard deviations. */
export function corrcoef(self: Tensor): Tensor {
  const covariances = cov(self);
  if (covariances.ndim === 0) return covariances.div(covariances);
  const deviations = covariances.diagonal().real.sqrt();
  const scaled = covariances.div(deviations.unsqueeze(1)).div(deviations.unsqueeze(0));
  // Rounding may lead out of [−1, 1].
  return scaled.isComplex() ? complex(scaled.real.clamp(-1, 1), scaled.imag.clamp(-1, 1)) : scaled.clamp(-1, 1);
}
