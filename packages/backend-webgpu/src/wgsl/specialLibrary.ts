/**
 * @file Special functions that kernels call, in single precision, to about 1e-6 of their size (or of their amplitude, next to
 * zeros). The formulas are those of backend-cpu's `compile/`, where their sources are named, with fewer terms.
 */

/** By name, as in library.ts. */
export const specialLibrary: Readonly<Record<string, string>> = {
  // Numerical Recipes' Chebyshev fit of e^(x²) erfc x, relative error below 1.2e-7.
  erfcx_right:
    'fn erfcx_right(z: f32) -> f32 { let t = 1.0 / (1.0 + 0.5 * z); return t * f_exp(-1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))))); }',
  f_erfcx: `fn f_erfcx(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (abs(x) < 0.5) { return f_exp(x * x) * (1.0 - f_erf(x)); }
  if (x > 0.0) { return select(erfcx_right(x), 0.0, is_inf(x)); }
  if (x < -9.38) { return inf(1.0); }
  return 2.0 / gauss(x) - erfcx_right(-x);
}`,
  // Giles' erfinv with 4p(1 - p), which does not cancel in the tails; beyond its range Newton's method for log p.
  f_ndtri: `fn f_ndtri(p: f32) -> f32 {
  if (is_nan(p) || p < 0.0 || p > 1.0) { return nan(p); }
  if (p == 0.0) { return inf(-1.0); }
  if (p == 1.0) { return inf(1.0); }
  if (p > 1.0e-6) {
    var w = -f_log(4.0 * p * (1.0 - p));
    var r: f32;
    if (w < 5.0) { w = w - 2.5; r = 2.81022636e-08; r = 3.43273939e-07 + r * w; r = -3.5233877e-06 + r * w; r = -4.39150654e-06 + r * w; r = 0.00021858087 + r * w; r = -0.00125372503 + r * w; r = -0.00417768164 + r * w; r = 0.246640727 + r * w; r = 1.50140941 + r * w; }
    else { w = sqrt(w) - 3.0; r = -0.000200214257; r = 0.000100950558 + r * w; r = 0.00134934322 + r * w; r = -0.00367342844 + r * w; r = 0.00573950773 + r * w; r = -0.0076224613 + r * w; r = 0.00943887047 + r * w; r = 1.00167406 + r * w; r = 2.83297682 + r * w; }
    return 1.41421356 * r * (2.0 * p - 1.0);
  }
  let target_log = f_log(p);
  var z = sqrt(-2.0 * target_log);
  z = z - (f_log(z) + 0.918938533) / z;
  for (var k = 0; k < 3; k = k + 1) {
    let e = erfcx_right(z * 0.70710678);
    z = z + (f_log(0.5 * e) - 0.5 * z * z - target_log) * e * 1.25331414;
  }
  return -z;
}`,
  i_series: `fn i_series(n: f32, x: f32) -> f32 {
  let z = 0.25 * x * x; var t = 1.0; var s = 1.0;
  for (var k = 1.0; k < 40.0; k = k + 1.0) { t = t * z / (k * (k + n)); s = s + t; if (t < s * 1.0e-8) { break; } }
  return s;
}`,
  i_far: `fn i_far(n: f32, x: f32) -> f32 {
  if (is_inf(x)) { return 0.0; }
  var t = 1.0; var s = 1.0;
  for (var k = 1.0; k < 14.0; k = k + 1.0) { t = t * ((2.0 * k - 1.0) * (2.0 * k - 1.0) - 4.0 * n * n) / (8.0 * k * x); s = s + t; }
  return s * 0.39894228 / sqrt(x);
}`,
  i_of: `fn i_of(n: f32, x: f32, scaled: bool) -> f32 {
  if (is_nan(x)) { return x; }
  let a = abs(x);
  var r: f32;
  if (a > 12.0) {
    r = i_far(n, a);
    if (!scaled) { if (a > 100.0) { r = inf(1.0); } else { let half = f_exp(0.5 * a); r = half * r * half; } }
  } else {
    r = i_series(n, a) * select(1.0, 0.5 * a, n > 0.5) * select(1.0, f_exp(-a), scaled);
  }
  return select(r, -r, n > 0.5 && x < 0.0);
}`,
  f_i0: 'fn f_i0(x: f32) -> f32 { return i_of(0.0, x, false); }',
  f_i0e: 'fn f_i0e(x: f32) -> f32 { return i_of(0.0, x, true); }',
  f_i1: 'fn f_i1(x: f32) -> f32 { return i_of(1.0, x, false); }',
  f_i1e: 'fn f_i1e(x: f32) -> f32 { return i_of(1.0, x, true); }',
  scaled_k: `fn scaled_k(nu: f32, x: f32) -> f32 {
  if (is_inf(x)) { return 0.0; }
  let far = (4.0 * nu * nu - 1.0) / (8.0 * x);
  if (x > 1000.0) { return (1.0 + far + 0.5 * far * (far - 1.0 / x)) * 1.25331414 / sqrt(x); }
  let h = f_asinh(sqrt(9.0 / x)) / 8.0;
  var s = 0.5;
  for (var k = 1.0; k <= 16.0; k = k + 1.0) { let u = f_sinh(0.5 * h * k); s = s + f_exp(-2.0 * x * u * u) * f_cosh(nu * h * k); }
  return h * s;
}`,
  k_of: `fn k_of(nu: f32, x: f32, scaled: bool) -> f32 {
  if (is_nan(x) || x < 0.0) { return nan(x); }
  if (x == 0.0) { return inf(1.0); }
  if (x > 2.0) { return scaled_k(nu, x) * select(f_exp(-x), 1.0, scaled); }
  let z = 0.25 * x * x;
  var t0 = 1.0; var t1 = 0.5 * x; var i0 = 1.0; var i1 = t1; var s0 = 0.0; var s1 = t1; var harmonic = 0.0;
  for (var k = 1.0; k < 9.0; k = k + 1.0) {
    t0 = t0 * z / (k * k); t1 = t1 * z / (k * (k + 1.0));
    i0 = i0 + t0; i1 = i1 + t1;
    harmonic = harmonic + 1.0 / k;
    s0 = s0 + harmonic * t0; s1 = s1 + (2.0 * harmonic + 1.0 / (k + 1.0)) * t1;
  }
  let l = f_log(0.5 * x) + 0.577215665;
  return select(s0 - l * i0, 1.0 / x + l * i1 - 0.5 * s1, nu > 0.5) * select(1.0, f_exp(x), scaled);
}`,
  f_k0: 'fn f_k0(x: f32) -> f32 { return k_of(0.0, x, false); }',
  f_k0e: 'fn f_k0e(x: f32) -> f32 { return k_of(0.0, x, true); }',
  f_k1: 'fn f_k1(x: f32) -> f32 { return k_of(1.0, x, false); }',
  f_k1e: 'fn f_k1e(x: f32) -> f32 { return k_of(1.0, x, true); }',
  // J₀, J₁, Y₀, Y₁ of x > 0.
  bessel_series: `fn bessel_series(x: f32) -> vec4<f32> {
  let z = 0.25 * x * x;
  var t0 = 1.0; var t1 = 0.5 * x; var j0 = 1.0; var j1 = t1; var s0 = 0.0; var s1 = t1; var harmonic = 0.0;
  for (var k = 1.0; k < 9.0; k = k + 1.0) {
    t0 = -t0 * z / (k * k); t1 = -t1 * z / (k * (k + 1.0));
    j0 = j0 + t0; j1 = j1 + t1;
    harmonic = harmonic + 1.0 / k;
    s0 = s0 + harmonic * t0; s1 = s1 + (2.0 * harmonic + 1.0 / (k + 1.0)) * t1;
  }
  let l = f_log(0.5 * x) + 0.577215665;
  return vec4<f32>(j0, j1, 0.636619772 * (l * j0 - s0), (2.0 * l * j1 - s1 - 2.0 / x) * 0.318309886);
}`,
  bessel_recurrence: `fn bessel_recurrence(x: f32) -> vec4<f32> {
  var above = 0.0; var here = 1.0e-25; var norm = 0.0; var even = 0.0; var odd = 0.0;
  for (var n = 2 * i32(0.625 * x + 9.0); n > 0; n = n - 1) {
    let half = n >> 1u;
    let k = f32(half);
    let signed = select(here, -here, (half & 1) == 1);
    if ((n & 1) == 0) { norm = norm + 2.0 * here; even = even + signed / k; }
    else if (half > 0) { odd = odd + (2.0 * k + 1.0) * signed / (k * (k + 1.0)); }
    let below = 2.0 * f32(n) / x * here - above;
    above = here; here = below;
  }
  norm = norm + here;
  let j0 = here / norm; let j1 = above / norm;
  let l = f_log(0.5 * x) + 0.577215665;
  return vec4<f32>(j0, j1, 0.636619772 * (l * j0 - 2.0 * even / norm), 0.636619772 * ((l - 1.0) * j1 - j0 / x - odd / norm));
}`,
  bessel_hankel: `fn bessel_hankel(nu: f32, x: f32) -> vec2<f32> {
  var t = 1.0; var p = 1.0; var q = 0.0;
  for (var k = 1; k < 12; k = k + 1) {
    let odd = 2.0 * f32(k) - 1.0;
    t = t * (4.0 * nu * nu - odd * odd) / (8.0 * f32(k) * x);
    let signed = select(t, -t, (k & 2) != 0);
    if ((k & 1) == 0) { p = p + signed; } else { q = q + signed; }
  }
  return vec2<f32>(p, q);
}`,
  bessel_orders: `fn bessel_orders(x: f32) -> vec4<f32> {
  if (x <= 2.0) { return bessel_series(x); }
  if (x <= 12.0) { return bessel_recurrence(x); }
  let a = bessel_hankel(0.0, x); let b = bessel_hankel(1.0, x);
  let s = f_sin(x); let c = f_cos(x);
  let sum = c + s; let difference = s - c;
  return vec4<f32>(a.x * sum - a.y * difference, b.x * difference + b.y * sum, a.x * difference + a.y * sum, b.y * difference - b.x * sum) * (0.564189584 / sqrt(x));
}`,
  f_j0: 'fn f_j0(x: f32) -> f32 { if (is_nan(x) || is_inf(x)) { return nan(x); } if (x == 0.0) { return 1.0; } return bessel_orders(abs(x)).x; }',
  f_j1: 'fn f_j1(x: f32) -> f32 { if (is_nan(x) || is_inf(x)) { return nan(x); } if (x == 0.0) { return x; } return sign(x) * bessel_orders(abs(x)).y; }',
  f_y0: 'fn f_y0(x: f32) -> f32 { if (is_nan(x) || is_inf(x) || x < 0.0) { return nan(x); } if (x == 0.0) { return inf(-1.0); } return bessel_orders(x).z; }',
  f_y1: 'fn f_y1(x: f32) -> f32 { if (is_nan(x) || is_inf(x) || x < 0.0) { return nan(x); } if (x == 0.0) { return inf(-1.0); } return bessel_orders(x).w; }',
  airy_point: `fn airy_point(center: i32) -> vec2<f32> {
  switch (center) {
    case -2: { return vec2<f32>(0.227407428, 0.618259021); }
    case -3: { return vec2<f32>(-0.378814294, 0.314583769); }
    case -4: { return vec2<f32>(-0.0702655329, -0.790628575); }
    case -5: { return vec2<f32>(0.350761009, 0.327192819); }
    case -6: { return vec2<f32>(-0.329145174, 0.345935487); }
    default: { return vec2<f32>(0.355028054, -0.258819404); }
  }
}`,
  airy_taylor: `fn airy_taylor(x: f32) -> vec2<f32> {
  let center = select(i32(round(x)), 0, x >= -1.5);
  let c = f32(center); let h = x - c;
  let start = airy_point(center);
  var before = 0.0; var a = start.x; var next = start.y; var value = a; var slope = 0.0; var power = 1.0;
  for (var n = 0.0; n < 18.0; n = n + 1.0) {
    slope = slope + (n + 1.0) * next * power;
    power = power * h;
    value = value + next * power;
    let after = (c * a + before) / ((n + 1.0) * (n + 2.0));
    before = a; a = next; next = after;
  }
  return vec2<f32>(value, slope);
}`,
  airy_far: `fn airy_far(x: f32) -> vec2<f32> {
  let root = sqrt(-x); let zeta = -0.666666667 * x * root;
  if (is_inf(zeta)) { return vec2<f32>(0.0, 0.0); }
  var t = 1.0; var u0 = 1.0; var u1 = 0.0; var v0 = 1.0; var v1 = 0.0;
  for (var k = 1; k < 12; k = k + 1) {
    let n = f32(k);
    t = t * ((6.0 * n - 5.0) * (6.0 * n - 3.0) * (6.0 * n - 1.0)) / (216.0 * n * (2.0 * n - 1.0) * zeta);
    let signed = select(t, -t, (k & 2) != 0);
    let other = -signed * (6.0 * n + 1.0) / (6.0 * n - 1.0);
    if ((k & 1) == 0) { u0 = u0 + signed; v0 = v0 + other; } else { u1 = u1 + signed; v1 = v1 + other; }
  }
  let s = f_sin(zeta); let c = f_cos(zeta);
  return vec2<f32>(((c + s) * u0 + (s - c) * u1) / sqrt(root), ((s - c) * v0 - (c + s) * v1) * sqrt(root)) * 0.398942280;
}`,
  airy: `fn airy(x: f32) -> vec2<f32> {
  if (is_nan(x) || is_inf(x)) { return vec2<f32>(nan(x), nan(x)); }
  if (x >= -6.5 && x <= 1.5) { return airy_taylor(x); }
  if (x < 0.0) { return airy_far(x); }
  let zeta = 0.666666667 * x * sqrt(x);
  return vec2<f32>(sqrt(x) * scaled_k(0.333333333, zeta), -x * scaled_k(0.666666667, zeta)) * (f_exp(-zeta) * 0.183776298);
}`,
  f_airy_ai: 'fn f_airy_ai(x: f32) -> f32 { return airy(x).x; }',
  f_airy_ai_prime: 'fn f_airy_ai_prime(x: f32) -> f32 { return airy(x).y; }',
  hurwitz: `fn hurwitz(s: f32, q: f32) -> f32 {
  var x = q; var sum = 0.0;
  for (var k = 0; k < 32 && x < 9.0; k = k + 1) { sum = sum + f_pow(x, -s); x = x + 1.0; }
  let power = f_pow(x, -s);
  let y = 1.0 / (x * x);
  let a = s * power / x;
  let b = a * (s + 1.0) * (s + 2.0) * y;
  let c = b * (s + 3.0) * (s + 4.0) * y;
  return sum + x * power / (s - 1.0) + 0.5 * power + a / 12.0 - b / 720.0 + c / 30240.0;
}`,
  f_zeta: `fn f_zeta(s: f32, q: f32) -> f32 {
  if (s == 1.0) { return inf(1.0); }
  if (is_nan(s) || is_nan(q) || s < 1.0) { return nan(s); }
  if (q > 0.0) { if (is_inf(q)) { return 0.0; } return hurwitz(s, q); }
  if (floor(q) == q) { return inf(1.0); }
  if (floor(s) != s) { return nan(s); }
  if (q > -20.0) { return hurwitz(s, q); }
  let rest = q - floor(q);
  let other = hurwitz(s, 1.0 - rest) - hurwitz(s, 1.0 - q);
  return hurwitz(s, rest) + select(-other, other, s - 2.0 * floor(0.5 * s) == 0.0);
}`,
  // x^a e^-x / Γ(a); from 8 on by Stirling's formula, whose large terms cancel before they are rounded.
  gamma_factor: `fn gamma_factor(a: f32, x: f32) -> f32 {
  if (a < 8.0) { return f_exp(a * f_log(x) - x - f_lgamma(a)); }
  let r = (x - a) / a;
  var l: f32;
  if (abs(r) > 0.1) { l = f_log1p(r) - r; } else { l = -r * r * (0.5 - r * (0.333333333 - r * (0.25 - r * (0.2 - r * (0.166666667 - r * 0.142857143))))); }
  return f_exp(a * l - (0.0833333333 - 0.00277777778 / (a * a)) / a) * sqrt(a * 0.159154943);
}`,
  gamma_lower: `fn gamma_lower(a: f32, x: f32) -> f32 {
  var t = 1.0 / a; var s = t;
  for (var k = 1.0; k < 10000.0; k = k + 1.0) { t = t * x / (a + k); s = s + t; if (t <= s * 1.0e-8) { break; } }
  return gamma_factor(a, x) * s;
}`,
  gamma_upper: `fn gamma_upper(a: f32, x: f32) -> f32 {
  var b = x + 1.0 - a; var c = 1.0e30; var d = 1.0 / b; var p = d;
  for (var k = 1.0; k < 10000.0; k = k + 1.0) {
    let step = k * (a - k);
    b = b + 2.0;
    d = 1.0 / (step * d + b); c = b + step / c;
    let change = c * d;
    p = p * change;
    if (abs(change - 1.0) < 1.0e-7) { break; }
  }
  return gamma_factor(a, x) * p;
}`,
  gamma_share: `fn gamma_share(a: f32, x: f32, upper: bool) -> f32 {
  let zero = select(0.0, 1.0, upper); let one = 1.0 - zero;
  if (is_nan(a) || is_nan(x) || a < 0.0 || x < 0.0) { return nan(a); }
  if (a == 0.0) { if (x > 0.0) { return one; } return nan(a); }
  if (x == 0.0) { return zero; }
  if (is_inf(a)) { if (is_inf(x)) { return nan(a); } return zero; }
  if (is_inf(x)) { return one; }
  if (x < a + 1.0) { let low = gamma_lower(a, x); return select(low, 1.0 - low, upper); }
  let high = gamma_upper(a, x);
  return select(1.0 - high, high, upper);
}`,
  f_igamma: 'fn f_igamma(a: f32, x: f32) -> f32 { return gamma_share(a, x, false); }',
  f_igammac: 'fn f_igammac(a: f32, x: f32) -> f32 { return gamma_share(a, x, true); }',
  // -1 for what is no degree. Recurrences end at a million steps, since a kernel that runs for seconds loses the device.
  degree_of: 'fn degree_of(n: f32) -> f32 { if (is_nan(n) || n >= 9.2e18) { return -1.0; } return trunc(n); }',
  f_chebyshev: `fn f_chebyshev(x: f32, n: f32, kind: f32) -> f32 {
  let d = degree_of(n);
  if (d < 0.0) { return 0.0; }
  if (d == 0.0) { return 1.0; }
  if (is_nan(x)) { return x; }
  let a = abs(x);
  if (a == 1.0) {
    var size = 2.0 * d + 1.0;
    if (kind == 1.0 || kind == select(4.0, 3.0, x > 0.0)) { size = 1.0; } else if (kind == 2.0) { size = d + 1.0; }
    return select(-size, size, x > 0.0 || d - 2.0 * floor(0.5 * d) == 0.0);
  }
  if (d > 8.0 && a < 1.0) {
    let theta = f_acos(x);
    if (kind == 1.0) { return f_cos(d * theta); }
    if (kind == 2.0) { return f_sin((d + 1.0) * theta) / f_sin(theta); }
    let angle = (d + 0.5) * theta;
    if (kind == 3.0) { return f_cos(angle) / f_cos(0.5 * theta); }
    return f_sin(angle) / f_sin(0.5 * theta);
  }
  var before = 1.0; var here = select(2.0 * x, x, kind == 1.0);
  if (kind == 3.0) { here = here - 1.0; } else if (kind == 4.0) { here = here + 1.0; }
  for (var k = 1.0; k < min(d, 1.0e6) && !is_nan(here); k = k + 1.0) { let next = 2.0 * x * here - before; before = here; here = next; }
  return here;
}`,
  f_gegenbauer: `fn f_gegenbauer(x: f32, n: f32, lambda: f32) -> f32 {
  let d = degree_of(n);
  if (d < 0.0) { return 0.0; }
  if (d == 0.0) { return 1.0; }
  var before = 1.0; var here = 2.0 * lambda * x;
  for (var k = 1.0; k < min(d, 1.0e6) && !is_nan(here); k = k + 1.0) { let next = (2.0 * (k + lambda) * x * here - (k + 2.0 * lambda - 1.0) * before) / (k + 1.0); before = here; here = next; }
  return here;
}`,
  f_hermite: `fn f_hermite(x: f32, n: f32, scale: f32) -> f32 {
  let d = degree_of(n);
  if (d < 0.0) { return 0.0; }
  if (d == 0.0) { return 1.0; }
  var before = 1.0; var here = scale * x;
  for (var k = 1.0; k < min(d, 1.0e6) && !is_nan(here); k = k + 1.0) { let next = scale * (x * here - k * before); before = here; here = next; }
  return here;
}`,
  f_laguerre: `fn f_laguerre(x: f32, n: f32, alpha: f32) -> f32 {
  let d = degree_of(n);
  if (d < 0.0) { return 0.0; }
  if (d == 0.0) { return 1.0; }
  var before = 1.0; var here = 1.0 + alpha - x;
  for (var k = 1.0; k < min(d, 1.0e6) && !is_nan(here); k = k + 1.0) { let next = ((2.0 * k + 1.0 + alpha - x) * here - (k + alpha) * before) / (k + 1.0); before = here; here = next; }
  return here;
}`,
};
