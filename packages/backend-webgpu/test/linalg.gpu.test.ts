import { DeviceError, eye, linalg, ones, type Tensor, tensor } from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { close, device, open, same } from './compare.ts';

beforeAll(open);

const factorizations: Record<string, (a: Tensor, b: Tensor) => unknown> = {
  cholesky: (a) => linalg.cholesky(a),
  qr: (a) => linalg.qr(a),
  lu: (a) => linalg.lu(a),
  solve: (a, b) => linalg.solve(a, b),
  inv: (a) => linalg.inv(a),
  det: (a) => linalg.det(a),
  slogdet: (a) => linalg.slogdet(a),
  eigh: (a) => linalg.eigh(a),
  eig: (a) => linalg.eig(a),
  svd: (a) => linalg.svd(a),
  pinv: (a) => linalg.pinv(a),
  lstsq: (a, b) => linalg.lstsq(a, b),
  matrixExp: (a) => linalg.matrixExp(a),
  matrixRank: (a) => linalg.matrixRank(a),
};

describe('linalg', () => {
  it.each(Object.keys(factorizations))('%s says what to await', (name) => {
    const [a, b] = [eye(2, { device }), ones(2, 1, { device })];
    expect(() => factorizations[name]!(a, b)).toThrow(DeviceError);
    expect(() => factorizations[name]!(a, b)).toThrow('await x.cpu()');
  });

  it('what is made of products and sums works', async () => {
    const x = tensor([
      [1, -2],
      [3, 4],
    ]);
    await same(
      [x],
      (a) => [linalg.matrixPower(a, 5), linalg.matrixNorm(a, 1), linalg.matrixNorm(a), linalg.norm(a, Infinity)],
      close,
    );
    await same([tensor([1, 2, 3])], (a) => [linalg.vander(a, 4)], close);
  });
});
