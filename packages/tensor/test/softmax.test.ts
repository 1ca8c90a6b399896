import '@flambeau/backend-cpu';
import { describe, expect, it } from 'vitest';
import { DTypeError, functional as F, IndexError, type Tensor, tensor, zeros } from '../src/index.ts';

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

describe('softmax', () => {
  it('gives shares that sum to 1', () => {
    expectClose(tensor([0, Math.log(3)]).softmax(0), [0.25, 0.75]);
    expectClose(x.softmax(0), [0.0024726, 0.8807971, 0.7310586, 0.9975274, 0.1192029, 0.2689414]);
    expectClose(x.softmax(-1).sum(1), [1, 1]);
    expectClose(tensor([1e4, 1e4]).softmax(0), [0.5, 0.5]);
    expect(values(tensor(5).softmax(0))).toBe(1);
    expect(values(tensor(5).logSoftmax(-1))).toBe(0);
    expect(zeros(0, 3).softmax(1).shape).toEqual([0, 3]);
  });

  it('has a logarithm without underflow', () => {
    expectClose(tensor([0, -1000]).logSoftmax(0), [0, -1000]);
    expectClose(x.logSoftmax({ dim: 1 }), [-4.1429314, -0.1429314, -2.1429314, -0.0247449, -4.0247449, -5.0247449]);
  });

  it('converts to dtype first; integers need one', () => {
    const counts = tensor([1, 2], { dtype: 'int32' });
    expect(counts.softmax(0, { dtype: 'float64' }).dtype).toBe('float64');
    expect(() => counts.softmax(0)).toThrow(DTypeError);
    expect(tensor([0, 0], { dtype: 'float16' }).softmax(0).dtype).toBe('float16');
  });

  it('wants a dimension that exists', () => {
    expect(() => x.softmax(2)).toThrow(IndexError);
    expect(() => x.softmax(undefined as never)).toThrow(TypeError);
  });

  it('softmin prefers the least', () => {
    expectClose(F.softmin(tensor([0, Math.log(3)]), 0), [0.75, 0.25]);
  });
});
