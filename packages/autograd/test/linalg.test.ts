import '@flambeau/backend-cpu';
import { gradcheck, gradgradcheck } from '@flambeau/autograd';
import {
  AutogradError,
  cholesky,
  choleskyInverse,
  choleskySolve,
  complex,
  linalg,
  logdet,
  luSolve,
  luUnpack,
  type Tensor,
  tensor,
  triangularSolve,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

/** Numbers without pattern, reproducible; well-conditioned enough for finite differences. */
function leaf(...shape: number[]): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Array.from({ length: count }, (_, i) => Math.sin((i + 1 + shape.length) ** 2.3) * 1.3);
  return tensor(data, { dtype: 'float64' }).view(shape).requiresGrad_();
}

/** The same with an imaginary part. */
const asComplex = (x: Tensor): Tensor =>
  complex(x.detach(), x.detach().flatten().flip(0).cos().view(x.shape)).requiresGrad_();

const square = leaf(4, 4);
const batch = leaf(2, 3, 3);
const tall = leaf(2, 4, 3);
const wide = leaf(2, 3, 5);
const right = leaf(4, 2);

const symmetric = (x: Tensor): Tensor => x.add(x.mH);
const positive = (x: Tensor): Tensor =>
  x.matmul(x.mH).add(
    tensor(0.5)
      .to('float64')
      .expand([x.size(-1)])
      .diagEmbed(),
  );

type Function = (...inputs: Tensor[]) => Tensor | readonly Tensor[];
/** Each is checked for its first and second derivative. */
const functions: [name: string, f: Function, inputs: Tensor[]][] = [
  ['cholesky', (x) => linalg.cholesky(positive(x!)), [batch]],
  ['cholesky of the upper triangle', (x) => cholesky(positive(x!), true), [square]],
  ['choleskySolve', (b, x) => choleskySolve(b!, linalg.cholesky(positive(x!))), [right, square]],
  ['choleskySolve, upper', (b, x) => choleskySolve(b!, cholesky(positive(x!), true), true), [right, square]],
  ['choleskyInverse', (x) => choleskyInverse(linalg.cholesky(positive(x!))), [batch]],
  ['qr, tall', (x) => [...(linalg.qr(x!) as unknown as Tensor[])], [tall]],
  ['qr, wide', (x) => [...(linalg.qr(x!) as unknown as Tensor[])], [wide]],
  ['qr, complete and wide', (x) => [...(linalg.qr(x!, 'complete') as unknown as Tensor[])], [wide]],
  ["qr's R alone", (x) => linalg.qr(x!).R, [wide]],
  ["qr's Q alone", (x) => linalg.qr(x!).Q, [wide]],
  ['householderProduct', (a, tau) => linalg.householderProduct(a!, tau!), [tall, leaf(2, 3)]],
  ['lu, square', (x) => [linalg.lu(x!).L, linalg.lu(x!).U], [batch]],
  ['lu, tall', (x) => [linalg.lu(x!).L, linalg.lu(x!).U], [tall]],
  ['lu, wide', (x) => [linalg.lu(x!).L, linalg.lu(x!).U], [wide]],
  ['lu without pivoting', (x) => linalg.luFactorEx(positive(x!), { pivot: false }).LU, [batch]],
  [
    'luSolve',
    (x, b) => {
      const { LU, pivots } = linalg.luFactor(x!);
      return luSolve(b!, LU, pivots);
    },
    [square, right],
  ],
  [
    'luSolve, adjoint from the right',
    (x, b) => {
      const { LU, pivots } = linalg.luFactor(x!);
      return linalg.luSolve(LU, pivots, b!.mT, { left: false, adjoint: true });
    },
    [square, right],
  ],
  [
    'luUnpack',
    (x) => {
      const { LU, pivots } = linalg.luFactor(x!);
      return luUnpack(LU, pivots).U;
    },
    [tall],
  ],
  ['solveTriangular', (x, b) => linalg.solveTriangular(x!, b!, { upper: true }), [square, right]],
  [
    'solveTriangular, unit, from the right',
    (x, b) => linalg.solveTriangular(x!, b!.mT, { upper: false, left: false, unitriangular: true }),
    [square, right],
  ],
  ['triangularSolve, transposed', (b, x) => triangularSolve(b!, x!, true, true).solution, [right, square]],
  ['solve', (x, b) => linalg.solve(x!, b!), [square, right]],
  ['solve, a vector, broadcast', (x, b) => linalg.solve(x!, b!), [batch, leaf(3)]],
  ['solve from the right', (x, b) => linalg.solve(x!, b!.mT, { left: false }), [square, right]],
  ['inv', (x) => linalg.inv(x!), [batch]],
  ['tensorinv', (x) => linalg.tensorinv(x!), [leaf(2, 3, 6)]],
  ['tensorsolve', (x, b) => linalg.tensorsolve(x!, b!), [leaf(2, 3, 6), leaf(2, 3)]],
  ['det', (x) => linalg.det(x!), [batch]],
  ['slogdet', (x) => linalg.slogdet(x!).logabsdet, [batch]],
  ['logdet', (x) => logdet(positive(x!)), [square]],
  [
    'eigh',
    (x) => {
      const { eigenvalues, eigenvectors } = linalg.eigh(symmetric(x!));
      return [eigenvalues, eigenvectors.abs()];
    },
    [batch],
  ],
  ['eigvalsh', (x) => linalg.eigvalsh(symmetric(x!)), [square]],
  [
    'svd, tall',
    (x) => {
      const { U, S, Vh } = linalg.svd(x!, false);
      return [U.abs(), S, Vh.abs()];
    },
    [tall],
  ],
  [
    'svd, wide',
    (x) => {
      const { U, S, Vh } = linalg.svd(x!, false);
      return [U.abs(), S, Vh.abs()];
    },
    [wide],
  ],
  [
    'svd, full',
    (x) => {
      const { U, S } = linalg.svd(x!);
      return [U.abs(), S];
    },
    [wide],
  ],
  ['svdvals', (x) => linalg.svdvals(x!), [tall]],
  ['pinv, tall', (x) => linalg.pinv(x!), [tall]],
  ['pinv, wide', (x) => linalg.pinv(x!), [wide]],
  ['pinv of low rank', (x, y) => linalg.pinv(x!.matmul(y!.mT)), [leaf(4, 2), leaf(5, 2)]],
  ['pinv, hermitian', (x) => linalg.pinv(symmetric(x!), { hermitian: true }), [batch]],
  ['lstsq, tall', (x, b) => linalg.lstsq(x!, b!).solution, [tall, leaf(2, 4, 2)]],
  ['lstsq, wide', (x, b) => linalg.lstsq(x!, b!, { driver: 'gels' }).solution, [wide, leaf(3)]],
  ['matrixExp', (x) => linalg.matrixExp(x!), [batch]],
  ['matrixPower', (x) => linalg.matrixPower(x!, 3), [batch]],
  ['matrixPower, negative', (x) => linalg.matrixPower(x!, -2), [batch]],
  ['vander', (x) => linalg.vander(x!, 4), [leaf(3)]],
  ['matrixNorm nuc', (x) => linalg.matrixNorm(x!, 'nuc'), [tall]],
  ['matrixNorm 2', (x) => linalg.matrixNorm(x!, 2, [0, 2], true), [tall]],
  ['matrixNorm −2', (x) => linalg.matrixNorm(x!, -2), [wide]],
  ['matrixNorm 1', (x) => linalg.matrixNorm(x!, 1), [wide]],
  ['matrixNorm ∞', (x) => linalg.matrixNorm(x!, Number.POSITIVE_INFINITY), [wide]],
  ['norm', (x) => linalg.norm(x!, 'fro', [0, 1]), [tall]],
  ['cond', (x) => linalg.cond(x!), [square]],
  ['cond 1', (x) => linalg.cond(x!, 1), [square]],
];

