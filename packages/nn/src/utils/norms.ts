/** @file Weights split into length and direction, and weights divided by their largest singular value. */
import { type Buffer, functional as F, Parameter, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing, untracked } from '@flambeau/tensor/internal';
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from '../conv.ts';
import type { Module } from '../module.ts';
import { computationOf, computeBeforeCalls, stopComputing } from './computed.ts';
import { dropField, frontDim, ownParameter } from './fields.ts';

/** Norms of the slices along `dim`, of a shape that broadcasts; of the whole with null. */
export function normExceptDim(v: Tensor, dim: number | null): Tensor {
  if (dim === null) return v.norm();
  const moved = v.transpose(0, dim);
  return moved
    .reshape([moved.shape[0]!, -1])
    .norm(2, 1)
    .view([moved.shape[0]!, ...new Array<number>(v.ndim - 1).fill(1)])
    .transpose(0, dim);
}

/** g · v / ‖v‖: directions `v` with lengths `g`. */
export const weightOf = (v: Tensor, g: Tensor, dim: number | null): Tensor => v.mul(g.div(normExceptDim(v, dim)));

/** The dimension in which there are norms; −1 is PyTorch's other way to say null here. */
export const normDim = (op: string, v: Tensor, dim: number | null): number | null =>
  dim === null || dim === -1 ? null : frontDim(op, v, dim);

export type WeightNormArguments = Trailing<
  [name: string, dim: number | null],
  { name?: string | undefined; dim?: number | null | undefined }
>;

export const parseWeightNorm = signature<{ name: string; dim: number | null }>('weightNorm', ['name', 'dim'], {
  name: 'weight',
  dim: 0,
});

/**
 * Splits a parameter into its length `weight_g` and direction `weight_v`, which are trained in its place. Salimans &
 * Kingma 2016.
 *
 * ```ts
 * const layer = utils.weightNorm(new Linear(20, 40));
 * layer.getParameter('weight_g').shape; // [40, 1]
 * ```
 * @param dim one length for each slice along this dimension (0); null: one for the whole.
 * @throws TypeError when there is no such parameter, or it is split already.
 */
export function weightNorm<M extends Module>(module: M, ...args: WeightNormArguments): M {
  const { name, dim: given } = parseWeightNorm(args);
  if (computationOf(module, 'weight norm', name) !== undefined)
    throw new TypeError(`weightNorm(): '${name}' of ${module.constructor.name} has a weight norm already`);
  const weight = ownParameter('weightNorm', module, name);
  const dim = normDim('weightNorm', weight, given);
  const { requiresGrad } = weight;
  const g = untracked(() => normExceptDim(weight.detach(), dim).contiguous());
  dropField(module, name);
  module.registerParameter(`${name}_g`, new Parameter(g, { requiresGrad }));
  module.registerParameter(`${name}_v`, new Parameter(weight.detach(), { requiresGrad }));
  computeBeforeCalls(module, {
    kind: 'weight norm',
    name,
    compute: (owner) => weightOf(owner.getParameter(`${name}_v`), owner.getParameter(`${name}_g`), dim),
  });
  return module;
}

/** Makes a parameter of a computed weight again. */
function restore(module: Module, name: string, value: Tensor, requiresGrad: boolean): void {
  dropField(module, name);
  module.registerParameter(name, new Parameter(value.detach(), { requiresGrad }));
}

/** Undoes {@link weightNorm}: the weight is a parameter again. @throws TypeError when there is nothing to undo. */
export function removeWeightNorm<M extends Module>(module: M, name = 'weight'): M {
  const { compute } = stopComputing('removeWeightNorm', module, 'weight norm', name);
  const value = untracked(() => compute(module));
  const { requiresGrad } = module.getParameter(`${name}_v`);
  dropField(module, `${name}_g`);
  dropField(module, `${name}_v`);
  restore(module, name, value, requiresGrad);
  return module;
}

/** A weight as a matrix whose rows are the slices along `dim`. */
export function asMatrix(weight: Tensor, dim: number): Tensor {
  const others = weight.shape.flatMap((_, d) => (d === dim ? [] : [d]));
  return (dim === 0 ? weight : weight.permute(dim, ...others)).flatten(1);
}

/** The transposed convolutions have their outputs in dimension 1. */
export const outputDim = (module: Module): number =>
  module instanceof ConvTranspose1d || module instanceof ConvTranspose2d || module instanceof ConvTranspose3d ? 1 : 0;

export interface SpectralNormOptions {
  name?: string | undefined;
  /** Steps of the power method before each call in training. */
  nPowerIterations?: number | undefined;
  /** Added where a vector of length 0 would be divided by its length. */
  eps?: number | undefined;
  /** The dimension of the outputs; null: 0, and 1 for transposed convolutions. */
  dim?: number | null | undefined;
}

