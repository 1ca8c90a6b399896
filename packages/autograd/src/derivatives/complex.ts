/** @file Derivatives of views between complex numbers and their parts. */
import { viewAsReal } from '@flambeau/tensor';
import { type ComplexPartOps, pairsAsComplex } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

export const complexRules = {
  viewAsReal: { backward: (_, grad) => [pairsAsComplex(grad)] },
  viewAsComplex: { backward: (_, grad) => [viewAsReal(grad)] },
} satisfies Rules<keyof ComplexPartOps>;
