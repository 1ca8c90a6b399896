/**
 * @file What the IR's functions are for complex numbers, in real nodes. Branch cuts, signed zeros and infinities are
 * those of C99's Annex G, as in PyTorch (of NaN beside an infinity there may be two NaNs). Formulas are chosen so that nothing overflows or cancels before the result
 * does; sources: W. Kahan, "Branch Cuts for Complex Elementary Functions" (1987), for the inverse functions, square
 * root and tangent; R. L. Smith, "Algorithm 116: Complex division" (1962).
 */
import { call, Expr, type ScalarFunction } from './expr.ts';

/** A complex value; `im` is null for one that is real by construction, such as a constant or a magnitude. */
export interface Pair {
  readonly re: Expr;
  readonly im: Expr | null;
}

const infinity = Number.POSITIVE_INFINITY;
const one = Expr.const(1);
const zero = Expr.const(0);

/** The imaginary part of a value that may be real. */
export const imagOf = (z: Pair): Expr => z.im ?? zero;

// Products and sums that keep what IEEE 754 makes of 0 · ∞ and −0 + 0; Expr's own methods fold constants.
const times = (a: Expr, b: Expr): Expr => call('mul', a, b);
const plus = (a: Expr, b: Expr): Expr => call('add', a, b);
const minus = (a: Expr, b: Expr): Expr => call('sub', a, b);
const negated = (x: Expr): Expr => call('neg', x);

/** x · y where a y of 0 beats an infinite x: sinh(∞) · sin(0) is 0, with the product's sign. */
const damped = (x: Expr, y: Expr): Expr => y.eq(0).where(times(call('copysign', 1, x), y), times(x, y));

const pair = (re: Expr, im: Expr): Pair => ({ re, im });
/** i · z and −i · z. */
const turned = (z: Pair): Pair => pair(negated(imagOf(z)), z.re);
const turnedBack = (z: Pair): Pair => pair(imagOf(z), negated(z.re));
const scaled = (z: Pair, factor: number): Pair => pair(z.re.mul(factor), imagOf(z).mul(factor));

function negate(z: Pair): Pair {
  return { re: negated(z.re), im: z.im && negated(z.im) };
}

function add(z: Pair, w: Pair): Pair {
  return { re: plus(z.re, w.re), im: z.im && w.im ? plus(z.im, w.im) : (z.im ?? w.im) };
}

function subtract(z: Pair, w: Pair): Pair {
  return { re: minus(z.re, w.re), im: w.im === null ? z.im : z.im === null ? negated(w.im) : minus(z.im, w.im) };
}

function multiply(z: Pair, w: Pair): Pair {
  if (z.im === null) return { re: times(z.re, w.re), im: w.im && times(z.re, w.im) };
  if (w.im === null) return pair(times(z.re, w.re), times(z.im, w.re));
  return pair(minus(times(z.re, w.re), times(z.im, w.im)), plus(times(z.re, w.im), times(z.im, w.re)));
}

/** Smith's division: by the greater part of the divisor first. A divisor of 0 gives infinities and NaN. */
function divide(z: Pair, w: Pair): Pair {
  if (w.im === null) return { re: call('div', z.re, w.re), im: z.im && call('div', z.im, w.re) };
  const [a, b, c, d] = [z.re, imagOf(z), w.re, w.im];
  const wide = call('abs', c).ge(call('abs', d));
  const nothing = c.eq(0).and(d.eq(0));
  const [major, minor] = [wide.where(c, d), wide.where(d, c)];
  const ratio = nothing.where(0, call('div', minor, major));
  const divisor = nothing.where(call('abs', c), plus(major, times(minor, ratio)));
  const re = wide.where(plus(a, times(b, ratio)), plus(times(a, ratio), b));
  const im = wide.where(minus(b, times(a, ratio)), minus(times(b, ratio), a));
  return pair(call('div', re, divisor), call('div', im, divisor));
}

const magnitude = (z: Pair): Expr => (z.im === null ? call('abs', z.re) : call('hypot', z.re, z.im));

/** e^a cos b + i e^a sin b; the power in two halves, because it may overflow where its product with a sine does not. */
function exponential(z: Pair): Pair {
  const [a, b] = [z.re, imagOf(z)];
  const half = call('exp', a.mul(0.5));
  const part = (wave: Expr): Expr => damped(half, damped(half, wave));
  // e^−∞ is 0 even where there is no direction; a number without imaginary part keeps none.
  const vanishes = a.eq(-infinity).and(b.sub(b).ne(0));
  return pair(
    vanishes.where(0, b.eq(0).where(call('exp', a), part(call('cos', b)))),
    vanishes.where(0, b.eq(0).where(b, part(call('sin', b)))),
  );
}

/** log |z|, precise where that is near 0. */
function logMagnitude(a: Expr, b: Expr): Expr {
  const [x, y] = [call('abs', a), call('abs', b)];
  const [major, minor] = [x.ge(y).where(x, y), x.ge(y).where(y, x)];
  const nearOne = major.gt(0.5).and(major.lt(2));
  const near = call('log1p', plus(times(major.sub(1), major.add(1)), times(minor, minor))).mul(0.5);
  return nearOne.where(near, call('log', call('hypot', a, b)));
}

