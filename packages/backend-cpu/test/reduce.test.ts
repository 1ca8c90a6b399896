import '@flambeau/backend-cpu';
import type { DType, Scalar } from '@flambeau/tensor';
import {
  dtypeInfo,
  type Expr,
  inputs as expressionInputs,
  type ReduceKernel,
  type ReduceKind,
  reduceKernel,
  type ScanKind,
  type View,
} from '@flambeau/tensor/internal';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { setCodeGeneration } from '../src/compile/generate.ts';
import { reduce } from '../src/kernels/reduce.ts';
import { scan } from '../src/kernels/scan.ts';
import { viewOf } from './views.ts';

afterEach(() => setCodeGeneration(undefined));

const [x0, x1] = expressionInputs(2) as [Expr, Expr];

function kernel(kind: ReduceKind, dtype: DType, extra: Partial<ReduceKernel> = {}): ReduceKernel {
  return reduceKernel({
    name: 'test',
    kind,
    inputs: [{ dtype, as: dtype }],
    prologue: x0,
    compute: dtype,
    epilogue: null,
    output: kind.startsWith('arg') ? 'int32' : dtype,
    ...extra,
  });
}

/** A fresh view of a dtype and shape, and its memory. */
function outputOf(dtype: DType, shape: readonly number[]): View {
  const count = shape.reduce((a, b) => a * b, 1);
  return viewOf(new (dtypeInfo(dtype).array)(count), dtype, shape);
}

const values = (view: View): unknown[] => Array.from(view.storage.data as ArrayLike<unknown>);
const kept = (shape: readonly number[], dims: readonly number[]): number[] =>
  shape.map((size, d) => (dims.includes(d) ? 1 : size));

function run(
  k: ReduceKernel,
  inputs: readonly (View | Scalar)[],
  dims: readonly number[],
  shape: readonly number[],
  scalars: readonly Scalar[] = [],
): unknown[] {
  const out = outputOf(k.output, kept(shape, dims));
  reduce(k, inputs, dims, out, scalars);
  return values(out);
}

/** Runs with and without code generation; both must agree. */
function bothWays(compute: () => unknown[]): unknown[] {
  setCodeGeneration(true);
  const generated = compute();
  setCodeGeneration(false);
  const interpreted = compute();
  expect(interpreted).toEqual(generated);
  return generated;
}

const matrix = viewOf(new Float32Array([1, 5, 3, 7, 3, 2]), 'float32', [2, 3]);

