/** @file Determinants, from LU factors. */
import { signature } from '../args.ts';
import { tensor } from '../creation.ts';
import { realDType } from '../dtype.ts';
import { intoOut } from '../inplace.ts';
import { untracked } from '../modes.ts';
import type { Named } from '../named.ts';
import type { OutOption } from '../ops/make.ts';
import { record } from '../record.ts';
import type { Tensor } from '../tensor.ts';
import { batchOf, checkSquare, inDouble, namedInto, type OutsOption } from './common.ts';
import { luFactorOf, signsOf } from './lu.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface DeterminantOps {
  /** The determinant of (A). */
  linalgDet: object;
  /** [sign, logarithm of the absolute value] of (A)'s. */
  linalgSlogdet: object;
}

/** U's diagonal and the sign of P, in double precision. */
function factorsOf(op: string, a: Tensor): [diagonal: Tensor, signs: Tensor] {
  checkSquare(op, a);
  const [lu, pivots] = luFactorOf(op, inDouble(op, a), true);
  const signs = tensor(signsOf(op, pivots), { dtype: realDType(lu.dtype), device: lu.device }).view(batchOf(a));
  return [lu.diagonal(0, -2, -1), signs];
}

/** The determinant, recorded. */
export function detOf(op: string, a: Tensor): Tensor {
  const value = untracked(() => {
    const [diagonal, signs] = factorsOf(op, a);
    return diagonal.prod(-1).mul(signs).to(a.dtype);
  });
  return record('linalgDet', [a], value, {});
}

/** The determinant's sign (for complex numbers, of modulus 1) and the logarithm of its modulus, recorded. */
export function slogdetOf(op: string, a: Tensor): readonly [Tensor, Tensor] {
  const results = untracked(() => {
    const [diagonal, signs] = factorsOf(op, a);
    const sign = diagonal.sgn().prod(-1).mul(signs).to(a.dtype);
    return [sign, diagonal.abs().log().sum(-1).to(realDType(a.dtype))] as const;
  });
  return record('linalgSlogdet', [a], results, {});
}

const parseDet = signature<{ out: Tensor | undefined }>('linalg.det', [], { out: undefined });
const parseSlogdet = signature<{ out: readonly Tensor[] | undefined }>('linalg.slogdet', [], { out: undefined });

/**
 * The determinant. `slogdet` neither overflows nor underflows.
 *
 * ```ts
 * linalg.det(tensor([[1, 2], [3, 4]])); // tensor(-2.)
 * ```
 * Gradients exist for singular matrices too; derivatives of gradients there ask for distinct singular values.
 * @param A [..., N, N]
 */
export function det(A: Tensor, options?: OutOption): Tensor {
  const { out } = parseDet([options]);
  return intoOut('linalg.det', out, [A], () => detOf('linalg.det', A));
}

/**
 * The sign of the determinant and the logarithm of its absolute value; 0 and −∞ for a singular matrix.
 * @param A [..., N, N]
 */
export function slogdet(A: Tensor, options?: OutsOption): Named<readonly ['sign', 'logabsdet'], Tensor> {
  const { out } = parseSlogdet([options]);
  return namedInto('linalg.slogdet', ['sign', 'logabsdet'], [A], out, () => slogdetOf('linalg.slogdet', A));
}
