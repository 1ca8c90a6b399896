import '@flambeau/backend-cpu';
import {
  corrcoef,
  cov,
  cumulativeTrapezoid,
  DTypeError,
  dist,
  gradient,
  linspace,
  renorm,
  ShapeError,
  tensor,
  trapezoid,
  zeros,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

describe('integrals', () => {
  it('of a parabola come near its own', () => {
    const x = linspace(0, 1, 1001, { dtype: 'float64' });
    expect(trapezoid(x.square(), x).itemSync()).toBeCloseTo(1 / 3, 6);
    expect(trapezoid(x.square(), { dx: 1 / 1000 }).itemSync()).toBeCloseTo(1 / 3, 6);
    expect(cumulativeTrapezoid(x, x).at(-1).itemSync()).toBeCloseTo(0.5, 12);
  });

  it('along any dimension', () => {
    const y = tensor([
      [1, 2, 3],
      [5, 6, 7],
    ]);
    expect(trapezoid(y, { dim: 0 }).toArraySync()).toEqual([3, 4, 5]);
    expect(trapezoid(y, tensor([0, 10]), { dim: 0 }).toArraySync()).toEqual([30, 40, 50]);
    expect(trapezoid(tensor([1, 2], { dtype: 'int32' })).toArraySync()).toEqual(1.5);
    expect(trapezoid(zeros(0)).itemSync()).toBe(0);
    expect(cumulativeTrapezoid(zeros(1)).shape).toEqual([0]);
    expect(() => trapezoid(y, tensor([1, 2]))).toThrow(ShapeError);
    expect(() => trapezoid(tensor([true]))).toThrow(DTypeError);
    expect(() => trapezoid(y, { x: y, dx: 1 })).toThrow(TypeError);
  });
});

describe('gradient', () => {
  it('is exact for parabolas, at the edges with order 2', () => {
    const x = tensor([0, 1, 3, 4, 7], { dtype: 'float64' });
    const [inner] = gradient(x.square(), { spacing: [x], edgeOrder: 2 });
    expect(inner!.sub(x.mul(2)).abs().max().itemSync()).toBeLessThan(1e-13);
    const [rows, columns] = gradient(x.square().outer(x), { spacing: [x, x], edgeOrder: 2 });
    expect(rows!.sub(x.mul(2).outer(x)).abs().max().itemSync()).toBeLessThan(1e-12);
    expect(
      columns!
        .sub(x.square().outer(x.mul(0).add(1)))
        .abs()
        .max()
        .itemSync(),
    ).toBeLessThan(1e-12);
  });

  it('names what does not fit', () => {
    expect(() => gradient(zeros(2), { edgeOrder: 2 })).toThrow(ShapeError);
    expect(() => gradient(zeros(3, 3), { spacing: [1] })).toThrow(ShapeError);
    expect(() => gradient(zeros(3), { spacing: [zeros(2)] })).toThrow(ShapeError);
    expect(() => gradient(zeros(3), { edgeOrder: 3 })).toThrow(RangeError);
  });
});

describe('covariances', () => {
  const x = tensor([
    [0, 1, 2],
    [2, 1, 0],
  ]);

  it('and correlations', () => {
    expect(cov(x).toArraySync()).toEqual([
      [1, -1],
      [-1, 1],
    ]);
    expect(corrcoef(x).toArraySync()).toEqual([
      [1, -1],
      [-1, 1],
    ]);
    expect(x.at(0).cov().itemSync()).toBe(1);
    const z = tensor([
      { re: 1, im: 1 },
      { re: -1, im: -1 },
    ]);
    expect(z.cov({ correction: 0 }).toArraySync()).toEqual({ re: 2, im: 0 });
  });

  it('count weighted observations as often', () => {
    const often = tensor([1, 2, 1], { dtype: 'int32' });
    const repeated = tensor([
      [0, 1, 1, 2],
      [2, 1, 1, 0],
    ]);
    expect(cov(x, { fweights: often }).sub(cov(repeated)).abs().max().itemSync()).toBeLessThan(1e-6);
    expect(() => cov(x, { fweights: zeros(3) })).toThrow(DTypeError);
    expect(() => cov(x, { aweights: tensor([1, 2]) })).toThrow(ShapeError);
    expect(() => cov(x, { aweights: tensor([1, -2, 1]) })).toThrow(RangeError);
  });
});

describe('distances', () => {
  it('broadcast', () => {
    expect(dist(tensor([3, 4]), tensor(0)).itemSync()).toBe(5);
    expect(
      tensor([3, 4])
        .dist(tensor([0, 0]), 1)
        .itemSync(),
    ).toBe(7);
  });

  it('limit slices', () => {
    const x = tensor([
      [3, 4],
      [0.3, 0.4],
    ]);
    const limited = renorm(x, 2, 0, 1);
    expect(limited.at(0).norm().itemSync()).toBeCloseTo(1, 5);
    expect(limited.at(1).toArraySync()).toEqual(x.at(1).toArraySync());
    expect(() => renorm(x, 0, 0, 1)).toThrow(RangeError);
    expect(() => renorm(x.at(0), 2, 0, 1)).toThrow(ShapeError);
  });
});
