/** @file Singular values of large matrices of low rank, from random projections (Halko, Martinsson & Tropp 2009). */
import { signature, type Trailing } from '../args.ts';
import { ShapeError } from '../errors.ts';
import { randn } from '../random-functions.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { checkMatrix } from './common.ts';
import { qrOf } from './qr.ts';
import { svdOf } from './svd.ts';

type LowRank = readonly [U: Tensor, S: Tensor, V: Tensor];

/** Orthonormal columns that span most of what A maps to (algorithm 4.4). */
function basisOf(op: string, a: Tensor, q: number, niter: number): Tensor {
  const orthonormal = (x: Tensor): Tensor => qrOf(op, x, 'reduced')[0];
  let basis = orthonormal(a.matmul(randn([a.size(-1), q], { dtype: a.dtype, device: a.device })));
  for (let i = 0; i < niter; i++) basis = orthonormal(a.matmul(orthonormal(a.mH.matmul(basis))));
  return basis;
}

function lowRank(op: string, a: Tensor, q: number, niter: number): LowRank {
  checkMatrix(op, a);
  const [rows, columns] = a.shape.slice(-2) as [number, number];
  if (!Number.isInteger(q) || q < 0 || q > Math.min(rows, columns)) {
    throw new ShapeError(
      `${op}(): q must be an integer from 0 to the smaller side of ${formatShape(a.shape)}, got ${q}`,
    );
  }
  if (!Number.isInteger(niter) || niter < 0)
    throw new RangeError(`${op}(): niter must be an integer of at least 0, got ${niter}`);
  if (rows < columns || columns > q) {
    const basis = basisOf(op, a.mT, q, niter);
    const [u, s, vh] = svdOf(op, a.matmul(basis.conj()), false);
    return [u, s, basis.matmul(vh.mH)];
  }
  const basis = basisOf(op, a, q, niter);
  const [u, s, vh] = svdOf(op, basis.mH.matmul(a), false);
  return [basis.matmul(u), s, vh.mH];
}

const parseSvd = signature<{ q: number; niter: number; M: Tensor | null }>('svdLowrank', ['q', 'niter', 'M'], {
  q: 6,
  niter: 2,
  M: null,
});
const parsePca = signature<{ q: number | null; center: boolean; niter: number }>(
  'pcaLowrank',
  ['q', 'center', 'niter'],
  { q: null, center: true, niter: 2 },
);

/**
 * The greatest q singular values of A (less M), approximately, and their vectors: U [..., M, q], S [..., q], V [..., N, q].
 * It draws random numbers.
 * @param q somewhat more than the rank of A
 */
export function svdLowrank(
  A: Tensor,
  ...args: Trailing<
    [q: number, niter: number, M: Tensor | null],
    { q?: number | undefined; niter?: number | undefined; M?: Tensor | null | undefined }
  >
): LowRank {
  const { q, niter, M } = parseSvd(args);
  return lowRank('svdLowrank', M === null ? A : A.sub(M), q, niter);
}

/**
 * Principal components of the rows of A, approximately: columns of V are the directions, `A.matmul(V)` the coordinates.
 * Without `center` the rows are taken to have mean 0. It draws random numbers.
 * @param q how many; min(6, M, N) unless given
 */
export function pcaLowrank(
  A: Tensor,
  ...args: Trailing<
    [q: number | null, center: boolean, niter: number],
    { q?: number | null | undefined; center?: boolean | undefined; niter?: number | undefined }
  >
): LowRank {
  const { q, center, niter } = parsePca(args);
  checkMatrix('pcaLowrank', A);
  const count = q ?? Math.min(6, ...A.shape.slice(-2));
  return lowRank('pcaLowrank', center ? A.sub(A.mean(-2, true)) : A, count, niter);
}