describe('reduce', () => {
  it.each([
    ['sum', [0], [8, 8, 5]],
    ['sum', [1], [9, 12]],
    ['sum', [0, 1], [21]],
    ['prod', [1], [15, 42]],
    ['max', [0], [7, 5, 3]],
    ['min', [1], [1, 2]],
    ['argmax', [1], [1, 0]],
    ['argmin', [0], [0, 1, 1]],
    ['argmax', [0, 1], [3]],
  ] as const)('%s over %j', (kind, dims, expected) => {
    expect(bothWays(() => run(kernel(kind, 'float32'), [matrix], dims, [2, 3]))).toEqual(expected);
  });

  it('reads strided, expanded and offset memory', () => {
    const transposed = viewOf(new Float32Array([1, 5, 3, 7, 3, 2]), 'float32', [3, 2], [1, 3]);
    expect(bothWays(() => run(kernel('sum', 'float32'), [transposed], [0], [3, 2]))).toEqual([9, 12]);
    expect(bothWays(() => run(kernel('argmax', 'float32'), [transposed], [0, 1], [3, 2]))).toEqual([1]);
    const reversedRows = viewOf(new Float32Array([0, 1, 2, 3, 4, 5, 6]), 'float32', [2, 2], [-3, 2], 4);
    expect(bothWays(() => run(kernel('sum', 'float32'), [reversedRows], [1], [2, 2]))).toEqual([10, 4]);
    const expanded = viewOf(new Float32Array([2, 3]), 'float32', [4, 2], [0, 1]);
    expect(bothWays(() => run(kernel('prod', 'float32'), [expanded], [0], [4, 2]))).toEqual([16, 81]);
  });

  it('writes strided outputs', () => {
    const memory = new Float32Array(4);
    const out = viewOf(memory, 'float32', [2, 1], [2, 1], 1);
    for (const generate of [true, false]) {
      memory.fill(0);
      setCodeGeneration(generate);
      reduce(kernel('sum', 'float32'), [matrix], [1], out, []);
      expect([...memory]).toEqual([0, 9, 0, 12]);
    }
  });

  it('gives what changes nothing for no elements', () => {
    const empty = viewOf(new Float32Array(0), 'float32', [2, 0]);
    const cases: [ReduceKind, DType, number][] = [
      ['sum', 'float32', 0],
      ['prod', 'float32', 1],
      ['max', 'float32', Number.NEGATIVE_INFINITY],
    ];
    for (const [kind, dtype, identity] of cases) {
      expect(bothWays(() => run(kernel(kind, dtype), [empty], [1], [2, 0]))).toEqual([identity, identity]);
    }
    expect(bothWays(() => run(kernel('sum', 'float32'), [empty], [0], [2, 0]))).toEqual([]);
    const flags = viewOf(new Uint8Array(0), 'bool', [0]);
    expect(bothWays(() => run(kernel('all', 'bool'), [flags], [0], [0]))).toEqual([1]);
    expect(bothWays(() => run(kernel('any', 'bool'), [flags], [0], [0]))).toEqual([0]);
  });

  it('takes a 0-d input', () => {
    const point = viewOf(new Float32Array([4]), 'float32', []);
    expect(bothWays(() => run(kernel('sum', 'float32'), [point], [], []))).toEqual([4]);
    expect(bothWays(() => run(kernel('argmax', 'float32'), [point], [], []))).toEqual([0]);
  });

  it('lets NaN win and takes the first of equal extremes', () => {
    const x = viewOf(new Float32Array([1, Number.NaN, 3, Number.NaN, 2, 2, 1, 1]), 'float32', [2, 4]);
    expect(bothWays(() => run(kernel('max', 'float32'), [x], [1], [2, 4]))).toEqual([Number.NaN, 2]);
    expect(bothWays(() => run(kernel('min', 'float32'), [x], [1], [2, 4]))).toEqual([Number.NaN, 1]);
    expect(bothWays(() => run(kernel('argmax', 'float32'), [x], [1], [2, 4]))).toEqual([1, 0]);
    expect(bothWays(() => run(kernel('argmin', 'float32'), [x], [1], [2, 4]))).toEqual([1, 2]);
    const infinite = viewOf(new Float32Array(5).fill(Number.NEGATIVE_INFINITY), 'float32', [5]);
    expect(bothWays(() => run(kernel('argmax', 'float32'), [infinite], [0], [5]))).toEqual([0]);
  });

  it('lets NaN win wherever it stands in a long row, and across rows', () => {
    for (const at of [0, 1, 5000, 9998, 9999]) {
      const data = Float32Array.from({ length: 10000 }, (_, i) => i % 97);
      data[at] = Number.NaN;
      const row = viewOf(data, 'float32', [10000]);
      expect(bothWays(() => run(kernel('max', 'float32'), [row], [0], [10000]))).toEqual([Number.NaN]);
      expect(bothWays(() => run(kernel('argmin', 'float32'), [row], [0], [10000]))).toEqual([at]);
      const columns = bothWays(() =>
        run(kernel('argmax', 'float32'), [viewOf(data, 'float32', [100, 100])], [0], [100, 100]),
      );
      expect(columns[at % 100]).toBe(Math.floor(at / 100));
    }
  });

  it('adds float32 in double precision', () => {
    const x = viewOf(new Float32Array(1_000_000).fill(0.1), 'float32', [1000, 1000]);
    setCodeGeneration(true);
    expect(run(kernel('sum', 'float32'), [x], [0, 1], [1000, 1000])).toEqual([Math.fround(1e6 * Math.fround(0.1))]);
    expect(run(kernel('sum', 'float32'), [x], [0], [1000, 1000])[999]).toBe(Math.fround(1000 * Math.fround(0.1)));
  });

  it('wraps integers around at their width', () => {
    const x = viewOf(new Int32Array([2 ** 31 - 1, 1]), 'int32', [2]);
    expect(bothWays(() => run(kernel('sum', 'int32'), [x], [0], [2]))).toEqual([-(2 ** 31)]);
    const wide = viewOf(new BigInt64Array([2n ** 62n, 2n ** 62n]), 'int64', [2]);
    expect(bothWays(() => run(kernel('sum', 'int64'), [wide], [0], [2]))).toEqual([-(2n ** 63n)]);
    expect(bothWays(() => run(kernel('max', 'int64'), [wide], [0], [2]))).toEqual([2n ** 62n]);
  });

  it('decodes 16-bit floats and combines bools', () => {
    // float16 bits of 1, 2 and 4.
    const half = viewOf(new Uint16Array([0x3c00, 0x4000, 0x4400]), 'float16', [3]);
    const k = kernel('sum', 'float32', { inputs: [{ dtype: 'float16', as: 'float32' }], output: 'float16' });
    expect(bothWays(() => run(k, [half], [0], [3]))).toEqual([0x4700]);
    const flags = viewOf(new Uint8Array([1, 0, 1, 1]), 'bool', [2, 2]);
    expect(bothWays(() => run(kernel('all', 'bool'), [flags], [1], [2, 2]))).toEqual([0, 1]);
    expect(bothWays(() => run(kernel('max', 'bool'), [flags], [0], [2, 2]))).toEqual([1, 1]);
    expect(bothWays(() => run(kernel('argmax', 'bool'), [flags], [0], [2, 2]))).toEqual([0, 1]);
  });

  it('applies a prologue to broadcast inputs and scalars, and an epilogue with scalars', () => {
    const means = viewOf(new Float32Array([3, 4]), 'float32', [2, 1]);
    const variance = kernel('sum', 'float32', {
      inputs: [
        { dtype: 'float32', as: 'float32' },
        { dtype: 'float32', as: 'float32' },
      ],
      prologue: x0.sub(x1).square(),
      epilogue: x0.div(x1),
    });
    expect(bothWays(() => run(variance, [matrix, means], [1], [2, 3], [2]))).toEqual([4, 7]);
    const shifted = kernel('sum', 'float32', {
      inputs: [
        { dtype: 'float32', as: 'float32' },
        { dtype: null, as: 'float32' },
      ],
      prologue: x0.sub(x1),
    });
    expect(bothWays(() => run(shifted, [matrix, 1], [0], [2, 3]))).toEqual([6, 6, 3]);
  });

  it('agrees with a naive model for any layout', () => {
    const layouts = fc.record({
      shape: fc
        .array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 4 })
        .filter((s) => s.reduce((a, b) => a * b, 1) <= 3000),
      seed: fc.nat(),
      kind: fc.constantFrom<ReduceKind>('sum', 'prod', 'max', 'min', 'argmax', 'argmin'),
      mask: fc.nat({ max: 15 }),
      reverse: fc.boolean(),
    });
    fc.assert(
      fc.property(layouts, ({ shape, seed, kind, mask, reverse }) => {
        const dims = shape.map((_, d) => d).filter((d) => (mask >> d) & 1);
        if (kind.startsWith('arg') && dims.some((d) => shape[d] === 0)) return;
        const order = shape.map((_, d) => d).sort((a, b) => ((seed * (a + 1)) % 7) - ((seed * (b + 1)) % 7));
        const strides = new Array<number>(shape.length).fill(0);
        let step = 1;
        for (const d of order) {
          strides[d] = step;
          step *= Math.max(shape[d]!, 1);
        }
        const count = shape.reduce((a, b) => a * b, 1);
        const data = Int32Array.from({ length: Math.max(count, 1) }, (_, i) => ((i * 7919 + seed) % 11) - 5);
        const offset = reverse && shape[0]! > 0 ? (shape[0]! - 1) * strides[0]! : 0;
        if (reverse) strides[0] = -strides[0]!;
        const view = viewOf(data, 'int32', shape, strides, offset);
        expect(bothWays(() => run(kernel(kind, 'int32'), [view], dims, shape))).toEqual(naive(kind, view, dims));
      }),
      { numRuns: 300 },
    );
  });
});

