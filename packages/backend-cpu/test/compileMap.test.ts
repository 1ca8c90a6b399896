import type { DType, Scalar, TypedArray } from '@flambeau/tensor';
import {
  arrayOf,
  call,
  contiguousStrides,
  copyKernel,
  dtypeInfo,
  Expr,
  float16ToNumber,
  type MapKernel,
  mapKernel,
  numelOf,
  type ScalarFunction,
  type View,
} from '@flambeau/tensor/internal';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { setCodeGeneration } from '../src/compile/generate.ts';
import { generateMap } from '../src/compile/map.ts';
import { map } from '../src/kernels/map.ts';
import { between, layOut, layouts, randomSource, viewOf } from './views.ts';

afterEach(() => setCodeGeneration(undefined));

type Random = () => number;
const pickFrom = <T>(random: Random, list: readonly T[]): T => list[between(random, 0, list.length - 1)]!;

const memoryDTypes = [
  'float32',
  'float64',
  'float16',
  'bfloat16',
  'int8',
  'uint8',
  'int16',
  'int32',
  'int64',
  'bool',
] as const;
const computeDTypes = ['float32', 'float64', 'int8', 'uint8', 'int16', 'int32', 'int64', 'bool'] as const;

// biome-ignore format: a table
const functions: Record<'float' | 'int' | 'bool', { unary: ScalarFunction[]; binary: ScalarFunction[] }> = {
  float: {
    unary: ['neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'trunc', 'sqrt', 'rsqrt', 'reciprocal', 'exp', 'exp2', 'expm1', 'log', 'log2',
      'log10', 'log1p', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'sigmoid', 'erf',
      'erfc', 'erfcx', 'erfinv', 'ndtri', 'lgamma', 'digamma', 'trigamma', 'i0', 'i0e', 'i1', 'i1e'],
    binary: ['add', 'sub', 'mul', 'div', 'floorDiv', 'truncDiv', 'fmod', 'mod', 'pow', 'atan2', 'hypot', 'copysign', 'nextafter', 'max', 'min', 'zeta', 'igamma', 'igammac'],
  },
  int: {
    unary: ['neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'trunc', 'bitNot'],
    binary: ['add', 'sub', 'mul', 'floorDiv', 'truncDiv', 'fmod', 'mod', 'pow', 'max', 'min', 'bitAnd', 'bitOr', 'bitXor', 'shiftLeft',
      'shiftRight', 'gcd'],
  },
  bool: { unary: ['abs', 'sign', 'bitNot'], binary: ['add', 'mul', 'max', 'min', 'bitAnd', 'bitOr', 'bitXor'] },
};

const kindOf = (dtype: DType): 'float' | 'int' | 'bool' => dtypeInfo(dtype).kind as 'float' | 'int' | 'bool';

/** A random expression of the computation dtype. */
function randomValue(random: Random, compute: DType, inputs: number, depth: number): Expr {
  if (depth === 0 || random() < 0.1) {
    if (random() < 0.8) return Expr.input(between(random, 0, inputs - 1));
    return Expr.const(
      pickFrom(random, kindOf(compute) === 'float' ? [0, 1, -0.5, 3, Number.POSITIVE_INFINITY] : [0, 1, 3]),
    );
  }
  const value = (): Expr => randomValue(random, compute, inputs, depth - 1);
  const { unary, binary } = functions[kindOf(compute)];
  const choice = random();
  if (choice < 0.3) return call(pickFrom(random, unary), value());
  if (choice < 0.75) return call(pickFrom(random, binary), value(), value());
  const condition = randomCondition(random, compute, inputs, depth - 1);
  return choice < 0.9 ? Expr.call('where', condition, value(), value()) : condition.toReal();
}

/** A random expression of dtype bool. */
function randomCondition(random: Random, compute: DType, inputs: number, depth: number): Expr {
  const value = (): Expr => randomValue(random, compute, inputs, Math.max(0, depth - 1));
  const condition = (): Expr => randomCondition(random, compute, inputs, depth - 1);
  const choice = random();
  if (depth <= 0 || choice < 0.6)
    return Expr.call(pickFrom(random, ['eq', 'ne', 'lt', 'le', 'gt', 'ge']), value(), value());
  if (choice < 0.7) return value().toBool();
  if (choice < 0.8) return condition().not();
  return Expr.call(pickFrom(random, ['and', 'or', 'xor']), condition(), condition());
}

const unusual = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  1,
  -1,
  0.5,
  -2.5,
  1e-40,
  3e38,
  2 ** 31,
  -(2 ** 31) - 1,
];

