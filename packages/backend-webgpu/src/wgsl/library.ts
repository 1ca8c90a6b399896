/** @file Functions that kernels call. */
import { elementary } from './elementary.ts';
import { specialLibrary } from './specialLibrary.ts';

/** By name. NaN and infinity are made and recognized by bits, which no optimizer may assume away. */
const library: Readonly<Record<string, string>> = {
  ...elementary,
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
  f_max: 'fn f_max(a: f32, b: f32) -> f32 { return select(select(max(a, b), b, is_nan(b)), a, is_nan(a)); }',
  f_min: 'fn f_min(a: f32, b: f32) -> f32 { return select(select(min(a, b), b, is_nan(b)), a, is_nan(a)); }',
  // Exact, as long division of the mantissas: a − b · trunc(a / b) is not.
  f_fmod: `fn f_fmod(a: f32, b: f32) -> f32 {
  if (is_nan(a) || is_nan(b) || is_inf(a) || b == 0.0) { return nan(a); }
  let sign = bitcast<u32>(a) & 0x80000000u;
  let bits_a = bitcast<u32>(a) & 0x7fffffffu;
  let bits_b = bitcast<u32>(b) & 0x7fffffffu;
  if (bits_a < bits_b) { return a; }
  // Subnormal numbers have the exponent 1 without the leading bit.
  var exponent = max(bits_a >> 23u, 1u);
  let least = max(bits_b >> 23u, 1u);
  var rest = (bits_a & 0x7fffffu) | select(0u, 0x800000u, bits_a >= 0x800000u);
  let divisor = (bits_b & 0x7fffffu) | select(0u, 0x800000u, bits_b >= 0x800000u);
  rest = rest % divisor;
  for (; exponent > least; exponent = exponent - 1u) {
    rest = rest << 1u;
    if (rest >= divisor) { rest = rest - divisor; }
  }
  if (rest == 0u) { return bitcast<f32>(sign); }
  let shift = min(countLeadingZeros(rest) - 8u, exponent - 1u);
  rest = rest << shift;
  exponent = exponent - shift;
  return bitcast<f32>(sign | select(rest, ((exponent << 23u) | (rest & 0x7fffffu)), rest >= 0x800000u));
}`,
  f_mod:
    'fn f_mod(a: f32, b: f32) -> f32 { let m = f_fmod(a, b); return select(m, m + b, m != 0.0 && (m < 0.0) != (b < 0.0)); }',
  f_floor_div:
    'fn f_floor_div(a: f32, b: f32) -> f32 { if (b == 0.0) { return a / b; } let m = f_fmod(a, b); var q = (a - m) / b; if (m != 0.0 && (b < 0.0) != (m < 0.0)) { q = q - 1.0; } let f = floor(q); return select(f, f + 1.0, q - f > 0.5); }',
  f_hypot:
    'fn f_hypot(a: f32, b: f32) -> f32 { if (is_inf(a) || is_inf(b)) { return inf(1.0); } if (is_nan(a)) { return a; } if (is_nan(b)) { return b; } let m = max(abs(a), abs(b)); if (m == 0.0) { return m; } let s = a / m; let t = b / m; return m * sqrt(s * s + t * t); }',
  f_copysign:
    'fn f_copysign(x: f32, s: f32) -> f32 { return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(s) & 0x80000000u)); }',
  f_nextafter: `fn f_nextafter(x: f32, y: f32) -> f32 {
  if (is_nan(x)) { return x; } if (is_nan(y)) { return y; } if (x == y) { return y; }
  if (x == 0.0) { return bitcast<f32>(select(0x80000001u, 1u, y > 0.0)); }
  return bitcast<f32>(bitcast<u32>(x) + select(0xffffffffu, 1u, (x < y) == (x > 0.0)));
}`,
  // Taylor series near 0, 1 - erfc elsewhere.
  f_erf:
    'fn f_erf(x: f32) -> f32 { if (is_nan(x)) { return x; } let a = abs(x); var r: f32; if (a < 0.9) { let z = x * x; r = a * 1.1283791671 * (1.0 + z * (-0.33333333333 + z * (0.1 + z * (-0.023809523810 + z * (0.0046296296296 + z * (-0.00075757575758 + z * (0.00010683760684 - z * 0.000013227513228))))))); } else { r = 1.0 - erfc_large(a); } return select(r, -r, x < 0.0); }',
  // e^(-z²): z² in two parts, since its rounding error would be multiplied by its size.
  gauss:
    'fn gauss(z: f32) -> f32 { let head = trunc(z * 16.0) * 0.0625; return f_exp(-head * head) * f_exp(-rounded(z - head) * (z + head)); }',
  erfc_large: 'fn erfc_large(z: f32) -> f32 { if (z > 10.5) { return 0.0; } return erfcx_right(z) * gauss(z); }',
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
  // By reflection below 1/2.
  f_lgamma: `fn f_lgamma(x: f32) -> f32 {
  if (is_nan(x)) { return x; } if (is_inf(x)) { return inf(1.0); }
  if (x <= 0.0 && floor(x) == x) { return inf(1.0); }
  if (x < 0.5) { return 1.14472988584940 - f_log(abs(f_sin(3.14159265358979 * (x - round(x))))) - lgamma_right(1.0 - x); }
  return lgamma_right(x);
}`,
  // From 1/2 on. Next to its zeros, 1 and 2, by the Taylor series about 2, whose coefficients are (ζ(k) - 1) / k.
  lgamma_right: `fn lgamma_right(x: f32) -> f32 {
  if (x > 8.0) { let i = 1.0 / x; let z = i * i; return (x - 0.5) * f_log(x) - x + 0.918938533204673 + i * (0.0833333333 - z * (0.00277777778 - z * 0.000793650794)); }
  if (x < 1.5) { return lgamma_about_2(x - 1.0) - f_log1p(x - 1.0); }
  var y = x; var p = 1.0;
  while (y > 2.5) { y = y - 1.0; p = p * y; }
  return f_log(p) + lgamma_about_2(y - 2.0);
}`,
  lgamma_about_2:
    'fn lgamma_about_2(t: f32) -> f32 { return t * (0.42278433509846714 + t * (0.3224670334241132 + t * (-0.0673523010531981 + t * (0.02058080842778455 + t * (-0.00738555102867398 + t * (0.00289051033074152 + t * (-0.00119275391170326 + t * (0.00050966952474304 + t * (-0.00022315475845358 + t * (0.0000994575127818085 - t * 0.0000449262367381331)))))))))); }',
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