const logarithm = (z: Pair): Pair => pair(logMagnitude(z.re, imagOf(z)), call('atan2', imagOf(z), z.re));

/** log(1 + z) without forming 1 + z where z is small. */
function logOnePlus(z: Pair): Pair {
  const [a, b] = [z.re, imagOf(z)];
  const small = call('abs', a).lt(0.5).and(call('abs', b).lt(0.5));
  const near = call('log1p', plus(times(a, a.add(2)), times(b, b))).mul(0.5);
  return pair(small.where(near, logMagnitude(a.add(1), b)), call('atan2', b, a.add(1)));
}

/** e^a cos b − 1 = expm1(a) cos b − 2 sin²(b/2). */
function exponentialLessOne(z: Pair): Pair {
  const [a, b] = [z.re, imagOf(z)];
  const half = call('sin', b.mul(0.5));
  const re = damped(call('expm1', a), call('cos', b)).sub(times(half, half).mul(2));
  return pair(b.eq(0).where(call('expm1', a), re), imagOf(exponential(z)));
}

/** With t = √((|a| + |z|) / 2): t + i b/2t, or the same turned for a < 0. Quarters keep |z| from overflowing. */
function root(z: Pair): Pair {
  const [a, b] = [z.re, imagOf(z)];
  const quarter = plus(call('abs', a).mul(0.25), call('hypot', a.mul(0.25), b.mul(0.25)));
  const t = call('sqrt', quarter.mul(2));
  const other = call('div', b.mul(0.5), t);
  const left = a.lt(0);
  const nothing = t.eq(0);
  const endless = call('abs', b).eq(infinity);
  return pair(
    endless.where(infinity, nothing.where(0, left.where(call('abs', other), t))),
    endless.where(b, nothing.where(b, left.where(call('copysign', t, b), other))),
  );
}

const sineH = (z: Pair): Pair => {
  const [a, b] = [z.re, imagOf(z)];
  return pair(damped(call('cos', b), call('sinh', a)), damped(call('cosh', a), call('sin', b)));
};

const cosineH = (z: Pair): Pair => {
  const [a, b] = [z.re, imagOf(z)];
  return pair(times(call('cosh', a), call('cos', b)), damped(call('sinh', a), call('sin', b)));
};

/** (sinh a cosh a + i sin b cos b) / (sinh² a + cos² b); far from the imaginary axis what is left of it. */
function tangentH(z: Pair): Pair {
  const [a, b] = [z.re, imagOf(z)];
  const far = call('abs', a).gt(20);
  const near = far.where(0, a);
  const [s, c] = [call('sinh', near), call('cosh', near)];
  const [sine, cosine] = [call('sin', b), call('cos', b)];
  const divisor = plus(times(s, s), times(cosine, cosine));
  const wave = times(sine, cosine);
  const decay = call('exp', call('abs', a).mul(-2)).mul(4);
  const endless = call('abs', a).eq(infinity);
  const finite = b.abs().lt(Number.POSITIVE_INFINITY);
  const trace = endless.where(finite.where(call('copysign', 0, wave), call('copysign', 0, b)), times(wave, decay));
  return pair(
    // A NaN of the trace is one of the whole.
    far.where(plus(call('copysign', 1, a), times(trace, zero)), call('div', times(s, c), divisor)),
    far.where(trace, b.eq(0).where(b, call('div', wave, divisor))),
  );
}

/** √(1 − z) and √(1 + z), the parts that the inverse functions are made of. */
const roots = (z: Pair): readonly [Pair, Pair] => {
  const b = imagOf(z);
  return [root(pair(call('sub', 1, z.re), negated(b))), root(pair(call('add', 1, z.re), b))];
};

/** A value for numbers with an infinite part, and one for the others. */
function atInfinity(z: Pair, there: Pair, elsewhere: Pair): Pair {
  const endless = call('abs', z.re)
    .eq(infinity)
    .or(call('abs', imagOf(z)).eq(infinity));
  return pair(endless.where(there.re, elsewhere.re), endless.where(imagOf(there), imagOf(elsewhere)));
}

function arcsine(z: Pair): Pair {
  const [left, right] = roots(z);
  const b = imagOf(z);
  return atInfinity(
    z,
    pair(call('atan2', z.re, call('abs', b)), call('copysign', infinity, b)),
    pair(
      call('atan2', z.re, minus(times(left.re, right.re), times(imagOf(left), imagOf(right)))),
      call('asinh', minus(times(left.re, imagOf(right)), times(imagOf(left), right.re))),
    ),
  );
}

function arccosine(z: Pair): Pair {
  const [left, right] = roots(z);
  const b = imagOf(z);
  return atInfinity(
    z,
    pair(call('atan2', call('abs', b), z.re), call('copysign', infinity, negated(b))),
    pair(
      call('atan2', left.re, right.re).mul(2),
      call('asinh', minus(times(right.re, imagOf(left)), times(imagOf(right), left.re))),
    ),
  );
}