function randomNumber(random: Random, dtype: DType): number {
  if (dtype === 'bool') return between(random, 0, 1);
  if (dtype === 'int64') return between(random, -9, 9);
  if (dtypeInfo(dtype).kind === 'int')
    return random() < 0.2
      ? pickFrom(random, [-128, 127, 255, -32768, 2 ** 31 - 1, -(2 ** 31)])
      : between(random, -9, 9);
  if (dtype === 'float16' || dtype === 'bfloat16') return between(random, 0, 65535);
  return random() < 0.2 ? pickFrom(random, unusual) : (random() - 0.5) * 10;
}

/** A shape that broadcasts to `shape`. */
function randomShape(random: Random, shape: readonly number[]): number[] {
  return shape.slice(random() < 0.2 ? between(random, 0, shape.length) : 0).map((size) => (random() < 0.2 ? 1 : size));
}

interface Case {
  readonly kernel: MapKernel;
  readonly inputs: readonly (View | Scalar)[];
  readonly makeOutputs: () => View[];
}

function randomCase(seed: number): Case {
  const random = randomSource(seed);
  for (let i = 0; i < 5; i++) random();
  const shape = Array.from({ length: between(random, 0, 4) }, () => between(random, random() < 0.05 ? 0 : 1, 4));
  const compute = pickFrom(random, computeDTypes);
  const count = between(random, 1, 3);
  const inputs: (View | Scalar)[] = [];
  const dtypes: (DType | null)[] = [];
  for (let i = 0; i < count; i++) {
    const dtype = random() < 0.5 ? compute : pickFrom(random, memoryDTypes);
    const scalar = i > 0 && random() < 0.2;
    dtypes.push(scalar ? null : dtype);
    inputs.push(
      scalar
        ? pickFrom<Scalar>(random, [2, -1, 0.5, 3n, true])
        : layOut(random, dtype, randomShape(random, shape), pickFrom(random, layouts), () =>
            randomNumber(random, dtype),
          ),
    );
  }
  const outputs = Array.from({ length: between(random, 1, 2) }, () => ({
    expr: random() < 0.8 ? randomValue(random, compute, count, 4) : randomCondition(random, compute, count, 3),
    dtype: random() < 0.5 ? compute : pickFrom(random, memoryDTypes),
  }));
  const layoutSeeds = outputs.map(
    () =>
      [between(random, 0, 1e6), pickFrom(random, ['contiguous', 'permuted', 'sliced', 'stepped'] as const)] as const,
  );
  const kernel = mapKernel(
    'random',
    dtypes.map((dtype) => ({ dtype, as: compute })),
    outputs,
    compute,
  );
  const makeOutputs = (): View[] =>
    outputs.map(({ dtype }, i) => layOut(randomSource(layoutSeeds[i]![0]), dtype, shape, layoutSeeds[i]![1], () => 7));
  return { kernel, inputs, makeOutputs };
}

/** What a run leaves in the outputs' whole memory, or what it throws. */
function outcome({ kernel, inputs, makeOutputs }: Case, generated: boolean): unknown {
  setCodeGeneration(generated);
  const outputs = makeOutputs();
  try {
    map(kernel, inputs, outputs);
  } catch (error) {
    return String(error);
  }
  return outputs.map((out) => [...(out.storage.data as Iterable<number | bigint>)]);
}

it('generated and interpreted kernels agree on everything', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const random = randomCase(seed);
      expect(outcome(random, true), `${random.kernel.outputs.map((o) => `${o.dtype} ${o.expr}`)}`).toEqual(
        outcome(random, false),
      );
    }),
    { numRuns: 600 },
  );
});

