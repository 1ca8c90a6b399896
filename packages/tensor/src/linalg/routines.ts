/** @file What linear algebra needs of a device, as part of the Backend contract. */
import type { View } from '../backend.ts';

/**
 * Factorizations of the matrices in the last two dimensions of float32, float64, complex64 and complex128 views of any
 * strides. Batch shapes agree; outputs are fresh and row-major. They compute in double precision.
 */
export interface LinalgRoutines {
  /**
   * A = L Lᴴ (or Uᴴ U where `upper`) from that triangle of A; the other one of `out` is zero. `info` (int32): 0, or the
   * order of the first leading minor that is not positive.
   */
  cholesky(x: View, upper: boolean, out: View, info: View): void;
  /**
   * P A = L U in one matrix. `pivots` (int32): the row that each row was exchanged with, counted from 1. `info` (int32): 0,
   * or the place, counted from 1, of the first zero on U's diagonal.
   */
  lu(x: View, pivoting: boolean, out: View, pivots: View, info: View): void;
  /** The solution of T X = B for a triangular T, whose other triangle (and diagonal where `unit`) is not read. */
  triangularSolve(a: View, b: View, upper: boolean, unit: boolean, out: View): void;
  /** R on and above the diagonal, and Householder vectors below it, with their factors; as LAPACK's geqrf. */
  geqrf(x: View, out: View, tau: View): void;
  /** Q C, or Qᴴ C, where Q is the product of the reflections that geqrf gives: square, as many rows as C. */
  householder(a: View, tau: View, c: View, adjoint: boolean, out: View): void;
  /**
   * Ascending eigenvalues (real) and eigenvectors of Hermitian matrices, of which one triangle is read. Returns the number
   * of the first matrix that has NaN or infinities or does not converge, or −1.
   */
  eigh(x: View, upper: boolean, values: View, vectors: View | null): number;
  /** A = U diag(S) Vᴴ, S real and descending; U and Vᴴ as large as the outputs are. Returns what eigh does. */
  svd(x: View, u: View | null, s: View, vh: View | null): number;
  /** Complex eigenvalues and eigenvectors of length 1. Returns what eigh does. */
  eig(x: View, values: View, vectors: View | null): number;
  /**
   * Bunch-Kaufman factors L D Lᵀ (or Lᴴ where `hermitian`) from the lower triangle, with pivots and info as LAPACK's
   * sytrf and hetrf.
   */
  ldl(x: View, hermitian: boolean, out: View, pivots: View, info: View): void;
  /** The solution of A X = B from such factors. */
  ldlSolve(factors: View, pivots: View, b: View, hermitian: boolean, out: View): void;
}
