/** @file QR factors and products of Householder reflections. */

import { allocateLike } from '../allocate.ts';
import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { ShapeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import { untracked } from '../modes.ts';
import type { Named } from '../named.ts';
import type { OutOption } from '../ops/make.ts';
import { record, tracks } from '../record.ts';
import { formatShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { batchOf, checkAlike, checkMatrix, inDouble, namedInto, type OutsOption, routineOf } from './common.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface QrOps {
  /** [Q, R] of (A). */
  linalgQr: { readonly mode: QrMode };
}

export type QrMode = 'reduced' | 'complete' | 'r';

export interface QrOptions extends OutsOption {
  /**
   * 'reduced' (the default): Q [..., M, K] and R [..., K, N] with K = min(M, N). 'complete': Q [..., M, M], R [..., M, N].
   * 'r': R alone, Q is empty.
   */
  mode?: QrMode | undefined;
}

/** R with the reflections below its diagonal, and their factors; no history. */
function reflectionsOf(op: string, x: Tensor): [a: Tensor, tau: Tensor] {
  const a = allocateLike(x, x.shape);
  const tau = allocateLike(x, [...batchOf(x), Math.min(x.shape.at(-1)!, x.shape.at(-2)!)]);
  routineOf(op, x, 'geqrf')(x, a, tau);
  return [a, tau];
}

/** Q C or Qᴴ C for the reflections in `a`; no history. */
function reflected(op: string, a: Tensor, tau: Tensor, c: Tensor, adjoint: boolean): Tensor {
  const out = allocateLike(c, c.shape);
  routineOf(op, a, 'householder')(a, tau, c, adjoint, out);
  return out;
}

/** The first `columns` columns of identity matrices with as many rows as x has, for each matrix of its batch. */
const unitColumns = (x: Tensor, columns: number): Tensor => {
  const rows = x.shape.at(-2)!;
  return x
    .newOnes([rows])
    .diagEmbed()
    .narrow(1, 0, columns)
    .expand([...batchOf(x), rows, columns]);
};

/** Q and R, recorded. */
export function qrOf(op: string, x: Tensor, mode: QrMode): readonly [Tensor, Tensor] {
  checkMatrix(op, x);
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const k = mode === 'complete' ? rows : Math.min(rows, columns);
  const results = untracked(() => {
    const [a, tau] = reflectionsOf(op, inDouble(op, x));
    const r = a.narrow(-2, 0, k).triu().to(x.dtype);
    const q = mode === 'r' ? x.newEmpty([0]) : reflected(op, a, tau, unitColumns(a, k), false).to(x.dtype);
    return [q, r] as const;
  });
  return record('linalgQr', [x], results, { mode });
}

const parseQr = signature<{ mode: QrMode; out: readonly Tensor[] | undefined }>('linalg.qr', ['mode'], {
  mode: 'reduced',
  out: undefined,
});

/**
 * A = Q R with orthonormal columns of Q and an upper triangular R, by Householder reflections with LAPACK's signs.
 * Gradients exist for 'reduced', and for 'complete' where M ≤ N; the first K columns of A must be independent.
 *
 * ```ts
 * const [Q, R] = linalg.qr(A);
 * linalg.qr(A, 'complete').Q.shape; // [M, M]
 * ```
 * @param A [..., M, N]
 */
export function qr(A: Tensor, ...args: Trailing<[mode: QrMode], QrOptions>): Named<readonly ['Q', 'R'], Tensor> {
  if (state.autocasting) return withAutocast('linalg.qr', qr, A, ...args);
  const { mode, out } = parseQr(args);
  if (!['reduced', 'complete', 'r'].includes(mode))
    throw new RangeError(`linalg.qr(): mode must be 'reduced', 'complete' or 'r', got ${JSON.stringify(mode)}`);
  return namedInto('linalg.qr', ['Q', 'R'], [A], out, () => qrOf('linalg.qr', A, mode));
}

/** LAPACK's geqrf, as PyTorch has it at top level. */
export function geqrfOf(op: string, x: Tensor): readonly [Tensor, Tensor] {
  checkMatrix(op, x);
  return untracked(() => reflectionsOf(op, x.detach()));
}

function checkReflections(op: string, a: Tensor, tau: Tensor): void {
  checkMatrix(op, a);
  if (tau.ndim !== a.ndim - 1 || tau.shape.slice(0, -1).join() !== batchOf(a).join()) {
    throw new ShapeError(
      `${op}(): tau must have the batch dimensions of the reflections and one more, got ${formatShape(tau.shape)} for ${formatShape(a.shape)}`,
    );
  }
  if (tau.shape.at(-1)! > Math.min(a.shape.at(-1)!, a.shape.at(-2)!))
    throw new ShapeError(
      `${op}(): tau of shape ${formatShape(tau.shape)} has more factors than ${formatShape(a.shape)} has rows or columns`,
    );
  checkAlike(op, a, tau);
}

/** The product of reflections applied to the unit columns, one after the other, with ordinary ops: it has a history. */
function composedProduct(a: Tensor, tau: Tensor): Tensor {
  const [rows, columns] = a.shape.slice(-2) as [number, number];
  const below = a.tril(-1).add(unitColumns(a.detach(), columns));
  let q = unitColumns(a.detach(), columns);
  for (let i = tau.shape.at(-1)! - 1; i >= 0; i--) {
    const v = below.narrow(-1, i, 1);
    const factor = tau.narrow(-1, i, 1).unsqueeze(-1);
    q = q.sub(v.mul(factor).matmul(v.mH.matmul(q)));
  }
  return q.reshape([...batchOf(a), rows, columns]);
}

const parseOut = signature<{ out: Tensor | undefined }>('linalg.householderProduct', [], { out: undefined });

/**
 * The first N columns of H₁ H₂ … H_K with H = I − τ v vᴴ, where v is a column of A below its diagonal, which counts as 1:
 * the Q of `geqrf`.
 * @param A [..., M, N] with M ≥ N
 * @param tau [..., K] with K ≤ N
 */
export function householderProduct(A: Tensor, tau: Tensor, options?: OutOption): Tensor {
  if (state.autocasting) return withAutocast('linalg.householderProduct', householderProduct, A, tau, options);
  const op = 'linalg.householderProduct';
  const { out } = parseOut([options]);
  checkReflections(op, A, tau);
  const [rows, columns] = A.shape.slice(-2) as [number, number];
  if (rows < columns)
    throw new ShapeError(`${op}(): needs at least as many rows as columns, got shape ${formatShape(A.shape)}`);
  return intoOut(op, out, [A, tau], () => {
    if (state.gradEnabled && (tracks(A) || tracks(tau))) return composedProduct(A, tau);
    return untracked(() => reflected(op, A, tau, unitColumns(A, columns), false));
  });
}

/** Q C, Qᴴ C, C Q or C Qᴴ for the square Q of reflections. No history. */
export function ormqrOf(op: string, a: Tensor, tau: Tensor, c: Tensor, left: boolean, transpose: boolean): Tensor {
  checkReflections(op, a, tau);
  checkMatrix(op, c);
  checkAlike(op, a, c);
  const size = a.shape.at(-2)!;
  if (c.ndim !== a.ndim || batchOf(c).join() !== batchOf(a).join() || c.shape.at(left ? -2 : -1) !== size) {
    throw new ShapeError(
      `${op}(): shapes ${formatShape(a.shape)} and ${formatShape(c.shape)} do not fit: other must have ${size} ${left ? 'rows' : 'columns'} and the same batch`,
    );
  }
  return untracked(() =>
    // C Q = (Qᴴ Cᴴ)ᴴ
    left ? reflected(op, a, tau, c, transpose) : reflected(op, a, tau, c.mH, !transpose).mH.contiguous(),
  );
}