function naive(kind: ReduceKind, x: View, dims: readonly number[]): number[] {
  const shape = kept(x.shape, dims);
  const count = shape.reduce((a, b) => a * b, 1);
  const groups: number[][] = Array.from({ length: count }, () => []);
  const walk = (d: number, position: number, group: number): void => {
    if (d === x.shape.length) return void groups[group]!.push((x.storage.data as Int32Array)[position]!);
    for (let i = 0; i < x.shape[d]!; i++)
      walk(d + 1, position + i * x.strides[d]!, dims.includes(d) ? group : group * x.shape[d]! + i);
  };
  walk(0, x.offset, 0);
  return groups.map((group) => {
    if (kind === 'sum') return group.reduce((a, b) => (a + b) | 0, 0);
    if (kind === 'prod') return group.reduce((a, b) => Math.imul(a, b), 1);
    const extreme = kind.endsWith('max')
      ? group.reduce((a, b) => Math.max(a, b), -(2 ** 31))
      : group.reduce((a, b) => Math.min(a, b), 2 ** 31 - 1);
    return kind.startsWith('arg') ? group.indexOf(extreme) : extreme;
  });
}

describe('scan', () => {
  function runScan(kind: ScanKind, x: View, dim: number, dtype: DType = x.dtype): unknown[] {
    const out = outputOf(dtype, x.shape);
    const indices = kind === 'max' || kind === 'min' ? outputOf('int32', x.shape) : null;
    scan(kind, x, dim, out, indices);
    return indices === null ? values(out) : [values(out), values(indices)];
  }

  it('goes along any dimension of any layout', () => {
    expect(bothWays(() => runScan('sum', matrix, 1))).toEqual([1, 6, 9, 7, 10, 12]);
    expect(bothWays(() => runScan('sum', matrix, 0))).toEqual([1, 5, 3, 8, 8, 5]);
    const transposed = viewOf(new Float32Array([1, 5, 3, 7, 3, 2]), 'float32', [3, 2], [1, 3]);
    expect(bothWays(() => runScan('prod', transposed, 0))).toEqual([1, 7, 5, 21, 15, 42]);
    expect(bothWays(() => runScan('prod', transposed, 1))).toEqual([1, 7, 5, 15, 3, 6]);
  });

  it('takes the latest of equal extremes, and NaN for good', () => {
    const x = viewOf(new Float32Array([1, 3, 3, Number.NaN, 5, Number.NaN]), 'float32', [6]);
    expect(bothWays(() => runScan('max', x, 0))).toEqual([
      [1, 3, 3, Number.NaN, Number.NaN, Number.NaN],
      [0, 1, 2, 3, 3, 5],
    ]);
    const columns = viewOf(new Float32Array([2, 2, 1, 2, 2, 0]), 'float32', [3, 2]);
    expect(bothWays(() => runScan('min', columns, 0))).toEqual([
      [2, 2, 1, 2, 1, 0],
      [0, 0, 1, 1, 1, 2],
    ]);
  });

  it('converts and wraps', () => {
    const bytes = viewOf(new Uint8Array([200, 100]), 'uint8', [2]);
    expect(bothWays(() => runScan('sum', bytes, 0, 'int32'))).toEqual([200, 300]);
    const flags = viewOf(new Uint8Array([1, 0, 1]), 'bool', [3]);
    expect(bothWays(() => runScan('sum', flags, 0, 'int64'))).toEqual([1n, 1n, 2n]);
    expect(bothWays(() => runScan('max', flags, 0))).toEqual([
      [1, 1, 1],
      [0, 0, 2],
    ]);
  });

  it('adds exponentials in logarithms without overflow', () => {
    const x = viewOf(
      new Float64Array([1000, 1000, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]),
      'float64',
      [5],
    );
    const [first, second, third, fourth, fifth] = bothWays(() => runScan('logsumexp', x, 0)) as number[];
    expect(first).toBe(1000);
    expect(second).toBeCloseTo(1000 + Math.LN2, 10);
    expect([third, fourth, fifth]).toEqual([second, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });

  it('runs across rows that are wider than a block', () => {
    const x = viewOf(
      Float32Array.from({ length: 3 * 2500 }, (_, i) => i % 5),
      'float32',
      [3, 2500],
    );
    const out = bothWays(() => runScan('sum', x, 0)) as number[];
    for (const j of [0, 1023, 1024, 2499]) {
      expect([out[j], out[2500 + j], out[5000 + j]]).toEqual([j % 5, (j % 5) * 2, (j % 5) * 3]);
    }
  });
});
