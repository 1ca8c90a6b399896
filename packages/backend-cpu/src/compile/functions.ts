/**
 * @file What the IR's functions are in JavaScript, for each class of dtype: as source text for generated kernels and as
 * a function for interpreted ones, side by side.
 */

import type { ScalarFunction } from '@flambeau/tensor/internal';
import * as airy from './airy.ts';
import * as bessel from './bessel.ts';
import * as float32 from './float32.ts';
import * as helpers from './helpers.ts';
import * as incompleteGamma from './incompleteGamma.ts';
import * as modifiedBessel from './modifiedBessel.ts';
import * as modifiedBesselSecond from './modifiedBesselSecond.ts';
import * as polynomials from './polynomials.ts';
import * as special from './special.ts';

/** Everything that generated source may call by name. */
export const environment: Record<string, unknown> = {
  ...helpers,
  ...special,
  ...modifiedBessel,
  ...modifiedBesselSecond,
  ...bessel,
  ...airy,
  ...polynomials,
  ...incompleteGamma,
  ...float32,
};

// A value is a number, a bigint for int64, or a boolean for bool; each table below handles one of them.
// biome-ignore lint/suspicious/noExplicitAny: the interpreter mixes the three kinds of value freely.
type Value = any;

export interface Lowered {
  readonly text: (...args: string[]) => string;
  readonly run: (...args: Value[]) => Value;
}

export type FunctionTable = Partial<Record<ScalarFunction, Lowered>>;

const operator = (symbol: string, run: Lowered['run']): Lowered => ({ text: (a, b) => `(${a} ${symbol} ${b})`, run });
const helper = (name: string): Lowered => ({
  text: (...args) => `${name}(${args.join(', ')})`,
  run: environment[name] as Lowered['run'],
});
const math = (name: keyof Math & string): Lowered => ({
  text: (...args) => `Math.${name}(${args.join(', ')})`,
  run: Math[name] as Lowered['run'],
});
const identity: Lowered = { text: (a) => a!, run: (a) => a };

/**
 * Choice between two doubles without a branch: what random data decides is mispredicted half of the time, which costs
 * more than a round trip through the first-level cache.
 */
const pick = (condition: string, yes: string, no: string): string =>
  `(choices[0] = ${no}, choices[1] = ${yes}, choices[+${condition}])`;
environment.choices = new Float64Array(2);

/** The same for integers of up to 32 bits. */
const pickInt = (condition: string, yes: string, no: string): string => `(${no} ^ ((${no} ^ ${yes}) & -${condition}))`;

/** Comparison and logic: the same for every kind of value. In generated source a bool may be true and false or 1 and 0. */
export const common: FunctionTable = {
  eq: operator('===', (a, b) => a === b),
  ne: operator('!==', (a, b) => a !== b),
  lt: operator('<', (a, b) => a < b),
  le: operator('<=', (a, b) => a <= b),
  gt: operator('>', (a, b) => a > b),
  ge: operator('>=', (a, b) => a >= b),
  and: operator('&', (a, b) => a && b),
  or: operator('|', (a, b) => a || b),
  xor: operator('^', (a, b) => a !== b),
  not: { text: (a) => `!${a}`, run: (a) => !a },
};

const choose: Lowered['run'] = (c, a, b) => (c ? a : b);

/** float32 and float64 (the caller rounds to float32). */
export const floatFunctions: FunctionTable = {
  neg: { text: (a) => `(-${a})`, run: (a) => -a },
  add: operator('+', (a, b) => a + b),
  sub: operator('-', (a, b) => a - b),
  mul: operator('*', (a, b) => a * b),
  div: operator('/', (a, b) => a / b),
  fmod: operator('%', (a, b) => a % b),
  mod: helper('floorMod'),
  floorDiv: helper('floorDiv'),
  truncDiv: { text: (a, b) => `Math.trunc(${a} / ${b})`, run: (a, b) => Math.trunc(a / b) },
  pow: helper('pow'),
  where: { text: pick, run: choose },
  // NaN wins: the first operand stays unless the second is beyond it or NaN.
  max: {
    text: (a, b) => pick(`(${a} < ${b} | ${b} !== ${b})`, b!, a!),
    run: (a, b) => (a < b || Number.isNaN(b) ? b : a),
  },
  min: {
    text: (a, b) => pick(`(${a} > ${b} | ${b} !== ${b})`, b!, a!),
    run: (a, b) => (a > b || Number.isNaN(b) ? b : a),
  },
  atan2: math('atan2'),
  hypot: helper('hypot'),
  copysign: helper('copysign'),
  abs: math('abs'),
  sign: { text: (a) => `(+(${a} > 0) - +(${a} < 0))`, run: (a) => Number(a > 0) - Number(a < 0) },
  floor: math('floor'),
  ceil: math('ceil'),
  trunc: math('trunc'),
  round: helper('roundEven'),
  sqrt: math('sqrt'),
  rsqrt: { text: (a) => `(1 / Math.sqrt(${a}))`, run: (a) => 1 / Math.sqrt(a) },
  reciprocal: { text: (a) => `(1 / ${a})`, run: (a) => 1 / a },
  exp: math('exp'),
  exp2: { text: (a) => `(2 ** ${a})`, run: (a) => 2 ** a },
  expm1: math('expm1'),
  log: math('log'),
  log2: math('log2'),
  log10: math('log10'),
  log1p: math('log1p'),
  sin: math('sin'),
  cos: math('cos'),
  tan: math('tan'),
  asin: math('asin'),
  acos: math('acos'),
  atan: math('atan'),
  sinh: math('sinh'),
  cosh: math('cosh'),
  tanh: math('tanh'),
  asinh: math('asinh'),
  acosh: math('acosh'),
  atanh: math('atanh'),
  sigmoid: helper('sigmoid'),
  erf: helper('erf'),
  erfc: helper('erfc'),
  erfinv: helper('erfinv'),
  lgamma: helper('lgamma'),
  digamma: helper('digamma'),
  trigamma: helper('trigamma'),
  erfcx: helper('erfcx'),
  ndtri: helper('ndtri'),
  i0: helper('i0'),
  i0e: helper('i0e'),
  i1: helper('i1'),
  i1e: helper('i1e'),
  besselJ0: helper('besselJ0'),
  besselJ1: helper('besselJ1'),
  besselY0: helper('besselY0'),
  besselY1: helper('besselY1'),
  k0: helper('k0'),
  k0e: helper('k0e'),
  k1: helper('k1'),
  k1e: helper('k1e'),
  airyAi: helper('airyAi'),
  airyAiPrime: helper('airyAiPrime'),
  chebyshev: helper('chebyshev'),
  gegenbauer: helper('gegenbauer'),
  hermite: helper('hermite'),
  laguerre: helper('laguerre'),
  zeta: helper('zeta'),
  igamma: helper('igamma'),
  igammac: helper('igammac'),
};

