/** @file Factors of symmetric and Hermitian matrices that need not be positive-definite. */
import { allocateLike } from '../allocate.ts';
import { signature } from '../args.ts';
import { ShapeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import type { Named } from '../named.ts';
import type { OutOption } from '../ops/make.ts';
import { broadcastShapes, formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import {
  batchOf,
  checkAlike,
  checkInfo,
  checkMatrix,
  checkSquare,
  expandBatch,
  namedInto,
  type OutsOption,
  routineOf,
} from './common.ts';
import { checkPivots } from './lu.ts';

interface HermitianOption {
  /** For complex matrices: Hermitian rather than symmetric. */
  hermitian?: boolean | undefined;
}
export interface LdlFactorOptions extends OutsOption, HermitianOption {}
export interface LdlFactorExOptions extends LdlFactorOptions {
  /** Throws where `info` is not 0. */
  checkErrors?: boolean | undefined;
}

type Parsed = { hermitian: boolean; checkErrors: boolean; out: readonly Tensor[] | undefined };
const parseFactor = signature<Parsed>('linalg.ldlFactor', [], { hermitian: false, out: undefined });
const parseFactorEx = signature<Parsed>('linalg.ldlFactorEx', [], {
  hermitian: false,
  checkErrors: false,
  out: undefined,
});
const parseSolve = signature<{ hermitian: boolean; out: Tensor | undefined }>('linalg.ldlSolve', [], {
  hermitian: false,
  out: undefined,
});

const describe = (info: number): string => `the factor D is singular (its element ${info} is zero)`;

function factors(op: string, a: Tensor, hermitian: boolean): [Tensor, Tensor, Tensor] {
  checkSquare(op, a);
  const ld = allocateLike(a, a.shape);
  const pivots = allocateLike(a, a.shape.slice(0, -1), 'int32');
  const info = allocateLike(a, batchOf(a), 'int32');
  routineOf(op, a, 'ldl')(a, hermitian, ld, pivots, info);
  return [ld, pivots, info];
}

/**
 * A = L D Lᵀ (Lᴴ where `hermitian`) by Bunch and Kaufman's pivoting, packed as LAPACK's sytrf does it; D has blocks of one
 * or two rows. Reads the lower triangle of A. Has no gradient.
 * @param A [..., N, N]
 * @throws LinAlgError where D is singular; ldlFactorEx does not.
 */
export function ldlFactor(A: Tensor, options?: LdlFactorOptions): Named<readonly ['LD', 'pivots'], Tensor> {
  const { hermitian, out } = parseFactor([options]);
  return namedInto('linalg.ldlFactor', ['LD', 'pivots'], [A], out, () => {
    const [ld, pivots, info] = factors('linalg.ldlFactor', A, hermitian);
    checkInfo('linalg.ldlFactor', info, describe);
    return [ld, pivots];
  });
}

/** {@link ldlFactor} that does not throw: `info` (int32) is 0, or the place of D's first zero, counted from 1. */
export function ldlFactorEx(A: Tensor, options?: LdlFactorExOptions): Named<readonly ['LD', 'pivots', 'info'], Tensor> {
  const { hermitian, checkErrors, out } = parseFactorEx([options]);
  return namedInto('linalg.ldlFactorEx', ['LD', 'pivots', 'info'], [A], out, () => {
    const results = factors('linalg.ldlFactorEx', A, hermitian);
    if (checkErrors) checkInfo('linalg.ldlFactorEx', results[2], describe);
    return results;
  });
}

/**
 * The solution of A X = B for an A that `ldlFactor` has factored. Batch dimensions broadcast.
 * @param LD [..., N, N]
 * @param pivots [..., N], int32
 * @param B [..., N, K]
 */
export function ldlSolve(LD: Tensor, pivots: Tensor, B: Tensor, options?: OutOption & HermitianOption): Tensor {
  const op = 'linalg.ldlSolve';
  const { hermitian, out } = parseSolve([options]);
  checkSquare(op, LD);
  checkMatrix(op, B);
  checkAlike(op, LD, B);
  checkPivots(op, LD, pivots);
  if (B.shape.at(-2) !== LD.shape.at(-1))
    throw new ShapeError(`${op}(): shapes ${formatShape(LD.shape)} and ${formatShape(B.shape)} do not fit`);
  const batch = broadcastShapes(op, batchOf(LD), batchOf(B));
  return intoOut(op, out, [LD, B], () => {
    const side = expandBatch(B, batch);
    const x = allocateLike(side, side.shape);
    routineOf(op, LD, 'ldlSolve')(
      expandBatch(LD, batch),
      pivots.expand([...batch, LD.shape.at(-1)!]),
      side,
      hermitian,
      x,
    );
    return x;
  });
}
