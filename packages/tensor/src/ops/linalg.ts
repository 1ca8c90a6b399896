/**
 * @file Linear algebra that PyTorch has at top level and as methods. Names that `linalg` has too do the same there, but for
 * cholesky, lu, luSolve, qr and svd, whose arguments or results are older ones here.
 */

import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { isComplex } from '../dtype.ts';
import { intoOut } from '../inplace.ts';
import { type CholeskyOptions, choleskyInverseOf, choleskySolveOf, cholesky as factor } from '../linalg/cholesky.ts';
import { checkInfo, checkSquare, describeSingular, namedInto, type OutsOption } from '../linalg/common.ts';
import { det, slogdet } from '../linalg/determinant.ts';
import { eighOf } from '../linalg/eigen.ts';
import { matrixExp, matrixPower } from '../linalg/functions.ts';
import { pinv } from '../linalg/least-squares.ts';
import { checkPivots, luFactorOf, luSolveOf } from '../linalg/lu.ts';
import { geqrfOf, householderProduct, ormqrOf, qrOf } from '../linalg/qr.ts';
import { inv } from '../linalg/solve.ts';
import { svdOf, svdvalsOf } from '../linalg/svd.ts';
import { solveTriangularOf } from '../linalg/triangular.ts';
import { type Named, named } from '../named.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import type { OutOption } from './make.ts';

export { det, matrixExp, matrixPower, slogdet };

/** `linalg.inv`. */
export function inverse(self: Tensor, options?: OutOption): Tensor {
  return inv(self, options);
}

/** `linalg.householderProduct`. */
export function orgqr(self: Tensor, tau: Tensor): Tensor {
  return householderProduct(self, tau);
}

interface UpperOption {
  /** Whether the factor is upper triangular. */
  upper?: boolean | undefined;
}
type Upper = { upper: boolean; out: Tensor | undefined };
const parseUpper = (op: string) => signature<Upper>(op, ['upper'], { upper: false, out: undefined });
const [parseCholesky, parseCholeskySolve, parseCholeskyInverse] = [
  parseUpper('cholesky'),
  parseUpper('choleskySolve'),
  parseUpper('choleskyInverse'),
] as const;

/** `linalg.cholesky`, with `upper` by position too. */
export function cholesky(self: Tensor, ...args: Trailing<[upper: boolean], CholeskyOptions>): Tensor {
  return factor(self, parseCholesky(args));
}

/** The solution X of A X = self from the Cholesky factor of A. */
export function choleskySolve(
  self: Tensor,
  input2: Tensor,
  ...args: Trailing<[upper: boolean], OutOption & UpperOption>
): Tensor {
  if (state.autocasting) return withAutocast('choleskySolve', choleskySolve, self, input2, ...args);
  const { upper, out } = parseCholeskySolve(args);
  return intoOut('choleskySolve', out, [self, input2], () => choleskySolveOf('choleskySolve', self, input2, upper));
}

/** The inverse of A from its Cholesky factor. */
export function choleskyInverse(self: Tensor, ...args: Trailing<[upper: boolean], OutOption & UpperOption>): Tensor {
  if (state.autocasting) return withAutocast('choleskyInverse', choleskyInverse, self, ...args);
  const { upper, out } = parseCholeskyInverse(args);
  return intoOut('choleskyInverse', out, [self], () => choleskyInverseOf('choleskyInverse', self, upper));
}

/** The logarithm of the determinant: −∞ for 0, NaN for negative ones. */
export function logdet(self: Tensor): Tensor {
  const [sign, logarithm] = slogdet(self) as unknown as [Tensor, Tensor];
  if (isComplex(self.dtype)) return sign.log().add(logarithm);
  return logarithm.maskedFill(sign.detach().eq(-1), Number.NaN);
}

/**
 * LAPACK's QR factors: R on and above the diagonal, Householder vectors below it, and their factors `tau`. Has no gradient.
 * `householderProduct` makes Q of them, `ormqr` multiplies with it.
 */
export function geqrf(self: Tensor, options?: OutsOption): Named<readonly ['a', 'tau'], Tensor> {
  if (state.autocasting) return withAutocast('geqrf', geqrf, self, options);
  return namedInto('geqrf', ['a', 'tau'], [self], options?.out, () => geqrfOf('geqrf', self));
}

interface OrmqrOptions extends OutOption {
  /** Q from the left (the default) or the right. */
  left?: boolean | undefined;
  /** Takes Qᴴ for Q. */
  transpose?: boolean | undefined;
}
const parseOrmqr = signature<{ left: boolean; transpose: boolean; out: Tensor | undefined }>(
  'ormqr',
  ['left', 'transpose'],
  { left: true, transpose: false, out: undefined },
);

/** The product of `other` with the square Q of `geqrf`'s result. Has no gradient. */
export function ormqr(
  self: Tensor,
  tau: Tensor,
  other: Tensor,
  ...args: Trailing<[left: boolean, transpose: boolean], OrmqrOptions>
): Tensor {
  if (state.autocasting) return withAutocast('ormqr', ormqr, self, tau, other, ...args);
  const { left, transpose, out } = parseOrmqr(args);
  return intoOut('ormqr', out, [self, tau, other], () => ormqrOf('ormqr', self, tau, other, left, transpose));
}

const parseLu = signature<{ pivot: boolean; getInfos: boolean }>('lu', ['pivot', 'getInfos'], {
  pivot: true,
  getInfos: false,
});

/**
 * The packed LU factors and pivots of `linalg.luFactor`, and with `getInfos` their info (0, or the place of U's first zero).
 * @throws LinAlgError where U has a zero on its diagonal, unless infos are asked for.
 */
