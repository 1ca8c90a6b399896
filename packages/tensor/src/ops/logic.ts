/** @file Logic on truth values, and arithmetic on the bits and divisors of integers. */
import { call } from '../ir/expr.ts';
import { type EitherFunction, either, ofTensors, type TensorFunction, unary } from './make.ts';

const logic = { promotion: 'logic' } as const;

/** Both nonzero. */
export const logicalAnd: TensorFunction = ofTensors('logicalAnd', (a, b) => a.and(b), logic);
/** At least one nonzero. */
export const logicalOr: TensorFunction = ofTensors('logicalOr', (a, b) => a.or(b), logic);
/** Exactly one nonzero. */
export const logicalXor: TensorFunction = ofTensors('logicalXor', (a, b) => call('xor', a, b), logic);
/** Zero. */
export const logicalNot = unary('logicalNot', (x) => x.not(), logic);

const bits = { promotion: 'promote', refuses: ['float', 'complex'] } as const;
const integers = { promotion: 'promote', refuses: ['float', 'complex', 'bool'] } as const;

/** Bitwise and; logical for bools. @throws DTypeError for floating dtypes, as all bitwise functions do. */
export const bitwiseAnd: EitherFunction = either('bitwiseAnd', (a, b) => call('bitAnd', a, b), bits);
/** Bitwise or; logical for bools. */
export const bitwiseOr: EitherFunction = either('bitwiseOr', (a, b) => call('bitOr', a, b), bits);
/** Bitwise exclusive or; logical for bools. */
export const bitwiseXor: EitherFunction = either('bitwiseXor', (a, b) => call('bitXor', a, b), bits);
/** Bitwise complement; logical not for bools. */
export const bitwiseNot = unary('bitwiseNot', (x) => call('bitNot', x), bits);
/** self · 2^other, in the bits of self's width. */
export const bitwiseLeftShift: EitherFunction = either('bitwiseLeftShift', (a, b) => call('shiftLeft', a, b), integers);
/** Arithmetic shift to the right: floor(self / 2^other). */
export const bitwiseRightShift: EitherFunction = either(
  'bitwiseRightShift',
  (a, b) => call('shiftRight', a, b),
  integers,
);

/** The greatest common divisor, not negative; gcd(0, 0) is 0. Integers only. */
export const gcd: TensorFunction = ofTensors('gcd', (a, b) => call('gcd', a, b), integers);

/** The least common multiple, not negative; 0 if either is 0. Integers only. */
export const lcm: TensorFunction = ofTensors(
  'lcm',
  (a, b) => {
    const divisor = call('gcd', a, b);
    return call('truncDiv', a, divisor.max(1)).mul(b).abs();
  },
  integers,
);
