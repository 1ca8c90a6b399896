import '@flambeau/backend-cpu';
import {
  chainMatmul,
  eye,
  geqrf,
  linalg,
  logdet,
  lu,
  luUnpack,
  manualSeed,
  norm,
  orgqr,
  ormqr,
  pcaLowrank,
  pinverse,
  qr,
  randn,
  ShapeError,
  svd,
  svdLowrank,
  symeig,
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

/** Greatest difference, relative to the greatest wanted number. */
function expectClose(got: Tensor, want: Tensor, tolerance = 1e-12): void {
  expect(got.shape).toEqual(want.shape);
  expect(got.dtype).toBe(want.dtype);
  if (want.elementCount === 0) return;
  const scale = Math.max(want.abs().max().itemSync(), 1e-300);
  expect(got.sub(want).abs().max().itemSync() / scale).toBeLessThan(tolerance);
}

/** The same matrices with other layouts: transposed memory, every second row, a batch that repeats one. */
function layouts(x: Tensor): Tensor[] {
  const spread = zeros([x.shape[0]!, 2 * x.shape[1]!, ...x.shape.slice(2)], { dtype: x.dtype });
  const window = spread.at(':', '::2');
  window.copy_(x);
  return [x, x.mT.contiguous().mT, window, x.at(0).expand(x.shape).clone().copy_(x)];
}

describe('factorizations put together again', () => {
  const batch = (): Tensor => double(2, 4, 4);

  it('cholesky, of every layout, float32 too', () => {
    const a = batch();
    const positive = a.matmul(a.mT).add(eye(4, { dtype: 'float64' }));
    for (const x of layouts(positive)) {
      const l = linalg.cholesky(x);
      expectClose(l.matmul(l.mT), positive);
      expectClose(linalg.cholesky(x, { upper: true }), l.mT.contiguous());
    }
    const single = linalg.cholesky(positive.to('float32'));
    expectClose(single.matmul(single.mT), positive.to('float32'), 1e-6);
    const onlyLower = positive.tril().add(double(2, 4, 4).triu(1));
    expectClose(linalg.cholesky(onlyLower), linalg.cholesky(positive));
  });

  it.each([
    [4, 4],
    [6, 3],
    [3, 6],
    [1, 1],
    [3, 0],
    [0, 3],
    [0, 0],
  ])('lu, qr and svd of [%s, %s]', (rows, columns) => {
    const a = double(2, rows, columns);
    const k = Math.min(rows, columns);
    for (const x of rows * columns > 0 ? layouts(a) : [a]) {
      const { P, L, U } = linalg.lu(x);
      expect([P.shape, L.shape, U.shape]).toEqual([
        [2, rows, rows],
        [2, rows, k],
        [2, k, columns],
      ]);
      expectClose(P.matmul(L).matmul(U), a);
      for (const mode of ['reduced', 'complete'] as const) {
        const { Q, R } = linalg.qr(x, mode);
        expectClose(Q.matmul(R), a);
        expectClose(Q.mT.matmul(Q), eye(Q.size(-1), { dtype: 'float64' }).expand([2, Q.size(-1), Q.size(-1)]));
        expectClose(R.triu(), R);
      }
      for (const full of [true, false]) {
        const { U: u, S, Vh } = linalg.svd(x, full);
        expectClose(
          u
            .narrow(-1, 0, k)
            .mul(S.unsqueeze(-2))
            .matmul(Vh.narrow(-2, 0, k)),
          a,
        );
        expectClose(linalg.svdvals(x), S);
      }
    }
    expect(linalg.qr(a, 'r').Q.shape).toEqual([0]);
    expectClose(linalg.qr(a, 'r').R, linalg.qr(a).R);
  });

  it('geqrf with orgqr and ormqr', () => {
    const a = double(2, 5, 3);
    const { a: packed, tau } = geqrf(a);
    const q = orgqr(packed, tau);
    expectClose(q.matmul(packed.narrow(-2, 0, 3).triu()), a);
    const full = ormqr(packed, tau, eye(5, { dtype: 'float64' }).expand([2, 5, 5]));
    expectClose(full.narrow(-1, 0, 3), q);
    const c = double(2, 5, 4);
    expectClose(ormqr(packed, tau, c), full.matmul(c));
    expectClose(ormqr(packed, tau, c, { transpose: true }), full.mT.matmul(c));
    expectClose(ormqr(packed, tau, c.mT, false), c.mT.matmul(full));
    expectClose(ormqr(packed, tau, c.mT, false, true), c.mT.matmul(full.mT));
  });

  it('eigh from either triangle; symeig', () => {
    const a = batch();
    const symmetric = a.add(a.mT);
    for (const x of layouts(symmetric)) {
      const { eigenvalues, eigenvectors } = linalg.eigh(x);
      expectClose(eigenvectors.mul(eigenvalues.unsqueeze(-2)).matmul(eigenvectors.mT), symmetric);
      expectClose(linalg.eigvalsh(x), eigenvalues);
    }
    const upper = symmetric.triu().add(double(2, 4, 4).tril(-1));
    expectClose(linalg.eigvalsh(upper, 'U'), linalg.eigvalsh(symmetric));
    expectClose(symeig(upper, true).eigenvalues, linalg.eigvalsh(symmetric));
    expect(symeig(upper).eigenvectors.shape).toEqual([0]);
  });

  it('ldl, of matrices that need blocks of two rows', () => {
    const indefinite = data([
      [0, 1, 2, 3],
      [1, 0, 4, 5],
      [2, 4, 0, 6],
      [3, 5, 6, 0],
    ]);
    const a = double(3, 7, 7);
    for (const x of [indefinite, a.add(a.mT)]) {
      const { LD, pivots } = linalg.ldlFactor(x.tril());
      if (x === indefinite) expect(pivots.lt(0).any().itemSync()).toBe(1);
      const b = double(x.size(-1), 2);
      expectClose(x.matmul(linalg.ldlSolve(LD, pivots, b)), b.expand([...x.shape.slice(0, -2), ...b.shape]), 1e-10);
    }
    expect(
      linalg
        .ldlFactorEx(
          data([
            [0, 0],
            [0, 1],
          ]),
        )
        .info.itemSync(),
    ).toBe(1);
  });

  it('eig: complex eigenvalues, real ones without imaginary part', () => {
    const turn = linalg.eig(
      data([
        [0, -1],
        [1, 0],
      ]),
    );
    expect(turn.eigenvalues.dtype).toBe('complex128');
    expect(turn.eigenvalues.toArraySync()).toEqual([
      { re: 0, im: 1 },
      { re: 0, im: -1 },
    ]);
    expect(
      linalg
        .eigvals(
          tensor([
            [2, 1],
            [0, 3],
          ]),
        )
        .toArraySync(),
    ).toEqual([
      { re: 2, im: 0 },
      { re: 3, im: 0 },
    ]);
    expect(linalg.eig(zeros(0, 3, 3)).eigenvectors.shape).toEqual([0, 3, 3]);
  });

  it('of low rank, from random projections', () => {
    for (const [rows, columns] of [
      [30, 20],
      [12, 25],
    ] as const) {
      const a = double(rows, 4).matmul(double(4, columns));
      const [U, S, V] = svdLowrank(a, 6);
      expect([U.shape, S.shape, V.shape]).toEqual([[rows, 6], [6], [columns, 6]]);
      expectClose(U.mul(S).matmul(V.t()), a, 1e-10);
      expectClose(S.narrow(0, 0, 4), linalg.svdvals(a).narrow(0, 0, 4), 1e-10);
      const shifted = a.add(5);
      const components = pcaLowrank(shifted, 5)[2];
      const centered = shifted.sub(shifted.mean(0, true));
      expectClose(centered.matmul(components).matmul(components.t()), centered, 1e-10);
    }
    const square = double(5, 5);
    expectClose(svdLowrank(square, 5)[1], linalg.svdvals(square), 1e-10);
    expect(() => svdLowrank(square, 6)).toThrow(ShapeError);
  });

  it('the older functions: lu, qr, svd', () => {
    const a = double(5, 3);
    const [packed, pivots, info] = lu(a, { getInfos: true }) as [Tensor, Tensor, Tensor];
    expect([pivots.dtype, info.itemSync()]).toEqual(['int32', 0]);
    const { P, L, U } = luUnpack(packed, pivots);
    expectClose(P.matmul(L).matmul(U), a);
    expect(luUnpack(packed, pivots, false).L.shape).toEqual([0]);
    expect(qr(a, false).Q.shape).toEqual([5, 5]);
    const { U: u, S, V } = svd(a);
    expectClose(u.mul(S).matmul(V.t()), a);
    const bare = svd(a, { computeUv: false });
    expect([bare.U.shape, bare.V.shape, bare.U.any().itemSync()]).toEqual([[5, 5], [3, 3], 0]);
  });
});

describe('solutions', () => {
  it('of many right sides, one vector each, from the right, with broadcasting', () => {
    const a = double(3, 4, 4);
    const b = double(4, 2);
    expectClose(a.matmul(linalg.solve(a, b)), b.expand(3, 4, 2), 1e-10);
    const vectors = double(3, 4);
    expectClose(a.matmul(linalg.solve(a, vectors).unsqueeze(-1)).squeeze(-1), vectors, 1e-10);
    expectClose(linalg.solve(a, b.mT, { left: false }).matmul(a), b.mT.expand(3, 2, 4), 1e-10);
    const { LU, pivots } = linalg.luFactor(a);
    expectClose(linalg.luSolve(LU, pivots, b), linalg.solve(a, b), 1e-10);
    expectClose(linalg.luSolve(LU, pivots, b, { adjoint: true }), linalg.solve(a.mT, b), 1e-10);
    expectClose(linalg.luSolve(LU, pivots, b.mT, { left: false }), linalg.solve(a, b.mT, { left: false }), 1e-10);
  });

  it('are rounded once: float32 solutions of an ill-conditioned system are right to float32 precision', () => {
    const n = 6;
    const hilbert = data(Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => 1 / (i + j + 1))));
    const single = hilbert.to('float32');
    const exact = linalg.inv(single.to('float64'));
    expectClose(linalg.inv(single), exact.to('float32'), 1e-6);
  });

  it('of least squares', () => {
    const a = double(6, 3);
    const b = double(6, 2);
    const { solution, residuals, rank, singularValues } = linalg.lstsq(a, b, { driver: 'gelsd' });
    expectClose(solution, linalg.solve(a.mT.matmul(a), a.mT.matmul(b)), 1e-10);
    expectClose(residuals, a.matmul(solution).sub(b).square().sum(0), 1e-10);
    expect(rank.itemSync()).toBe(3);
    expectClose(singularValues, linalg.svdvals(a));
    const plain = linalg.lstsq(a, b);
    expect([plain.residuals.shape, plain.rank.itemSync(), plain.singularValues.shape]).toEqual([[0], 3, [0]]);
    const short = linalg.lstsq(a.mT, double(3));
    expect(short.solution.shape).toEqual([6]);
    // Of all solutions the shortest, of a rank that is not full.
    const low = data([
      [1, 1],
      [1, 1],
    ]);
    expectClose(linalg.lstsq(low, data([2, 2])).solution, data([1, 1]));
    expect(linalg.lstsq(low, data([2, 2])).rank.itemSync()).toBe(1);
  });

  it('pinv and rank', () => {
    const a = double(5, 2).matmul(double(2, 4));
    const p = linalg.pinv(a);
    expectClose(a.matmul(p).matmul(a), a);
    expectClose(p.matmul(a).matmul(p), p);
    expect(linalg.matrixRank(a).itemSync()).toBe(2);
    expect(linalg.matrixRank(a).dtype).toBe('int32');
    const diagonal = data([3, 1, 0.1]).diag();
    expect(linalg.matrixRank(diagonal, { atol: 0.5 }).itemSync()).toBe(2);
    expect(linalg.matrixRank(diagonal, { rtol: 0.5 }).itemSync()).toBe(1);
    expect(linalg.matrixRank(diagonal, 2).itemSync()).toBe(1);
    expect(linalg.matrixRank(diagonal.expand(2, 3, 3), { atol: data([0.05, 5]) }).toArraySync()).toEqual([3, 0]);
    expect(
      linalg
        .matrixRank(
          data([
            [0, 2],
            [2, 0],
          ]),
          { hermitian: true },
        )
        .itemSync(),
    ).toBe(2);
    expectClose(pinverse(diagonal, 0.1), data([1 / 3, 1, 0]).diag());
    expectClose(
      linalg.pinv(
        data([
          [0, 2],
          [2, 0],
        ]),
        { hermitian: true },
      ),
      data([
        [0, 0.5],
        [0.5, 0],
      ]),
    );
    expect(linalg.pinv(zeros(0, 3)).shape).toEqual([3, 0]);
  });

  it('determinants: signs, singular ones, empty ones', () => {
    expect(
      linalg
        .det(
          data([
            [0, 1],
            [1, 0],
          ]),
        )
        .itemSync(),
    ).toBe(-1);
    expect(linalg.det(zeros(2, 0, 0)).toArraySync()).toEqual([1, 1]);
    expect(
      linalg
        .det(
          data([
            [1, 2],
            [2, 4],
          ]),
        )
        .itemSync(),
    ).toBeCloseTo(0, 15);
    const big = eye(400, { dtype: 'float64' }).mul(-1e-3);
    expect(linalg.det(big).itemSync()).toBe(0);
    const { sign, logabsdet } = linalg.slogdet(big);
    expect([sign.itemSync(), logabsdet.itemSync()]).toEqual([1, expect.closeTo(400 * Math.log(1e-3), 9)]);
    const singular = linalg.slogdet(
      data([
        [1, 2],
        [2, 4],
      ]),
    );
    expect([singular.sign.eq(0).itemSync(), singular.logabsdet.itemSync()]).toEqual([1, Number.NEGATIVE_INFINITY]);
    expect(
      logdet(
        data([
          [0, 1],
          [1, 0],
        ]),
      ).itemSync(),
    ).toBeNaN();
  });
});

