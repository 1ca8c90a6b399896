/** @file Matrix products. */
import { allocateLike } from '../allocate.ts';
import { checkOptions } from '../args.ts';
import { autocastOperands } from '../autocast.ts';
import { addmmFactors } from '../contraction.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { inplaceOf, intoOut } from '../inplace.ts';
import { mixedDevices } from '../pointwise.ts';
import { record } from '../record.ts';
import { broadcastShapes, broadcastStrides, formatShape } from '../shape.ts';
import { backendFor, state } from '../state.ts';
import { Tensor } from '../tensor.ts';
import type { ComplexValue } from '../values.ts';
import { conj } from './complex.ts';
import { checkTensor, type OutOption } from './make.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface MatmulOps {
  dot: object;
  mv: object;
  mm: object;
  /** Batched product; batch shapes of any length, equal. */
  bmm: object;
  addmm: { beta: number; alpha: number };
  /** x · wᵀ + b for x [M, K], w [N, K]. */
  linear: { bias: boolean };
}

/** The product of two tensors, into `out` where that is given. */
function withOut(
  op: string,
  a: Tensor,
  b: Tensor,
  options: OutOption | undefined,
  product: (a: Tensor, b: Tensor) => Tensor,
): Tensor {
  checkTensor(op, 'the first operand', a);
  checkTensor(op, 'the second operand', b);
  if (options === undefined) {
    if (state.autocasting) [a, b] = autocastOperands(op, [a, b] as const);
    return product(a, b);
  }
  checkOptions(op, options, ['out']);
  return intoOut(op, options.out, [a, b], () => product(a, b));
}

function checkOperands(op: string, a: Tensor, b: Tensor): void {
  if (a.device !== b.device) throw mixedDevices(op, a, b);
  if (a.dtype !== b.dtype)
    throw new DTypeError(
      `${op}(): operands must have one dtype, got ${a.dtype} and ${b.dtype}; convert one with .to(dtype)`,
    );
  if (a.dtype === 'bool') throw new DTypeError(`${op}(): not defined for bool tensors; convert with .to('int32')`);
}

function checkRank(op: string, x: Tensor, rank: number, what: string): void {
  if (x.shape.length !== rank)
    throw new ShapeError(`${op}(): ${what} must be ${rank}-d, got shape ${formatShape(x.shape)}`);
}

function mismatch(op: string, a: Tensor, b: Tensor): ShapeError {
  return new ShapeError(
    `${op}(): shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} cannot be multiplied: inner sizes differ`,
  );
}

/** A view without history, for kernels. */
const window = (x: Tensor, shape: readonly number[], strides: readonly number[]): Tensor =>
  new Tensor(x.storage, x.dtype, shape, strides, x.offset);

/** Scalar product of two vectors of one length. */
export function dot(self: Tensor, other: Tensor, options?: OutOption): Tensor {
  return withOut('dot', self, other, options, dotOf);
}

function dotOf(self: Tensor, other: Tensor): Tensor {
  checkOperands('dot', self, other);
  checkRank('dot', self, 1, 'self');
  checkRank('dot', other, 1, 'other');
  if (self.shape[0] !== other.shape[0]) throw mismatch('dot', self, other);
  const k = self.shape[0]!;
  const out = allocateLike(self, []);
  const [a, b] = [window(self, [1, k], [0, self.strides[0]!]), window(other, [k, 1], [other.strides[0]!, 0])];
  backendFor(self.device).matmul(a, b, window(out, [1, 1], [1, 1]));
  return record('dot', [self, other], out, {});
}

/** The scalar product Σ conj(self) · other; `dot` of real vectors. */
export function vdot(self: Tensor, other: Tensor): Tensor {
  return dot(conj(self), other);
}

/** Matrix [N, M] times vector [M]. */
export function mv(self: Tensor, vec: Tensor, options?: OutOption): Tensor {
  return withOut('mv', self, vec, options, mvOf);
}

function mvOf(self: Tensor, vec: Tensor): Tensor {
  checkOperands('mv', self, vec);
  checkRank('mv', self, 2, 'self');
  checkRank('mv', vec, 1, 'vec');
  if (self.shape[1] !== vec.shape[0]) throw mismatch('mv', self, vec);
  const out = allocateLike(self, [self.shape[0]!]);
  backendFor(self.device).matmul(
    self,
    window(vec, [vec.shape[0]!, 1], [vec.strides[0]!, 0]),
    window(out, [self.shape[0]!, 1], [1, 1]),
  );
  return record('mv', [self, vec], out, {});
}

/** Matrix product [M, K] × [K, N]. */
export function mm(self: Tensor, mat2: Tensor, options?: OutOption): Tensor {
  return withOut('mm', self, mat2, options, mmOf);
}

function mmOf(self: Tensor, mat2: Tensor): Tensor {
  checkOperands('mm', self, mat2);
  checkRank('mm', self, 2, 'self');
  checkRank('mm', mat2, 2, 'mat2');
  if (self.shape[1] !== mat2.shape[0]) throw mismatch('mm', self, mat2);
  const out = allocateLike(self, [self.shape[0]!, mat2.shape[1]!]);
  backendFor(self.device).matmul(self, mat2, out);
  return record('mm', [self, mat2], out, {});
}

/** Batched product of tensors whose batch dimensions are equal. */
function batched(self: Tensor, other: Tensor): Tensor {
  const out = allocateLike(self, [...self.shape.slice(0, -1), other.shape.at(-1)!]);
  backendFor(self.device).matmul(self, other, out);
  return record('bmm', [self, other], out, {});
}

