import { describe, expect, it } from 'vitest';
import type { DType, TypedArray } from '../src/dtype.ts';
import { dtypeInfo } from '../src/dtype.ts';
import { decodeBfloat16 } from '../src/float16.ts';
import {
  fillBernoulli,
  fillCauchy,
  fillExponential,
  fillGeometric,
  fillLogNormal,
  fillNormal,
  fillUniform,
} from '../src/random/fill.ts';
import { Generator } from '../src/random/generator.ts';
import { fillRandint, fillRandom, fillRandperm } from '../src/random/integers.ts';
import { multinomial } from '../src/random/multinomial.ts';
import { store } from '../src/random/store.ts';
import type { GoldenInteger, GoldenTensor } from './golden.ts';
import { elementsOf, integerOf, readFixture } from './golden.ts';

interface Step {
  op: string;
  size: number[];
  dtype?: DType;
  n: number;
  from?: number;
  to?: number;
  low: GoldenInteger;
  high: GoldenInteger;
  mean?: number;
  std?: number;
  p: number;
  lambd?: number;
  median?: number;
  sigma?: number;
  lower: number;
  upper: number;
  seed: GoldenInteger;
  num_samples: number;
  replacement: boolean;
  weights: GoldenTensor;
  p_tensor: GoldenTensor;
  mean_tensor: GoldenTensor;
  std_tensor: GoldenTensor;
  out: GoldenTensor;
}

interface InitCase {
  fn: string;
  size: [number, number, ...number[]];
  kwargs: { a?: number; b?: number; mean?: number; std?: number; gain?: number; mode?: string; nonlinearity?: string };
  seed: number;
  out: GoldenTensor;
  rand_after: GoldenTensor;
}

const golden = readFixture<{
  sequences: { id: string; seed: GoldenInteger; steps: Step[] }[];
  init: InitCase[];
}>('rng.json.gz');

const count = (size: readonly number[]): number => size.reduce((a, b) => a * b, 1);

/** A new array in the middle of which `fill` put its numbers; the elements around them must stay as they were. */
function filled(size: readonly number[], dtype: DType, fill: (data: TypedArray, offset: number, n: number) => void) {
  const n = count(size);
  const data = new (dtypeInfo(dtype).array)(n + 5);
  fill(data, 2, n);
  for (const i of [0, 1, n + 2, n + 3, n + 4]) expect(Number(data[i])).toBe(0);
  return data.slice(2, n + 2);
}

const uniform = (g: Generator, size: readonly number[], dtype: DType, from?: number, to?: number) =>
  filled(size, dtype, (data, offset, n) => fillUniform(g, data, offset, n, dtype, from, to));

const normal = (g: Generator, s: Step, dtype: DType, contiguous = true) =>
  filled(s.size, dtype, (data, offset, n) => fillNormal(g, data, offset, n, dtype, s.mean, s.std, contiguous));

/** The row-major elements of a matrix's transpose. */
function transposed(data: TypedArray, [rows, columns]: readonly number[]): TypedArray {
  const source = data as Float32Array;
  return source.map((_, i) => source[(i % rows!) * columns! + Math.floor(i / rows!)]!);
}

/** Dropout of ones, in training mode, with one draw for each `area` elements. */
function dropout(g: Generator, s: Step, area: number): TypedArray {
  const out = new Float32Array(count(s.size));
  if (s.p === 0) return out.fill(1);
  if (s.p === 1) return out;
  const mask = bernoulli(g, [out.length / area], 'float32', 1 - s.p);
  return out.map((_, i) => Number(mask[Math.floor(i / area)]) / Math.fround(1 - s.p));
}

const bernoulli = (g: Generator, size: readonly number[], dtype: DType, p: number) =>
  filled(size, dtype, (data, offset, n) => fillBernoulli(g, data, offset, n, dtype, p));

