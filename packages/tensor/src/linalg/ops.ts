/** @file The recorded ops of linear algebra, together. */
import type { CholeskyOps } from './cholesky.ts';
import type { DeterminantOps } from './determinant.ts';
import type { EigenOps } from './eigen.ts';
import type { MatrixFunctionOps } from './functions.ts';
import type { LeastSquaresOps } from './least-squares.ts';
import type { LuOps } from './lu.ts';
import type { QrOps } from './qr.ts';
import type { SolveOps } from './solve.ts';
import type { SvdOps } from './svd.ts';
import type { TriangularOps } from './triangular.ts';

export interface LinalgOps
  extends CholeskyOps,
    DeterminantOps,
    EigenOps,
    LeastSquaresOps,
    LuOps,
    MatrixFunctionOps,
    QrOps,
    SolveOps,
    SvdOps,
    TriangularOps {}
