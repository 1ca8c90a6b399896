/** @file Poisson numbers, drawn as PyTorch draws them. */
import type { Generator } from './generator.ts';
import { log } from './preciseMath.ts';

/** From this rate on numbers are drawn by rejection, below by counting. */
const rejectionFrom = 10;

/** A number of events for each rate, which are finite and at least 0. */
export function drawPoisson(generator: Generator, rates: ArrayLike<number>): Float64Array {
  return Float64Array.from(rates, (rate) => {
    if (rate === 0) return 0;
    return rate < rejectionFrom ? countEvents(generator, rate) : rejected(generator, rate);
  });
}

/** Events until waiting times of mean 1 / rate have used up one unit of time (Knuth: as a product of uniforms). */
function countEvents(generator: Generator, rate: number): number {
  const limit = Math.exp(-rate);
  let product = generator.engine.u53();
  let events = 0;
  while (product > limit) {
    product *= generator.engine.u53();
    events++;
  }
  return events;
}

/**
 * Transformed rejection with squeeze: W. Hörmann, The transformed rejection method for generating Poisson random
 * variables (1993), algorithm PTRS.
 */
function rejected(generator: Generator, rate: number): number {
  const { engine } = generator;
  const logRate = log(rate);
  const b = 0.931 + 2.53 * Math.sqrt(rate);
  const a = -0.059 + 0.02483 * b;
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const squeeze = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = engine.u53() - 0.5;
    const v = engine.u53();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= squeeze) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const height = Math.log(v) + Math.log(inverseAlpha) - Math.log(a / (us * us) + b);
    if (height <= k * logRate - rate - logFactorial(k)) return k;
  }
}

const logFactorials = new Float64Array(16);
for (let k = 1; k < logFactorials.length; k++) logFactorials[k] = logFactorials[k - 1]! + Math.log(k);

/** log(k!); from 16 on by Stirling's series, whose next term is below 1e-12. */
function logFactorial(k: number): number {
  if (k < logFactorials.length) return logFactorials[k]!;
  const x = k + 1;
  const inverse = 1 / (x * x);
  const correction = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + correction;
}
