/** @file Weights that stay orthogonal, as a parametrization. */
import {
  Buffer,
  cat,
  eye,
  finfo,
  geqrf,
  linalg,
  randn,
  ShapeError,
  type Tensor,
  where,
  zerosLike,
} from '@flambeau/tensor';
import { backendFor, sameShape, signature, type Trailing } from '@flambeau/tensor/internal';
import { Module } from '../module.ts';
import { ownTensor } from './fields.ts';
import { registerParametrization } from './parametrize.ts';

/**
 * How any matrix becomes an orthogonal one: the exponential of a skew-symmetric matrix, its Cayley transform, or a
 * product of Householder reflections.
 */
export type OrthogonalMap = 'matrix_exp' | 'cayley' | 'householder';

/** Rows and columns. */
const sizeOf = (x: Tensor): readonly [rows: number, columns: number] =>
  x.shape.slice(-2) as unknown as readonly [number, number];

const diagonalOf = (x: Tensor): Tensor => x.diagonal(0, -2, -1);

/** The Q of a QR decomposition with a positive diagonal of R. */
function orthonormal(x: Tensor): Tensor {
  const [factor, tau] = geqrf(x);
  return linalg.householderProduct(factor, tau).mul(diagonalOf(factor).sign().unsqueeze(-2));
}

/** Whether the columns are orthonormal up to rounding; false where that cannot be read at once. */
function isOrthonormal(x: Tensor): boolean {
  const [rows, columns] = sizeOf(x);
  if (backendFor(x.device).readSync === null) return false;
  const identity = eye(columns, { dtype: x.dtype, device: x.device });
  return x
    .transpose(-2, -1)
    .matmul(x)
    .allcloseSync(identity, { atol: 10 * rows * finfo(x.dtype).eps });
}

class Orthogonal extends Module {
  /** What the map's result is multiplied with, so that it starts at the weight itself; null without. */
  base: Buffer | null = null;
  readonly map: OrthogonalMap;
  readonly useTrivialization: boolean;
  readonly shape: readonly number[];

  constructor(weight: Tensor, map: OrthogonalMap, useTrivialization: boolean) {
    super();
    this.map = map;
    this.useTrivialization = useTrivialization;
    this.shape = [...weight.shape];
  }

  forward(weight: Tensor): Tensor {
    const [rows, columns] = sizeOf(weight);
    const wide = rows < columns;
    const x = wide ? weight.transpose(-2, -1) : weight;
    const mapped = this.map === 'householder' ? reflections(x) : exponential(x, this.map);
    const q = this.base === null ? mapped : this.base.matmul(mapped);
    return wide ? q.transpose(-2, -1) : q;
  }

  /**
   * With a base, the base becomes the (completed) weight, and the map starts at the identity. Without, reflections can be
   * found again; the other maps have no inverse.
   */
  rightInverse(weight: Tensor): Tensor | null {
    if (!sameShape(weight.shape, this.shape)) {
      throw new ShapeError(
        `orthogonal(): expected a weight of shape [${this.shape.join(', ')}], got [${weight.shape.join(', ')}]`,
      );
    }
    const wide = weight.shape.at(-2)! < weight.shape.at(-1)!;
    const q = wide ? weight.transpose(-2, -1) : weight;
    if (!this.useTrivialization) {
      if (this.map !== 'householder') return null;
      const [factor, tau] = geqrf(q);
      // A positive diagonal of R; reflections that LAPACK leaves out have tau = 0 exactly.
      const signs = diagonalOf(factor).sign();
      const found = factor.clone();
      diagonalOf(found).copy_(where(tau.eq(0), signs.neg(), signs));
      return wide ? found.transpose(-2, -1) : found;
    }
    const [rows, columns] = sizeOf(q);
    if (rows === columns) this.base = new Buffer(isOrthonormal(q) ? q.clone() : orthonormal(q));
    else {
      const { dtype, device } = q;
      const more = randn([...q.shape.slice(0, -2), rows, rows - columns], { dtype, device });
      this.base = new Buffer(orthonormal(cat([q, more], -1)));
    }
    // The diagonal is that of the Householder map; the others do not look at it.
    const start = zerosLike(weight);
    diagonalOf(start).fill_(-1);
    return start;
  }
}
Object.defineProperty(Orthogonal, 'name', { value: '_Orthogonal' });

/** The first columns of exp(A), or of (I − A/2)⁻¹ (I + A/2), for the skew-symmetric A of what is below x's diagonal. */
function exponential(x: Tensor, map: 'matrix_exp' | 'cayley'): Tensor {
  const [rows, columns] = sizeOf(x);
  const { dtype, device } = x;
  const lower = x.tril();
  const square =
    rows === columns ? lower : cat([lower, x.newZeros([...x.shape.slice(0, -2), rows, rows - columns])], -1);
  const skew = square.sub(square.transpose(-2, -1));
  if (map === 'matrix_exp') return linalg.matrixExp(skew).narrow(-1, 0, columns);
  const identity = eye(rows, { dtype, device });
  const half = skew.mul(0.5);
  return linalg.solve(identity.sub(half), identity.add(half)).narrow(-1, 0, columns);
}

/** The product of the reflections whose vectors are below the diagonal, times the signs on it. */
function reflections(x: Tensor): Tensor {
  const vectors = x.tril(-1);
  const tau = vectors.square().sum(-2).add(1).reciprocal().mul(2);
  return linalg.householderProduct(vectors, tau).mul(diagonalOf(x.detach()).sign().unsqueeze(-2));
}

const parse = signature<{ name: string; orthogonalMap: OrthogonalMap | null; useTrivialization: boolean }>(
  'orthogonal',
  ['name', 'orthogonalMap'],
  { name: 'weight', orthogonalMap: null, useTrivialization: true },
);

/**
 * Keeps a weight [..., rows, columns] orthogonal: its rows or columns, whichever are fewer, are orthonormal.
 *
 * ```ts
 * const layer = utils.parametrizations.orthogonal(new Linear(20, 40));
 * layer.weight.t().matmul(layer.weight); // the identity
 * ```
 * @param orthogonalMap by default 'matrix_exp' for square weights and 'householder' for others.
 * @param useTrivialization multiplies with a fixed orthogonal matrix, so that training starts near the identity. Lezcano
 *   Casado 2019.
 * @throws TypeError when there is no such parameter, ShapeError for fewer than 2 dimensions, RangeError for another map.
 */
export function orthogonal<M extends Module>(
  module: M,
  ...args: Trailing<
    [name: string, orthogonalMap: OrthogonalMap | null],
    {
      name?: string | undefined;
      orthogonalMap?: OrthogonalMap | null | undefined;
      useTrivialization?: boolean | undefined;
    }
  >
): M {
  const { name, orthogonalMap, useTrivialization } = parse(args);
  const weight = ownTensor('orthogonal', module, name);
  if (weight.ndim < 2)
    throw new ShapeError(`orthogonal(): expected at least 2 dimensions, got shape [${weight.shape.join(', ')}]`);
  const [rows, columns] = sizeOf(weight);
  const map = orthogonalMap ?? (rows === columns ? 'matrix_exp' : 'householder');
  if (!['matrix_exp', 'cayley', 'householder'].includes(map)) {
    throw new RangeError(
      `orthogonal(): orthogonalMap must be 'matrix_exp', 'cayley' or 'householder', got '${String(map)}'`,
    );
  }
  return registerParametrization(module, name, new Orthogonal(weight, map, useTrivialization), { unsafe: true });
}