/** Runs a kernel of one output on contiguous data and returns the result's memory. */
function run(kernel: MapKernel, inputs: readonly (View | Scalar)[], length: number): TypedArray {
  const { dtype } = kernel.outputs[0]!;
  const out = viewOf(new (dtypeInfo(dtype).array)(length), dtype, [length]);
  map(kernel, inputs, [out]);
  return out.storage.data as TypedArray;
}

const vector = (dtype: DType, values: readonly (number | bigint)[]): View =>
  viewOf(arrayOf(dtype, values), dtype, [values.length]);

/** f(a, b) in one dtype. */
function binary(
  fn: ScalarFunction,
  dtype: DType,
  a: readonly (number | bigint)[],
  b: readonly (number | bigint)[],
  out = dtype,
): (number | bigint)[] {
  const kernel = mapKernel(
    fn,
    [0, 1].map(() => ({ dtype, as: dtype })),
    [{ expr: Expr.call(fn, Expr.input(0), Expr.input(1)), dtype: out }],
    dtype,
  );
  return [...(run(kernel, [vector(dtype, a), vector(dtype, b)], a.length) as Iterable<number | bigint>)];
}

const copy = (from: DType, to: DType, values: readonly (number | bigint)[]): (number | bigint)[] => [
  ...(run(copyKernel(from, to), [vector(from, values)], values.length) as Iterable<number | bigint>),
];