/** What double precision allows to be simpler for float32. */
export const float32Functions: FunctionTable = {
  ...floatFunctions,
  // PyTorch rounds the quotient before it truncates: 3 / 0.3 is 10.
  truncDiv: {
    text: (a, b) => `Math.trunc(Math.fround(${a} / ${b}))`,
    run: (a, b) => Math.trunc(Math.fround(a / b)),
  },
  exp: helper('exp32'),
  sigmoid: helper('sigmoid32'),
  tanh: helper('tanh32'),
  erf: helper('erf32'),
};

/** Integers up to 32 bits (the caller wraps to the width). */
export const intFunctions: FunctionTable = {
  neg: floatFunctions.neg!,
  add: floatFunctions.add!,
  sub: floatFunctions.sub!,
  mul: math('imul'),
  fmod: helper('intFmod'),
  mod: helper('intMod'),
  floorDiv: helper('intFloorDiv'),
  truncDiv: helper('intTruncDiv'),
  pow: helper('intPow'),
  where: { text: pickInt, run: choose },
  max: { text: (a, b) => pickInt(`(${a} > ${b})`, a!, b!), run: Math.max },
  min: { text: (a, b) => pickInt(`(${a} < ${b})`, a!, b!), run: Math.min },
  abs: floatFunctions.abs!,
  sign: floatFunctions.sign!,
  floor: identity,
  ceil: identity,
  trunc: identity,
  round: identity,
  bitNot: { text: (a) => `(~${a})`, run: (a) => ~a },
  bitAnd: operator('&', (a, b) => a & b),
  bitOr: operator('|', (a, b) => a | b),
  bitXor: operator('^', (a, b) => a ^ b),
  shiftLeft: helper('shiftLeft'),
  shiftRight: helper('shiftRight'),
  gcd: helper('intGcd'),
};

/** int64 as bigints (the caller wraps to 64 bits). */
export const bigFunctions: FunctionTable = {
  neg: floatFunctions.neg!,
  add: floatFunctions.add!,
  sub: floatFunctions.sub!,
  mul: floatFunctions.mul!,
  fmod: helper('bigFmod'),
  mod: helper('bigMod'),
  floorDiv: helper('bigFloorDiv'),
  truncDiv: helper('bigTruncDiv'),
  pow: helper('bigPow'),
  where: { text: (c, a, b) => `(${c} ? ${a} : ${b})`, run: choose },
  // biome-ignore lint/complexity/useMathMinMax: Math.max takes no bigints.
  max: { text: (a, b) => `(${a} > ${b} ? ${a} : ${b})`, run: (a, b) => (a > b ? a : b) },
  // biome-ignore lint/complexity/useMathMinMax: Math.min takes no bigints.
  min: { text: (a, b) => `(${a} < ${b} ? ${a} : ${b})`, run: (a, b) => (a < b ? a : b) },
  abs: helper('bigAbs'),
  sign: helper('bigSign'),
  floor: identity,
  ceil: identity,
  trunc: identity,
  round: identity,
  bitNot: intFunctions.bitNot!,
  bitAnd: intFunctions.bitAnd!,
  bitOr: intFunctions.bitOr!,
  bitXor: intFunctions.bitXor!,
  shiftLeft: helper('bigShiftLeft'),
  shiftRight: helper('bigShiftRight'),
  gcd: helper('bigGcd'),
};

/** Arithmetic on bools, as PyTorch has it: sums saturate at true. */
export const boolFunctions: FunctionTable = {
  where: { text: (c, a, b) => `(${c} & ${a} | !${c} & ${b})`, run: choose },
  eq: { text: (a, b) => `(+${a} === +${b})`, run: (a, b) => a === b },
  ne: { text: (a, b) => `(+${a} !== +${b})`, run: (a, b) => a !== b },
  add: common.or!,
  max: common.or!,
  bitOr: common.or!,
  mul: common.and!,
  min: common.and!,
  bitAnd: common.and!,
  bitXor: common.xor!,
  bitNot: common.not!,
  sign: identity,
};
