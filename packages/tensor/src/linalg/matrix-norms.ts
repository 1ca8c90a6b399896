/** @file Norms of matrices, and the condition number. */

import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { type DType, type DTypeAlias, toDType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import { normOver } from '../norm.ts';
import type { OutOption } from '../ops/make.ts';
import { type Dims, reduceDims } from '../reduction.ts';
import { formatShape, wrapDim } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { checkDType, checkMatrix, checkSquare } from './common.ts';
import { invEx } from './solve.ts';
import { svdvalsOf } from './svd.ts';

/**
 * Which norm: 'fro' the root of the sum of squares, 'nuc' the sum of the singular values, 2 the greatest of them, 1 the
 * greatest sum of a column's absolute values, Infinity that of a row. −2, −1 and −Infinity take the least.
 */
export type MatrixNormOrder = 'fro' | 'nuc' | number;

interface Common extends OutOption {
  keepdim?: boolean | undefined;
  /** Converts first. */
  dtype?: DType | DTypeAlias | undefined;
}
export interface MatrixNormOptions extends Common {
  ord?: MatrixNormOrder | undefined;
  /** The dimensions of rows and columns. Default: the last two. */
  dim?: readonly number[] | undefined;
}
export interface LinalgNormOptions extends Common {
  ord?: MatrixNormOrder | null | undefined;
  /** One dimension for vectors, two for matrices. */
  dim?: Dims | undefined;
}

const { POSITIVE_INFINITY: infinity } = Number;

/** The norm of the matrices in two dimensions, made of recorded ops. */
export function matrixNormOf(
  op: string,
  x: Tensor,
  ord: MatrixNormOrder,
  dim: readonly number[],
  keepdim: boolean,
): Tensor {
  if (dim.length !== 2) throw new ShapeError(`${op}(): dim must be two dimensions, got [${dim.join(', ')}]`);
  if (x.ndim < 2) throw new ShapeError(`${op}(): needs at least 2 dimensions, got shape ${formatShape(x.shape)}`);
  const [row, column] = dim.map((d) => wrapDim(op, d, x.ndim)) as [number, number];
  if (row === column) throw new ShapeError(`${op}(): the two dimensions must differ, both are ${row}`);
  if (ord === 'fro') {
    const dims = [row, column].sort((a, b) => a - b);
    return normOver(x, { op, node: 'LinalgVectorNormBackward0', p: 2, dims, keepdim, all: false, dtype: undefined });
  }
  checkDType(op, x);
  const size = typeof ord === 'number' ? Math.abs(ord) : ord;
  if (size === 'nuc' || size === 2) return ofSingularValues(op, x, ord, row, column, keepdim);
  if (size !== 1 && size !== infinity)
    throw new RangeError(`${op}(): ord must be 'fro', 'nuc', ±1, ±2 or ±Infinity, got ${JSON.stringify(ord)}`);
  const [inner, outer] = size === 1 ? [row, column] : [column, row];
  const sums = x.abs().sum(inner, true);
  const norms = Number(ord) > 0 ? sums.amax(outer, true) : sums.amin(outer, true);
  return keepdim ? norms : norms.squeeze(Math.max(row, column)).squeeze(Math.min(row, column));
}

function ofSingularValues(
  op: string,
  x: Tensor,
  ord: MatrixNormOrder,
  row: number,
  column: number,
  keepdim: boolean,
): Tensor {
  const s = svdvalsOf(op, x.movedim([row, column], [-2, -1]));
  const norms = ord === 'nuc' ? s.sum(-1) : ord === 2 ? s.amax(-1) : s.amin(-1);
  return keepdim ? norms.unsqueeze(Math.min(row, column)).unsqueeze(Math.max(row, column)) : norms;
}

interface Parsed {
  keepdim: boolean;
  dtype: DType | DTypeAlias | undefined;
  out: Tensor | undefined;
}
const defaults = { keepdim: false, dtype: undefined, out: undefined };
const parseMatrixNorm = signature<Parsed & { ord: MatrixNormOrder; dim: readonly number[] }>(
  'linalg.matrixNorm',
  ['ord', 'dim', 'keepdim'],
  { ...defaults, ord: 'fro', dim: [-2, -1] },
);
const parseNorm = signature<Parsed & { ord: MatrixNormOrder | null; dim: Dims }>(
  'linalg.norm',
  ['ord', 'dim', 'keepdim'],
  { ...defaults, ord: null, dim: null },
);

/**
 * Norms of matrices; see {@link MatrixNormOrder}.
 *
 * ```ts
 * linalg.matrixNorm(tensor([[1, 2], [3, 4]]), Infinity); // tensor(7.)
 * ```
 * @throws DTypeError for integers.
 */
export function matrixNorm(
  A: Tensor,
  ...args: Trailing<[ord: MatrixNormOrder, dim: readonly number[], keepdim: boolean], MatrixNormOptions>
): Tensor {
  if (state.autocasting) return withAutocast('linalg.matrixNorm', matrixNorm, A, ...args);
  const { ord, dim, keepdim, dtype, out } = parseMatrixNorm(args);
  const x = dtype === undefined ? A : A.to(toDType(dtype));
  return intoOut('linalg.matrixNorm', out, [A], () => matrixNormOf('linalg.matrixNorm', x, ord, dim, keepdim));
}

/**
 * A vector's norm, for one dimension, or a matrix's, for two. Without `ord` the root of the sum of squares over the given
 * dimensions, or all.
 * @throws DTypeError for integers, ShapeError where `ord` is given for a tensor of more dimensions without `dim`.
 */
export function norm(
  A: Tensor,
  ...args: Trailing<[ord: MatrixNormOrder | null, dim: Dims, keepdim: boolean], LinalgNormOptions>
): Tensor {
  const op = 'linalg.norm';
  const { ord, dim, keepdim, dtype, out } = parseNorm(args);
  const x = dtype === undefined ? A : A.to(toDType(dtype));
  if (ord !== null && dim === null && x.ndim > 2)
    throw new ShapeError(
      `${op}(): with ord given the tensor must be 1-d or 2-d unless dim is given, got ${formatShape(x.shape)}`,
    );
  const given = dim === null ? x.shape.map((_, d) => d) : typeof dim === 'number' ? [dim] : dim;
  const ofMatrices = typeof ord === 'string' || (ord !== null && given.length === 2);
  if (state.autocasting) return withAutocast(ofMatrices ? 'linalg.matrixNorm' : 'linalg.vectorNorm', norm, A, ...args);
  if (ofMatrices) return intoOut(op, out, [A], () => matrixNormOf(op, x, ord as MatrixNormOrder, given, keepdim));
  if (ord !== null && given.length > 2) throw new ShapeError(`${op}(): dim must be one or two dimensions`);
  const dims = reduceDims(op, dim, x.ndim);
  const node = 'LinalgVectorNormBackward0';
  return intoOut(op, out, [A], () =>
    normOver(x, { op, node, p: Number(ord ?? 2), dims, keepdim, all: dim === null, dtype: undefined }),
  );
}

const parseCond = signature<{ p: MatrixNormOrder | null; out: Tensor | undefined }>('linalg.cond', ['p'], {
  p: null,
  out: undefined,
});

/**
 * The condition number: how much a relative change of A or B may grow in the solution of A X = B. For `p` null or 2 the
 * greatest singular value over the least, for −2 the reverse; otherwise ‖A‖ ‖A⁻¹‖ in that norm, infinite for a singular A.
 */
export function cond(
  A: Tensor,
  ...args: Trailing<[p: MatrixNormOrder | null], OutOption & { p?: MatrixNormOrder | null | undefined }>
): Tensor {
  if (state.autocasting) return withAutocast('linalg.cond', cond, A, ...args);
  const op = 'linalg.cond';
  const { p, out } = parseCond(args);
  checkMatrix(op, A);
  return intoOut(op, out, [A], () => condOf(op, A, p ?? 2));
}

function condOf(op: string, a: Tensor, p: MatrixNormOrder): Tensor {
  if (p === 2 || p === -2) {
    const s = svdvalsOf(op, a);
    if (s.shape.at(-1) === 0) return s.sum(-1);
    const [greatest, least] = [s.select(-1, 0), s.select(-1, -1)];
    return p === 2 ? greatest.div(least) : least.div(greatest);
  }
  checkSquare(op, a);
  if (a.elementCount === 0) return a.abs().sum([-2, -1]);
  const { inverse, info } = invEx(a);
  const product = matrixNormOf(op, a, p, [-2, -1], false).mul(matrixNormOf(op, inverse, p, [-2, -1], false));
  return product.maskedFill(info.ne(0), infinity);
}
