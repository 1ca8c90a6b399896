/** @file What singular values decide: rank, pseudo-inverse, least squares. */

import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { realDType } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import { finfo } from '../limits.ts';
import { untracked } from '../modes.ts';
import { type Named, named } from '../named.ts';
import type { OutOption } from '../ops/make.ts';
import { record } from '../record.ts';
import { formatShape } from '../shape.ts';
import { state } from '../state.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import { where } from '../where.ts';
import { checkAlike, checkMatrix, checkSquare, commonBatch, inDouble, integersOf, isVectorSide } from './common.ts';
import { eighOf } from './eigen.ts';
import { svdOf, svdvalsOf } from './svd.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface LeastSquaresOps {
  /** The pseudo-inverse of (A). */
  linalgPinv: object;
  /** The solution for matrices (A, B). */
  linalgLstsq: object;
}

/** A number for all matrices, or one for each. */
type Tolerance = number | Tensor | null;

interface Tolerances {
  atol: Tolerance;
  rtol: Tolerance;
}

/** What numbers of this precision, and as many as a matrix has rows or columns, cannot tell from 0, relatively. */
const relativeNoise = (a: Tensor): number => finfo(realDType(a.dtype)).eps * Math.max(a.shape.at(-1)!, a.shape.at(-2)!);

/** Below what a singular value counts as zero: max(atol, rtol · the greatest), a column for each matrix. */
function threshold(op: string, a: Tensor, greatest: Tensor, { atol, rtol }: Tolerances): Tensor {
  const column = (value: number | Tensor): Tensor => {
    if (!isTensor(value)) return greatest.mul(0).add(value);
    if (value.isComplex()) throw new DTypeError(`${op}(): tolerances must be real, got ${value.dtype}`);
    return value.detach().to(greatest.dtype).unsqueeze(-1);
  };
  const absolute = column(atol ?? 0);
  // The usual relative tolerance steps back where an absolute one is given.
  const relative =
    rtol === null ? where(absolute.gt(0), absolute.mul(0), absolute.mul(0).add(relativeNoise(a))) : column(rtol);
  return absolute.maximum(relative.mul(greatest));
}

/** The greatest of numbers ≥ 0 along the last dimension, 0 if there are none; keeps the dimension. */
const greatestOf = (s: Tensor): Tensor =>
  s.shape.at(-1) === 0 ? s.newZeros([...s.shape.slice(0, -1), 1]) : s.amax(-1, true);

/** The pseudo-inverse, recorded. */
function pinvOf(op: string, a: Tensor, tolerances: Tolerances, hermitian: boolean): Tensor {
  if (hermitian) checkSquare(op, a);
  else checkMatrix(op, a);
  const inverse = untracked(() => {
    const wide = inDouble(op, a);
    const [u, s, vh] = hermitian ? hermitianSvd(op, wide) : svdOf(op, wide, false);
    const size = s.abs();
    const kept = size.gt(threshold(op, a, greatestOf(size), tolerances));
    const reciprocals = where(kept, s.reciprocal(), 0).unsqueeze(-2);
    return vh.mH.mul(reciprocals).matmul(u.mH).to(a.dtype);
  });
  return record('linalgPinv', [a], inverse, {});
}

/** A = V diag(λ) Vᴴ in the form of singular vectors, with signed values. */
function hermitianSvd(op: string, a: Tensor): readonly [Tensor, Tensor, Tensor] {
  const [values, vectors] = eighOf(op, a, false, true);
  return [vectors!, values, vectors!.mH];
}

interface ToleranceOptions extends OutOption {
  /** Singular values up to this are taken for 0. Default 0. */
  atol?: Tolerance | undefined;
  /** Singular values up to this times the greatest are taken for 0. Default max(M, N) · eps, or 0 where atol is given. */
  rtol?: Tolerance | undefined;
  /** Takes A for Hermitian, and reads its lower triangle. */
  hermitian?: boolean | undefined;
}
export interface PinvOptions extends ToleranceOptions {
  /** The older name of rtol. */
  rcond?: Tolerance | undefined;
}
export interface MatrixRankOptions extends ToleranceOptions {
  /** The older name of atol. */
  tol?: Tolerance | undefined;
}

type Parsed = Tolerances & { hermitian: boolean; out: Tensor | undefined };
const defaults = { atol: null, rtol: null, hermitian: false, out: undefined };
const parsePinv = signature<Parsed & { rcond: Tolerance }>('linalg.pinv', ['rcond', 'hermitian'], {
  ...defaults,
  rcond: null,
});
const parseRank = signature<Parsed & { tol: Tolerance }>('linalg.matrixRank', ['tol', 'hermitian'], {
  ...defaults,
  tol: null,
});

/**
 * The pseudo-inverse of Moore and Penrose. Its gradient is right as long as small changes leave the rank as it is.
 * @param A [..., M, N]
 */
export function pinv(A: Tensor, ...args: Trailing<[rcond: Tolerance, hermitian: boolean], PinvOptions>): Tensor {
  const { atol, rtol, rcond, hermitian, out } = parsePinv(args);
  return intoOut('linalg.pinv', out, [A], () => pinvOf('linalg.pinv', A, { atol, rtol: rtol ?? rcond }, hermitian));
}

/**
 * The number of singular values (absolute eigenvalues where `hermitian`) above max(atol, rtol · the greatest), int32.
 * @param A [..., M, N]
 */
