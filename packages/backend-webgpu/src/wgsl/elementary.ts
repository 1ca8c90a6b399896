/**
 * @file Exponentials, logarithms, powers, circular and hyperbolic functions to the last digits of float32. WGSL promises its
 * own only roughly (sin to an absolute error of 2⁻¹¹, atan to 4096 units in the last place), and drivers use that: the
 * relative error of log next to 1 is 10⁻⁴ on two of them. Polynomials are those of Cephes (Moshier; expf.c, logf.c, sinf.c,
 * atanf.c, asinf.c).
 */
import { ZERO_WORD } from '../commands.ts';

/** 0, then 2/π in words of 32 bits. */
const twoOverPi = '0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u';

/** By name, as in library.ts. */
export const elementary: Readonly<Record<string, string>> = {
  // A number as it was rounded: compilers may reassociate sums, but cannot know that this word is 0.
  rounded: `fn rounded(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ P[${ZERO_WORD >> 2}][${ZERO_WORD & 3}]); }`,
  // x · 2ⁿ, in two steps, since 2ⁿ alone may be too large or small.
  times_power: `fn times_power(x: f32, n: i32) -> f32 {
  let half = n >> 1u;
  return rounded(x * bits(u32(127 + half) << 23u)) * bits(u32(127 + n - half) << 23u);
}`,
  // e^r − 1 for |r| up to ln 2 / 2.
  expm1_near:
    'fn expm1_near(r: f32) -> f32 { return r + r * r * (0.50000001201 + r * (0.16666665459 + r * (0.041665795894 + r * (0.0083334519073 + r * (0.0013981999507 + r * 0.000198756915))))); }',
  // x less a multiple of ln 2, which is taken off in two parts: the first one's multiples are exact.
  ln2_rest: 'fn ln2_rest(x: f32, n: f32) -> f32 { return rounded(x - n * 0.693359375) + n * 0.00021219444; }',
  // The frequent ones without branches, which software adapters take long for.
  f_exp: `fn f_exp(x: f32) -> f32 {
  let c = clamp(x, -104.0, 89.0);
  let n = round(c * 1.44269504);
  let y = times_power(1.0 + expm1_near(ln2_rest(c, n)), i32(n));
  return select(select(y, inf(1.0), x > 88.72284), x, is_nan(x));
}`,
  f_exp2: `fn f_exp2(x: f32) -> f32 {
  let c = clamp(x, -150.0, 128.0);
  let n = round(c);
  let y = times_power(1.0 + expm1_near((c - n) * 0.693147181), i32(n));
  return select(select(y, inf(1.0), x >= 128.0), x, is_nan(x));
}`,
  f_expm1: `fn f_expm1(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (x > 88.72284) { return inf(1.0); }
  if (x < -18.0) { return -1.0; }
  let n = round(x * 1.44269504);
  if (n == 0.0) { return expm1_near(x); }
  let e = expm1_near(ln2_rest(x, n));
  if (n > 60.0) { return times_power(1.0 + e, i32(n)); }
  let scale = times_power(1.0, i32(n));
  return scale * e + (scale - 1.0);
}`,
  // A positive number as 2ᵉ (1 + f), with 1 + f between √½ and √2: e and f.
  power_and_rest: `fn power_and_rest(x: f32) -> vec2<f32> {
  var b = bitcast<u32>(x);
  let tiny = b < 0x00800000u;
  if (tiny) { b = bitcast<u32>(f32(b)); }
  let k = b - 0x3f3504f3u;
  let e = (bitcast<i32>(k) >> 23u) - select(0, 149, tiny);
  return vec2<f32>(f32(e), bits((k & 0x7fffffu) + 0x3f3504f3u) - 1.0);
}`,
  // log(1 + f) − f for such f.
  log_rest: `fn log_rest(f: f32) -> f32 {
  let z = f * f;
  return f * z * (0.33333331174 + f * (-0.24999993993 + f * (0.20000714765 + f * (-0.16668057665 + f * (0.14249322787 + f * (-0.12420140846 + f * (0.1167699874 + f * (-0.1151461031 + f * 0.070376836292)))))))) - 0.5 * z;
}`,
  // Whether a number is positive and finite, and what logarithms are of others.
  has_log: 'fn has_log(x: f32) -> bool { return bitcast<i32>(x) > 0 && bitcast<u32>(x) < 0x7f800000u; }',
  no_log: 'fn no_log(x: f32) -> f32 { return select(select(nan(x), x, bitcast<i32>(x) > 0), inf(-1.0), x == 0.0); }',
  f_log: `fn f_log(x: f32) -> f32 {
  let s = power_and_rest(x);
  let y = (s.y + (log_rest(s.y) - 0.00021219444 * s.x)) + 0.693359375 * s.x;
  return select(no_log(x), y, has_log(x));
}`,
  f_log2: `fn f_log2(x: f32) -> f32 {
  let s = power_and_rest(x);
  let y = (s.y + log_rest(s.y)) * 1.44269504 + s.x;
  return select(no_log(x), y, has_log(x));
}`,
  // Kahan's correction of the rounding of 1 + x.
  f_log1p: `fn f_log1p(x: f32) -> f32 {
  let u = rounded(1.0 + x);
  if (u == 1.0) { return x; }
  if (!has_log(u)) { return no_log(u); }
  return f_log(u) * rounded(x / (u - 1.0));
}`,
  pow_whole: `fn pow_whole(x: f32, y: f32) -> f32 {
  var r = 1.0; var p = x; var n = u32(abs(y));
  while (n > 0u) { if ((n & 1u) == 1u) { r = r * p; } p = p * p; n = n >> 1u; }
  return select(r, 1.0 / r, y < 0.0);
}`,
  // 2^(y log₂ a) for positive finite a; of y times the exponent, the part that is exact is taken apart.
  pow_positive: `fn pow_positive(a: f32, y: f32) -> f32 {
  let s = power_and_rest(a);
  let head = bitcast<f32>(bitcast<u32>(y) & 0xfffff000u);
  let exact = rounded(head * s.x);
  let rest = (y - head) * s.x + y * ((s.y + log_rest(s.y)) * 1.44269504);
  let total = exact + rest;
  if (total >= 128.0) { return inf(1.0); }
  if (total < -150.0) { return 0.0; }
  let n = round(total);
  return times_power(1.0 + expm1_near((rounded(exact - n) + rest) * 0.693147181), i32(n));
}`,
  // WGSL's pow is undefined for negative x. The whole part of smaller y is multiplied out; truncated, so that it overflows
  // only where the whole power does.
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
  else if (abs(y) > 64.0) { r = pow_positive(a, y); }
  else { r = pow_whole(a, trunc(y)) * pow_positive(a, y - trunc(y)); }
  return select(r, -r, odd && (bitcast<u32>(x) >> 31u) == 1u);
}`,
  // x modulo π/2 in [-π/4, π/4], and the quadrant. Up to 10⁵ in parts of π/2 (Cody and Waite); beyond, the mantissa times
  // those 96 bits of 2/π that matter (Payne and Hanek).
  reduced: `struct Reduced { r: f32, quadrant: i32 }
