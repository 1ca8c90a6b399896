/** @file Special functions in WGSL, in single precision; library.ts takes them in by name. */

/** Horner's scheme, from the highest coefficient. */
const polynomial = (x: string, coefficients: readonly number[]): string =>
  coefficients.slice(1).reduce((sum, c) => `(${sum} * ${x} + ${c})`, `${coefficients[0]}`);

/** B₂ⱼ / (2j)!, the coefficients of the Euler-Maclaurin formula. */
const eulerMaclaurin = [1 / 12, -1 / 720, 1 / 30_240, -1 / 1_209_600, 1 / 47_900_160] as const;

export const specialLibrary: Readonly<Record<string, string>> = {
  i_gcd: `fn i_gcd(a: i32, b: i32) -> i32 {
  var x = bitcast<u32>(abs(a)); var y = bitcast<u32>(abs(b));
  while (y != 0u) { let rest = x % y; x = y; y = rest; }
  return bitcast<i32>(x);
}`,
  // Iₙ(x) / (x/2)ⁿ for n = 0 and 1, 0 ≤ x ≤ 15: the power series, whose terms are all positive (Abramowitz & Stegun 9.6.10).
  bessel_series: `fn bessel_series(n: f32, x: f32) -> f32 {
  let z = x * x * 0.25;
  var term = 1.0; var sum = 1.0;
  for (var k = 1.0; k < 80.0; k = k + 1.0) {
    term = term * z / (k * (k + n));
    sum = sum + term;
    if (term < sum * 1e-8) { break; }
  }
  return sum;
}`,
  // Iₙ(x) e^−x for x > 15: the asymptotic expansion (9.7.1).
  bessel_asymptotic: `fn bessel_asymptotic(n: f32, x: f32) -> f32 {
  var term = 1.0; var sum = 1.0;
  for (var k = 1.0; k < 12.0; k = k + 1.0) {
    let odd = 2.0 * k - 1.0;
    term = term * (odd * odd - 4.0 * n * n) / (8.0 * k * x);
    sum = sum + term;
  }
  return sum * 0.398942280401433 / sqrt(x);
}`,
  // e^x · y, which may be finite where e^x is not.
  times_exp: `fn times_exp(x: f32, y: f32) -> f32 {
  if (is_inf(x)) { return x; }
  if (x > 176.0) { return inf(1.0); }
  let half = exp(x * 0.5);
  return half * y * half;
}`,
  f_i0: `fn f_i0(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let a = abs(x);
  if (a > 15.0) { if (is_inf(a)) { return a; } return times_exp(a, bessel_asymptotic(0.0, a)); }
  return bessel_series(0.0, a);
}`,
  f_i0e: `fn f_i0e(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let a = abs(x);
  if (a > 15.0) { if (is_inf(a)) { return 0.0; } return bessel_asymptotic(0.0, a); }
  return bessel_series(0.0, a) * exp(-a);
}`,
  f_i1: `fn f_i1(x: f32) -> f32 {
  if (is_nan(x) || is_inf(x)) { return x; }
  let a = abs(x);
  if (a > 15.0) { return f_copysign(times_exp(a, bessel_asymptotic(1.0, a)), x); }
  return x * 0.5 * bessel_series(1.0, a);
}`,
  f_i1e: `fn f_i1e(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let a = abs(x);
  if (a > 15.0) { if (is_inf(a)) { return f_copysign(0.0, x); } return f_copysign(bessel_asymptotic(1.0, a), x); }
  return x * 0.5 * bessel_series(1.0, a) * exp(-a);
}`,
  // e^(x²), from a multiple of 1/16 and the rest, so that rounding x² does not matter.
  exp_square: `fn exp_square(x: f32) -> f32 {
  let h = round(x * 16.0) * 0.0625;
  return exp(h * h) * exp((x - h) * (x + h));
}`,
  // The fit of erfc_large without its e^(−x²).
  f_erfcx: `fn f_erfcx(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (x < -9.5) { return inf(1.0); }
  let a = abs(x);
  let t = 1.0 / (1.0 + 0.5 * a);
  let right = t * exp(${polynomial('t', [0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223])});
  if (x >= 0.0) { return right; }
  let e = 2.0 * exp_square(a);
  return select(e - right, e, is_inf(e));
}`,
  // P. J. Acklam's rational approximations of the normal quantile, relative error 1.2e-9 before rounding.
  ndtri_tail: `fn ndtri_tail(p: f32) -> f32 {
  let q = sqrt(-2.0 * f_log(p));
  return ${polynomial('q', [-0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783])}
    / ${polynomial('q', [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1])};
}`,
  f_ndtri: `fn f_ndtri(p: f32) -> f32 {
  if (is_nan(p) || p < 0.0 || p > 1.0) { return nan(p); }
  if (p == 0.0) { return inf(-1.0); }
  if (p == 1.0) { return inf(1.0); }
  if (p < 0.02425) { return ndtri_tail(p); }
  if (p > 0.97575) { return -ndtri_tail(1.0 - p); }
  let q = p - 0.5; let r = q * q;
  return q * ${polynomial('r', [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239])}
    / ${polynomial('r', [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1])};
}`,
  // Hurwitz's ζ(s, q) = Σ (q + k)^−s: terms up to q + k ≥ 8, the rest by the Euler-Maclaurin formula (23.1.30).
  hurwitz: `fn hurwitz(s: f32, q: f32) -> f32 {
  var sum = 0.0; var x = q;
  for (var k = 0; k < 100000 && x < 8.0; k = k + 1) { sum = sum + f_pow(x, -s); x = x + 1.0; }
  let power = f_pow(x, -s);
  sum = sum + f_pow(x, 1.0 - s) / (s - 1.0) + 0.5 * power;
  var factor = s * (power / x);
  var b = array<f32, 5>(${eulerMaclaurin.join(', ')});
  for (var j = 0; j < 5; j = j + 1) {
    sum = sum + b[j] * factor;
    let next = s + f32(2 * j + 1);
    factor = factor * next * (next + 1.0) / (x * x);
  }
  return sum;
}`,
  f_zeta: `fn f_zeta(s: f32, q: f32) -> f32 {
  if (s == 1.0) { return inf(1.0); }
  if (is_nan(s) || is_nan(q) || s < 1.0) { return nan(s); }
  if (q > 0.0) { if (is_inf(q)) { return 0.0; } return hurwitz(s, q); }
  if (q == floor(q)) { return inf(1.0); }
  if (s != floor(s)) { return nan(s); }
  return hurwitz(s, q);
}`,
  // log(1 + r) − r without cancellation.
  log1p_minus: `fn log1p_minus(r: f32) -> f32 {
  if (abs(r) > 0.2) { return f_log1p(r) - r; }
  var sum = 0.0; var power = -r;
  for (var k = 2.0; k < 14.0; k = k + 1.0) { power = power * -r; sum = sum - power / k; }
  return sum;
}`,
  // x^a e^−x / Γ(a); for larger a by Stirling's formula, so that the large terms cancel before they are rounded.
  gamma_factor: `fn gamma_factor(a: f32, x: f32) -> f32 {
  if (a < 8.0) { return exp(a * f_log(x) - x - f_lgamma(a)); }
  let i = 1.0 / a;
  let stirling = i * (0.0833333333 - i * i * (0.00277777778 - i * i * 0.000793650794));
  let power = a * log1p_minus((x - a) / a) - stirling;
  if (power < -104.0) { return 0.0; }
  return exp(power) * sqrt(a * 0.159154943091895);
}`,
  // The power series of P (6.5.29) where x < a + 1, else the continued fraction of Q (6.5.31) by Lentz's method. x: P, y: Q.
  gamma_parts: `fn gamma_parts(a: f32, x: f32) -> vec2<f32> {
  if (is_nan(a) || is_nan(x) || a < 0.0 || x < 0.0) { return vec2<f32>(nan(a), nan(a)); }
  if (a == 0.0) { if (x > 0.0) { return vec2<f32>(1.0, 0.0); } return vec2<f32>(nan(a), nan(a)); }
  if (x == 0.0) { return vec2<f32>(0.0, 1.0); }
  if (is_inf(a)) { if (is_inf(x)) { return vec2<f32>(nan(a), nan(a)); } return vec2<f32>(0.0, 1.0); }
  if (is_inf(x)) { return vec2<f32>(1.0, 0.0); }
  if (x < a + 1.0) {
    var term = 1.0 / a; var sum = term;
    for (var k = 1.0; k < 10000.0; k = k + 1.0) {
      term = term * x / (a + k);
      sum = sum + term;
      if (term < sum * 3e-8) { break; }
    }
    let p = gamma_factor(a, x) * sum;
    return vec2<f32>(p, 1.0 - p);
  }
  // At least 1 where x ≥ a + 1, if it were not rounded.
  var b = max(x + 1.0 - a, 1.0); var c = 1e30; var d = 1.0 / b; var product = d;
  for (var k = 1.0; k < 10000.0; k = k + 1.0) {
    let step = k * (a - k);
    b = b + 2.0;
    d = 1.0 / (step * d + b);
    c = b + step / c;
    product = product * (c * d);
    if (abs(c * d - 1.0) < 1e-7) { break; }
  }
  let q = gamma_factor(a, x) * product;
  return vec2<f32>(1.0 - q, q);
}`,
  f_igamma: 'fn f_igamma(a: f32, x: f32) -> f32 { return gamma_parts(a, x).x; }',
  f_igammac: 'fn f_igammac(a: f32, x: f32) -> f32 { return gamma_parts(a, x).y; }',
};
