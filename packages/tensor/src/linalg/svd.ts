/** @file Singular values and vectors. */

import { allocateLike } from '../allocate.ts';
import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { intoOut } from '../inplace.ts';
import type { Named } from '../named.ts';
import type { OutOption } from '../ops/make.ts';
import { record, tracks } from '../record.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { allocateReal, batchOf, checkConverged, checkMatrix, namedInto, type OutsOption, routineOf } from './common.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface SvdOps {
  /** [U, S, Vᴴ] of (A). */
  linalgSvd: { readonly full: boolean };
}

/** U, S and Vᴴ, recorded. */
export function svdOf(op: string, a: Tensor, full: boolean): readonly [Tensor, Tensor, Tensor] {
  checkMatrix(op, a);
  const batch = batchOf(a);
  const [rows, columns] = a.shape.slice(-2) as [number, number];
  const k = Math.min(rows, columns);
  const u = allocateLike(a, [...batch, rows, full ? rows : k]);
  const s = allocateReal(a, [...batch, k]);
  const vh = allocateLike(a, [...batch, full ? columns : k, columns]);
  checkConverged(op, routineOf(op, a, 'svd')(a, u, s, vh));
  return record('linalgSvd', [a], [u, s, vh] as const, { full });
}

/** The singular values alone, recorded. */
export function svdvalsOf(op: string, a: Tensor): Tensor {
  checkMatrix(op, a);
  if (state.gradEnabled && tracks(a)) return svdOf(op, a, false)[1];
  const s = allocateReal(a, [...batchOf(a), Math.min(...a.shape.slice(-2))]);
  checkConverged(op, routineOf(op, a, 'svd')(a, null, s, null));
  return s;
}

const parseSvd = signature<{ fullMatrices: boolean; out: readonly Tensor[] | undefined }>(
  'linalg.svd',
  ['fullMatrices'],
  { fullMatrices: true, out: undefined },
);
const parseSvdvals = signature<{ out: Tensor | undefined }>('linalg.svdvals', [], { out: undefined });

/**
 * A = U diag(S) Vᴴ with orthonormal columns of U and V, and S real, not negative, descending. The signs (phases) of pairs
 * of vectors are arbitrary; gradients through them exist where singular values are distinct and the loss does not depend
 * on it, and not through the columns that only full matrices have.
 *
 * ```ts
 * const { U, S, Vh } = linalg.svd(A, { fullMatrices: false });
 * U.mul(S.unsqueeze(-2)).matmul(Vh); // A
 * ```
 * @param A [..., M, N]; U is [..., M, M], Vh [..., N, N], or [..., M, K] and [..., K, N] without `fullMatrices`
 * @throws LinAlgError for NaN and infinities.
 */
export function svd(
  A: Tensor,
  ...args: Trailing<[fullMatrices: boolean], OutsOption & { fullMatrices?: boolean | undefined }>
): Named<readonly ['U', 'S', 'Vh'], Tensor> {
  if (state.autocasting) return withAutocast('linalg.svd', svd, A, ...args);
  const { fullMatrices, out } = parseSvd(args);
  return namedInto('linalg.svd', ['U', 'S', 'Vh'], [A], out, () => svdOf('linalg.svd', A, fullMatrices));
}

/** The singular values, descending: see {@link svd}. Their gradient is stable even where some are equal. */
export function svdvals(A: Tensor, options?: OutOption): Tensor {
  if (state.autocasting) return withAutocast('linalg.svdvals', svdvals, A, options);
  const { out } = parseSvdvals([options]);
  return intoOut('linalg.svdvals', out, [A], () => svdvalsOf('linalg.svdvals', A));
}
