import '@flambeau/backend-cpu';
import { eye, manualSeed, rand, ShapeError, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { init, Linear } from '../src/index.ts';

describe('init', () => {
  it('knows gains and fans', () => {
    expect(init.calculateGain('relu')).toBe(Math.SQRT2);
    expect(init.calculateGain('leaky_relu', 0.2)).toBe(Math.sqrt(2 / 1.04));
    expect(init.calculateGain('leakyRelu', 0.2)).toBe(Math.sqrt(2 / 1.04));
    expect(init.calculateGain('convTranspose2d')).toBe(1);
    expect(() => init.calculateGain('swish' as never)).toThrow(RangeError);
    expect(init.calculateFanInAndFanOut(zeros(4, 3, 5, 5))).toEqual([75, 100]);
    expect(() => init.xavierUniform_(zeros(3))).toThrow(ShapeError);
    expect(() => init.kaimingNormal_(zeros(3, 3), { mode: 'fan' as never })).toThrow(RangeError);
  });

  it('changes parameters without recording', () => {
    const { weight } = new Linear(3, 3);
    expect(init.constant_(weight, 2)).toBe(weight);
    expect(weight.isLeaf && weight.requiresGrad).toBe(true);
    expect(init.eye_(weight).toArraySync()).toEqual(eye(3).toArraySync());
  });

  it('makes orthogonal matrices', () => {
    manualSeed(0);
    for (const shape of [
      [4, 4],
      [6, 3],
      [3, 6],
      [4, 2, 3],
    ]) {
      const q = init.orthogonal_(zeros(shape, { dtype: 'float64' })).view(shape[0]!, -1);
      const product = shape[0]! > q.shape[1]! ? q.t().mm(q) : q.mm(q.t());
      expect(
        product
          .sub(eye(product.shape[0]!, { dtype: 'float64' }))
          .abs()
          .max()
          .itemSync(),
      ).toBeLessThan(1e-12);
    }
  });

  it('leaves tensors without elements alone and draws nothing', () => {
    manualSeed(1);
    const first = rand(1).itemSync();
    manualSeed(1);
    init.kaimingUniform_(zeros(0, 3));
    expect(rand(1).itemSync()).toBe(first);
  });
});
