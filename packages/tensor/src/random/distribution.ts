import type { Distribution } from '../backend.ts';
import type { DType, TypedArray } from '../dtype.ts';
import {
  fillBernoulli,
  fillCauchy,
  fillExponential,
  fillGeometric,
  fillLogNormal,
  fillNormal,
  fillUniform,
} from './fill.ts';
import type { Generator } from './generator.ts';
import { fillRandint, fillRandom, fillRandperm } from './integers.ts';

/**
 * Fills the `n` elements from `offset` of an array with draws, in memory order. `contiguous` says whether they are a
 * row-major tensor, which decides by which method PyTorch makes normal numbers.
 *
 * @throws RangeError for parameters out of range; nothing is drawn then.
 */
export function fillDistribution(
  distribution: Distribution,
  generator: Generator,
  data: TypedArray,
  offset: number,
  n: number,
  dtype: DType,
  contiguous: boolean,
): void {
  const d = distribution;
  switch (d.kind) {
    case 'uniform':
      return fillUniform(generator, data, offset, n, dtype, d.from, d.to);
    case 'normal':
      return fillNormal(generator, data, offset, n, dtype, d.mean, d.std, contiguous);
    case 'logNormal':
      return fillLogNormal(generator, data, offset, n, dtype, d.mean, d.std);
    case 'cauchy':
      return fillCauchy(generator, data, offset, n, dtype, d.median, d.sigma);
    case 'exponential':
      return fillExponential(generator, data, offset, n, dtype, d.lambd);
    case 'geometric':
      return fillGeometric(generator, data, offset, n, dtype, d.p);
    case 'bernoulli':
      return fillBernoulli(generator, data, offset, n, dtype, d.p);
    case 'randint':
      return fillRandint(generator, data, offset, n, dtype, d.low, d.high);
    case 'random':
      return fillRandom(generator, data, offset, n, dtype);
    case 'randperm':
      return fillRandperm(generator, data, offset, n, dtype);
  }
}
