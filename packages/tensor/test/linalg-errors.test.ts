import '@flambeau/backend-cpu';
import {
  DTypeError,
  LinAlgError,
  linalg,
  manualSeed,
  randn,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { beforeEach, describe, expect, it } from 'vitest';

beforeEach(() => {
  manualSeed(3);
});

const double = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64' });
const data = (values: number | readonly number[] | readonly (readonly number[])[]): Tensor =>
  tensor(values, { dtype: 'float64' });

describe('what cannot be done', () => {
  it('says so, typed', () => {
    expect(() =>
      linalg.cholesky(
        data([
          [1, 2],
          [2, 1],
        ]),
      ),
    ).toThrow(LinAlgError);
    expect(() =>
      linalg.cholesky(
        data([
          [1, 2],
          [2, 1],
        ]),
      ),
    ).toThrow('leading minor of order 2');
    expect(() =>
      linalg.inv(
        data([
          [1, 2],
          [2, 4],
        ]).expand(2, 2, 2),
      ),
    ).toThrow('batch element 0');
    expect(() => linalg.solve(zeros(2, 2), zeros(2))).toThrow(LinAlgError);
    expect(() => linalg.svd(data([[Number.NaN]]))).toThrow(LinAlgError);
    expect(() => linalg.eigh(data([[Infinity]]))).toThrow(LinAlgError);
    expect(() => linalg.eig(data([[Infinity]]))).toThrow(LinAlgError);
    expect(() => linalg.inv(zeros(2, 3))).toThrow(ShapeError);
    expect(() => linalg.det(zeros(3))).toThrow(ShapeError);
    expect(() => linalg.svd(tensor([[1n]]))).toThrow(DTypeError);
    expect(() => linalg.qr(zeros([2, 2], { dtype: 'float16' }))).toThrow(DTypeError);
    expect(() => linalg.solve(zeros(2, 2), zeros(3))).toThrow(ShapeError);
    expect(() => linalg.solve(zeros(2, 2), double(2))).toThrow(DTypeError);
    expect(() => linalg.qr(zeros(2, 2), 'R' as 'r')).toThrow(RangeError);
    expect(() => linalg.matrixNorm(zeros(2, 2), 3)).toThrow(RangeError);
    expect(() => linalg.norm(zeros(2, 2, 2), 2)).toThrow(ShapeError);
    expect(() => linalg.lstsq(zeros(2, 2), zeros(3, 1))).toThrow(ShapeError);
    expect(() => linalg.luSolve(zeros(2, 2), tensor([1, 2]), zeros(2, 1))).toThrow(DTypeError);
  });

  it('or gives an info', () => {
    expect(
      linalg
        .choleskyEx(
          data([
            [1, 2],
            [2, 1],
          ]),
        )
        .info.itemSync(),
    ).toBe(2);
    expect(
      linalg
        .invEx(
          data([
            [1, 2],
            [2, 4],
          ]),
        )
        .info.itemSync(),
    ).toBe(2);
    expect(linalg.luFactorEx(zeros(2, 3, 3)).info.toArraySync()).toEqual([1, 1]);
    expect(() => linalg.solveEx(zeros(1, 1), zeros(1), { checkErrors: true })).toThrow(LinAlgError);
  });

  it('writes nothing into out then', () => {
    const out = tensor([[7]], { dtype: 'float64' });
    expect(() => linalg.inv(data([[0]]), { out })).toThrow(LinAlgError);
    expect(out.itemSync()).toBe(7);
    expect(linalg.inv(data([[2]]), { out })).toBe(out);
    expect(out.itemSync()).toBe(0.5);
    const outs = [zeros(1, 1), zeros(1)].map((x) => x.to('float64'));
    const result = linalg.eigh(data([[2]]), { out: [outs[1]!, outs[0]!] });
    expect(result.eigenvalues).toBe(outs[1]);
    expect(outs[1]!.itemSync()).toBe(2);
    expect(() => linalg.eigh(data([[2]]), { out: [outs[1]!] })).toThrow(TypeError);
    expect(() => linalg.eigh(data([[5]]), { out: [outs[1]!, zeros(2, 2)] })).toThrow(ShapeError);
    expect(outs[1]!.itemSync()).toBe(2);
  });
});