/** Product of two batches of matrices, [B, M, K] × [B, K, N]. */
export function bmm(self: Tensor, mat2: Tensor, options?: OutOption): Tensor {
  return withOut('bmm', self, mat2, options, bmmOf);
}

function bmmOf(self: Tensor, mat2: Tensor): Tensor {
  checkOperands('bmm', self, mat2);
  checkRank('bmm', self, 3, 'self');
  checkRank('bmm', mat2, 3, 'mat2');
  if (self.shape[0] !== mat2.shape[0])
    throw new ShapeError(`bmm(): batch sizes ${self.shape[0]} and ${mat2.shape[0]} differ; matmul() broadcasts them`);
  if (self.shape[2] !== mat2.shape[1]) throw mismatch('bmm', self, mat2);
  return batched(self, mat2);
}

/** Rows of all leading dimensions as one: [..., M, K] × [K, N] is one product. */
function foldRows(self: Tensor, other: Tensor): Tensor {
  const rows = self.reshape(
    [-1, self.shape.at(-1)!].map((size, i) => (i === 0 ? self.elementCount / Math.max(self.shape.at(-1)!, 1) : size)),
  );
  const out = other.shape.length === 1 ? mv(rows, other) : mm(rows, other);
  return out.view([...self.shape.slice(0, -1), ...other.shape.slice(1)]);
}

/**
 * PyTorch's matmul: dot product of vectors, products of matrices and vectors, and of batches of matrices with
 * broadcasting batch dimensions.
 *
 * ```ts
 * zeros(2, 1, 3, 4).matmul(zeros(5, 4, 6)).shape; // [2, 5, 3, 6]
 * ```
 * @throws ShapeError when inner sizes differ or batch dimensions do not broadcast.
 */
export function matmul(self: Tensor, other: Tensor, options?: OutOption): Tensor {
  return withOut('matmul', self, other, options, matmulOf);
}

function matmulOf(self: Tensor, other: Tensor): Tensor {
  const [m, n] = [self.shape.length, other.shape.length];
  if (m === 0 || n === 0)
    throw new ShapeError(
      `matmul(): both operands need at least one dimension, got ${formatShape(self.shape)} and ${formatShape(other.shape)}`,
    );
  if (m === 2 && n === 2) return mm(self, other);
  if (m === 1 && n === 1) return dot(self, other);
  if (m === 2 && n === 1) return mv(self, other);
  if (m === 1) return matmul(self.unsqueeze(0), other).squeeze(-2);
  checkOperands('matmul', self, other);
  const inner = n === 1 ? other.shape[0]! : other.shape[n - 2]!;
  if (self.shape[m - 1] !== inner) throw mismatch('matmul', self, other);
  if (n <= 2 && self.elementCount > 0) return foldRows(self, other);
  if (n === 1) return matmul(self, other.unsqueeze(-1)).squeeze(-1);
  const batch = broadcastShapes('matmul', self.shape.slice(0, -2), other.shape.slice(0, -2));
  return batched(self.expand([...batch, ...self.shape.slice(-2)]), other.expand([...batch, ...other.shape.slice(-2)]));
}

export interface AddmmOptions {
  /** Factor of self. 0 ignores self, NaN and all. */
  beta?: number | ComplexValue | undefined;
  /** Factor of the product. */
  alpha?: number | ComplexValue | undefined;
}

function addmmOf(self: Tensor, mat1: Tensor, mat2: Tensor, options?: AddmmOptions): Tensor {
  if (state.autocasting) [self, mat1, mat2] = autocastOperands('addmm', [self, mat1, mat2] as const);
  const { beta, alpha } = addmmFactors('addmm', self.dtype, options);
  checkOperands('addmm', mat1, mat2);
  checkOperands('addmm', self, mat1);
  checkRank('addmm', mat1, 2, 'mat1');
  checkRank('addmm', mat2, 2, 'mat2');
  if (mat1.shape[1] !== mat2.shape[0]) throw mismatch('addmm', mat1, mat2);
  const shape = [mat1.shape[0]!, mat2.shape[1]!];
  if (broadcastShapes('addmm', self.shape, shape).join() !== shape.join()) {
    throw new ShapeError(
      `addmm(): self of shape ${formatShape(self.shape)} does not broadcast to the product's ${formatShape(shape)}`,
    );
  }
  if (typeof beta === 'object' || typeof alpha === 'object') return self.mul(beta).add(mmOf(mat1, mat2).mul(alpha));
  const addend = window(self, shape, broadcastStrides(self.shape, self.strides, shape));
  const out = beta === 0 ? allocateLike(self, shape) : beta === 1 ? addend.clone() : addend.mul(beta);
  backendFor(self.device).matmul(mat1, mat2, out, { accumulate: beta !== 0, alpha });
  return record('addmm', [self, mat1, mat2], out, { beta, alpha });
}

/** beta · self + alpha · (mat1 × mat2); self broadcasts. */
export const addmm: ((self: Tensor, mat1: Tensor, mat2: Tensor, options?: AddmmOptions) => Tensor) & {
  readonly inplace: (self: Tensor, mat1: Tensor, mat2: Tensor, options?: AddmmOptions) => Tensor;
} = Object.assign(addmmOf, { inplace: inplaceOf('addmm', addmmOf) });

/** Products of all pairs of elements of two vectors, [N] and [M] → [N, M]. */
export function outer(self: Tensor, vec2: Tensor): Tensor {
  checkRank('outer', self, 1, 'self');
  checkRank('outer', vec2, 1, 'vec2');
  return self.unsqueeze(-1).mul(vec2);
}
export const ger = outer;
