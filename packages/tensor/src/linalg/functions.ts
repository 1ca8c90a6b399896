/** @file Functions of matrices: powers, the exponential; Vandermonde matrices and diagonals. */
import { signature, type Trailing } from '../args.ts';
import { IndexError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import { untracked } from '../modes.ts';
import { cat } from '../ops/join.ts';
import type { OutOption } from '../ops/make.ts';
import { diagonal as diagonalOf } from '../ops/strided.ts';
import { record } from '../record.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { where } from '../where.ts';
import { identityLike } from './cholesky.ts';
import { checkSquare, inDouble } from './common.ts';
import { inv, solve } from './solve.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface MatrixFunctionOps {
  /** The exponential of (A). */
  linalgMatrixExp: object;
}

const parsePower = signature<{ out: Tensor | undefined }>('linalg.matrixPower', [], { out: undefined });

/**
 * Matrices to an integer power, by repeated squaring; negative powers are those of the inverse.
 * @param A [..., N, N]
 * @throws LinAlgError for a negative power of a singular matrix.
 */
export function matrixPower(A: Tensor, n: number, options?: OutOption): Tensor {
  const op = 'linalg.matrixPower';
  const { out } = parsePower([options]);
  checkSquare(op, A);
  if (!Number.isInteger(n)) throw new RangeError(`${op}(): n must be an integer, got ${n}`);
  return intoOut(op, out, [A], () => powerOf(n < 0 ? inv(A) : A, Math.abs(n)));
}

function powerOf(a: Tensor, n: number): Tensor {
  if (n === 0) return identityLike(a.detach()).clone();
  if (n === 1) return a.clone();
  let result: Tensor | null = null;
  let square = a;
  for (let rest = n; ; ) {
    if (rest % 2 === 1) result = result === null ? square : result.matmul(square);
    rest = Math.floor(rest / 2);
    if (rest === 0) return result!;
    square = square.matmul(square);
  }
}

/** Coefficients of the [13/13] Padé approximant of the exponential: (26 − k)! 13! / (26! k! (13 − k)!), times those of k = 13. */
const pade = [
  64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
  670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
];
/** Up to this norm the approximant is as good as double precision (Higham 2005, table 2.3). */
const padeNorm = 5.371920351148152;

/** The exponential of a float64 or complex128 matrix, scaled until its norm is small and squared again (Higham 2005). */
function exponential(a: Tensor): Tensor {
  const norms = a.abs().sum(-2).amax(-1);
  const halvings = norms.div(padeNorm).log2().ceil().clampMin(0).nanToNum(0, 0, 0).unsqueeze(-1).unsqueeze(-1);
  const x = a.mul(halvings.neg().exp2());
  const x2 = x.matmul(x);
  const x4 = x2.matmul(x2);
  const x6 = x4.matmul(x2);
  const one = identityLike(x);
  const combine = (k6: number, k4: number, k2: number): Tensor =>
    x6.mul(pade[k6]!).add(x4.mul(pade[k4]!)).add(x2.mul(pade[k2]!));
  const odd = x.matmul(
    x6
      .matmul(combine(13, 11, 9))
      .add(combine(7, 5, 3))
      .add(one.mul(pade[1]!)),
  );
  const even = x6
    .matmul(combine(12, 10, 8))
    .add(combine(6, 4, 2))
    .add(one.mul(pade[0]!));
  let result = solve(even.sub(odd), even.add(odd));
  const rounds = halvings.elementCount === 0 ? 0 : halvings.max().itemSync();
  for (let i = 0; i < rounds; i++) result = where(halvings.gt(i), result.matmul(result), result);
  return result;
}

/**
 * The matrix exponential Σ Aᵏ / k!.
 *
 * ```ts
 * linalg.matrixExp(tensor([[0, 1], [0, 0]])); // [[1, 1], [0, 1]]
 * ```
 * @param A [..., N, N]
 */
export function matrixExp(A: Tensor): Tensor {
  const op = 'linalg.matrixExp';
  checkSquare(op, A);
  const result = untracked(() => (A.elementCount === 0 ? A.clone() : exponential(inDouble(op, A)).to(A.dtype)));
  return record('linalgMatrixExp', [A], result, {});
}

const parseVander = signature<{ N: number | null }>('linalg.vander', ['N'], { N: null });

/**
 * Vandermonde matrices: the powers 0 to N − 1 of the elements of vectors, along a new last dimension.
 * @param x [..., M]; N is M unless given
 */
export function vander(x: Tensor, ...args: Trailing<[N: number | null], { N?: number | null | undefined }>): Tensor {
  const vectors = x.ndim === 0 ? x.unsqueeze(0) : x;
  const count = parseVander(args).N ?? vectors.shape.at(-1)!;
  if (!Number.isInteger(count) || count <= 1)
    throw new RangeError(`linalg.vander(): N must be an integer greater than 1, got ${count}`);
  const powers = vectors
    .unsqueeze(-1)
    .expand([...vectors.shape, count - 1])
    .cumprod(-1);
  return cat([powers.detach().newOnes([...vectors.shape, 1]), powers], -1);
}

interface DiagonalOptions {
  offset?: number | undefined;
  dim1?: number | undefined;
  dim2?: number | undefined;
}
const parseDiagonal = signature<{ offset: number; dim1: number; dim2: number }>('linalg.diagonal', [], {
  offset: 0,
  dim1: -2,
  dim2: -1,
});

/** The diagonals of matrices, a view: `x.diagonal` with the last two dimensions by default. */
export function diagonal(A: Tensor, options?: DiagonalOptions): Tensor {
  const { offset, dim1, dim2 } = parseDiagonal([options]);
  if (A.ndim < 2) throw new IndexError(`linalg.diagonal(): needs at least 2 dimensions, got ${formatShape(A.shape)}`);
  return diagonalOf(A, offset, dim1, dim2);
}
