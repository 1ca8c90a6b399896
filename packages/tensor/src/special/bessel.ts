/** @file The modified Bessel functions of the first kind. */
import { call } from '../ir/expr.ts';
import { unary } from '../ops/make.ts';

const node = (name: string) => ({ promotion: 'float', node: `Special${name}Backward0` }) as const;

/** I₀(x). */
export const i0 = unary('i0', (x) => call('i0', x), { promotion: 'float' });
/** e^−|x| I₀(x). */
export const i0e = unary('i0e', (x) => call('i0e', x), node('I0E'));
/** I₁(x). */
export const i1 = unary('i1', (x) => call('i1', x), node('I1'));
/** e^−|x| I₁(x). */
export const i1e = unary('i1e', (x) => call('i1e', x), node('I1E'));