/** What the golden ops do, in terms of the functions under test. */
const ops: Record<string, (g: Generator, s: Step, dtype: DType) => TypedArray> = {
  rand: (g, s, dtype) => uniform(g, s.size, dtype),
  rand_like: (g, s, dtype) => uniform(g, s.size, dtype),
  uniform_: (g, s, dtype) => uniform(g, s.size, dtype, s.from, s.to),
  uniform_t: (g, s) => transposed(uniform(g, s.size, 'float32'), s.size),
  randn: normal,
  randn_like: normal,
  normal_: normal,
  normal: (g, s) => normal(g, s, 'float32'),
  normal_t: (g, s) => transposed(normal(g, s, 'float32', false), s.size),
  normal_tt: (g, s) => {
    const means = elementsOf(s.mean_tensor) as Float32Array;
    const stds = elementsOf(s.std_tensor) as Float32Array;
    const normals = normal(g, { ...s, size: s.mean_tensor.$t.shape }, 'float32') as Float32Array;
    return normals.map((x, i) => Math.fround(x * stds[i]!) + means[i]!);
  },
  randint: (g, s, dtype) =>
    filled(s.size, dtype, (data, offset, n) =>
      fillRandint(g, data, offset, n, dtype, integerOf(s.low), integerOf(s.high)),
    ),
  random_: (g, s, dtype) =>
    filled(s.size, dtype, (data, offset, n) =>
      s.from === undefined
        ? fillRandom(g, data, offset, n, dtype)
        : fillRandint(g, data, offset, n, dtype, s.from, s.to!),
    ),
  randperm: (g, s, dtype) => filled([s.n], dtype, (data, offset, n) => fillRandperm(g, data, offset, n, dtype)),
  bernoulli_: (g, s, dtype) => bernoulli(g, s.size, dtype, s.p),
  bernoulli: (g, s) => {
    const { dtype, shape } = s.p_tensor.$t;
    const stored = elementsOf(s.p_tensor);
    const p = (dtype === 'bfloat16' ? decodeBfloat16(stored as Uint16Array) : stored) as Float32Array;
    const draws = uniform(g, shape, p instanceof Float64Array ? 'float64' : 'float32');
    return filled(shape, dtype, (data, offset, n) =>
      store(
        Float32Array.from({ length: n }, (_, i) => Number(draws[i]! < p[i]!)),
        data,
        offset,
        dtype,
      ),
    );
  },
  exponential_: (g, s, dtype) =>
    filled(s.size, dtype, (data, offset, n) => fillExponential(g, data, offset, n, dtype, s.lambd)),
  geometric_: (g, s, dtype) =>
    filled(s.size, dtype, (data, offset, n) => fillGeometric(g, data, offset, n, dtype, s.p)),
  cauchy_: (g, s, dtype) =>
    filled(s.size, dtype, (data, offset, n) => fillCauchy(g, data, offset, n, dtype, s.median, s.sigma)),
  log_normal_: (g, s, dtype) =>
    filled(s.size, dtype, (data, offset, n) => fillLogNormal(g, data, offset, n, dtype, s.mean, s.std)),
  multinomial: (g, s) => {
    const weights = elementsOf(s.weights) as Float32Array | Float64Array;
    return BigInt64Array.from(
      multinomial(g, weights, s.weights.$t.shape.at(-1)!, s.num_samples, s.replacement),
      BigInt,
    );
  },
  dropout: (g, s) => dropout(g, s, 1),
  dropout1d: (g, s) => dropout(g, s, count(s.size.slice(2))),
  dropout2d: (g, s) => dropout(g, s, count(s.size.slice(2))),
  dropout3d: (g, s) => dropout(g, s, count(s.size.slice(2))),
  rrelu: (g, s) => new Float32Array(count(s.size)).map(() => -g.uniform(Math.fround(s.lower), Math.fround(s.upper))),
  // Alpha dropout of ones leaves a positive number where it keeps one, and makes a negative one otherwise.
  alpha_dropout: (g, s) => {
    const mask = bernoulli(g, s.size, 'float32', 1 - s.p);
    const kept = elementsOf(s.out) as Float32Array;
    expect(kept.map((x) => (x > 0 ? 1 : 0))).toEqual(mask);
    return kept;
  },
  // Softmax of -log(exponential) is that number's reciprocal, divided by the sum of all of them.
  gumbel_softmax: (g, s) => {
    const weights = filled(s.size, 'float32', (data, offset, n) => fillExponential(g, data, offset, n, 'float32'));
    const [rows, columns] = s.size as [number, number];
    const out = (weights as Float32Array).map((x) => 1 / x);
    for (let row = 0; row < rows; row++) {
      const part = out.subarray(row * columns, (row + 1) * columns);
      const total = part.reduce((a, b) => a + b, 0);
      part.forEach((x, i) => {
        part[i] = x / total;
      });
    }
    return out;
  },
};

/** Ops whose doubles PyTorch's C library rounds wrongly about once in a thousand times. */
const inexact = new Set(['randn', 'normal_', 'exponential_', 'cauchy_', 'log_normal_']);

function expectStep(got: TypedArray, s: Step, label: string): void {
  const want = elementsOf(s.out);
  if (s.op === 'gumbel_softmax') {
    (got as Float32Array).forEach((x, i) => {
      expect(x, label).toBeCloseTo(Number(want[i]), 6);
    });
  } else if (s.dtype === 'float64' && inexact.has(s.op)) {
    expect(got.length, label).toBe(want.length);
    const different = [...(got as Float64Array).keys()].filter((i) => !Object.is(got[i], want[i]));
    expect(different.length, label).toBeLessThanOrEqual(1 + got.length / 1000);
    for (const i of different) {
      const w = Number(want[i]);
      expect(Math.abs(Number(got[i]) - w), label).toBeLessThanOrEqual(2 ** -51 * Math.max(Math.abs(w), 1));
    }
  } else {
    expect(got, label).toStrictEqual(want);
  }
}

describe('sequences of draws are PyTorch’s', () => {
  it.each(golden.sequences)('$id', ({ seed, steps }) => {
    const g = new Generator().manualSeed(integerOf(seed));
    for (const [i, s] of steps.entries()) {
      if (s.op === 'manual_seed') g.manualSeed(integerOf(s.seed));
      else expectStep(ops[s.op]!(g, s, s.dtype ?? 'int64'), s, `step ${i}: ${s.op}`);
    }
  });
});

