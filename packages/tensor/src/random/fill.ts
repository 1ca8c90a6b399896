/**
 * @file Fills the `n` elements from `offset` of an array with random numbers, in memory order, as PyTorch 1.13's CPU
 * kernels do: the same draws of the generator in the same order, and the same arithmetic on them.
 * float16 and bfloat16 arrays hold bits. Parameters out of range are RangeErrors and draw nothing.
 */
import type { DType, TypedArray } from '../dtype.ts';
import { blockSize, boxMullerFloat32, boxMullerFloat64, boxMullerHalf } from './boxMuller.ts';
import { fma32, fma64 } from './fma.ts';
import type { Generator } from './generator.ts';
import { exp, log, tan } from './preciseMath.ts';
import { fillWith, precisionOf, roundTo, store } from './store.ts';

/** @throws RangeError saying what `op` expects and what it got, unless `valid`. */
export function expectRange(valid: boolean, op: string, expected: string, got: string): void {
  if (!valid) throw new RangeError(`${op}: expected ${expected}, got ${got}`);
}

/** Uniform numbers in [from, to), of a real floating dtype. */
export function fillUniform(
  generator: Generator,
  data: TypedArray,
  offset: number,
  n: number,
  dtype: DType,
  from = 0,
  to = 1,
): void {
  expectRange(from <= to, 'uniform_', 'from <= to', `from ${from} and to ${to}`);
  const engine = generator.engine;
  const low = roundTo(from, dtype);
  const span = roundTo(roundTo(to, dtype) - low, dtype);
  expectRange(Number.isFinite(span), 'uniform_', `to - from within the range of ${dtype}`, `from ${from} and to ${to}`);
  const unit = low === 0 && span === 1;
  if (dtype === 'float32' && unit) {
    for (let i = offset; i < offset + n; i++) data[i] = engine.u24();
  } else if (dtype === 'float32') {
    for (let i = offset; i < offset + n; i++) data[i] = fma32(engine.u24(), span, low);
  } else if (dtype === 'float64') {
    for (let i = offset; i < offset + n; i++) data[i] = fma64(engine.u53(), span, low);
  } else {
    fillWith(data, offset, n, dtype, () => fma32(drawBits(generator, precisionOf(dtype)), span, low));
  }
}

/** A multiple of 2^-bits in [0, 1) from one draw, for up to 24 bits. */
function drawBits(generator: Generator, bits: number): number {
  return (generator.engine.u32() & (2 ** bits - 1)) * 2 ** -bits;
}

/**
 * Normal numbers of a real floating dtype. From 16 elements on, blocks of uniforms are transformed in the dtype; fewer
 * elements, and those of a tensor that is not `contiguous`, are made one by one in double precision, sharing the
 * generator's second normal.
 */
export function fillNormal(
  generator: Generator,
  data: TypedArray,
  offset: number,
  n: number,
  dtype: DType,
  mean = 0,
  std = 1,
  contiguous = true,
): void {
  expectRange(std >= 0, 'normal_', 'std >= 0', `${std}`);
  if (n < blockSize || !contiguous) {
    fillWith(data, offset, n, dtype, () => generator.normal(mean, std));
    return;
  }
  const center = roundTo(mean, dtype);
  const scale = roundTo(std, dtype);
  if (dtype === 'float32') {
    const values = data as Float32Array;
    const uniforms = (at: number, length: number) => fillUniform(generator, values, at, length, dtype);
    fillBlocks(offset, n, uniforms, (at) => boxMullerFloat32(values, at, center, scale));
  } else if (dtype === 'float64') {
    const values = data as Float64Array;
    const uniforms = (at: number, length: number) => fillUniform(generator, values, at, length, dtype);
    fillBlocks(offset, n, uniforms, (at) => boxMullerFloat64(values, at, center, scale));
  } else {
    const values = new Float32Array(n);
    const bits = precisionOf(dtype);
    const uniforms = (at: number, length: number) => {
      for (let i = at; i < at + length; i++) values[i] = drawBits(generator, bits);
    };
    fillBlocks(0, n, uniforms, (at) => boxMullerHalf(values, at, center, scale, dtype));
    store(values, data, offset, dtype);
  }
}

/**
 * Uniforms for all elements, transformed 16 by 16. A remainder is covered by a last block that overlaps the one before
 * it, made of 16 new uniforms.
 */
function fillBlocks(
  offset: number,
  n: number,
  uniforms: (at: number, length: number) => void,
  transform: (at: number) => void,
): void {
  const end = offset + n;
  uniforms(offset, n);
  for (let at = offset; at + blockSize <= end; at += blockSize) transform(at);
  if (n % blockSize === 0) return;
  uniforms(end - blockSize, blockSize);
  transform(end - blockSize);
}

/** 1 with probability `p`, else 0, in any real dtype. */
export function fillBernoulli(
  generator: Generator,
  data: TypedArray,
  offset: number,
  n: number,
  dtype: DType,
  p = 0.5,
): void {
  expectRange(p >= 0 && p <= 1, 'bernoulli_', 'p in [0, 1]', `${p}`);
  const engine = generator.engine;
  if (dtype === 'float32' || dtype === 'bool') {
    for (let i = offset; i < offset + n; i++) data[i] = engine.u53() < p ? 1 : 0;
  } else {
    fillWith(data, offset, n, dtype, () => (engine.u53() < p ? 1 : 0));
  }
}

/** Numbers of density λ exp(-λ x), x > 0, of a real floating dtype. */
export function fillExponential(
  generator: Generator,
  data: TypedArray,
  offset: number,
  n: number,
  dtype: DType,
  lambd = 1,
): void {
  expectRange(lambd >= 0, 'exponential_', 'lambd >= 0', `${lambd}`);
  const engine = generator.engine;
  const scale = -1 / lambd;
  fillWith(data, offset, n, dtype, () => scale * log(1 - engine.u53()));
}

/** Number of trials until the first success, which each has with probability `p`, in any real dtype. */
export function fillGeometric(
  generator: Generator,
  data: TypedArray,
  offset: number,
  n: number,
  dtype: DType,
  p: number,
): void {
  expectRange(p > 0 && p < 1, 'geometric_', 'p in (0, 1)', `${p}`);
  const engine = generator.engine;
  const logFailure = Math.log1p(-p);
  fillWith(data, offset, n, dtype, () => Math.ceil(Math.log(engine.u53()) / logFailure));
}

/** Numbers of density sigma / (π ((x - median)² + sigma²)), of a real floating dtype. */
export function fillCauchy(
  generator: Generator,
  data: TypedArray,
  offset: number,
  n: number,
  dtype: DType,
  median = 0,
  sigma = 1,
): void {
  expectRange(sigma > 0, 'cauchy_', 'sigma > 0', `${sigma}`);
  const engine = generator.engine;
  fillWith(data, offset, n, dtype, () => fma64(sigma, tan(Math.PI * (engine.u53() - 0.5)), median));
}

/** Exponentials of normal numbers with the given mean and standard deviation, of a real floating dtype. */
export function fillLogNormal(
  generator: Generator,
  data: TypedArray,
  offset: number,
  n: number,
  dtype: DType,
  mean = 1,
  std = 2,
): void {
  expectRange(std > 0, 'logNormal_', 'std > 0', `${std}`);
  fillWith(data, offset, n, dtype, () => exp(generator.normal(mean, std)));
}