export function lu(
  self: Tensor,
  ...args: Trailing<
    [pivot: boolean, getInfos: boolean],
    { pivot?: boolean | undefined; getInfos?: boolean | undefined }
  >
): readonly Tensor[] {
  if (state.autocasting) return withAutocast('lu', lu, self, ...args);
  const { pivot, getInfos } = parseLu(args);
  const [factors, pivots, info] = luFactorOf('lu', self, pivot);
  if (getInfos) return named(['LU', 'pivots', 'info'], [factors, pivots, info], 'lu') as unknown as readonly Tensor[];
  checkInfo('lu', info, describeSingular);
  return [factors, pivots];
}

/** The solution of A X = self from the LU factors of A. */
export function luSolve(self: Tensor, luData: Tensor, luPivots: Tensor, options?: OutOption): Tensor {
  if (state.autocasting) return withAutocast('luSolve', luSolve, self, luData, luPivots, options);
  checkSquare('luSolve', luData);
  checkPivots('luSolve', luData, luPivots);
  return intoOut('luSolve', options?.out, [self, luData], () => luSolveOf('luSolve', luData, luPivots, self, false));
}

/** The pseudo-inverse; singular values up to `rcond` times the greatest are taken for 0. */
export function pinverse(self: Tensor, rcond = 1e-15): Tensor {
  if (state.autocasting) return withAutocast('pinverse', pinverse, self, rcond);
  return pinv(self, rcond);
}

interface SomeOption {
  /** The reduced form (the default). */
  some?: boolean | undefined;
}
const parseQr = signature<{ some: boolean; out: readonly Tensor[] | undefined }>('qr', ['some'], {
  some: true,
  out: undefined,
});

/** `linalg.qr`, 'reduced' or, where not `some`, 'complete'. */
export function qr(
  self: Tensor,
  ...args: Trailing<[some: boolean], OutsOption & SomeOption>
): Named<readonly ['Q', 'R'], Tensor> {
  if (state.autocasting) return withAutocast('qr', qr, self, ...args);
  const { some, out } = parseQr(args);
  return namedInto('qr', ['Q', 'R'], [self], out, () => qrOf('qr', self, some ? 'reduced' : 'complete'));
}

interface SvdOptions extends OutsOption, SomeOption {
  /** Without, U and V are zeros. */
  computeUv?: boolean | undefined;
}
const parseSvd = signature<{ some: boolean; computeUv: boolean; out: readonly Tensor[] | undefined }>(
  'svd',
  ['some', 'computeUv'],
  { some: true, computeUv: true, out: undefined },
);

/** self = U diag(S) Vᴴ: `linalg.svd` with V itself, and the reduced form by default. */
export function svd(
  self: Tensor,
  ...args: Trailing<[some: boolean, computeUv: boolean], SvdOptions>
): Named<readonly ['U', 'S', 'V'], Tensor> {
  if (state.autocasting) return withAutocast('svd', svd, self, ...args);
  const { some, computeUv, out } = parseSvd(args);
  return namedInto('svd', ['U', 'S', 'V'], [self], out, () => {
    if (computeUv) {
      const [u, s, vh] = svdOf('svd', self, !some);
      return [u, s, vh.mH];
    }
    const square = (d: number): Tensor =>
      self.detach().newZeros([...self.shape.slice(0, -2), self.size(d), self.size(d)]);
    return [square(-2), svdvalsOf('svd', self), square(-1)];
  });
}

interface SymeigOptions extends OutsOption, UpperOption {
  /** Without, they are empty. */
  eigenvectors?: boolean | undefined;
}
const parseSymeig = signature<{ eigenvectors: boolean; upper: boolean; out: readonly Tensor[] | undefined }>(
  'symeig',
  ['eigenvectors', 'upper'],
  { eigenvectors: false, upper: true, out: undefined },
);

/** `linalg.eigh` from the upper triangle by default. */
export function symeig(
  self: Tensor,
  ...args: Trailing<[eigenvectors: boolean, upper: boolean], SymeigOptions>
): Named<readonly ['eigenvalues', 'eigenvectors'], Tensor> {
  if (state.autocasting) return withAutocast('symeig', symeig, self, ...args);
  const { eigenvectors, upper, out } = parseSymeig(args);
  return namedInto('symeig', ['eigenvalues', 'eigenvectors'], [self], out, () => {
    const [values, vectors] = eighOf('symeig', self, upper, eigenvectors);
    return [values, eigenvectors ? vectors! : self.detach().newEmpty([0])];
  });
}

interface TriangularSolveOptions extends OutsOption, UpperOption {
  transpose?: boolean | undefined;
  /** Takes the diagonal for ones. */
  unitriangular?: boolean | undefined;
}
const parseTriangular = signature<{
  upper: boolean;
  transpose: boolean;
  unitriangular: boolean;
  out: readonly Tensor[] | undefined;
}>('triangularSolve', ['upper', 'transpose', 'unitriangular'], {
  upper: true,
  transpose: false,
  unitriangular: false,
  out: undefined,
});

/** The solution X of A X = self (Aᵀ X where `transpose`) for a triangular A, upper by default; and a copy of A. */
export function triangularSolve(
  self: Tensor,
  A: Tensor,
  ...args: Trailing<[upper: boolean, transpose: boolean, unitriangular: boolean], TriangularSolveOptions>
): Named<readonly ['solution', 'clonedCoefficient'], Tensor> {
  if (state.autocasting) return withAutocast('triangularSolve', triangularSolve, self, A, ...args);
  const { upper, transpose, unitriangular, out } = parseTriangular(args);
  return namedInto('triangularSolve', ['solution', 'clonedCoefficient'], [self, A], out, () => [
    solveTriangularOf('triangularSolve', transpose ? A.mT : A, self, upper !== transpose, unitriangular),
    A.clone(),
  ]);
}