describe('gradients of linear algebra', () => {
  it.each(functions)('%s', async (_, f, inputs) => {
    expect(await gradcheck(f, inputs)).toBe(true);
    expect(await gradgradcheck(f, inputs)).toBe(true);
  });

  it.each(functions)('%s, complex', async (_, f, inputs) => {
    const numbers = inputs.map(asComplex);
    expect(await gradcheck(f, numbers)).toBe(true);
    expect(await gradgradcheck(f, numbers)).toBe(true);
  });

  it('eigenvalues and eigenvectors of general matrices, real and complex', async () => {
    const real = leaf(2, 4, 4);
    for (const x of [real, asComplex(real)]) {
      const both = (a?: Tensor) => {
        const { eigenvalues, eigenvectors } = linalg.eig(a!);
        return [eigenvalues, eigenvectors.abs()];
      };
      for (const f of [both, (a?: Tensor) => linalg.eigvals(a!)]) {
        expect(await gradcheck(f, [x])).toBe(true);
        expect(await gradgradcheck(f, [x])).toBe(true);
      }
    }
  });

  it('the sign of a complex determinant', async () => {
    const f = (a?: Tensor) => [...(linalg.slogdet(a!) as unknown as Tensor[])];
    expect(await gradcheck(f, [asComplex(batch)])).toBe(true);
    expect(await gradgradcheck(f, [asComplex(batch)])).toBe(true);
  });

  it('of the determinant of singular matrices: the cofactors', () => {
    const x = tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
      ],
      { dtype: 'float64', requiresGrad: true },
    );
    linalg.det(x).backward();
    const want = [
      [-3, 6, -3],
      [6, -12, 6],
      [-3, 6, -3],
    ];
    expect(
      x
        .grad!.sub(tensor(want, { dtype: 'float64' }))
        .abs()
        .max()
        .itemSync(),
    ).toBeLessThan(1e-12);
    const zero = tensor(
      [
        [0, 0],
        [0, 5],
      ],
      { dtype: 'float64', requiresGrad: true },
    );
    linalg.det(zero).backward();
    expect(zero.grad!.abs().toArraySync()).toEqual([
      [5, 0],
      [0, 0],
    ]);
    const nothing = tensor(
      [
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ],
      { dtype: 'float64', requiresGrad: true },
    );
    linalg.det(nothing).backward();
    expect(nothing.grad!.abs().max().itemSync()).toBe(0);
  });

  it('singular values that are equal, or 0, have one as well', () => {
    const x = tensor(
      [
        [1, 0],
        [0, 1],
      ],
      { dtype: 'float64', requiresGrad: true },
    );
    linalg.svdvals(x).sum().backward();
    expect(x.grad!.toArraySync()).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  it('there is none for a complete Q with more columns than A', () => {
    expect(() => linalg.qr(tall, 'complete')).toThrow(AutogradError);
    expect(() => linalg.qr(tall, 'r')).toThrow(AutogradError);
    expect(linalg.qr(tall.detach(), 'complete').Q.shape).toEqual([2, 4, 4]);
  });

  it('names its nodes as PyTorch does', () => {
    expect(linalg.inv(square).gradFn!.name).toBe('LinalgInvExBackward0');
    expect(linalg.eigh(square).eigenvalues.gradFn!.name).toBe('LinalgEighBackward0');
    expect(linalg.lu(square).P.requiresGrad).toBe(false);
  });
});
