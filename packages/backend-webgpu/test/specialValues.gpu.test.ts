/**
 * @file Every function of the expression IR on special values, on the CPU and on WebGPU: NaN, infinities, signed zeros, the
 * largest floats, negative bases, and the ends of the integers.
 */
import '@flambeau/backend-cpu';
import { type DType, special, type Tensor, tensor } from '@flambeau/tensor';
import { call, callPointwise, pointwise, type ScalarFunction } from '@flambeau/tensor/internal';
import { beforeAll, describe, expect, it } from 'vitest';
import { boolFunctions, common, floatFunctions, intFunctions } from '../src/wgsl/functions.ts';
import { device, open } from './compare.ts';
import { differencesOf } from './special.ts';

beforeAll(open);

const [nan, infinity, most] = [Number.NaN, Number.POSITIVE_INFINITY, 3.4028234663852886e38];
const positive = [
  0,
  1,
  0.5,
  2,
  3,
  0.3,
  1.5,
  2.5,
  7,
  10,
  33,
  88,
  100,
  1e-30,
  1e-10,
  1e10,
  1e30,
  16777216,
  most,
  infinity,
];
const floats = [nan, ...positive, ...positive.map((x) => -x)];
const ints = [0, 1, -1, 2, -2, 3, -3, 5, 7, -7, 31, 32, 33, 100, -100, 2 ** 31 - 1, -(2 ** 31)];
const bools = [false, true];

/** Functions of the IR by their number of operands; the others take two. */
const unary = new Set<ScalarFunction>(
  'neg abs sign floor ceil round trunc sqrt rsqrt reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid erf erfc erfinv lgamma digamma trigamma erfcx ndtri i0 i0e i1 i1e besselJ0 besselJ1 besselY0 besselY1 k0 k0e k1 k1e airyAi airyAiPrime bitNot not'.split(
    ' ',
  ) as ScalarFunction[],
);

async function differences(fn: ScalarFunction, operands: readonly Tensor[], relative: number): Promise<string[]> {
  const op = pointwise(operands.length, (...inputs) => call(fn, ...inputs), { name: fn, promotion: 'promote' });
  const result = callPointwise(
    op,
    operands.map((x) => x.to(device)),
  );
  return differencesOf(fn, result, callPointwise(op, operands), operands, relative);
}

/** Sums of many terms, of which single precision leaves few digits where they cancel; polynomials are in special.gpu.test.ts. */
const sums = ['zeta', 'igamma', 'igammac', 'chebyshev', 'gegenbauer', 'hermite', 'laguerre'];

describe('float32', () => {
  for (const fn of Object.keys({ ...floatFunctions, ...common }) as ScalarFunction[]) {
    if (fn === 'where' || 'and or xor not'.split(' ').includes(fn) || sums.includes(fn)) continue;
    it(fn, async () => {
      // Far out Airy functions oscillate so fast that single precision does not know the phase.
      const x = tensor(fn.startsWith('airy') ? floats.filter((v) => !(v < -40)) : floats);
      const operands = unary.has(fn) ? [x] : [x.unsqueeze(1), x];
      expect(await differences(fn, operands, 1e-5)).toEqual([]);
    });
  }
});

describe('sums of many terms', () => {
  const signed = [nan, infinity, -infinity, 0, -0, -1, -2.5];
  const x = tensor([...signed, 1e-10, 0.01, 0.3, 0.5, 1, 1.5, 2, 3, 5.5, 7, 10, 20, 31, 75, 100, 1000, 1e5]);

  it('incomplete gamma functions', async () => {
    for (const fn of ['igamma', 'igammac'] as const) {
      const [wanted, got] = [x, x.to(device)].map((v) => v.unsqueeze(1)[fn](v)) as [Tensor, Tensor];
      const there = await got.cpu();
      expect(there.isnan().equalSync(wanted.isnan())).toBe(true);
      expect(await there.allclose(wanted, { rtol: 0, atol: 2e-5, equalNan: true })).toBe(true);
    }
  });

  it('zeta', async () => {
    const s = tensor([nan, infinity, 0, -1, 1, 1.01, 1.5, 2, 3, 5.5, 7, 10, 20]);
    const [wanted, got] = [[s, x] as const, [s.to(device), x.to(device)] as const].map(([a, b]) =>
      special.zeta(a.unsqueeze(1), b),
    ) as [Tensor, Tensor];
    expect(await (await got.cpu()).allclose(wanted, { rtol: 1e-4, atol: 1e-5, equalNan: true })).toBe(true);
  });
});

describe('integers', () => {
  for (const fn of Object.keys({ ...intFunctions, ...common }) as ScalarFunction[]) {
    if (fn === 'where' || 'and or xor not'.split(' ').includes(fn)) continue;
    for (const dtype of ['int32', 'int16', 'int8', 'uint8'] as DType[])
      it(`${fn} ${dtype}`, async () => {
        const x = tensor(ints, { dtype: 'int32' }).to(dtype);
        const divides = ['fmod', 'mod', 'floorDiv', 'truncDiv'].includes(fn);
        const y = divides ? x.maskedFill(x.eq(0), 1) : x;
        const operands = unary.has(fn) ? [x] : [x.unsqueeze(1), fn === 'pow' ? y.abs() : y];
        expect(await differences(fn, operands, 0)).toEqual([]);
      });
  }
});

describe('bool', () => {
  for (const fn of Object.keys({ ...boolFunctions, ...common }) as ScalarFunction[]) {
    if (fn === 'where') continue;
    it(fn, async () => {
      const x = tensor(bools);
      const operands = unary.has(fn) ? [x] : [x.unsqueeze(1), x];
      expect(await differences(fn, operands, 0)).toEqual([]);
    });
  }
});