/** Number of inputs and outputs of a weight that one output and one input are connected to. */
function fans([out, into, ...kernel]: InitCase['size']): { fanIn: number; fanOut: number } {
  return { fanIn: into * count(kernel), fanOut: out * count(kernel) };
}

function kaimingGain({ nonlinearity = 'leaky_relu', a = 0 }: InitCase['kwargs']): number {
  if (nonlinearity === 'tanh') return 5 / 3;
  return Math.sqrt(2 / (1 + (nonlinearity === 'leaky_relu' ? a * a : 0)));
}

/** The distribution that each initializer draws from. */
const initializers: Record<string, (c: InitCase) => { bound: [number, number] } | { mean: number; std: number }> = {
  uniform_: ({ kwargs }) => ({ bound: [kwargs.a ?? 0, kwargs.b ?? 1] }),
  normal_: ({ kwargs }) => ({ mean: kwargs.mean ?? 0, std: kwargs.std ?? 1 }),
  xavier_uniform_: ({ size, kwargs }) => {
    const { fanIn, fanOut } = fans(size);
    const bound = Math.sqrt(3) * ((kwargs.gain ?? 1) * Math.sqrt(2 / (fanIn + fanOut)));
    return { bound: [-bound, bound] };
  },
  xavier_normal_: ({ size, kwargs }) => {
    const { fanIn, fanOut } = fans(size);
    return { mean: 0, std: (kwargs.gain ?? 1) * Math.sqrt(2 / (fanIn + fanOut)) };
  },
  kaiming_uniform_: ({ size, kwargs }) => {
    const { fanIn, fanOut } = fans(size);
    const bound = Math.sqrt(3) * (kaimingGain(kwargs) / Math.sqrt(kwargs.mode === 'fan_out' ? fanOut : fanIn));
    return { bound: [-bound, bound] };
  },
  kaiming_normal_: ({ size, kwargs }) => {
    const { fanIn, fanOut } = fans(size);
    return { mean: 0, std: kaimingGain(kwargs) / Math.sqrt(kwargs.mode === 'fan_out' ? fanOut : fanIn) };
  },
};

describe('initial weights are PyTorch’s', () => {
  it.each(golden.init.filter((c) => c.fn in initializers))('$fn $size', (c) => {
    const g = new Generator().manualSeed(c.seed);
    const law = initializers[c.fn]!(c);
    const weights = filled(c.size, 'float32', (data, offset, n) => {
      if ('bound' in law) fillUniform(g, data, offset, n, 'float32', ...law.bound);
      else fillNormal(g, data, offset, n, 'float32', law.mean, law.std);
    });
    expect(weights).toStrictEqual(elementsOf(c.out));
    expect(uniform(g, [1], 'float32')).toStrictEqual(elementsOf(c.rand_after));
  });
});

describe('parameters out of range', () => {
  const data = new Float32Array(4);
  const calls: Record<string, (g: Generator) => void> = {
    'uniform_ with from > to': (g) => fillUniform(g, data, 0, 4, 'float32', 1, 0),
    'uniform_ over more than a float32': (g) => fillUniform(g, data, 0, 4, 'float32', -3e38, 3e38),
    'normal_ with a negative std': (g) => fillNormal(g, data, 0, 4, 'float32', 0, -1),
    'bernoulli_ with p > 1': (g) => fillBernoulli(g, data, 0, 4, 'float32', 1.5),
    'exponential_ with a negative rate': (g) => fillExponential(g, data, 0, 4, 'float32', -1),
    'geometric_ with p = 0': (g) => fillGeometric(g, data, 0, 4, 'float32', 0),
    'cauchy_ with sigma = 0': (g) => fillCauchy(g, data, 0, 4, 'float32', 0, 0),
    'logNormal_ with std = 0': (g) => fillLogNormal(g, data, 0, 4, 'float32', 0, 0),
    'randint of an empty range': (g) => fillRandint(g, data, 0, 4, 'float32', 3, 3),
    'randperm of more than a dtype holds': (g) => fillRandperm(g, new Uint8Array(300), 0, 300, 'uint8'),
    'multinomial of no categories': (g) => multinomial(g, new Float32Array(0), 0, 1, true),
    'multinomial of zeros': (g) => multinomial(g, Float32Array.of(0, 0), 2, 1, true),
    'multinomial of a negative weight': (g) => multinomial(g, Float32Array.of(1, -1), 2, 1, true),
    'multinomial of an infinite weight': (g) => multinomial(g, Float32Array.of(1, Infinity), 2, 1, true),
    'multinomial of more than there are': (g) => multinomial(g, Float32Array.of(1, 1), 2, 3, false),
    'multinomial of nothing': (g) => multinomial(g, Float32Array.of(1, 1), 2, 0, true),
  };
  it.each(Object.keys(calls))('%s is a RangeError and draws nothing', (name) => {
    const g = new Generator();
    expect(() => calls[name]!(g)).toThrow(RangeError);
    expect(g.getState()).toEqual(new Generator().getState());
    expect(data).toEqual(new Float32Array(4));
  });
});
