/**
 * @file The Bessel functions J₀, J₁, Y₀, Y₁ in double precision, to about 1e-16 of their amplitude: power series up to
 * 2, J. C. P. Miller's backward recurrence with Neumann's series up to 25, Hankel's expansion beyond. NaN at infinity
 * and Y at negative x, as in PyTorch.
 */

const eulerGamma = 0.5772156649015329;

/** The values of order 0 and 1. */
interface Orders {
  readonly j: readonly [number, number];
  readonly y: readonly [number, number];
}

/** 0 < x ≤ 2: DLMF 10.2.2 and 10.8.1. */
function powerSeries(x: number): Orders {
  const z = (x * x) / 4;
  let [term0, term1] = [1, x / 2];
  let [j0, j1] = [term0, term1];
  // Σ ± Hₖ zᵏ / k!² and Σ ± (Hₖ + Hₖ₊₁) (x/2)^(2k+1) / k! (k+1)!, with Hₖ = 1 + 1/2 + … + 1/k.
  let [sum0, sum1, harmonic] = [0, term1, 0];
  for (let k = 1; k < 16; k++) {
    term0 *= -z / (k * k);
    term1 *= -z / (k * (k + 1));
    j0 += term0;
    j1 += term1;
    harmonic += 1 / k;
    sum0 += harmonic * term0;
    sum1 += (2 * harmonic + 1 / (k + 1)) * term1;
  }
  const log = Math.log(x / 2) + eulerGamma;
  return {
    j: [j0, j1],
    y: [(2 / Math.PI) * (log * j0 - sum0), (2 * log * j1 - sum1 - 2 / x) / Math.PI],
  };
}

/** 2 < x ≤ 25: Jₖ downwards from where it vanishes, scaled by 1 = J₀ + 2 Σ J₂ₖ; Y by DLMF 10.23.15 and its derivative. */
function recurrence(x: number): Orders {
  const top = 2 * Math.ceil((1.25 * x + 30) / 2);
  let [above, here] = [0, 1e-300];
  let [norm, even, odd] = [0, 0, 0];
  for (let n = top; n > 0; n--) {
    // `here` is Jₙ but for the scale.
    const k = n >> 1;
    const sign = (k & 1) === 0 ? 1 : -1;
    if ((n & 1) === 0) {
      norm += 2 * here;
      even += (sign * here) / k;
    } else if (k > 0) odd += (sign * (2 * k + 1) * here) / (k * (k + 1));
    [above, here] = [here, ((2 * n) / x) * here - above];
  }
  norm += here;
  const [j0, j1] = [here / norm, above / norm];
  const log = Math.log(x / 2) + eulerGamma;
  return {
    j: [j0, j1],
    y: [(2 / Math.PI) * (log * j0 - (2 * even) / norm), (2 / Math.PI) * ((log - 1) * j1 - j0 / x - odd / norm)],
  };
}

/** x > 25: DLMF 10.17.3 and 10.17.4, with cos(x − π/4) from cos x and sin x, which are right for any x. */
function asymptotic(x: number): Orders {
  const [p0, q0] = hankel(0, x);
  const [p1, q1] = hankel(1, x);
  const [sum, difference] = [Math.cos(x) + Math.sin(x), Math.sin(x) - Math.cos(x)];
  const scale = 1 / Math.sqrt(Math.PI * x);
  return {
    j: [scale * (p0 * sum - q0 * difference), scale * (p1 * difference + q1 * sum)],
    y: [scale * (p0 * difference + q0 * sum), scale * (q1 * difference - p1 * sum)],
  };
}

/** The sums over even and odd terms of Hankel's expansion of order `nu`. */
function hankel(nu: 0 | 1, x: number): [even: number, odd: number] {
  const mu = 4 * nu * nu;
  const sums: [number, number] = [1, 0];
  let term = 1;
  for (let k = 1; k < 40 && Math.abs(term) > 1e-17; k++) {
    term *= (mu - (2 * k - 1) ** 2) / (8 * k * x);
    sums[k & 1]! += (k & 2) === 0 ? term : -term;
  }
  return sums;
}

const orders = (x: number): Orders => (x <= 2 ? powerSeries(x) : x <= 25 ? recurrence(x) : asymptotic(x));

export function besselJ0(x: number): number {
  return x === 0 ? 1 : orders(Math.abs(x)).j[0];
}

export function besselJ1(x: number): number {
  return x === 0 ? x : Math.sign(x) * orders(Math.abs(x)).j[1];
}

export function besselY0(x: number): number {
  return x > 0 ? orders(x).y[0] : x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
}

export function besselY1(x: number): number {
  return x > 0 ? orders(x).y[1] : x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
}
