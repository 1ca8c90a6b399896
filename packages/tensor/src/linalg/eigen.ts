/** @file Eigenvalues and eigenvectors. */

import { allocateLike } from '../allocate.ts';
import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { isComplex } from '../dtype.ts';
import { intoOut } from '../inplace.ts';
import type { Named } from '../named.ts';
import type { OutOption } from '../ops/make.ts';
import { record, tracks } from '../record.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { allocateReal, checkConverged, checkSquare, namedInto, type OutsOption, routineOf } from './common.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface EigenOps {
  /** [eigenvalues, eigenvectors] of a Hermitian (A). */
  linalgEigh: object;
  /** [eigenvalues, eigenvectors] of (A), complex. */
  linalgEig: object;
}

/** Whether one triangle or the other of a Hermitian matrix is read. */
export type Triangle = 'L' | 'U';

const recorded = (x: Tensor): boolean => state.gradEnabled && tracks(x);

/** Eigenvalues and vectors of Hermitian matrices, recorded. Without `vectors` those are made only if gradients want them. */
export function eighOf(op: string, a: Tensor, upper: boolean, vectors: boolean): readonly [Tensor, Tensor | null] {
  checkSquare(op, a);
  const values = allocateReal(a, a.shape.slice(0, -1));
  const basis = vectors || recorded(a) ? allocateLike(a, a.shape) : null;
  checkConverged(op, routineOf(op, a, 'eigh')(a, upper, values, basis));
  return basis === null ? [values, null] : record('linalgEigh', [a], [values, basis] as const, {});
}

function isUpper(op: string, triangle: string): boolean {
  if (triangle !== 'L' && triangle !== 'U')
    throw new RangeError(`${op}(): UPLO must be 'L' or 'U', got ${JSON.stringify(triangle)}`);
  return triangle === 'U';
}

const parseEigh = signature<{ UPLO: Triangle; out: readonly Tensor[] | undefined }>('linalg.eigh', ['UPLO'], {
  UPLO: 'L',
  out: undefined,
});
const parseEigvalsh = signature<{ UPLO: Triangle; out: Tensor | undefined }>('linalg.eigvalsh', ['UPLO'], {
  UPLO: 'L',
  out: undefined,
});

/**
 * A = V diag(λ) Vᴴ for Hermitian matrices: real eigenvalues in ascending order, orthonormal eigenvectors as columns. Only
 * one triangle of A is read. The sign (phase) of each vector is arbitrary; gradients through them exist where eigenvalues
 * are distinct and the loss does not depend on it.
 *
 * ```ts
 * const { eigenvalues, eigenvectors } = linalg.eigh(tensor([[2, 1], [1, 2]])); // [1, 3]
 * ```
 * @param A [..., N, N]
 * @throws LinAlgError for NaN and infinities.
 */
export function eigh(
  A: Tensor,
  ...args: Trailing<[UPLO: Triangle], OutsOption & { UPLO?: Triangle | undefined }>
): Named<readonly ['eigenvalues', 'eigenvectors'], Tensor> {
  if (state.autocasting) return withAutocast('linalg.eigh', eigh, A, ...args);
  const { UPLO, out } = parseEigh(args);
  const upper = isUpper('linalg.eigh', UPLO);
  return namedInto('linalg.eigh', ['eigenvalues', 'eigenvectors'], [A], out, () => {
    const [values, vectors] = eighOf('linalg.eigh', A, upper, true);
    return [values, vectors!];
  });
}

/** The eigenvalues of Hermitian matrices, ascending: see {@link eigh}. */
export function eigvalsh(
  A: Tensor,
  ...args: Trailing<[UPLO: Triangle], OutOption & { UPLO?: Triangle | undefined }>
): Tensor {
  if (state.autocasting) return withAutocast('linalg.eigvalsh', eigvalsh, A, ...args);
  const { UPLO, out } = parseEigvalsh(args);
  const upper = isUpper('linalg.eigvalsh', UPLO);
  return intoOut('linalg.eigvalsh', out, [A], () => eighOf('linalg.eigvalsh', A, upper, false)[0]);
}

function eigOf(op: string, a: Tensor, vectors: boolean): readonly [Tensor, Tensor | null] {
  checkSquare(op, a);
  const routine = routineOf(op, a, 'eig');
  const dtype = isComplex(a.dtype) ? a.dtype : a.dtype === 'float64' ? 'complex128' : 'complex64';
  const values = allocateLike(a, a.shape.slice(0, -1), dtype);
  const basis = vectors || recorded(a) ? allocateLike(a, a.shape, dtype) : null;
  checkConverged(op, routine(a, values, basis));
  return basis === null ? [values, null] : record('linalgEig', [a], [values, basis] as const, {});
}

const parseEig = signature<{ out: readonly Tensor[] | undefined }>('linalg.eig', [], { out: undefined });
const parseEigvals = signature<{ out: Tensor | undefined }>('linalg.eigvals', [], { out: undefined });

/**
 * A V = V diag(λ) for square matrices: complex eigenvalues in no order, eigenvectors of length 1 as columns. Those of a
 * real matrix are real or come in conjugate pairs. Gradients exist where eigenvalues are distinct.
 * @param A [..., N, N]
 * @throws LinAlgError for NaN and infinities.
 */
export function eig(A: Tensor, options?: OutsOption): Named<readonly ['eigenvalues', 'eigenvectors'], Tensor> {
  if (state.autocasting) return withAutocast('linalg.eig', eig, A, options);
  const { out } = parseEig([options]);
  return namedInto('linalg.eig', ['eigenvalues', 'eigenvectors'], [A], out, () => {
    const [values, vectors] = eigOf('linalg.eig', A, true);
    return [values, vectors!];
  });
}

/** The complex eigenvalues of square matrices: see {@link eig}. */
export function eigvals(A: Tensor, options?: OutOption): Tensor {
  if (state.autocasting) return withAutocast('linalg.eigvals', eigvals, A, options);
  const { out } = parseEigvals([options]);
  return intoOut('linalg.eigvals', out, [A], () => eigOf('linalg.eigvals', A, false)[0]);
}
