/** @file The namespace `linalg`. */
export { matmul } from '../ops/matmul.ts';
export { type CholeskyExOptions, type CholeskyOptions, cholesky, choleskyEx } from './cholesky.ts';
export type { OutsOption } from './common.ts';
export { det, slogdet } from './determinant.ts';
export { eig, eigh, eigvals, eigvalsh, type Triangle } from './eigen.ts';
export { diagonal, matrixExp, matrixPower, vander } from './functions.ts';
export { type LdlFactorExOptions, type LdlFactorOptions, ldlFactor, ldlFactorEx, ldlSolve } from './ldl.ts';
export {
  type LstsqDriver,
  type LstsqOptions,
  lstsq,
  type MatrixRankOptions,
  matrixRank,
  type PinvOptions,
  pinv,
} from './least-squares.ts';
export {
  type LuFactorExOptions,
  type LuOptions,
  type LuSolveOptions,
  lu,
  luFactor,
  luFactorEx,
  luSolve,
} from './lu.ts';
export {
  cond,
  type LinalgNormOptions,
  type MatrixNormOptions,
  type MatrixNormOrder,
  matrixNorm,
  norm,
} from './matrix-norms.ts';
export * from './norms.ts';
export * from './products.ts';
export { householderProduct, type QrMode, type QrOptions, qr } from './qr.ts';
export { inv, invEx, solve, solveEx, tensorinv, tensorsolve } from './solve.ts';
export { svd, svdvals } from './svd.ts';
export { type SolveTriangularOptions, solveTriangular } from './triangular.ts';
