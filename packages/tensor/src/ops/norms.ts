/** @file Distances and limits of norms: dist, renorm. */

import { checkOptions } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { ShapeError } from '../errors.ts';
import { inplaceOf, intoOut } from '../inplace.ts';
import { formatShape, wrapDim } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { where as choose } from '../where.ts';
import type { OutOption } from './make.ts';

/**
 * The p-norm of self − other, broadcast: 0-d.
 *
 * ```ts
 * tensor([1, 2]).dist(tensor([4, 6])); // tensor(5.)
 * ```
 */
export function dist(self: Tensor, other: Tensor, p: number | { p?: number } = 2): Tensor {
  if (state.autocasting) return withAutocast('dist', dist, self, other, p);
  return self.sub(other).norm(typeof p === 'number' ? p : (p.p ?? 2));
}

function renormOf(self: Tensor, p: number, dim: number, maxnorm: number, options: OutOption = {}): Tensor {
  if (state.autocasting) return withAutocast('renorm', renormOf, self, p, dim, maxnorm, options);
  checkOptions('renorm', options, ['out']);
  if (self.ndim < 2)
    throw new ShapeError(`renorm(): needs at least 2 dimensions, got shape ${formatShape(self.shape)}`);
  if (!(p > 0)) throw new RangeError(`renorm(): p must be positive, got ${p}`);
  if (!(maxnorm >= 0)) throw new RangeError(`renorm(): maxnorm must not be negative, got ${maxnorm}`);
  const kept = wrapDim('renorm', dim, self.ndim);
  const others = self.shape.map((_, d) => d).filter((d) => d !== kept);
  return intoOut('renorm', options.out, [self], () => {
    const sizes = self.norm(p, others, true);
    return self.mul(choose(sizes.gt(maxnorm), sizes.add(1e-7).reciprocal().mul(maxnorm), 1).to(sizes.dtype));
  });
}

/**
 * self with every slice along `dim` whose p-norm is above `maxnorm` scaled down to that. `x.renorm_(…)` in place.
 *
 * ```ts
 * tensor([[3, 4], [0.3, 0.4]]).renorm(2, 0, 1); // [[0.6, 0.8], [0.3, 0.4]]
 * ```
 * @throws ShapeError for fewer than 2 dimensions.
 */
export const renorm: {
  (self: Tensor, p: number, dim: number, maxnorm: number, options?: OutOption): Tensor;
  readonly inplace: (self: Tensor, p: number, dim: number, maxnorm: number) => Tensor;
} = Object.assign(renormOf, { inplace: inplaceOf('renorm', renormOf) });
