import { expectRange } from './fill.ts';
import type { Generator } from './generator.ts';
import { log } from './preciseMath.ts';

/**
 * Indices drawn with probabilities proportional to the `weights` of each row (rows × categories, row-major), `count` per
 * row (rows × count, row-major). Float32Array weights are computed with in float32, Float64Array in float64.
 *
 * @throws RangeError for weights that are negative, not finite, or all zero in a row; and without replacement if `count`
 * exceeds the number of categories. Nothing is drawn then.
 */
export function multinomial(
  generator: Generator,
  weights: Float32Array | Float64Array,
  categories: number,
  count: number,
  replacement: boolean,
): Int32Array {
  expectRange(count > 0, 'multinomial', 'numSamples > 0', `${count}`);
  expectRange(categories > 0, 'multinomial', 'at least one category', 'none');
  if (!replacement) {
    expectRange(count <= categories, 'multinomial', `numSamples <= ${categories} without replacement`, `${count}`);
  }
  checkWeights(weights, categories);
  if (replacement) return withReplacement(generator, weights, categories, count);
  return withoutReplacement(generator, weights, categories, count);
}

function checkWeights(weights: Float32Array | Float64Array, categories: number): void {
  for (let start = 0; start < weights.length; start += categories) {
    let positive = false;
    for (let i = start; i < start + categories; i++) {
      const w = weights[i]!;
      expectRange(w >= 0 && w < Infinity, 'multinomial', 'finite weights >= 0', `${w}`);
      if (w > 0) positive = true;
    }
    expectRange(positive, 'multinomial', 'a positive weight in every row', 'a row of zeros');
  }
}

/** The first index at which the running sum of the weights, divided by their total, reaches a uniform number. */
function withReplacement(
  generator: Generator,
  weights: Float32Array | Float64Array,
  categories: number,
  count: number,
): Int32Array {
  const out = new Int32Array((weights.length / categories) * count);
  const cumulative = weights.slice(0, categories);
  let next = 0;
  for (let start = 0; start < weights.length; start += categories) {
    cumulative[0] = weights[start]!;
    for (let i = 1; i < categories; i++) cumulative[i] = cumulative[i - 1]! + weights[start + i]!;
    const total = cumulative[categories - 1]!;
    for (let i = 0; i < categories; i++) cumulative[i]! /= total;
    cumulative[categories - 1] = 1;
    for (let k = 0; k < count; k++) out[next++] = firstNotBelow(cumulative, generator.engine.u53());
  }
  return out;
}

/** The first index whose element is at least `x`, in an ascending array whose last element is. */
function firstNotBelow(ascending: Float32Array | Float64Array, x: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The indices of the largest quotients of weight and an exponential number (a race of exponential clocks: the k first
 * to ring are a sample without replacement).
 */
function withoutReplacement(
  generator: Generator,
  weights: Float32Array | Float64Array,
  categories: number,
  count: number,
): Int32Array {
  const quotients = weights.slice();
  for (let i = 0; i < quotients.length; i++) quotients[i] = -log(1 - generator.engine.u53());
  for (let i = 0; i < quotients.length; i++) quotients[i] = weights[i]! / quotients[i]!;
  const out = new Int32Array((weights.length / categories) * count);
  let next = 0;
  for (let start = 0; start < weights.length; start += categories) {
    const order = Array.from({ length: categories }, (_, i) => i);
    order.sort((a, b) => quotients[start + b]! - quotients[start + a]! || a - b);
    for (let k = 0; k < count; k++) out[next++] = order[k]!;
  }
  return out;
}
