import '@flambeau/backend-cpu';

import { dtypeInfo } from '@flambeau/tensor/internal';
import { describe, expect, it } from 'vitest';
import { exp32 } from '../src/compile/float32.ts';
import { softmax } from '../src/kernels/softmax.ts';
import { randomSource, viewOf } from './views.ts';

describe('exp32', () => {
  it('is exact to float32 over its whole range', () => {
    for (let x = -103.9; x < 89; x += 0.01) {
      expect(Math.abs(exp32(x) - Math.exp(x))).toBeLessThanOrEqual(Math.exp(x) * 1e-8);
    }
    const [least, low] = [Number.NEGATIVE_INFINITY, -105].map((x) => Math.fround(exp32(x)));
    const [high, greatest] = [90, Number.POSITIVE_INFINITY].map((x) => Math.fround(exp32(x)));
    expect([least, low, high, greatest]).toEqual([0, 0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(exp32(0)).toBe(1);
    expect(exp32(Number.NaN)).toBeNaN();
  });
});

describe('softmax kernel', () => {
  const naive = (row: readonly number[], log: boolean): number[] => {
    const greatest = Math.max(...row);
    const total = row.reduce((sum, x) => sum + Math.exp(x - greatest), 0);
    return row.map((x) => (log ? x - greatest - Math.log(total) : Math.exp(x - greatest) / total));
  };

  it.each([
    ['float64', 1e-14],
    ['float32', 2e-7],
  ] as const)('agrees with the definition along every dimension in %s', (dtype, tolerance) => {
    const random = randomSource(11);
    const shape = [3, 4, 600];
    const { array } = dtypeInfo(dtype);
    const data = new array(7200) as Float32Array | Float64Array;
    for (let i = 0; i < data.length; i++) data[i] = (random() - 0.5) * 20;
    for (const [dim, size, inner] of [
      [0, 3, 2400],
      [1, 4, 600],
      [2, 600, 1],
    ] as const) {
      for (const log of [false, true]) {
        const out = viewOf(new array(7200), dtype, shape);
        softmax(viewOf(data, dtype, shape), dim, log, out);
        const result = out.storage.data as Float64Array;
        for (const start of [0, inner - 1, 7200 - size * inner]) {
          const expected = naive(
            Array.from({ length: size }, (_, i) => data[start + i * inner]!),
            log,
          );
          expected.forEach((value, i) => {
            const error = Math.abs(result[start + i * inner]! - value);
            expect(error).toBeLessThanOrEqual(tolerance * (1 + Math.abs(value)) * (log ? 20 : 1));
          });
        }
      }
    }
  });

  it('reads and writes any layout', () => {
    const x = viewOf(new Float64Array([0, 1, 2, 3]), 'float64', [2, 2], [1, 2]);
    const memory = new Float64Array(5);
    softmax(x, 1, false, viewOf(memory, 'float64', [2, 2], [1, 2], 1));
    const [low, high] = [1 / (1 + Math.E ** 2), Math.E ** 2 / (1 + Math.E ** 2)];
    [0, low, low, high, high].forEach((value, i) => {
      expect(memory[i]).toBeCloseTo(value, 12);
    });
  });

  it('gives NaN where there is one, or only −∞', () => {
    const x = viewOf(
      new Float32Array([
        Number.NaN,
        1,
        Number.NEGATIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        0,
      ]),
      'float32',
      [3, 2],
    );
    const out = viewOf(new Float32Array(6), 'float32', [3, 2]);
    softmax(x, 1, false, out);
    expect([...(out.storage.data as Float32Array)]).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN, 0, 1]);
  });
});
