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
      fillUniform(generator, data, offset, n, dtype, d.from, d.to);
      break;
    case 'normal':
      fillNormal(generator, data, offset, n, dtype, d.mean, d.std, contiguous);
      break;
    case 'logNormal':
      fillLogNormal(generator, data, offset, n, dtype, d.mean, d.std);
      break;
    case 'cauchy':
      fillCauchy(generator, data, offset, n, dtype, d.median, d.sigma);
      break;
    case 'exponential':
      fillExponential(generator, data, offset, n, dtype, d.lambd);
      break;
    case 'geometric':
      fillGeometric(generator, data, offset, n, dtype, d.p);
      break;
    case 'bernoulli':
      fillBernoulli(generator, data, offset, n, dtype, d.p);
      break;
    case 'randint':
      fillRandint(generator, data, offset, n, dtype, d.low, d.high);
      break;
    case 'random':
      fillRandom(generator, data, offset, n, dtype);
      break;
    case 'randperm':
      fillRandperm(generator, data, offset, n, dtype);
      break;
  }
}
