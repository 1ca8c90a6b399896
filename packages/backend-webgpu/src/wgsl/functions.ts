/**
 * @file What the IR's functions are in WGSL, for each class of dtype. WGSL compilers may assume that NaN and infinity
 * do not occur, so tests for them look at bits, and pow of negative bases is spelled out.
 */
import type { ScalarFunction } from '@flambeau/tensor/internal';

export type Text = (...args: string[]) => string;
export type FunctionTable = Partial<Record<ScalarFunction, Text>>;

const operator =
  (symbol: string): Text =>
  (a, b) =>
    `(${a} ${symbol} ${b})`;
const named =
  (name: string): Text =>
  (...args) =>
    `${name}(${args.join(', ')})`;
const identity: Text = (a) => a!;

/** Comparison, logic and choice, the same for every class. */
export const common: FunctionTable = {
  eq: operator('=='),
  ne: operator('!='),
  lt: operator('<'),
  le: operator('<='),
  gt: operator('>'),
  ge: operator('>='),
  and: operator('&&'),
  or: operator('||'),
  xor: operator('!='),
  not: (a) => `(!${a})`,
  where: (c, a, b) => `select(${b}, ${a}, ${c})`,
};

export const floatFunctions: FunctionTable = {
  ne: named('f_ne'),
  neg: (a) => `(-${a})`,
  add: operator('+'),
  sub: operator('-'),
  mul: operator('*'),
  div: operator('/'),
  fmod: named('f_fmod'),
  mod: named('f_mod'),
  floorDiv: named('f_floor_div'),
  truncDiv: (a, b) => `trunc(${a} / ${b})`,
  pow: named('f_pow'),
  max: named('f_max'),
  min: named('f_min'),
  atan2: named('f_atan2'),
  hypot: named('f_hypot'),
  copysign: named('f_copysign'),
  nextafter: named('f_nextafter'),
  abs: named('abs'),
  sign: named('sign'),
  floor: named('floor'),
  ceil: named('ceil'),
  round: named('round'),
  trunc: named('trunc'),
  sqrt: named('sqrt'),
  rsqrt: (a) => `(1.0 / sqrt(${a}))`,
  reciprocal: (a) => `(1.0 / ${a})`,
  exp: named('f_exp'),
  exp2: named('f_exp2'),
  expm1: named('f_expm1'),
  log: named('f_log'),
  log2: named('f_log2'),
  log10: (a) => `(f_log2(${a}) * 0.30102999566398120)`,
  log1p: named('f_log1p'),
  sin: named('f_sin'),
  cos: named('f_cos'),
  tan: named('f_tan'),
  asin: named('f_asin'),
  acos: named('f_acos'),
  atan: named('f_atan'),
  sinh: named('f_sinh'),
  cosh: named('f_cosh'),
  tanh: named('f_tanh'),
  asinh: named('f_asinh'),
  acosh: named('f_acosh'),
  atanh: named('f_atanh'),
  sigmoid: (a) => `(1.0 / (1.0 + f_exp(-${a})))`,
  erf: named('f_erf'),
  erfc: named('f_erfc'),
  erfinv: named('f_erfinv'),
  lgamma: named('f_lgamma'),
  digamma: named('f_digamma'),
  trigamma: named('f_trigamma'),
  erfcx: named('f_erfcx'),
  ndtri: named('f_ndtri'),
  i0: named('f_i0'),
  i0e: named('f_i0e'),
  i1: named('f_i1'),
  i1e: named('f_i1e'),
  besselJ0: named('f_j0'),
  besselJ1: named('f_j1'),
  besselY0: named('f_y0'),
  besselY1: named('f_y1'),
  k0: named('f_k0'),
  k0e: named('f_k0e'),
  k1: named('f_k1'),
  k1e: named('f_k1e'),
  airyAi: named('f_airy_ai'),
  airyAiPrime: named('f_airy_ai_prime'),
  chebyshev: named('f_chebyshev'),
  gegenbauer: named('f_gegenbauer'),
  hermite: named('f_hermite'),
  laguerre: named('f_laguerre'),
  zeta: named('f_zeta'),
  igamma: named('f_igamma'),
  igammac: named('f_igammac'),
};

/** Integers up to 32 bits, computed as i32 (the caller wraps to the width). */
export const intFunctions: FunctionTable = {
  neg: floatFunctions.neg!,
  add: floatFunctions.add!,
  sub: floatFunctions.sub!,
  mul: floatFunctions.mul!,
  fmod: named('i_fmod'),
  mod: named('i_mod'),
  floorDiv: named('i_floor_div'),
  truncDiv: named('i_trunc_div'),
  pow: named('i_pow'),
  max: named('max'),
  min: named('min'),
  abs: named('abs'),
  sign: named('sign'),
  floor: identity,
  ceil: identity,
  trunc: identity,
  round: identity,
  bitNot: (a) => `(~${a})`,
  bitAnd: operator('&'),
  bitOr: operator('|'),
  bitXor: operator('^'),
  shiftLeft: named('i_shl'),
  shiftRight: named('i_shr'),
  gcd: named('i_gcd'),
};

export const boolFunctions: FunctionTable = {
  add: common.or!,
  max: common.or!,
  bitOr: common.or!,
  mul: common.and!,
  min: common.and!,
  bitAnd: common.and!,
  bitXor: common.xor!,
  bitNot: common.not!,
  // WGSL does not order bools.
  lt: (a, b) => `(!${a} && ${b})`,
  le: (a, b) => `(!${a} || ${b})`,
  gt: (a, b) => `(${a} && !${b})`,
  ge: (a, b) => `(${a} || !${b})`,
  sign: identity,
};
