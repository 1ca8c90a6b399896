/** @file Elementary functions against double precision: right to a few units in the last place on every driver. */
import { fromTypedArray, manualSeed, rand, type Tensor } from '@flambeau/tensor';
import { beforeAll, expect, it } from 'vitest';
import { device, open } from './compare.ts';

beforeAll(async () => {
  await open();
  manualSeed(14);
});

const count = 5000;
const between = (low: number, high: number): Tensor =>
  rand(count)
    .mul(high - low)
    .add(low);
/** Of all magnitudes alike. */
const spread = (low: number, high: number): Tensor => between(Math.log(low), Math.log(high)).exp();

const functions: [name: string, run: (x: Tensor) => Tensor, inputs: () => Tensor][] = [
  ['exp', (x) => x.exp(), () => between(-80, 88)],
  ['exp2', (x) => x.exp2(), () => between(-120, 127)],
  ['expm1', (x) => x.expm1(), () => between(-20, 20)],
  ['expm1 of small numbers', (x) => x.expm1(), () => spread(1e-20, 1)],
  ['log', (x) => x.log(), () => spread(1e-37, 1e38)],
  ['log next to 1', (x) => x.log(), () => between(0.5, 2)],
  ['log2', (x) => x.log2(), () => spread(1e-37, 1e38)],
  ['log10', (x) => x.log10(), () => between(0.5, 20)],
  ['log1p', (x) => x.log1p(), () => spread(1e-20, 1e30)],
  ['log1p of negative numbers', (x) => x.neg().log1p(), () => spread(1e-20, 0.99)],
  ['sin', (x) => x.sin(), () => between(-100, 100)],
  ['cos', (x) => x.cos(), () => between(-100, 100)],
  ['tan', (x) => x.tan(), () => between(-1.5, 1.5)],
  ['asin', (x) => x.asin(), () => between(-1, 1)],
  ['acos', (x) => x.acos(), () => between(-1, 0.99)],
  ['atan', (x) => x.atan(), () => spread(1e-20, 1e20)],
  ['atan2', (x) => x.atan2(x.flip([0])), () => spread(1e-10, 1e10)],
  ['sinh', (x) => x.sinh(), () => between(-89, 89)],
  ['cosh', (x) => x.cosh(), () => between(-89, 89)],
  ['tanh', (x) => x.tanh(), () => between(-10, 10)],
  ['asinh', (x) => x.asinh(), () => spread(1e-20, 1e20)],
  ['acosh', (x) => x.acosh(), () => spread(1.001, 1e20)],
  ['atanh', (x) => x.atanh(), () => spread(1e-20, 0.999)],
  ['sigmoid', (x) => x.sigmoid(), () => between(-80, 20)],
  ['pow', (x) => x.pow(2.75), () => spread(1e-10, 1e10)],
  ['pow to a small power', (x) => x.pow(-0.3125), () => spread(1e-30, 1e30)],
  ['lgamma', (x) => x.lgamma(), () => between(0.6, 30)],
  ['erf', (x) => x.erf(), () => between(-4, 4)],
  ['erfc', (x) => x.erfc(), () => between(-4, 8)],
];

it.each(functions)('%s', async (name, run, inputs) => {
  const x = inputs();
  const wanted = run(x.double()).toTypedArraySync() as Float64Array;
  const got = (await run(x.to(device)).toTypedArray()) as Float32Array;
  const errors = Array.from(wanted, (value, i) => Math.abs(got[i]! - value) / Math.max(Math.abs(value), 1.2e-38));
  const worst = errors.indexOf(Math.max(...errors));
  expect(errors.some(Number.isNaN)).toBe(false);
  // Next to their zeros sin and cos are as exact as π: absolutely, not relatively.
  const least = /^(sin|cos)$/.test(name) ? 1e-5 : 6e-7;
  expect(errors[worst], `of ${(x.toTypedArraySync() as Float32Array)[worst]}`).toBeLessThan(least);
});

it('remainders are exact, whatever the quotient', async () => {
  const [a, b] = [spread(1e-30, 1e30).mul(between(-1, 1).sign()), spread(1e-20, 1e20).mul(between(-1, 1).sign())];
  for (const run of [(x: Tensor, y: Tensor) => x.fmod(y), (x: Tensor, y: Tensor) => x.remainder(y)]) {
    const got = await run(a.to(device), b.to(device)).toTypedArray();
    expect(got).toEqual(run(a, b).toTypedArraySync());
  }
  const thirds = fromTypedArray(new Float32Array([3, 1.5, 21, -3])).to(device);
  expect(await thirds.floorDivide(0.3).toArray()).toEqual([9, 4, 69, -10]);
});