function arccosineH(z: Pair): Pair {
  const b = imagOf(z);
  const [left, right] = [root(pair(z.re.sub(1), b)), root(pair(z.re.add(1), b))];
  return atInfinity(
    z,
    pair(Expr.const(infinity), call('atan2', b, z.re)),
    pair(
      call('asinh', plus(times(left.re, right.re), times(imagOf(left), imagOf(right)))),
      call('atan2', imagOf(left), right.re).mul(2),
    ),
  );
}

/**
 * ¼ log1p(4a / ((1 − a)² + b²)) + ½ i atan2(2b, (1 − a)(1 + a) − b²); far out 1/z ± iπ/2, and near the poles by the
 * logarithm of the distance, whose square would be 0.
 */
function arctangentH(z: Pair): Pair {
  const [a, b] = [z.re, imagOf(z)];
  const [below, above] = [call('sub', 1, a), call('add', 1, a)];
  const x = call('abs', a);
  const rest = call('sub', 1, x);
  const square = plus(times(rest, rest), times(b, b));
  const pole = call('log', call('hypot', rest, b))
    .mul(-0.5)
    .add(Math.LN2 / 2);
  // By |a| and with the sign put back: log1p near −1 would lose digits.
  const growth = square.lt(1e-290).where(pole, call('log1p', call('div', x.mul(4), square)).mul(0.25));
  const size = call('hypot', a, b);
  const inverse = (part: Expr): Expr =>
    size.eq(infinity).where(call('copysign', 0, part), call('div', call('div', part, size), size));
  const far = size.gt(1e8);
  return pair(
    far.where(inverse(a), call('copysign', growth, a)),
    far.where(
      minus(call('copysign', Math.PI / 2, b), inverse(b)),
      call('atan2', b.mul(2), minus(times(below, above), times(b, b))).mul(0.5),
    ),
  );
}

/** 1 / (1 + e^−z), by the power that does not overflow. */
function logistic(z: Pair): Pair {
  const right = z.re.ge(0);
  const w = exponential(pair(call('abs', z.re).neg(), right.where(negated(imagOf(z)), imagOf(z))));
  const top = pair(right.where(1, w.re), right.where(0, imagOf(w)));
  return divide(top, pair(w.re.add(1), imagOf(w)));
}

/** e^(w log z); 1 for an exponent of 0, and 0 for a base of 0 with an exponent to the right of the imaginary axis. */
function power(z: Pair, w: Pair): Pair {
  const value = exponential(multiply(w, logarithm(z)));
  const unit = w.re.eq(0).and(imagOf(w).eq(0));
  const vanishes = z.re.eq(0).and(imagOf(z).eq(0)).and(w.re.gt(0));
  return pair(unit.where(1, vanishes.where(0, value.re)), unit.or(vanishes).where(0, imagOf(value)));
}

/** z / |z|, 0 at 0. */
function direction(z: Pair): Pair {
  const size = magnitude(z);
  const nothing = size.eq(0);
  return pair(nothing.where(0, call('div', z.re, size)), nothing.where(0, call('div', imagOf(z), size)));
}

const real = (re: Expr): Pair => ({ re, im: null });
const reciprocal = (z: Pair): Pair => divide(real(one), z);

/** The functions that complex numbers have; comparisons and choices are in complex.ts. */
export const complexTable: Partial<Record<ScalarFunction, (...args: [Pair, Pair]) => Pair>> = {
  neg: negate,
  add,
  sub: subtract,
  mul: multiply,
  div: divide,
  pow: power,
  reciprocal,
  sqrt: root,
  rsqrt: (z) => reciprocal(root(z)),
  exp: exponential,
  exp2: (z) => exponential(scaled(z, Math.LN2)),
  expm1: exponentialLessOne,
  log: logarithm,
  log2: (z) => scaled(logarithm(z), Math.LOG2E),
  log10: (z) => scaled(logarithm(z), Math.LOG10E),
  log1p: logOnePlus,
  sin: (z) => turnedBack(sineH(turned(z))),
  cos: (z) => cosineH(turned(z)),
  tan: (z) => turnedBack(tangentH(turned(z))),
  asin: arcsine,
  acos: arccosine,
  atan: (z) => turnedBack(arctangentH(turned(z))),
  sinh: sineH,
  cosh: cosineH,
  tanh: tangentH,
  asinh: (z) => turnedBack(arcsine(turned(z))),
  acosh: arccosineH,
  atanh: arctangentH,
  sigmoid: logistic,
  abs: (z) => real(magnitude(z)),
  sgn: direction,
  conj: (z) => ({ re: z.re, im: z.im && negated(z.im) }),
  real: (z) => real(z.re),
  imag: (z) => real(imagOf(z)),
  angle: (z) => real(call('atan2', imagOf(z), z.re)),
  complex: (a, b) => pair(a.re, b.re),
};
