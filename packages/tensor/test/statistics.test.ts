import '@flambeau/backend-cpu';
import { describe, expect, it } from 'vitest';
import {
  DTypeError,
  IndexError,
  linalg,
  ShapeError,
  stdMean,
  type Tensor,
  tensor,
  variance,
  varMean,
  zeros,
} from '../src/index.ts';

const values = (t: Tensor): unknown => t.toArraySync();
const x = tensor(
  [
    [1, 5, 3],
    [7, 3, 2],
  ],
  { dtype: 'float64' },
);

function expectClose(t: Tensor, expected: readonly number[]): void {
  const got = t.flatten().toArraySync() as number[];
  expect(got.length).toBe(expected.length);
  got.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 6);
  });
}

describe('spread', () => {
  it('takes unbiased and correction in all forms', () => {
    expectClose(x.var(), [4.7]);
    expectClose(x.var(false), [3.9166667]);
    expectClose(x.var(1), [4, 7]);
    expectClose(x.var(1, false), [2.6666667, 4.6666667]);
    expectClose(x.var({ dim: 1, correction: 2 }), [8, 14]);
    expectClose(x.std(0, true, true), [4.2426407, Math.SQRT2, Math.SQRT1_2]);
    expect(x.std(0, true, true).shape).toEqual([1, 3]);
    expectClose(x.var([0, 1], { unbiased: false, keepdim: true }), [3.9166667]);
    expect(variance(x, 1).dtype).toBe('float64');
    const [deviation, mean] = stdMean(x, 1);
    expectClose(deviation, [2, 2.6457513]);
    expectClose(mean, [3, 4]);
    expectClose(varMean(x)[0], [4.7]);
  });

  it('does not cancel', () => {
    expectClose(tensor([10001, 10002, 10003]).var(), [1]);
  });

  it('is NaN without degrees of freedom', () => {
    expect(tensor([1]).var().itemSync()).toBeNaN();
    expect(zeros(0).std().itemSync()).toBeNaN();
    expect(tensor([1]).var(false).itemSync()).toBe(0);
  });

  it('refuses integers, and both kinds of correction', () => {
    expect(() => tensor([1n, 2n]).var()).toThrow(DTypeError);
    expect(() => x.var(0, { unbiased: true, correction: 1 })).toThrow(TypeError);
  });
});

describe('norms', () => {
  const y = tensor([
    [3, -4],
    [0, 12],
  ]);

  it('computes p-norms', () => {
    expectClose(y.norm(), [13]);
    expectClose(y.norm('fro', [0, 1]), [13]);
    expectClose(y.norm(2, 1), [5, 12]);
    expectClose(y.norm(1), [19]);
    expectClose(y.norm(0, 0), [1, 2]);
    expectClose(y.norm(Number.POSITIVE_INFINITY), [12]);
    expectClose(y.norm(Number.NEGATIVE_INFINITY, 1), [3, 0]);
    expectClose(y.norm(3, 0, true), [3, 12.1463566]);
    expectClose(linalg.vectorNorm(y, 2, 1, true), [5, 12]);
    expect(y.norm({ p: 1, dtype: 'float64' }).dtype).toBe('float64');
  });

  it('refuses integers and unknown kinds', () => {
    expect(() => tensor([1n]).norm()).toThrow(DTypeError);
    expect(() => y.norm('max')).toThrow(RangeError);
    expect(() => zeros(0).norm(Number.POSITIVE_INFINITY)).toThrow(IndexError);
  });
});

describe('logsumexp', () => {
  it('does not overflow, and keeps infinities', () => {
    expectClose(tensor([1000, 1000], { dtype: 'float64' }).logsumexp(0), [1000 + Math.LN2]);
    expectClose(x.logsumexp(1), [5.1429316, 7.0247448]);
    expectClose(x.logsumexp([0, 1], true), [7.1665167]);
    const infinite = Number.NEGATIVE_INFINITY;
    expect(values(tensor([infinite, infinite]).logsumexp(0))).toBe(infinite);
    expect(values(tensor([0, Number.POSITIVE_INFINITY]).logsumexp(0))).toBe(Number.POSITIVE_INFINITY);
    expect(values(zeros(2, 0).logsumexp(1))).toEqual([infinite, infinite]);
  });

  it('makes floats of integers', () => {
    expectClose(tensor([0, 0], { dtype: 'int32' }).logsumexp(0), [Math.LN2]);
  });
});

describe('quantile', () => {
  const y = tensor([4, 1, 3, 2]);

  it('interpolates', () => {
    expectClose(y.quantile(0.5), [2.5]);
    expectClose(y.quantile(0.4), [2.2]);
    const at = (interpolation: 'lower' | 'higher' | 'midpoint' | 'nearest'): number =>
      y.quantile(0.4, { interpolation }).itemSync();
    expect([at('lower'), at('higher'), at('midpoint'), at('nearest')]).toEqual([2, 3, 2.5, 2]);
  });

  it('takes several shares and dimensions', () => {
    const q = tensor([0, 0.5, 1], { dtype: 'float64' });
    expect(values(x.quantile(q, 1))).toEqual([
      [1, 2],
      [3, 3],
      [5, 7],
    ]);
    expect(x.quantile(q, 0, true).shape).toEqual([3, 1, 3]);
    expect(x.quantile(0.5, 1, true).shape).toEqual([2, 1]);
    expect(x.quantile(q, null, true).shape).toEqual([3, 1, 1]);
    expect(x.quantile(q).shape).toEqual([3]);
  });

  it('minds NaN', () => {
    const z = tensor([1, Number.NaN, 3]);
    expect(z.quantile(0.5).itemSync()).toBeNaN();
    expect(z.nanquantile(0.5).itemSync()).toBe(2);
    expect(tensor([Number.NaN]).nanquantile(0.5).itemSync()).toBeNaN();
  });

  it('refuses shares outside 0 to 1 and other dtypes', () => {
    expect(() => y.quantile(1.5)).toThrow(RangeError);
    expect(() => y.quantile(tensor([-0.1]))).toThrow(RangeError);
    expect(() => y.quantile(0.5, { interpolation: 'cubic' as never })).toThrow(RangeError);
    expect(() => tensor([1n]).quantile(0.5)).toThrow(DTypeError);
    expect(() => y.quantile(tensor([0.5], { dtype: 'float64' }))).toThrow(DTypeError);
    expect(() => zeros(0).quantile(0.5)).toThrow(ShapeError);
  });
});
