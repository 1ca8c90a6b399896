/** @file torch.nn.utils.parametrizations: weight norm, spectral norm and orthogonal weights as parametrizations. */
import { Buffer, functional as F, type Tensor } from '@flambeau/tensor';
import { untracked } from '@flambeau/tensor/internal';
import { Module } from '../module.ts';
import { frontDim, ownTensor } from './fields.ts';
import {
  asMatrix,
  direction,
  divided,
  normDim,
  normExceptDim,
  outputDim,
  parseSpectralNorm,
  parseWeightNorm,
  type SpectralNormArguments,
  type WeightNormArguments,
  weightOf,
} from './norms.ts';
import { registerParametrization } from './parametrize.ts';

export { type OrthogonalMap, orthogonal } from './orthogonal.ts';

class WeightNorm extends Module {
  readonly dim: number | null;

  constructor(dim: number | null) {
    super();
    this.dim = dim;
  }

  forward(g: Tensor, v: Tensor): Tensor {
    return weightOf(v, g, this.dim);
  }

  rightInverse(weight: Tensor): [g: Tensor, v: Tensor] {
    return [normExceptDim(weight, this.dim).contiguous(), weight];
  }
}
// PyTorch's name, with its underscore, is part of what printing shows.
Object.defineProperty(WeightNorm, 'name', { value: '_WeightNorm' });

/**
 * Splits a parameter into its length `parametrizations.weight.original0` and direction `original1`. State dicts with the
 * names of the older {@link utils.weightNorm} load too. Salimans & Kingma 2016.
 *
 * ```ts
 * const layer = utils.parametrizations.weightNorm(new Linear(20, 40));
 * [...layer.stateDict().keys()]; // ['bias', 'parametrizations.weight.original0', 'parametrizations.weight.original1']
 * ```
 * @throws TypeError when there is no such parameter.
 */
export function weightNorm<M extends Module>(module: M, ...args: WeightNormArguments): M {
  const { name, dim } = parseWeightNorm(args);
  const weight = ownTensor('weightNorm', module, name);
  registerParametrization(module, name, new WeightNorm(normDim('weightNorm', weight, dim)), { unsafe: true });
  module.registerLoadStateDictPreHook((_module, state, prefix) => {
    for (const [i, old] of [`${prefix}${name}_g`, `${prefix}${name}_v`].entries()) {
      if (!state.has(old)) continue;
      state.set(`${prefix}parametrizations.${name}.original${i}`, state.get(old));
      state.delete(old);
    }
  });
  return module;
}

/** Steps of the power method when a spectral norm is made, so that it starts with a fair estimate. */
const firstIterations = 15;

class SpectralNorm extends Module {
  declare _u: Buffer;
  declare _v: Buffer;
  readonly dim: number;
  readonly eps: number;
  readonly nPowerIterations: number;

  constructor(weight: Tensor, nPowerIterations: number, dim: number, eps: number) {
    super();
    this.dim = dim;
    this.eps = eps;
    this.nPowerIterations = nPowerIterations;
    if (weight.ndim === 1) return;
    const matrix = asMatrix(weight, dim);
    this._u = new Buffer(direction(weight, matrix.shape[0]!, eps));
    this._v = new Buffer(direction(weight, matrix.shape[1]!, eps));
    this.iterate(matrix, firstIterations);
  }

  private iterate(matrix: Tensor, count: number): void {
    const { eps } = this;
    untracked(() => {
      for (let i = 0; i < count; i++) {
        this._u.copy_(F.normalize(matrix.mv(this._v), { dim: 0, eps }));
        this._v.copy_(F.normalize(matrix.t().mv(this._u), { dim: 0, eps }));
      }
    });
  }

  forward(weight: Tensor): Tensor {
    // The largest singular value of a vector is its length.
    if (weight.ndim === 1) return F.normalize(weight, { dim: 0, eps: this.eps });
    const matrix = asMatrix(weight, this.dim);
    if (this.training) this.iterate(matrix.detach(), this.nPowerIterations);
    return divided(weight, matrix, this._u, this._v);
  }

  /** A weight that is set may be steeper than 1: it is divided when it is read. */
  rightInverse(value: Tensor): Tensor {
    return value;
  }
}
Object.defineProperty(SpectralNorm, 'name', { value: '_SpectralNorm' });

/**
 * Divides a parameter by its largest singular value, estimated by the power method on the buffers `_u` and `_v`; a step
 * of it is made whenever the weight is read in training. Miyato et al. 2018.
 *
 * ```ts
 * const layer = utils.parametrizations.spectralNorm(new Linear(20, 40));
 * ```
 * @throws TypeError when there is no such parameter, RangeError for options out of range.
 */
export function spectralNorm<M extends Module>(module: M, ...args: SpectralNormArguments): M {
  const { name, nPowerIterations, eps, dim: given } = parseSpectralNorm(args);
  const weight = ownTensor('spectralNorm', module, name);
  const dim = frontDim('spectralNorm', weight, given ?? outputDim(module));
  return registerParametrization(module, name, new SpectralNorm(weight.detach(), nPowerIterations, dim, eps));
}
