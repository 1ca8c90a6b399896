/** @file Derivatives of views between complex numbers and their parts. */
import { viewAsComplex, viewAsReal } from '@flambeau/tensor';
import type { ComplexPartOps } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

export const complexRules = {
  viewAsReal: { backward: (_, grad) => [viewAsComplex(grad.contiguous())] },
  viewAsComplex: { backward: (_, grad) => [viewAsReal(grad)] },
} satisfies Rules<keyof ComplexPartOps>;