export function matrixRank(
  A: Tensor,
  ...args: Trailing<[tol: Tolerance, hermitian: boolean], MatrixRankOptions>
): Tensor {
  if (state.autocasting) return withAutocast('linalg.matrixRank', matrixRank, A, ...args);
  const op = 'linalg.matrixRank';
  const { atol, rtol, tol, hermitian, out } = parseRank(args);
  return intoOut(op, out, [], () =>
    untracked(() => {
      // A tolerance given the old way is the only one.
      const tolerances = tol === null ? { atol, rtol } : { atol: tol, rtol: 0 };
      const x = A.detach();
      const s = hermitian ? eighOf(op, x, false, false)[0].abs() : svdvalsOf(op, x);
      return s.gt(threshold(op, A, greatestOf(s), tolerances)).sum(-1);
    }),
  );
}

/** LAPACK's routines for least squares; all but 'gels' find the rank. */
export type LstsqDriver = 'gels' | 'gelsy' | 'gelsd' | 'gelss';

export interface LstsqOptions {
  /** Singular values up to this times the greatest are taken for 0. Default max(M, N) · eps. */
  rcond?: number | null | undefined;
  /** Decides which results there are besides the solution, as in PyTorch; 'gels' takes A to have full rank. Default 'gelsy'. */
  driver?: LstsqDriver | null | undefined;
}

const parseLstsq = signature<{ rcond: number | null; driver: LstsqDriver | null }>('linalg.lstsq', ['rcond'], {
  rcond: null,
  driver: null,
});
const drivers: readonly string[] = ['gels', 'gelsy', 'gelsd', 'gelss'];

function checkLstsq(a: Tensor, b: Tensor, vector: boolean): void {
  const op = 'linalg.lstsq';
  checkMatrix(op, a);
  if (b.ndim === 0) throw new ShapeError(`${op}(): B needs at least 1 dimension, got a 0-d tensor`);
  checkAlike(op, a, b);
  if (b.shape.at(vector ? -1 : -2) !== a.shape.at(-2))
    throw new ShapeError(
      `${op}(): shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} do not fit: B must have ${a.shape.at(-2)} rows`,
    );
}

/** What is known beside the solution; no history. */
interface Fit {
  readonly solution: Tensor;
  readonly rank: Tensor;
  readonly values: Tensor;
}

/** The shortest X with the least ‖A X − B‖, in double precision. */
function fit(a: Tensor, b: Tensor, rcond: number): Fit {
  const op = 'linalg.lstsq';
  const [u, s, vh] = svdOf(op, inDouble(op, a), false);
  const kept = s.gt(greatestOf(s).mul(rcond));
  const reciprocals = where(kept, s.reciprocal(), 0).unsqueeze(-1);
  const solution = vh.mH.matmul(u.mH.matmul(inDouble(op, b)).mul(reciprocals));
  return { solution, rank: kept.sum(-1), values: s };
}

/**
 * The least-squares solutions of A X = B: of all X with the least ‖A X − B‖ the shortest.
 *
 * Besides the solution there are `residuals` [..., K], the squared errors, where M > N, all matrices have full rank and the
 * driver is not 'gelsy'; `rank` [...] unless the driver is 'gels'; `singularValues` for 'gelsd' and 'gelss'. What there
 * is not is empty. Only the solution has gradients.
 * @param A [..., M, N]
 * @param B [..., M, K], or [..., M]
 */
export function lstsq(
  A: Tensor,
  B: Tensor,
  ...args: Trailing<[rcond: number | null], LstsqOptions>
): Named<readonly ['solution', 'residuals', 'rank', 'singularValues'], Tensor> {
  if (state.autocasting) return withAutocast('linalg.lstsq', lstsq, A, B, ...args);
  const { rcond, driver: asked } = parseLstsq(args);
  const driver = asked ?? 'gelsy';
  if (!drivers.includes(driver))
    throw new RangeError(`linalg.lstsq(): driver must be one of ${drivers.join(', ')}, got ${JSON.stringify(driver)}`);
  const vector = A.ndim >= 2 && isVectorSide(A, B);
  checkLstsq(A, B, vector);
  const [a, b] = commonBatch('linalg.lstsq', A, vector ? B.unsqueeze(-1) : B);
  const limit = driver === 'gels' ? 0 : (rcond ?? relativeNoise(A));
  const { solution: wide, rank, values } = untracked(() => fit(a, b, limit));
  const rounded = untracked(() => wide.to(a.dtype));
  const solution = record('linalgLstsq', [a, b], rounded, {});
  const rest = untracked(() => {
    const empty = (dtype: Tensor['dtype']): Tensor => a.detach().newEmpty([0], { dtype });
    const real = realDType(a.dtype);
    const residuals = driver === 'gelsy' ? null : residualsOf(a, b, wide, rank);
    return [
      residuals === null ? empty(real) : vector ? residuals.squeeze(-1) : residuals,
      driver === 'gels' ? empty(rank.dtype) : rank,
      driver === 'gelsd' || driver === 'gelss' ? values.to(real) : empty(real),
    ];
  });
  const results = [vector ? solution.squeeze(-1) : solution, ...rest];
  return named(['solution', 'residuals', 'rank', 'singularValues'], results, 'linalg_lstsq');
}

/** Σ |A X − B|² of each column, or null where A has no more rows than columns, or not full rank. */
function residualsOf(a: Tensor, b: Tensor, solution: Tensor, rank: Tensor): Tensor | null {
  const [rows, columns] = a.shape.slice(-2) as [number, number];
  if (rows <= columns || integersOf('linalg.lstsq', rank).some((value) => value < columns)) return null;
  const op = 'linalg.lstsq';
  const errors = inDouble(op, a).matmul(solution).sub(inDouble(op, b));
  return errors.abs().square().sum(-2).to(realDType(a.dtype));
}
