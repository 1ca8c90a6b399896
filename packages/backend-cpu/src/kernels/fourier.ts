/**
 * @file Discrete Fourier transforms of any length in O(n log n): Stockham's self-sorting algorithm with mixed radices
 * where the length has small factors only, and Bluestein's chirp transform for the others. Double precision.
 */

/**
 * Transforms, in place and without scaling, `lines` lines that lie side by side: element j of line l is at j · lines + l.
 * X[k] = Σ x[j] e^(−2πi jk/n).
 */
export type Transform = (re: Float64Array, im: Float64Array, lines: number) => void;

/** Prime factors up to this are transformed directly. */
const greatestRadix = 13;

/** The radices of a length, or null when it has a prime factor that is too large. Pairs of twos count as one radix 4. */
function radicesOf(n: number): number[] | null {
  const radices: number[] = [];
  let rest = n;
  for (const radix of [4, 2, 3, 5, 7, 11, greatestRadix]) {
    for (; rest % radix === 0; rest /= radix) radices.push(radix);
  }
  return rest === 1 ? radices : null;
}

/** e^(−2πi k/n) for k < n. */
interface Waves {
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

function wavesOf(n: number): Waves {
  const waves = { cos: new Float64Array(n), sin: new Float64Array(n) };
  for (let k = 0; k < n; k++) {
    waves.cos[k] = Math.cos((2 * Math.PI * k) / n);
    waves.sin[k] = -Math.sin((2 * Math.PI * k) / n);
  }
  return waves;
}

/** Lines as their real and imaginary parts. */
interface Lines {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/**
 * One pass: transforms of `length` points, with `width` of them side by side, split into `radix` times as many of
 * length / radix. `turn` is the step among the whole transform's waves that e^(−2πi / length) makes.
 */
type Pass = (from: Lines, to: Lines, length: number, width: number, turn: number, waves: Waves) => void;

// Plain variables rather than destructuring in these loops: V8 makes arrays of the latter.
const pass2: Pass = ({ re: xr, im: xi }, { re: yr, im: yi }, length, width, turn, { cos, sin }) => {
  const half = length / 2;
  for (let p = 0; p < half; p++) {
    const c = cos[p * turn]!;
    const s = sin[p * turn]!;
    const end = (p + 1) * width;
    for (let a = p * width, b = a + half * width, to = 2 * p * width; a < end; a++, b++, to++) {
      const dr = xr[a]! - xr[b]!;
      const di = xi[a]! - xi[b]!;
      yr[to] = xr[a]! + xr[b]!;
      yi[to] = xi[a]! + xi[b]!;
      yr[to + width] = dr * c - di * s;
      yi[to + width] = dr * s + di * c;
    }
  }
};

const pass4: Pass = ({ re: xr, im: xi }, { re: yr, im: yi }, length, width, turn, { cos, sin }) => {
  const quarter = length / 4;
  const step = quarter * width;
  for (let p = 0; p < quarter; p++) {
    const w = p * turn;
    const c1 = cos[w]!;
    const s1 = sin[w]!;
    const c2 = cos[2 * w]!;
    const s2 = sin[2 * w]!;
    const c3 = cos[3 * w]!;
    const s3 = sin[3 * w]!;
    const end = (p + 1) * width;
    for (let a = p * width, to = 4 * p * width; a < end; a++, to++) {
      const b = a + step;
      const c = b + step;
      const d = c + step;
      const sumR = xr[a]! + xr[c]!;
      const sumI = xi[a]! + xi[c]!;
      const difR = xr[a]! - xr[c]!;
      const difI = xi[a]! - xi[c]!;
      const oddR = xr[b]! + xr[d]!;
      const oddI = xi[b]! + xi[d]!;
      // −i · (b − d).
      const turnR = xi[b]! - xi[d]!;
      const turnI = xr[d]! - xr[b]!;
      const r1 = difR + turnR;
      const i1 = difI + turnI;
      const r2 = sumR - oddR;
      const i2 = sumI - oddI;
      const r3 = difR - turnR;
      const i3 = difI - turnI;
      yr[to] = sumR + oddR;
      yi[to] = sumI + oddI;
      yr[to + width] = r1 * c1 - i1 * s1;
      yi[to + width] = r1 * s1 + i1 * c1;
      yr[to + 2 * width] = r2 * c2 - i2 * s2;
      yi[to + 2 * width] = r2 * s2 + i2 * c2;
      yr[to + 3 * width] = r3 * c3 - i3 * s3;
      yi[to + 3 * width] = r3 * s3 + i3 * c3;
    }
  }
};

/** Stores a number times a wave. */
function turned(
  yr: Float64Array,
  yi: Float64Array,
  to: number,
  re: number,
  im: number,
  cos: Float64Array,
  sin: Float64Array,
  w: number,
): void {
  yr[to] = re * cos[w]! - im * sin[w]!;
  yi[to] = re * sin[w]! + im * cos[w]!;
}

// The two odd radices that are usual, with the loops of passOf unrolled.
const sin60 = Math.sqrt(0.75);

const pass3: Pass = ({ re: xr, im: xi }, { re: yr, im: yi }, length, width, turn, { cos, sin }) => {
  const third = length / 3;
  const step = third * width;
  for (let p = 0; p < third; p++) {
    const w = p * turn;
    const end = (p + 1) * width;
    for (let a = p * width, to = 3 * p * width; a < end; a++, to++) {
      const sumR = xr[a + step]! + xr[a + 2 * step]!;
      const sumI = xi[a + step]! + xi[a + 2 * step]!;
      const bR = sin60 * (xi[a + step]! - xi[a + 2 * step]!);
      const bI = sin60 * (xr[a + 2 * step]! - xr[a + step]!);
      const aR = xr[a]! - 0.5 * sumR;
      const aI = xi[a]! - 0.5 * sumI;
      yr[to] = xr[a]! + sumR;
      yi[to] = xi[a]! + sumI;
      turned(yr, yi, to + width, aR + bR, aI + bI, cos, sin, w);
      turned(yr, yi, to + 2 * width, aR - bR, aI - bI, cos, sin, 2 * w);
    }
  }
};

const [cos72, cos144] = [Math.cos((2 * Math.PI) / 5), Math.cos((4 * Math.PI) / 5)];
const [sin72, sin144] = [Math.sin((2 * Math.PI) / 5), Math.sin((4 * Math.PI) / 5)];

const pass5: Pass = ({ re: xr, im: xi }, { re: yr, im: yi }, length, width, turn, { cos, sin }) => {
  const fifth = length / 5;
  const step = fifth * width;
  for (let p = 0; p < fifth; p++) {
    const w = p * turn;
    const end = (p + 1) * width;
    for (let a = p * width, to = 5 * p * width; a < end; a++, to++) {
      const b = a + step;
      const c = b + step;
      const d = c + step;
      const e = d + step;
      const sum1R = xr[b]! + xr[e]!;
      const sum1I = xi[b]! + xi[e]!;
      const sum2R = xr[c]! + xr[d]!;
      const sum2I = xi[c]! + xi[d]!;
      const dif1R = xr[b]! - xr[e]!;
      const dif1I = xi[b]! - xi[e]!;
      const dif2R = xr[c]! - xr[d]!;
      const dif2I = xi[c]! - xi[d]!;
      const a1R = xr[a]! + cos72 * sum1R + cos144 * sum2R;
      const a1I = xi[a]! + cos72 * sum1I + cos144 * sum2I;
      const a2R = xr[a]! + cos144 * sum1R + cos72 * sum2R;
      const a2I = xi[a]! + cos144 * sum1I + cos72 * sum2I;
      const b1R = sin72 * dif1I + sin144 * dif2I;
      const b1I = -sin72 * dif1R - sin144 * dif2R;
      const b2R = sin144 * dif1I - sin72 * dif2I;
      const b2I = -sin144 * dif1R + sin72 * dif2R;
      yr[to] = xr[a]! + sum1R + sum2R;
      yi[to] = xi[a]! + sum1I + sum2I;
      turned(yr, yi, to + width, a1R + b1R, a1I + b1I, cos, sin, w);
      turned(yr, yi, to + 2 * width, a2R + b2R, a2I + b2I, cos, sin, 2 * w);
      turned(yr, yi, to + 3 * width, a2R - b2R, a2I - b2I, cos, sin, 3 * w);
      turned(yr, yi, to + 4 * width, a1R - b1R, a1I - b1I, cos, sin, 4 * w);
    }
  }
};

/**
 * An odd radix. Inputs j and radix − j meet outputs k and radix − k with conjugate waves, so their sum and difference
 * serve both: y = A ∓ iB with A = x₀ + Σ cos · (x_j + x_−j) and B = Σ sin · (x_j − x_−j).
 */
function passOf(radix: number): Pass {
  const half = (radix - 1) / 2;
  const [sumR, sumI] = [new Float64Array(half + 1), new Float64Array(half + 1)];
  const [difR, difI] = [new Float64Array(half + 1), new Float64Array(half + 1)];
  const { cos: c, sin: s } = wavesOf(radix);
  return ({ re: xr, im: xi }, { re: yr, im: yi }, length, width, turn, { cos, sin }) => {
    const part = length / radix;
    const step = part * width;
    for (let p = 0; p < part; p++) {
      const end = (p + 1) * width;
      for (let at = p * width, to = radix * p * width; at < end; at++, to++) {
        const firstR = xr[at]!;
        const firstI = xi[at]!;
        let totalR = firstR;
        let totalI = firstI;
        for (let j = 1; j <= half; j++) {
          const one = at + j * step;
          const other = at + (radix - j) * step;
          sumR[j] = xr[one]! + xr[other]!;
          sumI[j] = xi[one]! + xi[other]!;
          difR[j] = xr[one]! - xr[other]!;
          difI[j] = xi[one]! - xi[other]!;
          totalR += sumR[j]!;
          totalI += sumI[j]!;
        }
        yr[to] = totalR;
        yi[to] = totalI;
        for (let k = 1; k <= half; k++) {
          let aR = firstR;
          let aI = firstI;
          let bR = 0;
          let bI = 0;
          for (let j = 1, w = k; j <= half; j++, w += k) {
            if (w >= radix) w -= radix;
            aR += c[w]! * sumR[j]!;
            aI += c[w]! * sumI[j]!;
            bR -= s[w]! * difI[j]!;
            bI += s[w]! * difR[j]!;
          }
          turned(yr, yi, to + k * width, aR + bR, aI + bI, cos, sin, p * k * turn);
          turned(yr, yi, to + (radix - k) * width, aR - bR, aI - bI, cos, sin, p * (radix - k) * turn);
        }
      }
    }
  };
}

const usualPasses: ReadonlyMap<number, Pass> = new Map([
  [2, pass2],
  [3, pass3],
  [4, pass4],
  [5, pass5],
]);

/** Memory that grows to what was asked for. */
function scratch(): (length: number) => Lines {
  let [re, im] = [new Float64Array(0), new Float64Array(0)];
  return (length) => {
    if (re.length < length) [re, im] = [new Float64Array(length), new Float64Array(length)];
    return { re: re.subarray(0, length), im: im.subarray(0, length) };
  };
}

/** Stockham's algorithm: each pass writes where the next one reads in order. */
function mixedRadix(n: number, radices: readonly number[]): Transform {
  const waves = wavesOf(n);
  const passes = radices.map((radix) => usualPasses.get(radix) ?? passOf(radix));
  const memory = scratch();
  return (re, im, lines) => {
    let from: Lines = { re, im };
    let to = memory(n * lines);
    let [length, turn] = [n, 1];
    for (let i = 0; i < passes.length; i++) {
      passes[i]!(from, to, length, turn * lines, turn, waves);
      [from, to] = [to, from];
      length /= radices[i]!;
      turn *= radices[i]!;
    }
    if (from.re === re) return;
    re.set(from.re);
    im.set(from.im);
  };
}

/**
 * Bluestein's: with jk = (j² + k² − (k − j)²) / 2 the sum is a convolution with a chirp, which transforms of a power of 2
 * compute.
 */
function chirp(n: number): Transform {
  const m = 2 ** Math.ceil(Math.log2(2 * n - 1));
  const inner = mixedRadix(m, radicesOf(m)!);
  const [cos, sin] = [new Float64Array(n), new Float64Array(n)];
  const filter: Lines = { re: new Float64Array(m), im: new Float64Array(m) };
  for (let k = 0; k < n; k++) {
    // e^(−πi k²/n) repeats with 2n, and a small angle is a precise one.
    const angle = (Math.PI * ((k * k) % (2 * n))) / n;
    cos[k] = Math.cos(angle);
    sin[k] = -Math.sin(angle);
    filter.re[k] = filter.re[(m - k) % m] = cos[k]!;
    filter.im[k] = filter.im[(m - k) % m] = -sin[k]!;
  }
  inner(filter.re, filter.im, 1);
  const memory = scratch();
  return (re, im, lines) => {
    const work = memory(m * lines);
    rotate({ re, im }, work, { re: cos, im: sin }, lines, 1);
    work.re.fill(0, n * lines);
    work.im.fill(0, n * lines);
    inner(work.re, work.im, lines);
    rotate(work, work, filter, lines, 1);
    // The inverse transform is the transform with real and imaginary parts exchanged.
    inner(work.im, work.re, lines);
    rotate(work, { re, im }, { re: cos, im: sin }, lines, 1 / m);
  };
}

/** to[k] = from[k] · factors[k] · scale for every line. */
function rotate(from: Lines, to: Lines, factors: Lines, lines: number, scale: number): void {
  const { re: xr, im: xi } = from;
  const { re: yr, im: yi } = to;
  for (let k = 0; k < factors.re.length; k++) {
    const c = factors.re[k]! * scale;
    const s = factors.im[k]! * scale;
    for (let at = k * lines; at < (k + 1) * lines; at++) {
      const re = xr[at]! * c - xi[at]! * s;
      yi[at] = xr[at]! * s + xi[at]! * c;
      yr[at] = re;
    }
  }
}

/** Transforms of the lengths that were asked for last. */
const plans = new Map<number, Transform>();
const mostPlans = 16;

/** The transform of lines of `n` elements. */
export function transformOf(n: number): Transform {
  let plan = plans.get(n);
  if (plan === undefined) {
    const radices = radicesOf(n);
    plan = radices === null ? chirp(n) : mixedRadix(n, radices);
    if (plans.size >= mostPlans) plans.delete(plans.keys().next().value!);
    plans.set(n, plan);
  }
  return plan;
}
