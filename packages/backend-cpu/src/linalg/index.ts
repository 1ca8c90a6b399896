/** @file The routines of linear algebra that the CPU offers. */
import type { LinalgRoutines } from '@flambeau/tensor/internal';
import { cholesky } from './cholesky.ts';
import { eig } from './eig.ts';
import { eigh } from './eigh.ts';
import { geqrf, householder } from './householder.ts';
import { ldl, ldlSolve } from './ldl.ts';
import { lu, triangularSolve } from './lu.ts';
import { svd } from './svd.ts';

export const linalgRoutines: LinalgRoutines = {
  cholesky,
  lu,
  triangularSolve,
  geqrf,
  householder,
  eigh,
  svd,
  eig,
  ldl,
  ldlSolve,
};
