import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { describe, expect, it } from 'vitest';
import { masked, ShapeError, tensor } from '../src/index.ts';

const x = tensor([
  [1, 2, 3],
  [4, 5, 9],
]);
const mask = tensor([
  [true, false, true],
  [false, false, false],
]);

describe('masked reductions', () => {
  it('leave hidden elements out, and have a value for rows without any', () => {
    expect(masked.sum(x, 1, { mask }).toArraySync()).toEqual([4, 0]);
    expect(masked.prod(x, 1, { mask }).toArraySync()).toEqual([3, 1]);
    expect(masked.amax(x, 1, { mask }).toArraySync()).toEqual([3, Number.NEGATIVE_INFINITY]);
    expect(masked.amin(x, 1, { mask }).toArraySync()).toEqual([1, Number.POSITIVE_INFINITY]);
    expect(masked.mean(x, 1, { mask }).toArraySync()).toEqual([2, Number.NaN]);
    expect(masked.median(x, 1, { mask }).toArraySync()).toEqual([1, Number.NaN]);
    expect(masked.var(x, 1, { mask }).toArraySync()).toEqual([2, Number.NaN]);
    expect(masked.norm(x, 2, 1, { mask }).toArraySync()).toEqual([Math.fround(Math.sqrt(10)), 0]);
    expect(masked.argmax(x, 1, { mask: mask.at([0]) }).toArraySync()).toEqual([2, 2]);
  });

  it('without a mask are the ordinary ones', () => {
    expect(masked.sum(x).itemSync()).toBe(24);
    expect(masked.std(x, 0, { unbiased: false }).toArraySync()).toEqual(x.std(0, { unbiased: false }).toArraySync());
    expect(masked.mean(x, { dim: 0, keepdim: true }).shape).toEqual([1, 3]);
  });

  it('have the dtypes of PyTorch', () => {
    const integers = tensor([1, 2, 3], { dtype: 'int32' });
    expect(masked.mean(integers).dtype).toBe('float32');
    expect(masked.amax(integers, { mask: tensor([false, false, false]) }).itemSync()).toBe(-(2 ** 31));
    expect(masked.sum(tensor([1n]), { mask: tensor([true]) }).dtype).toBe('int64');
    expect(masked.sum(x, { dtype: 'float64' }).dtype).toBe('float64');
    expect(() => masked.median(integers, { mask: tensor([false, false, false]) })).toThrow(RangeError);
  });

  it('refuse masks that do not broadcast', () => {
    expect(() => masked.sum(x, { mask: tensor([true, false]) })).toThrow(ShapeError);
    expect(() => masked.sum(tensor([1]), { mask })).toThrow(ShapeError);
  });
});

describe('masked rows', () => {
  it('accumulate, normalize and weigh what is shown', () => {
    expect(masked.cumsum(x, 1, { mask }).toArraySync()).toEqual([
      [1, 1, 4],
      [0, 0, 0],
    ]);
    expect(masked.softmax(tensor([1, 1, 5]), 0, { mask: tensor([true, true, false]) }).toArraySync()).toEqual([
      0.5, 0.5, 0,
    ]);
    expect(masked.normalize(tensor([3, 4, 7]), 2, 0, { mask: tensor([true, true, false]) }).toArraySync()).toEqual(
      [0.6, 0.8, 0].map(Math.fround),
    );
    const [a, b] = [tensor([1, 2]), tensor([3, 4])];
    expect(masked.logaddexp(a, b, { otherMask: tensor([false, false]) }).toArraySync()).toEqual([1, 2]);
  });

  it('gradients of hidden elements are 0', () => {
    const leaf = tensor([1, 2, 3], { requiresGrad: true });
    masked.mean(leaf, { mask: tensor([true, false, true]) }).backward();
    expect(leaf.grad!.toArraySync()).toEqual([0.5, 0, 0.5]);
  });
});
