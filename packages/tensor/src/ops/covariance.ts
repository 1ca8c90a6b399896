/** @file Covariances and correlations of variables. */
import { signature, type Trailing } from '../args.ts';
import { isFloating, isIntegral } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import { isTensor, type Tensor } from '../tensor.ts';

export interface CovOptions {
  /** Divides by n − correction. Default 1. */
  correction?: number | undefined;
  /** How often each observation counts: integers, 1-d. */
  fweights?: Tensor | null | undefined;
  /** How much each observation counts: floating, 1-d. */
  aweights?: Tensor | null | undefined;
}

interface Cov {
  correction: number;
  fweights: Tensor | null;
  aweights: Tensor | null;
}

const parseCov = signature<Cov>('cov', [], { correction: 1, fweights: null, aweights: null });

function checkWeights(name: 'fweights' | 'aweights', weights: Tensor | null, observations: number): void {
  if (weights === null) return;
  if (weights.ndim > 1) throw new ShapeError(`cov(): ${name} must be 1-d, got shape ${formatShape(weights.shape)}`);
  const fits = name === 'fweights' ? isIntegral(weights.dtype) : isFloating(weights.dtype);
  if (!fits) {
    const [kind, remedy] = name === 'fweights' ? ['integers', 'int32'] : ['floating point', 'float32'];
    throw new DTypeError(`cov(): ${name} must be ${kind}, got ${weights.dtype}; convert with .to('${remedy}')`);
  }
  if (weights.elementCount !== observations) {
    throw new ShapeError(`cov(): ${weights.elementCount} ${name} do not fit ${observations} observations`);
  }
  // Other devices read values only asynchronously.
  if (weights.device === 'cpu' && weights.elementCount > 0 && weights.detach().lt(0).any().itemSync() !== 0) {
    throw new RangeError(`cov(): ${name} must not be negative`);
  }
}

/**
 * The covariance matrix of variables: rows of a matrix whose columns are observations; the variance, 0-d, of a single
 * variable. Observations may be weighted. Differentiable by self and `aweights`.
 *
 * ```ts
 * tensor([[0, 1, 2], [2, 1, 0]]).cov().toArraySync(); // [[1, -1], [-1, 1]]
 * ```
 * @throws ShapeError for more than 2 dimensions or weights that do not fit, RangeError for negative weights.
 */
export function cov(self: Tensor, ...args: Trailing<[], CovOptions>): Tensor {
  const { correction, fweights, aweights } = parseCov(args);
  if (self.ndim > 2) throw new ShapeError(`cov(): needs at most 2 dimensions, got shape ${formatShape(self.shape)}`);
  if (self.dtype === 'bool') throw new DTypeError("cov(): not defined for bool; convert with .to('float32')");
  const x = self.ndim < 2 ? self.reshape([1, -1]) : self;
  const observations = x.shape[1]!;
  checkWeights('fweights', fweights, observations);
  checkWeights('aweights', aweights, observations);
  const weights = fweights === null ? aweights : aweights === null ? fweights : aweights.mul(fweights);
  const total = weights === null ? observations : weights.sum();
  if (isTensor(total) && total.device === 'cpu' && total.detach().itemSync() === 0)
    throw new RangeError('cov(): the weights sum to 0');
  const mean = (weights === null ? x : x.mul(weights)).sum(1, true).div(total);
  const centered = x.sub(mean);
  const weighted = weights === null ? centered : centered.mul(weights);
  const products = centered.matmul(weighted.t());
  return products.div(freedom(total, weights, aweights, correction)).squeeze();
}

/** What the sums of products are divided by: not below 0, where PyTorch only warns. */
function freedom(
  total: Tensor | number,
  weights: Tensor | null,
  aweights: Tensor | null,
  correction: number,
): Tensor | number {
  if (!isTensor(total)) return Math.max(total - correction, 0);
  const taken =
    aweights === null || correction === 0 ? correction : weights!.mul(aweights).sum().div(total).mul(correction);
  return total.sub(taken).clampMin(0);
}

/**
 * The matrix of Pearson's correlation coefficients of variables, rows of a matrix whose columns are observations; 1, 0-d,
 * for a single variable.
 *
 * ```ts
 * tensor([[0, 1, 2], [2, 1, 0]]).corrcoef().toArraySync(); // [[1, -1], [-1, 1]]
 * ```
 * @throws ShapeError for more than 2 dimensions.
 */
export function corrcoef(self: Tensor): Tensor {
  if (self.ndim > 2)
    throw new ShapeError(`corrcoef(): needs at most 2 dimensions, got shape ${formatShape(self.shape)}`);
  const covariances = cov(self);
  if (covariances.ndim === 0) return covariances.div(covariances);
  const deviations = covariances.diagonal().sqrt();
  return covariances.div(deviations.unsqueeze(1)).div(deviations).clamp(-1, 1);
}