describe('functions of matrices', () => {
  it('the exponential: nilpotent, a rotation, large and small norms together', () => {
    expectClose(
      linalg.matrixExp(
        data([
          [0, 1],
          [0, 0],
        ]),
      ),
      data([
        [1, 1],
        [0, 1],
      ]),
    );
    const angle = 1e3;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    expectClose(
      linalg.matrixExp(
        data([
          [0, -angle],
          [angle, 0],
        ]),
      ),
      data([
        [c, -s],
        [s, c],
      ]),
      1e-10,
    );
    const mixed = data([1e-8, 40])
      .view(2, 1, 1)
      .mul(
        data([
          [1, 2],
          [0, 3],
        ]),
      );
    const exact = (t: number) => [
      [Math.exp(t), Math.exp(3 * t) - Math.exp(t)],
      [0, Math.exp(3 * t)],
    ];
    expectClose(linalg.matrixExp(mixed).at(0), data(exact(1e-8)), 1e-15);
    expectClose(linalg.matrixExp(mixed).at(1), data(exact(40)), 1e-12);
    expect(linalg.matrixExp(data([[Number.NaN]])).itemSync()).toBeNaN();
    expect(linalg.matrixExp(zeros(0, 0)).shape).toEqual([0, 0]);
  });

  it('products of a chain', () => {
    const chain = [double(2, 7), double(7, 3), double(3, 4)] as const;
    expectClose(chainMatmul(...chain), chain[0].mm(chain[1]).mm(chain[2]));
    expect(() => chainMatmul(chain[0], double(7))).toThrow(ShapeError);
  });

  it('powers', () => {
    const a = data([
      [1, 1],
      [0, 2],
    ]);
    expectClose(
      linalg.matrixPower(a, 5),
      data([
        [1, 31],
        [0, 32],
      ]),
    );
    expectClose(linalg.matrixPower(a, 0), eye(2, { dtype: 'float64' }));
    expectClose(
      linalg.matrixPower(a, -1),
      data([
        [1, -0.5],
        [0, 0.5],
      ]),
    );
  });

  it('Vandermonde matrices and diagonals', () => {
    expect(linalg.vander(tensor([2, 3]), 3).toArraySync()).toEqual([
      [1, 2, 4],
      [1, 3, 9],
    ]);
    expect(linalg.vander(tensor([2n, 3n])).dtype).toBe('int64');
    expect(
      linalg.diagonal(
        data([
          [1, 2],
          [3, 4],
        ]).expand(3, 2, 2),
      ).shape,
    ).toEqual([3, 2]);
  });

  it('norms, by hand', () => {
    const a = data([
      [1, -2],
      [3, 4],
    ]);
    const values = (['fro', 'nuc', 1, -1, 2, -2, Infinity, -Infinity] as const).map((ord) =>
      linalg.matrixNorm(a, ord).itemSync(),
    );
    // The singular values of a: their squares have the sum 30 and the product det² = 100.
    const root = Math.sqrt(15 ** 2 - 100);
    const [s1, s2] = [Math.sqrt(15 + root), Math.sqrt(15 - root)];
    [Math.sqrt(30), s1 + s2, 6, 4, s1, s2, 7, 3].forEach((want, i) => {
      expect(values[i]).toBeCloseTo(want, 12);
    });
    expect(linalg.norm(a).itemSync()).toBeCloseTo(Math.sqrt(30), 12);
    expect(linalg.norm(a, 1, 0).toArraySync()).toEqual([4, 6]);
    expect(norm(a, 'nuc').itemSync()).toBeCloseTo(s1 + s2, 12);
    expect(linalg.cond(a).itemSync()).toBeCloseTo(s1 / s2, 12);
    expect(linalg.cond(a, -2).itemSync()).toBeCloseTo(s2 / s1, 12);
    expect(linalg.cond(a, Infinity).itemSync()).toBeCloseTo(7 * 0.6, 12);
    expect(
      linalg
        .cond(
          data([
            [1, 1],
            [1, 1],
          ]),
          1,
        )
        .itemSync(),
    ).toBe(Infinity);
    expect(linalg.matrixNorm(double(3, 4, 5), 2, [0, 2], true).shape).toEqual([1, 4, 1]);
  });
});