for (const generated of [true, false]) {
  describe(`map kernels, ${generated ? 'generated' : 'interpreted'}`, () => {
    const given = (name: string, test: () => void): void =>
      it(name, () => {
        setCodeGeneration(generated);
        test();
      });

    given('wrap integers around at their own width', () => {
      expect(binary('add', 'uint8', [250, 0], [10, 1])).toEqual([4, 1]);
      expect(binary('sub', 'uint8', [0, 3], [1, 1])).toEqual([255, 2]);
      expect(binary('mul', 'int8', [100, -128], [3, -1])).toEqual([44, -128]);
      expect(binary('add', 'int16', [32767], [1])).toEqual([-32768]);
      expect(binary('mul', 'int32', [65536, 123456789], [65536, 987654321])).toEqual([0, -67153019]);
      expect(binary('floorDiv', 'int32', [-(2 ** 31)], [-1])).toEqual([-(2 ** 31)]);
      expect(binary('add', 'int64', [2n ** 63n - 1n], [1n])).toEqual([-(2n ** 63n)]);
      expect(binary('mul', 'int64', [3037000500n], [3037000500n])).toEqual([-9223372036709301616n]);
      expect(binary('pow', 'int8', [3, 2, 0, -1, 2], [5, 7, 0, -3, -1])).toEqual([-13, -128, 1, -1, 0]);
    });

    given('divide integers by rounding as asked, and refuse to divide by zero', () => {
      const [a, b] = [
        [7, -7, 7, -7],
        [2, 2, -2, -2],
      ];
      expect(binary('floorDiv', 'int32', a, b)).toEqual([3, -4, -4, 3]);
      expect(binary('truncDiv', 'int32', a, b)).toEqual([3, -3, -3, 3]);
      expect(binary('mod', 'int32', a, b)).toEqual([1, 1, -1, -1]);
      expect(binary('fmod', 'int32', a, b)).toEqual([1, -1, 1, -1]);
      expect(binary('mod', 'int64', a.map(BigInt), b.map(BigInt))).toEqual([1n, 1n, -1n, -1n]);
      for (const fn of ['floorDiv', 'truncDiv', 'mod', 'fmod'] as const) {
        expect(() => binary(fn, 'int32', [1], [0])).toThrow(RangeError);
        expect(() => binary(fn, 'int64', [1n], [0n])).toThrow(RangeError);
      }
    });

    given('divide floats by zero as IEEE 754 does', () => {
      const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
      expect(binary('div', 'float32', [1, -1, 0], [0, 0, 0])).toEqual([inf, -inf, nan]);
      expect(binary('mod', 'float32', [1, inf, 5], [0, 3, inf])).toEqual([nan, nan, 5]);
      expect(binary('mod', 'float32', [-5, 5], [inf, -inf])).toEqual([inf, -inf]);
      expect(binary('floorDiv', 'float32', [1, -1, -0.5, 0.5], [0, 0, 1, -1])).toEqual([inf, -inf, -1, -1]);
      expect(binary('floorDiv', 'float64', [1, 0.3], [0.1, 0.1])).toEqual([9, 2]);
      expect(binary('truncDiv', 'float32', [-7, 7], [2, -2])).toEqual([-3, -3]);
    });

    given('let NaN win in max and min', () => {
      const nan = Number.NaN;
      expect(binary('max', 'float32', [1, nan, 2, 3], [nan, 1, 5, -5])).toEqual([nan, nan, 5, 3]);
      expect(binary('min', 'float64', [1, nan, 2, 3], [nan, 1, 5, -5])).toEqual([nan, nan, 2, -5]);
      expect(binary('max', 'int8', [-3, 4], [2, -128])).toEqual([2, 4]);
      expect(binary('min', 'int64', [-3n, 4n], [2n, 9n])).toEqual([-3n, 4n]);
    });

    given('round every node of float32', () => {
      // In double precision the sum would be 1 + 2^-24 + 2^-24.
      const expr = Expr.input(0)
        .add(2 ** -24)
        .add(2 ** -24);
      const kernel = mapKernel('sum', [{ dtype: 'float32', as: 'float32' }], [{ expr, dtype: 'float32' }], 'float32');
      expect([...(run(kernel, [vector('float32', [1])], 1) as Float32Array)]).toEqual([1]);
    });

    given('have arithmetic of bools', () => {
      const [a, b] = [
        [0, 0, 1, 1],
        [0, 1, 0, 1],
      ];
      expect(binary('add', 'bool', a, b)).toEqual([0, 1, 1, 1]);
      expect(binary('mul', 'bool', a, b)).toEqual([0, 0, 0, 1]);
      expect(binary('bitXor', 'bool', a, b)).toEqual([0, 1, 1, 0]);
      expect(binary('eq', 'bool', a, b, 'bool')).toEqual([1, 0, 0, 1]);
      expect(binary('gt', 'bool', a, b, 'bool')).toEqual([0, 0, 1, 0]);
    });

    given('compare, with NaN equal to nothing', () => {
      const nan = Number.NaN;
      const [a, b] = [
        [1, nan, nan, 2],
        [1, nan, 1, 3],
      ];
      expect(binary('eq', 'float32', a, b, 'bool')).toEqual([1, 0, 0, 0]);
      expect(binary('ne', 'float32', a, b, 'float32')).toEqual([0, 1, 1, 1]);
      expect(binary('le', 'float64', a, b, 'int64')).toEqual([1n, 0n, 0n, 1n]);
    });

    given('shift within the width', () => {
      expect(binary('shiftLeft', 'int8', [1, 1, 3, 1], [3, 7, 7, 40])).toEqual([8, -128, -128, 0]);
      expect(binary('shiftRight', 'int32', [-8, 8, -8, 8], [1, 1, 40, 40])).toEqual([-4, 4, -1, 0]);
      expect(binary('shiftLeft', 'int64', [1n, 1n], [62n, 64n])).toEqual([2n ** 62n, 0n]);
    });

    given('convert between dtypes', () => {
      expect(copy('float32', 'int32', [1.9, -1.9, 3e9 - 2 ** 32])).toEqual([1, -1, 3e9 - 2 ** 32]);
      expect(copy('float32', 'uint8', [-1.5, 300])).toEqual([255, 44]);
      expect(copy('float64', 'int64', [-2.7, 2 ** 53, Number.NaN])).toEqual([-2n, 2n ** 53n, -(2n ** 63n)]);
      expect(copy('int64', 'int32', [2n ** 32n + 5n, -1n])).toEqual([5, -1]);
      expect(copy('int64', 'float32', [2n ** 24n + 1n])).toEqual([2 ** 24]);
      expect(copy('uint8', 'int8', [200])).toEqual([-56]);
      expect(copy('float32', 'bool', [0, -0, 0.1, Number.NaN])).toEqual([0, 0, 1, 1]);
      expect(copy('bool', 'float64', [0, 1])).toEqual([0, 1]);
      expect(copy('bool', 'int64', [0, 1])).toEqual([0n, 1n]);
    });

    given('load and store 16-bit floats', () => {
      // 65519 rounds to the greatest float16, 65520 to infinity; 1 + 2^-11 is a tie and goes to even.
      expect(copy('float32', 'float16', [1, -2, 65519, 65520, 1 + 2 ** -11, 6e-8])).toEqual([
        0x3c00, 0xc000, 0x7bff, 0x7c00, 0x3c00, 1,
      ]);
      expect(copy('float32', 'bfloat16', [1, -2, 1 + 2 ** -8, 1 + 3 * 2 ** -8])).toEqual([
        0x3f80, 0xc000, 0x3f80, 0x3f82,
      ]);
      const kernel = mapKernel(
        'add',
        [0, 1].map(() => ({ dtype: 'float16', as: 'float32' }) as const),
        [{ expr: Expr.input(0).add(Expr.input(1)), dtype: 'float16' }],
        'float32',
      );
      const sum = run(kernel, [vector('float16', [2048, 0.1]), vector('float16', [1, 0.2])], 2) as Uint16Array;
      expect([...sum].map(float16ToNumber)).toEqual([2048, 0.2998046875]);
    });

    given('take scalars in any form', () => {
      const kernel = (as: DType): MapKernel =>
        mapKernel(
          'add',
          [
            { dtype: as, as },
            { dtype: null, as },
          ],
          [{ expr: Expr.input(0).add(Expr.input(1)), dtype: as }],
          as,
        );
      expect([...(run(kernel('float32'), [vector('float32', [1]), 0.1], 1) as Float32Array)]).toEqual([
        Math.fround(1 + Math.fround(0.1)),
      ]);
      expect([...(run(kernel('int64'), [vector('int64', [1n]), 2], 1) as BigInt64Array)]).toEqual([3n]);
      expect([...(run(kernel('int32'), [vector('int32', [1]), 2n ** 40n + 2n], 1) as Int32Array)]).toEqual([3]);
      expect([...(run(kernel('float64'), [vector('float64', [1]), true], 1) as Float64Array)]).toEqual([2]);
    });

    given('write several outputs and read inputs before they are overwritten', () => {
      const [x, y] = [Expr.input(0), Expr.input(1)];
      const kernel = mapKernel(
        'swap',
        [0, 1].map(() => ({ dtype: 'float32', as: 'float32' }) as const),
        [
          { expr: y, dtype: 'float32' },
          { expr: x, dtype: 'float32' },
        ],
        'float32',
      );
      const [a, b] = [vector('float32', [1, 2]), vector('float32', [3, 4])];
      map(kernel, [a, b], [a, b]);
      expect([[...(a.storage.data as Float32Array)], [...(b.storage.data as Float32Array)]]).toEqual([
        [3, 4],
        [1, 2],
      ]);
    });
  });
}

it('positions beyond 2^31 have loops of their own, with the same results', () => {
  const random = randomSource(3);
  const kernel = mapKernel(
    'mul',
    [0, 1, 2].map(() => ({ dtype: 'float32', as: 'float32' }) as const),
    [{ expr: Expr.input(0).mul(Expr.input(1)).add(Expr.input(2)), dtype: 'float32' }],
    'float32',
  );
  const shape = [3, 4, 5];
  const inputs = (['contiguous', 'permuted', 'stepped'] as const).map((layout) =>
    layOut(random, 'float32', shape, layout),
  );
  const results = [false, true].map((wide) => {
    const out = viewOf(new Float32Array(numelOf(shape)), 'float32', shape);
    generateMap(kernel, 3, 'vnnv', wide)(shape, [...inputs.map((x) => x.strides), contiguousStrides(shape)], inputs, [
      out,
    ]);
    return out.storage.data;
  });
  expect(results[1]).toEqual(results[0]);
});