export type SpectralNormArguments = Trailing<
  [name: string, nPowerIterations: number, eps: number, dim: number | null],
  SpectralNormOptions
>;

export interface SpectralNormSettings {
  name: string;
  nPowerIterations: number;
  eps: number;
  dim: number | null;
}

const parse = signature<SpectralNormSettings>('spectralNorm', ['name', 'nPowerIterations', 'eps', 'dim'], {
  name: 'weight',
  nPowerIterations: 1,
  eps: 1e-12,
  dim: null,
});

/** @throws RangeError unless there is at least one step. */
export function parseSpectralNorm(args: readonly unknown[]): SpectralNormSettings {
  const settings = parse(args);
  const { nPowerIterations } = settings;
  if (!Number.isInteger(nPowerIterations) || nPowerIterations < 1)
    throw new RangeError(`spectralNorm(): nPowerIterations must be a positive integer, got ${nPowerIterations}`);
  return settings;
}

/** A random direction of `size` numbers. */
export const direction = (like: Tensor, size: number, eps: number): Tensor =>
  F.normalize(like.detach().newEmpty([size]).normal_(0, 1), { dim: 0, eps });

/**
 * Divides a parameter by its largest singular value, so that the layer is no steeper than 1. The value is estimated by
 * the power method, one step before each call in training, on the buffers `weight_u` and `weight_v`; the parameter
 * itself is `weight_orig`. Miyato et al. 2018.
 *
 * ```ts
 * const layer = utils.spectralNorm(new Linear(20, 40));
 * [...layer.stateDict().keys()]; // ['bias', 'weight_orig', 'weight_u', 'weight_v']
 * ```
 * @throws TypeError when there is no such parameter or it is divided already, RangeError for options out of range.
 */
export function spectralNorm<M extends Module>(module: M, ...args: SpectralNormArguments): M {
  const { name, nPowerIterations, eps, dim: given } = parseSpectralNorm(args);
  if (computationOf(module, 'spectral norm', name) !== undefined)
    throw new TypeError(`spectralNorm(): '${name}' of ${module.constructor.name} has a spectral norm already`);
  const weight = ownParameter('spectralNorm', module, name);
  const dim = frontDim('spectralNorm', weight, given ?? outputDim(module));
  const [rows, columns] = asMatrix(weight.detach(), dim).shape as readonly [number, number];
  const [u, v] = untracked(() => [direction(weight, rows, eps), direction(weight, columns, eps)]);
  dropField(module, name);
  module.registerParameter(`${name}_orig`, weight);
  module.registerBuffer(`${name}_u`, u);
  module.registerBuffer(`${name}_v`, v);
  const iterate = (owner: Module, matrix: Tensor): void => {
    const [left, right] = [owner.getBuffer(`${name}_u`), owner.getBuffer(`${name}_v`)];
    for (let i = 0; i < nPowerIterations; i++) {
      right.copy_(F.normalize(matrix.t().mv(left), { dim: 0, eps }));
      left.copy_(F.normalize(matrix.mv(right), { dim: 0, eps }));
    }
  };
  // As in PyTorch the first weight is undivided: it is computed when the module is called.
  computeBeforeCalls(
    module,
    {
      kind: 'spectral norm',
      name,
      compute: (owner) => {
        const original = owner.getParameter(`${name}_orig`);
        const matrix = asMatrix(original, dim);
        if (owner.training) untracked(() => iterate(owner, matrix.detach()));
        return divided(original, matrix, owner.getBuffer(`${name}_u`), owner.getBuffer(`${name}_v`));
      },
    },
    weight.detach(),
  );
  return module;
}

/** The weight divided by uᵀ · W · v, its largest singular value when u and v are its singular vectors. */
export const divided = (weight: Tensor, matrix: Tensor, u: Buffer, v: Buffer): Tensor =>
  // Copies, which later steps of the power method leave alone.
  weight.div(u.clone().dot(matrix.mv(v.clone())));

/** Undoes {@link spectralNorm}: the divided weight is a parameter. @throws TypeError when there is nothing to undo. */
export function removeSpectralNorm<M extends Module>(module: M, name = 'weight'): M {
  const { compute } = stopComputing('removeSpectralNorm', module, 'spectral norm', name);
  const { training } = module;
  module.training = false;
  const value = untracked(() => compute(module));
  module.training = training;
  const { requiresGrad } = module.getParameter(`${name}_orig`);
  for (const suffix of ['orig', 'u', 'v']) dropField(module, `${name}_${suffix}`);
  restore(module, name, value, requiresGrad);
  return module;
}
