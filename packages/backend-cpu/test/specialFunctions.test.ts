/** @file Special functions against values that were computed with 40 digits and rounded. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { airyAi, airyAiPrime } from '../src/compile/airy.ts';
import { besselJ0, besselJ1, besselY0, besselY1 } from '../src/compile/bessel.ts';
import { i0, i1 } from '../src/compile/modifiedBessel.ts';
import { k0, k0e, k1, k1e } from '../src/compile/modifiedBesselSecond.ts';
import { chebyshev, gegenbauer, hermite, laguerre } from '../src/compile/polynomials.ts';

interface Reference {
  readonly functions: Readonly<Record<string, { readonly x: readonly number[]; readonly y: readonly number[] }>>;
  readonly polynomials: {
    readonly x: readonly number[];
    readonly n: readonly number[];
    readonly values: Readonly<Record<string, readonly (readonly number[])[]>>;
  };
}

const reference = JSON.parse(
  gunzipSync(readFileSync(new URL('./fixtures/special.json.gz', import.meta.url))).toString(),
) as Reference;

/** The amplitude that errors are measured by, and how much the result shakes when x does by a rounding. */
const functions: Record<string, [f: (x: number) => number, scale: (x: number, y: number) => number]> = {
  besselJ0: [besselJ0, (x) => Math.min(1, 1 / Math.sqrt(x))],
  besselJ1: [besselJ1, (x) => Math.min(Math.max(x, 1e-300), 1 / Math.sqrt(x))],
  besselY0: [besselY0, (x, y) => Math.max(Math.abs(y), Math.min(1, 1 / Math.sqrt(x)))],
  besselY1: [besselY1, (x, y) => Math.max(Math.abs(y), Math.min(1, 1 / Math.sqrt(x)))],
  modifiedBesselI0: [i0, (_, y) => y],
  modifiedBesselI1: [i1, (_, y) => y],
  modifiedBesselK0: [k0, (x, y) => y * Math.max(1, x / 8)],
  modifiedBesselK1: [k1, (x, y) => y * Math.max(1, x / 8)],
  scaledModifiedBesselK0: [k0e, (_, y) => y],
  scaledModifiedBesselK1: [k1e, (_, y) => y],
  // The phase 2/3 |x|^1.5 has a rounding error that no algorithm gets rid of.
  airyAi: [airyAi, (x, y) => (x > 0 ? y * Math.max(1, x ** 1.5) : 1 + Math.abs(x) ** 1.25)],
  airyAiPrime: [airyAiPrime, (x, y) => (x > 0 ? -y * Math.max(1, x ** 1.5) : 1 + Math.abs(x) ** 1.75)],
};

describe.each(Object.keys(functions))('%s', (name) => {
  const { x, y } = reference.functions[name]!;
  const [f, scale] = functions[name]!;
  it.each(x.map((value, i) => [value, Number(y[i])] as const))('of %f', (value, want) => {
    if (Number.isFinite(want))
      expect(Math.abs(f(value) - want)).toBeLessThanOrEqual(2e-15 * scale(value, want) + 5e-324);
    else expect(f(value)).toBe(want);
  });
});

describe('where the functions have no ordinary value', () => {
  it.each([
    [besselJ0, 0, 1],
    [besselJ1, -0, -0],
    [besselY0, 0, Number.NEGATIVE_INFINITY],
    [besselY1, 0, Number.NEGATIVE_INFINITY],
    [besselY0, -1, Number.NaN],
    [besselY1, -1, Number.NaN],
    [k0, 0, Number.POSITIVE_INFINITY],
    [k1e, 0, Number.POSITIVE_INFINITY],
    [k0, -1, Number.NaN],
    [k0, Number.POSITIVE_INFINITY, 0],
    [k1e, Number.POSITIVE_INFINITY, 0],
    [airyAi, Number.POSITIVE_INFINITY, Number.NaN],
    [airyAi, 200, 0],
    [besselJ0, Number.POSITIVE_INFINITY, Number.NaN],
  ])('%o of %f', (f, x, want) => expect(f(x)).toBe(want));

  it('NaN stays NaN', () => {
    for (const [f] of Object.values(functions)) expect(f(Number.NaN)).toBeNaN();
  });

  it('J₀ is even and J₁ odd', () => {
    for (const x of [0.3, 3, 30]) {
      expect(besselJ0(-x)).toBe(besselJ0(x));
      expect(besselJ1(-x)).toBe(-besselJ1(x));
    }
  });
});

const polynomials: Record<string, (x: number, n: number) => number> = {
  chebyshevT: (x, n) => chebyshev(x, n, 1),
  chebyshevU: (x, n) => chebyshev(x, n, 2),
  chebyshevV: (x, n) => chebyshev(x, n, 3),
  chebyshevW: (x, n) => chebyshev(x, n, 4),
  hermiteH: (x, n) => hermite(x, n, 2),
  hermiteHe: (x, n) => hermite(x, n, 1),
  laguerreL: (x, n) => laguerre(x, n, 0),
  legendreP: (x, n) => gegenbauer(x, n, 0.5),
  gegenbauer2: (x, n) => gegenbauer(x, n, 2),
};

describe.each(Object.keys(polynomials))('the polynomial %s', (name) => {
  const { x: xs, n: ns, values } = reference.polynomials;
  const p = polynomials[name]!;
  it.each(ns.map((n, i) => [n, values[name]![i]!] as const))('of degree %i', (n, row) => {
    // Next to zeros the error is one of the polynomial's size around them.
    const size = (i: number): number => Math.max(...[i - 1, i, i + 1].map((j) => Math.abs(row[j] ?? 0)));
    for (const [i, x] of xs.entries())
      expect(Math.abs(p(x, n) - row[i]!)).toBeLessThanOrEqual(1e-14 * Math.max(n, 1) * size(i));
  });

  it('takes degrees as 64-bit integers', () => {
    expect(p(0.3, 2.9)).toBe(p(0.3, 2));
    expect(p(0.3, -0.5)).toBe(1);
    expect(p(0.3, -1)).toBe(0);
    expect(p(0.3, Number.NaN)).toBe(0);
    expect(p(0.3, 1e20)).toBe(0);
    expect(p(Number.NaN, 3)).toBeNaN();
    expect(p(Number.NaN, 0)).toBe(1);
  });
});

describe('Chebyshev polynomials at the ends', () => {
  it.each([1, 2, 3, 4])('of kind %i follow the recurrence', (kind) => {
    for (const x of [-1, 1]) {
      for (const n of [2, 9, 20]) {
        const expected = 2 * x * chebyshev(x, n - 1, kind) - chebyshev(x, n - 2, kind);
        expect(chebyshev(x, n, kind)).toBe(expected);
      }
    }
  });
});