fn reduced(x: f32) -> Reduced {
  if (abs(x) < 100000.0) {
    let n = round(x * 0.636619772367581);
    var r = rounded(x - n * 1.5703125);
    r = rounded(r - n * 0.00048351287841796875);
    r = rounded(r - n * 3.1385570764541626e-07);
    return Reduced(r - n * 6.0771e-11, i32(n));
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
  f_asin:
    'fn f_asin(x: f32) -> f32 { if (is_nan(x)) { return x; } let a = abs(x); if (a > 1.0) { return nan(x); } if (a < 0.5) { return asin_small(x); } let r = 1.57079632679490 - 2.0 * asin_small(sqrt((1.0 - a) * 0.5)); return select(r, -r, x < 0.0); }',
  // On [0, 0.5].
  asin_small:
    'fn asin_small(x: f32) -> f32 { let z = x * x; return x + x * z * (0.16666752422 + z * (0.074953002686 + z * (0.045470025998 + z * (0.024181311049 + z * 0.042163199048)))); }',
  f_acos:
    'fn f_acos(x: f32) -> f32 { if (x > 0.5) { return 2.0 * f_asin(sqrt((1.0 - x) * 0.5)); } return 1.57079632679490 - f_asin(x); }',
  f_atan: `fn f_atan(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let a = abs(x);
  var base = 0.0;
  var t = a;
  if (a > 2.414213562) { base = 1.57079632679490; t = select(-1.0 / a, 0.0, is_inf(x)); }
  else if (a > 0.4142135624) { base = 0.785398163397448; t = (a - 1.0) / (a + 1.0); }
  let z = t * t;
  return f_copysign(base + (t + t * z * (-0.333329491539 + z * (0.199777106478 + z * (-0.138776856032 + z * 0.0805374449538)))), x);
}`,
  f_atan2: `fn f_atan2(y: f32, x: f32) -> f32 {
  if (is_nan(x) || is_nan(y)) { return nan(x); }
  let sy = select(1.0, -1.0, (bitcast<u32>(y) >> 31u) == 1u);
  let nx = (bitcast<u32>(x) >> 31u) == 1u;
  if (y == 0.0) { return select(y, sy * 3.14159265358979, nx); }
  if (is_inf(y)) { return sy * select(1.57079632679490, select(0.785398163397448, 2.35619449019234, nx), is_inf(x)); }
  if (is_inf(x)) { return select(sy * 0.0, sy * 3.14159265358979, nx); }
  if (x == 0.0) { return sy * 1.57079632679490; }
  let r = f_atan(abs(y) / abs(x));
  return sy * select(r, 3.14159265358979 - r, nx);
}`,
  // e^a / 2 of large a, which e^a may be too large for.
  half_exp: 'fn half_exp(a: f32) -> f32 { let h = f_exp(0.5 * a); return rounded(0.5 * h) * h; }',
  f_sinh: `fn f_sinh(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let a = abs(x);
  var r: f32;
  if (a < 1.0) { let e = f_expm1(a); r = 0.5 * (e + e / (e + 1.0)); }
  else if (a < 88.0) { let e = f_exp(a); r = 0.5 * (e - 1.0 / e); }
  else { r = half_exp(a); }
  return f_copysign(r, x);
}`,
  f_cosh: `fn f_cosh(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let a = abs(x);
  if (a >= 88.0) { return half_exp(a); }
  let e = f_exp(a);
  return 0.5 * (e + 1.0 / e);
}`,
  f_tanh:
    'fn f_tanh(x: f32) -> f32 { if (is_nan(x)) { return x; } let a = abs(x); var r = 1.0; if (a < 10.0) { let e = f_expm1(2.0 * a); r = e / (e + 2.0); } return f_copysign(r, x); }',
  f_asinh:
    'fn f_asinh(x: f32) -> f32 { if (is_nan(x) || is_inf(x)) { return x; } let a = abs(x); var r: f32; if (a > 1.0e9) { r = f_log(a) + 0.693147180559945; } else { r = f_log1p(a + a * a / (1.0 + sqrt(a * a + 1.0))); } return f_copysign(r, x); }',
  f_acosh:
    'fn f_acosh(x: f32) -> f32 { if (is_nan(x)) { return x; } if (x < 1.0) { return nan(x); } if (x > 1.0e9) { return f_log(x) + 0.693147180559945; } let t = x - 1.0; return f_log1p(t + sqrt(t * (x + 1.0))); }',
  f_atanh:
    'fn f_atanh(x: f32) -> f32 { if (is_nan(x)) { return x; } let a = abs(x); if (a > 1.0) { return nan(x); } if (a == 1.0) { return inf(x); } return f_copysign(0.5 * f_log1p(2.0 * a / (1.0 - a)), x); }',
};
