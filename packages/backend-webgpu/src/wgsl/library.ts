/** @file Functions that kernels call. */
import { specialLibrary } from './specialLibrary.ts';

/** 0, then 2/π in words of 32 bits. */
const twoOverPi = '0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u';

/** By name. NaN and infinity are made and recognized by bits, which no optimizer may assume away. */
const library: Readonly<Record<string, string>> = {
  ...specialLibrary,
  // SPIR-V's and Metal's != is false for NaN.
  f_ne: 'fn f_ne(a: f32, b: f32) -> bool { return a != b || is_nan(a) || is_nan(b); }',
  is_nan: 'fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }',
  // An index with an end to count from where it is negative; the nearest position where there is none.
  inside:
    'fn inside(i: i32, size: i32, end: i32) -> u32 { return u32(max(min(select(i, i + end, i < 0), size - 1), 0)); }',
  bits: 'fn bits(x: u32) -> f32 { return bitcast<f32>(x); }',
  is_inf: 'fn is_inf(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }',
  nan: 'fn nan(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) | 0x7fc00000u); }',
  inf: 'fn inf(x: f32) -> f32 { return bitcast<f32>((bitcast<u32>(x) & 0x80000000u) | 0x7f800000u); }',
  mul_high: `fn mul_high(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu; let ah = a >> 16u; let bl = b & 0xffffu; let bh = b >> 16u;
  let m = ah * bl + ((al * bl) >> 16u);
  let n = al * bh + (m & 0xffffu);
  return ah * bh + (m >> 16u) + (n >> 16u);
}`,
  // x modulo π/2 in [-π/4, π/4], and the quadrant. Up to 10^5 in parts of π/2 (Cody and Waite); beyond, the mantissa times
  // those 96 bits of 2/π that matter (Payne and Hanek).
  reduced: `struct Reduced { r: f32, quadrant: i32 }
fn reduced(x: f32) -> Reduced {
  if (abs(x) < 100000.0) {
    let n = round(x * 0.636619772367581);
    var r = fma(n, -1.5703125, x);
    r = fma(n, -0.00048351287841796875, r);
    r = fma(n, -3.1385570764541626e-07, r);
    return Reduced(fma(n, -6.0771e-11, r), i32(n));
  }
  let bits = bitcast<u32>(x);
  let mantissa = (bits << 8u) | 0x80000000u;
  let shift = ((bits >> 23u) & 255u) - 128u;
  var table = array<u32, 7>(${twoOverPi});
  let at = shift >> 5u;
  let by = shift & 31u;
  var w = array<u32, 3>(table[at], table[at + 1u], table[at + 2u]);
  if (by > 0u) {
    for (var k = 0u; k < 3u; k = k + 1u) { w[k] = (table[at + k] << by) | (table[at + k + 1u] >> (32u - by)); }
  }
  let low = mantissa * w[1];
  var word0 = low + mul_high(mantissa, w[2]);
  var word1 = mantissa * w[0] + mul_high(mantissa, w[1]) + select(0u, 1u, word0 < low);
  let quadrant = i32((word1 + 0x20000000u) >> 30u);
  word1 = (word1 << 2u) | (word0 >> 30u);
  word0 = word0 << 2u;
  let negative = (word1 >> 31u) == 1u;
  if (negative) { word0 = ~word0; word1 = ~word1; }
  let r = (f32(word1) + f32(word0) * 2.3283064365386963e-10) * 3.657295198167899e-10;
  let flip = negative != (x < 0.0);
  return Reduced(select(r, -r, flip), select(quadrant, -quadrant, x < 0.0));
}`,
  // WGSL promises sin and cos only to an absolute error of 2^-11: here by the polynomials of Cephes' sinf and cosf.
  sin_cos: `fn sin_cos(x: f32, shift: i32) -> f32 {
  if (is_nan(x) || is_inf(x)) { return nan(x); }
  let part = reduced(x);
  let r = part.r;
  let quadrant = (part.quadrant + shift) & 3;
  let z = r * r;
  let s = r + r * z * (-0.16666654611 + z * (0.0083321608736 - z * 0.00019515295891));
  let c = 1.0 - 0.5 * z + z * z * (0.04166664568298827 + z * (-0.001388731625493765 + z * 2.443315711809948e-05));
  let y = select(s, c, (quadrant & 1) == 1);
  return select(y, -y, quadrant >= 2);
}`,
  f_sin: 'fn f_sin(x: f32) -> f32 { return sin_cos(x, 0); }',
  f_cos: 'fn f_cos(x: f32) -> f32 { return sin_cos(x, 1); }',
  f_tan: 'fn f_tan(x: f32) -> f32 { return sin_cos(x, 0) / sin_cos(x, 1); }',
  f_cosh: 'fn f_cosh(x: f32) -> f32 { if (is_nan(x)) { return x; } return cosh(x); }',
  f_exp: 'fn f_exp(x: f32) -> f32 { if (is_nan(x)) { return x; } return exp(x); }',
  f_exp2: 'fn f_exp2(x: f32) -> f32 { if (is_nan(x)) { return x; } return exp2(x); }',
  f_max: 'fn f_max(a: f32, b: f32) -> f32 { return select(select(max(a, b), b, is_nan(b)), a, is_nan(a)); }',
  f_min: 'fn f_min(a: f32, b: f32) -> f32 { return select(select(min(a, b), b, is_nan(b)), a, is_nan(a)); }',
  f_fmod:
    'fn f_fmod(a: f32, b: f32) -> f32 { if (is_nan(a) || is_nan(b) || is_inf(a) || b == 0.0) { return nan(a); } if (is_inf(b)) { return a; } return a % b; }',
  f_mod:
    'fn f_mod(a: f32, b: f32) -> f32 { let m = f_fmod(a, b); return select(m, m + b, m != 0.0 && (m < 0.0) != (b < 0.0)); }',
  f_floor_div:
    'fn f_floor_div(a: f32, b: f32) -> f32 { if (b == 0.0) { return a / b; } let m = f_fmod(a, b); var q = (a - m) / b; if (m != 0.0 && (b < 0.0) != (m < 0.0)) { q = q - 1.0; } let f = floor(q); return select(f, f + 1.0, q - f > 0.5); }',
  pow_whole: `fn pow_whole(x: f32, y: f32) -> f32 {
  var r = 1.0; var p = x; var n = u32(abs(y));
  while (n > 0u) { if ((n & 1u) == 1u) { r = r * p; } p = p * p; n = n >> 1u; }
  return select(r, 1.0 / r, y < 0.0);
}`,
  // WGSL's pow is exp2(y log2 x): undefined for negative x, and the less precise the larger y log2 x is. The whole part of
  // smaller y is multiplied out; truncated, so that it overflows only where the whole power does.
  f_pow: `fn f_pow(x: f32, y: f32) -> f32 {
  if (y == 0.0 || x == 1.0) { return 1.0; }
  if (is_nan(x)) { return x; }
  if (is_nan(y)) { return y; }
  let whole = floor(y) == y && !is_inf(y);
  let odd = whole && abs(y) < 16777216.0 && (i32(abs(y)) & 1) == 1;
  if (whole && abs(y) <= 64.0) { return pow_whole(x, y); }
  if (is_inf(y)) {
    let a = abs(x);
    if (a == 1.0) { return 1.0; }
    return select(0.0, inf(1.0), (a > 1.0) == (y > 0.0));
  }
  if (x < 0.0 && !whole) { if (is_inf(x)) { return select(0.0, inf(1.0), y > 0.0); } return nan(x); }
  let a = abs(x);
  var r: f32;
  if (a == 0.0) { r = select(0.0, inf(1.0), y < 0.0); }
  else if (is_inf(x)) { r = select(0.0, inf(1.0), y > 0.0); }
  else if (abs(y) > 64.0) { r = pow(a, y); }
  else { r = pow_whole(a, trunc(y)) * pow(a, y - trunc(y)); }
  return select(r, -r, odd && (bitcast<u32>(x) >> 31u) == 1u);
}`,
  f_hypot:
    'fn f_hypot(a: f32, b: f32) -> f32 { if (is_inf(a) || is_inf(b)) { return inf(1.0); } if (is_nan(a)) { return a; } if (is_nan(b)) { return b; } let m = max(abs(a), abs(b)); if (m == 0.0) { return m; } let s = a / m; let t = b / m; return m * sqrt(s * s + t * t); }',
  f_copysign:
    'fn f_copysign(x: f32, s: f32) -> f32 { return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(s) & 0x80000000u)); }',
  f_nextafter: `fn f_nextafter(x: f32, y: f32) -> f32 {
  if (is_nan(x)) { return x; } if (is_nan(y)) { return y; } if (x == y) { return y; }
  if (x == 0.0) { return bitcast<f32>(select(0x80000001u, 1u, y > 0.0)); }
  return bitcast<f32>(bitcast<u32>(x) + select(0xffffffffu, 1u, (x < y) == (x > 0.0)));
}`,
  f_atan2: `fn f_atan2(y: f32, x: f32) -> f32 {
  if (is_nan(x) || is_nan(y)) { return nan(x); }
  let sy = select(1.0, -1.0, (bitcast<u32>(y) >> 31u) == 1u);
  let nx = (bitcast<u32>(x) >> 31u) == 1u;
  if (y == 0.0) { return select(y, sy * 3.14159265358979, nx); }
  if (is_inf(y)) { return sy * select(1.57079632679490, select(0.785398163397448, 2.35619449019234, nx), is_inf(x)); }
  if (is_inf(x)) { return select(sy * 0.0, sy * 3.14159265358979, nx); }
  return atan2(y, x);
}`,
  f_log:
    'fn f_log(x: f32) -> f32 { if (is_nan(x)) { return x; } if (x < 0.0) { return nan(x); } if (x == 0.0) { return inf(-1.0); } if (is_inf(x)) { return x; } return log(x); }',
  f_log2:
    'fn f_log2(x: f32) -> f32 { if (is_nan(x)) { return x; } if (x < 0.0) { return nan(x); } if (x == 0.0) { return inf(-1.0); } if (is_inf(x)) { return x; } return log2(x); }',
  // Kahan's correction of the rounding of 1 + x.
  f_log1p:
    'fn f_log1p(x: f32) -> f32 { if (is_inf(x) || is_nan(x)) { return f_log(x); } let u = 1.0 + x; if (u == 1.0) { return x; } let l = f_log(u); if (is_inf(l) || is_nan(l)) { return l; } return l * x / (u - 1.0); }',
  f_expm1:
    'fn f_expm1(x: f32) -> f32 { if (abs(x) < 0.3) { return x * (1.0 + x * (0.5 + x * (0.16666667 + x * (0.041666668 + x * (0.008333334 + x * (0.0013888889 + x * 0.00019841270)))))); } return f_exp(x) - 1.0; }',
  f_asin:
    'fn f_asin(x: f32) -> f32 { if (is_nan(x)) { return x; } let a = abs(x); if (a > 1.0) { return nan(x); } if (a < 0.5) { return asin_small(x); } let r = 1.57079632679490 - 2.0 * asin_small(sqrt((1.0 - a) * 0.5)); return select(r, -r, x < 0.0); }',
  // Minimax polynomial of asin on [0, 0.5] (Cephes asinf).
  asin_small:
    'fn asin_small(x: f32) -> f32 { let z = x * x; return x + x * z * (0.16666752422 + z * (0.074953002686 + z * (0.045470025998 + z * (0.024181311049 + z * 0.042163199048)))); }',
  f_acos:
    'fn f_acos(x: f32) -> f32 { if (x > 0.5) { return 2.0 * f_asin(sqrt((1.0 - x) * 0.5)); } return 1.57079632679490 - f_asin(x); }',
  f_sinh:
    'fn f_sinh(x: f32) -> f32 { if (abs(x) < 1.0) { let e = f_expm1(abs(x)); let r = 0.5 * (e + e / (e + 1.0)); return select(r, -r, x < 0.0); } return sinh(x); }',
  f_tanh:
    'fn f_tanh(x: f32) -> f32 { if (is_nan(x)) { return x; } let a = abs(x); var r = 1.0; if (a < 10.0) { let e = f_expm1(2.0 * a); r = e / (e + 2.0); } return select(r, -r, x < 0.0); }',
  f_asinh:
    'fn f_asinh(x: f32) -> f32 { if (is_nan(x) || is_inf(x)) { return x; } let a = abs(x); var r: f32; if (a > 1.0e9) { r = f_log(a) + 0.693147180559945; } else { r = f_log1p(a + a * a / (1.0 + sqrt(a * a + 1.0))); } return select(r, -r, x < 0.0); }',
  f_acosh:
    'fn f_acosh(x: f32) -> f32 { if (is_nan(x)) { return x; } if (x < 1.0) { return nan(x); } if (x > 1.0e9) { return f_log(x) + 0.693147180559945; } let t = x - 1.0; return f_log1p(t + sqrt(t * (x + 1.0))); }',
  f_atanh:
    'fn f_atanh(x: f32) -> f32 { if (is_nan(x)) { return x; } let a = abs(x); if (a > 1.0) { return nan(x); } if (a == 1.0) { return inf(x); } let r = 0.5 * f_log1p(2.0 * a / (1.0 - a)); return select(r, -r, x < 0.0); }',
  // Taylor series near 0, 1 - erfc elsewhere.
  f_erf:
    'fn f_erf(x: f32) -> f32 { if (is_nan(x)) { return x; } let a = abs(x); var r: f32; if (a < 0.9) { let z = x * x; r = a * 1.1283791671 * (1.0 + z * (-0.33333333333 + z * (0.1 + z * (-0.023809523810 + z * (0.0046296296296 + z * (-0.00075757575758 + z * (0.00010683760684 - z * 0.000013227513228))))))); } else { r = 1.0 - erfc_large(a); } return select(r, -r, x < 0.0); }',
  // Numerical Recipes' Chebyshev fit of erfc, relative error below 1.2e-7.
  erfc_large:
    'fn erfc_large(z: f32) -> f32 { if (z > 10.5) { return 0.0; } let t = 1.0 / (1.0 + 0.5 * z); return t * exp(-z * z - 1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))))); }',
  f_erfc:
    'fn f_erfc(x: f32) -> f32 { if (is_nan(x)) { return x; } if (abs(x) < 0.5) { return 1.0 - f_erf(x); } let r = erfc_large(abs(x)); return select(r, 2.0 - r, x < 0.0); }',
  // Giles, "Approximating the erfinv function" (single precision).
  f_erfinv: `fn f_erfinv(x: f32) -> f32 {
  if (is_nan(x) || abs(x) > 1.0) { return nan(x); }
  if (abs(x) == 1.0) { return inf(x); }
  var w = -f_log((1.0 - x) * (1.0 + x));
  var p: f32;
  if (w < 5.0) { w = w - 2.5; p = 2.81022636e-08; p = 3.43273939e-07 + p * w; p = -3.5233877e-06 + p * w; p = -4.39150654e-06 + p * w; p = 0.00021858087 + p * w; p = -0.00125372503 + p * w; p = -0.00417768164 + p * w; p = 0.246640727 + p * w; p = 1.50140941 + p * w; }
  else { w = sqrt(w) - 3.0; p = -0.000200214257; p = 0.000100950558 + p * w; p = 0.00134934322 + p * w; p = -0.00367342844 + p * w; p = 0.00573950773 + p * w; p = -0.0076224613 + p * w; p = 0.00943887047 + p * w; p = 1.00167406 + p * w; p = 2.83297682 + p * w; }
  return p * x;
}`,
  // Lanczos, g = 5, with reflection below 1/2.
  f_lgamma: `fn f_lgamma(x: f32) -> f32 {
  if (is_nan(x)) { return x; } if (is_inf(x)) { return inf(1.0); }
  if (x <= 0.0 && floor(x) == x) { return inf(1.0); }
  if (x < 0.5) { return 1.14472988584940 - f_log(abs(f_sin(3.14159265358979 * (x - round(x))))) - lgamma_right(1.0 - x); }
  return lgamma_right(x);
}`,
  lgamma_right: `fn lgamma_right(x: f32) -> f32 {
  if (x == 1.0 || x == 2.0) { return 0.0; }
  if (x > 8.0) { let i = 1.0 / x; let z = i * i; return (x - 0.5) * f_log(x) - x + 0.918938533204673 + i * (0.0833333333 - z * (0.00277777778 - z * 0.000793650794)); }
  var y = x; var p = 1.0;
  while (y < 8.0) { p = p * y; y = y + 1.0; }
  let i = 1.0 / y; let z = i * i;
  return (y - 0.5) * f_log(y) - y + 0.918938533204673 + i * (0.0833333333 - z * (0.00277777778 - z * 0.000793650794)) - f_log(p);
}`,
  // Recurrence up to 6, then the asymptotic series; reflection for negative arguments.
  f_digamma: `fn f_digamma(x0: f32) -> f32 {
  if (is_nan(x0)) { return x0; }
  if (x0 == 0.0) { return inf(-f_copysign(1.0, x0)); }
  if (x0 < 0.0 && floor(x0) == x0) { return nan(x0); }
  var x = x0; var r = 0.0;
  if (x < 0.0) { let t = x - round(x); if (abs(t) < 0.5) { r = -3.14159265358979 / f_tan(3.14159265358979 * t); } x = 1.0 - x; }
  while (x < 6.0) { r = r - 1.0 / x; x = x + 1.0; }
  let z = 1.0 / (x * x);
  return r + f_log(x) - 0.5 / x - z * (0.0833333333 - z * (0.00833333333 - z * (0.00396825397 - z * 0.00416666667)));
}`,
  f_trigamma: `fn f_trigamma(x0: f32) -> f32 {
  if (is_nan(x0)) { return x0; }
  var x = x0; var r = 0.0; var s = 1.0;
  if (x < 0.5) { s = -1.0; let k = 3.14159265358979 / f_sin(3.14159265358979 * (x - round(x))); r = -k * k; x = 1.0 - x; }
  while (x < 6.0) { r = r + 1.0 / (x * x); x = x + 1.0; }
  let z = 1.0 / (x * x);
  return s * (r + (1.0 + 0.5 / x + z * (0.166666667 - z * (0.0333333333 - z * 0.0238095238))) / x);
}`,
  i_fmod: 'fn i_fmod(a: i32, b: i32) -> i32 { if (b == 0) { return 0; } return a % b; }',
  i_mod:
    'fn i_mod(a: i32, b: i32) -> i32 { if (b == 0) { return 0; } let m = a % b; return select(m, m + b, m != 0 && (m < 0) != (b < 0)); }',
  i_trunc_div: 'fn i_trunc_div(a: i32, b: i32) -> i32 { if (b == 0) { return 0; } return a / b; }',
  i_floor_div:
    'fn i_floor_div(a: i32, b: i32) -> i32 { if (b == 0) { return 0; } let q = a / b; return select(q, q - 1, a % b != 0 && (a < 0) != (b < 0)); }',
  i_pow: `fn i_pow(x: i32, y: i32) -> i32 {
  if (y < 0) { if (x == 1) { return 1; } if (x == -1) { return select(-1, 1, (y & 1) == 0); } return 0; }
  var r = 1; var p = x; var n = y;
  while (n > 0) { if ((n & 1) == 1) { r = r * p; } p = p * p; n = n >> 1u; }
  return r;
}`,
  i_shl: 'fn i_shl(a: i32, b: i32) -> i32 { if (b < 0 || b > 31) { return 0; } return a << u32(b); }',
  i_shr:
    'fn i_shr(a: i32, b: i32) -> i32 { if (b < 0 || b > 31) { return select(0, -1, a < 0); } return a >> u32(b); }',
  // WGSL's own conversions leave open what becomes of numbers beyond 65504, of infinities and of subnormal numbers.
  from_f16: `fn from_f16(h: u32) -> f32 {
  let exponent = h & 0x7c00u;
  let fraction = (h & 0x3ffu) << 13u;
  var b = (exponent << 13u) + 0x38000000u + fraction;
  if (exponent == 0u) { b = bitcast<u32>(f32(h & 0x3ffu) * 5.9604644775390625e-8); }
  if (exponent == 0x7c00u) { b = 0x7f800000u | fraction; }
  return bitcast<f32>(b | ((h & 0x8000u) << 16u));
}`,
  // Round to nearest even; below 2^-14 to multiples of 2^-24.
  to_f16: `fn to_f16(x: f32) -> u32 {
  let sign = (bitcast<u32>(x) >> 16u) & 0x8000u;
  let b = bitcast<u32>(x) & 0x7fffffffu;
  if (b > 0x7f800000u) { return sign | 0x7e00u; }
  if (b >= 0x477ff000u) { return sign | 0x7c00u; }
  if (b < 0x38800000u) { return sign | u32(round(bitcast<f32>(b) * 16777216.0)); }
  return sign | ((b - 0x38000000u + 0xfffu + ((b >> 13u) & 1u)) >> 13u);
}`,
  i_gcd: `fn i_gcd(a: i32, b: i32) -> i32 {
  var x = bitcast<u32>(abs(a)); var y = bitcast<u32>(abs(b));
  while (y != 0u) { let rest = x % y; x = y; y = rest; }
  return bitcast<i32>(x);
}`,
  // Round to nearest even on the upper 16 bits.
  to_bf16:
    'fn to_bf16(x: f32) -> u32 { let b = bitcast<u32>(x); if ((b & 0x7fffffffu) > 0x7f800000u) { return 0x7fc0u; } return (b + 0x7fffu + ((b >> 16u) & 1u)) >> 16u; }',
};

/** The declarations that a piece of WGSL uses, each after those it needs itself. */
export function declarationsFor(code: string): string {
  const done: string[] = [];
  const add = (name: string): void => {
    if (done.includes(name)) return;
    for (const other of Object.keys(library)) if (other !== name && mentions(library[name]!, other)) add(other);
    done.push(name);
  };
  for (const name of Object.keys(library)) if (mentions(code, name)) add(name);
  return done.map((name) => library[name]!).join('\n');
}

const mentions = (code: string, name: string): boolean => new RegExp(`\\b${name}\\(`).test(code);
