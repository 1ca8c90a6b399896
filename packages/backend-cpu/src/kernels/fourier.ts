/**
 * @file Discrete Fourier transforms of one line, of any length in O(n log n): Stockham's self-sorting algorithm with
 * mixed radices where the length has small factors only, and Bluestein's chirp transform for the others. Double precision.
 */

/** A transform in place, without scaling: X[k] = Σ x[j] e^(−2πi jk/n). */
export type Transform = (re: Float64Array, im: Float64Array) => void;

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

interface Waves {
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

/** e^(−2πi k/n) for k < n. */
function wavesOf(n: number): Waves {
  const waves = { cos: new Float64Array(n), sin: new Float64Array(n) };
  for (let k = 0; k < n; k++) {
    waves.cos[k] = Math.cos((2 * Math.PI * k) / n);
    waves.sin[k] = -Math.sin((2 * Math.PI * k) / n);
  }
  return waves;
}

/** A line as its real and imaginary parts. */
type Line = readonly [re: Float64Array, im: Float64Array];

/**
 * One pass: `length`-point transforms, `stride` of them side by side, split into `radix` ones of length / radix. Twiddle
 * factors are those of the whole transform, every `stride`-th of which belongs to this length.
 */
type Pass = (from: Line, to: Line, length: number, stride: number, waves: Waves) => void;

const pass2: Pass = ([xr, xi], [yr, yi], length, stride, { cos, sin }) => {
  const half = length / 2;
  for (let p = 0; p < half; p++) {
    const [c, s] = [cos[p * stride]!, sin[p * stride]!];
    for (let q = 0; q < stride; q++) {
      const [a, b] = [q + stride * p, q + stride * (p + half)];
      const [ar, ai, br, bi] = [xr[a]!, xi[a]!, xr[b]!, xi[b]!];
      const to = q + stride * 2 * p;
      const [dr, di] = [ar - br, ai - bi];
      yr[to] = ar + br;
      yi[to] = ai + bi;
      yr[to + stride] = dr * c - di * s;
      yi[to + stride] = dr * s + di * c;
    }
  }
};

const pass4: Pass = ([xr, xi], [yr, yi], length, stride, { cos, sin }) => {
  const quarter = length / 4;
  for (let p = 0; p < quarter; p++) {
    const w = p * stride;
    const [c1, s1, c2, s2, c3, s3] = [cos[w]!, sin[w]!, cos[2 * w]!, sin[2 * w]!, cos[3 * w]!, sin[3 * w]!];
    for (let q = 0; q < stride; q++) {
      const a = q + stride * p;
      const b = a + stride * quarter;
      const c = b + stride * quarter;
      const d = c + stride * quarter;
      const to = q + stride * 4 * p;
      const [sumR, sumI, difR, difI] = [xr[a]! + xr[c]!, xi[a]! + xi[c]!, xr[a]! - xr[c]!, xi[a]! - xi[c]!];
      const [oddR, oddI] = [xr[b]! + xr[d]!, xi[b]! + xi[d]!];
      // −i · (b − d).
      const [turnR, turnI] = [xi[b]! - xi[d]!, xr[d]! - xr[b]!];
      yr[to] = sumR + oddR;
      yi[to] = sumI + oddI;
      const [r1, i1, r2, i2, r3, i3] = [
        difR + turnR,
        difI + turnI,
        sumR - oddR,
        sumI - oddI,
        difR - turnR,
        difI - turnI,
      ];
      yr[to + stride] = r1 * c1 - i1 * s1;
      yi[to + stride] = r1 * s1 + i1 * c1;
      yr[to + 2 * stride] = r2 * c2 - i2 * s2;
      yi[to + 2 * stride] = r2 * s2 + i2 * c2;
      yr[to + 3 * stride] = r3 * c3 - i3 * s3;
      yi[to + 3 * stride] = r3 * s3 + i3 * c3;
    }
  }
};

/** Any radix, by the definition. */
const passOf =
  (radix: number): Pass =>
  ([xr, xi], [yr, yi], length, stride, { cos, sin }) => {
    const part = length / radix;
    const whole = cos.length;
    const turn = whole / radix;
    for (let p = 0; p < part; p++) {
      for (let k = 0; k < radix; k++) {
        const [c, s] = [cos[p * k * stride]!, sin[p * k * stride]!];
        for (let q = 0; q < stride; q++) {
          let [re, im] = [0, 0];
          for (let j = 0, from = q + stride * p, w = 0; j < radix; j++, from += stride * part, w += k * turn) {
            if (w >= whole) w -= whole;
            re += xr[from]! * cos[w]! - xi[from]! * sin[w]!;
            im += xr[from]! * sin[w]! + xi[from]! * cos[w]!;
          }
          const to = q + stride * (radix * p + k);
          yr[to] = re * c - im * s;
          yi[to] = re * s + im * c;
        }
      }
    }
  };

/** Stockham's algorithm: each pass writes where the next one reads in order. */
function mixedRadix(n: number, radices: readonly number[]): Transform {
  const waves = wavesOf(n);
  const passes = radices.map((radix) => (radix === 4 ? pass4 : radix === 2 ? pass2 : passOf(radix)));
  const work: Line = [new Float64Array(n), new Float64Array(n)];
  return (re, im) => {
    let [from, to]: [Line, Line] = [[re, im], work];
    let [length, stride] = [n, 1];
    passes.forEach((pass, i) => {
      pass(from, to, length, stride, waves);
      [from, to] = [to, from];
      length /= radices[i]!;
      stride *= radices[i]!;
    });
    if (from[0] === re) return;
    re.set(from[0]);
    im.set(from[1]);
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
  const [filterR, filterI] = [new Float64Array(m), new Float64Array(m)];
  for (let k = 0; k < n; k++) {
    // e^(−πi k²/n) repeats with 2n, and a small angle is a precise one.
    const angle = (Math.PI * ((k * k) % (2 * n))) / n;
    [cos[k], sin[k]] = [Math.cos(angle), -Math.sin(angle)];
    for (const place of k === 0 ? [0] : [k, m - k]) [filterR[place], filterI[place]] = [cos[k]!, -sin[k]!];
  }
  inner(filterR, filterI);
  const [wr, wi] = [new Float64Array(m), new Float64Array(m)];
  return (re, im) => {
    wr.fill(0, n);
    wi.fill(0, n);
    for (let k = 0; k < n; k++) {
      wr[k] = re[k]! * cos[k]! - im[k]! * sin[k]!;
      wi[k] = re[k]! * sin[k]! + im[k]! * cos[k]!;
    }
    inner(wr, wi);
    for (let k = 0; k < m; k++)
      [wr[k], wi[k]] = [wr[k]! * filterR[k]! - wi[k]! * filterI[k]!, wr[k]! * filterI[k]! + wi[k]! * filterR[k]!];
    // The inverse transform is the transform with real and imaginary parts exchanged.
    inner(wi, wr);
    for (let k = 0; k < n; k++) {
      re[k] = (wr[k]! * cos[k]! - wi[k]! * sin[k]!) / m;
      im[k] = (wr[k]! * sin[k]! + wi[k]! * cos[k]!) / m;
    }
  };
}

/** Transforms of the lengths that were asked for last. */
const plans = new Map<number, Transform>();
const mostPlans = 16;

/** The transform for lines of `n` elements. It has memory of its own, so it must not call itself. */
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
