import { describe, expect, it } from 'vitest';
import { choleskyOf } from '../src/linalg/cholesky.ts';
import { eigOf } from '../src/linalg/eig.ts';
import { eighOf } from '../src/linalg/eigh.ts';
import { applyReflections, qrInPlace } from '../src/linalg/householder.ts';
import { ldl, ldlSolve } from '../src/linalg/ldl.ts';
import { luInPlace, substitute } from '../src/linalg/lu.ts';
import {
  addScaled,
  adjoint,
  column,
  conjugate,
  copyOf,
  dot,
  get,
  identity,
  loadMatrices,
  type Matrix,
  modulus,
  negated,
  norm,
  row,
  set,
  storeMatrix,
  transposed,
  zeros,
} from '../src/linalg/matrix.ts';
import { svdOf } from '../src/linalg/svd.ts';
import { randomSource, viewOf } from './views.ts';

const random = randomSource(7);

function randomMatrix(rows: number, columns: number, complex: boolean): Matrix {
  const m = zeros(rows, columns, complex);
  for (const part of [m.re, m.im]) for (let i = 0; part !== null && i < part.length; i++) part[i] = 2 * random() - 1;
  return m;
}

function times(a: Matrix, b: Matrix): Matrix {
  const out = zeros(a.rows, b.columns, a.im !== null || b.im !== null);
  const [left, right] = [a, b].map((m) => (out.im === null ? m : { ...m, im: m.im ?? new Float64Array(m.re.length) }));
  for (let i = 0; i < a.rows; i++)
    for (let k = 0; k < a.columns; k++) addScaled(get(left!, i, k), row(right!, k), row(out, i));
  return out;
}

const all = (m: Matrix) => ({ ...row(m, 0), length: m.re.length });

/** ‖a − b‖ / ‖b‖. */
function distance(a: Matrix, b: Matrix): number {
  const rest = { ...copyOf(a), im: a.im?.slice() ?? (b.im === null ? null : new Float64Array(a.re.length)) };
  const other = rest.im === null ? b : { ...b, im: b.im ?? new Float64Array(b.re.length) };
  addScaled({ re: -1, im: 0 }, all(other), all(rest));
  return norm(all(rest)) / (norm(all(b)) || 1);
}

const orthogonality = (m: Matrix): number => distance(times(adjoint(m), m), identity(m.columns, m.im !== null));

/** Columns scaled by numbers. */
function scaledColumns(m: Matrix, factors: ArrayLike<number>): Matrix {
  const out = copyOf(m);
  for (let i = 0; i < m.rows; i++)
    for (let j = 0; j < m.columns; j++) {
      const { re, im } = get(m, i, j);
      set(out, i, j, { re: re * factors[j]!, im: im * factors[j]! });
    }
  return out;
}

function hermitian(n: number, complex: boolean): Matrix {
  const m = randomMatrix(n, n, complex);
  const out = copyOf(m);
  addScaled({ re: 1, im: 0 }, all(adjoint(m)), all(out));
  return out;
}

const hilbert = (n: number): Matrix => {
  const m = zeros(n, n, false);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) m.re[i * n + j] = 1 / (i + j + 1);
  return m;
};

const scaleBy = (m: Matrix, factor: number): Matrix => ({
  ...m,
  re: m.re.map((x) => x * factor),
  im: m.im?.map((x) => x * factor) ?? null,
});

const sizes = [1, 2, 3, 5, 12, 30];
const fields = [false, true];
const eps = 1e-13;

/** A = V diag(λ) Vᴴ with orthonormal V and ascending λ. */
function checkEigh(a: Matrix, tolerance = eps): Float64Array {
  const [values, rows] = eighOf(a, false, true)!;
  const v = transposed(rows!);
  expect(orthogonality(v)).toBeLessThan(tolerance);
  expect(distance(times(scaledColumns(v, values), adjoint(v)), a)).toBeLessThan(tolerance);
  expect([...values]).toEqual([...values].sort((x, y) => x - y));
  return values;
}

function checkSvd(a: Matrix, full: boolean, tolerance = eps): Float64Array {
  const { u, s, v } = svdOf(a, true, full)!;
  const k = Math.min(a.rows, a.columns);
  expect([u.rows, u.columns, v.rows, v.columns]).toEqual([a.rows, full ? a.rows : k, a.columns, full ? a.columns : k]);
  expect(orthogonality(u)).toBeLessThan(tolerance);
  expect(orthogonality(v)).toBeLessThan(tolerance);
  const middle = zeros(u.columns, v.columns, false);
  s.forEach((value, i) => {
    set(middle, i, i, { re: value, im: 0 });
  });
  expect(distance(times(times(u, middle), adjoint(v)), a)).toBeLessThan(tolerance);
  expect([...s]).toEqual([...s].sort((x, y) => y - x));
  return s;
}

/** A V = V diag(λ). */
function checkEig(a: Matrix, tolerance = eps): Matrix {
  const [values, v] = eigOf(a, true)!;
  for (let k = 0; k < a.rows; k++) {
    const vector = zeros(a.rows, 1, true);
    addScaled({ re: 1, im: 0 }, column(v!, k), column(vector, 0));
    expect(Math.abs(norm(column(vector, 0)) - 1)).toBeLessThan(1e-14);
    const rest = times(a, vector);
    addScaled(negated(get(values, 0, k)), column(vector, 0), column(rest, 0));
    expect(norm(column(rest, 0))).toBeLessThan(tolerance * (norm(all(a)) || 1));
  }
  return values;
}

describe.each(fields)('factors of complex=%s matrices', (complex) => {
  it.each(sizes)('QR of %s rows, tall and wide', (n) => {
    for (const [rows, columns] of [
      [n, n],
      [n + 3, n],
      [n, n + 2],
    ] as const) {
      const a = randomMatrix(rows, columns, complex);
      const r = copyOf(a);
      const taus = qrInPlace(r);
      const q = identity(rows, complex);
      applyReflections(r, taus, q, false);
      const back = copyOf(q);
      applyReflections(r, taus, back, true);
      for (let i = 0; i < rows; i++) for (let j = 0; j < Math.min(i, columns); j++) set(r, i, j, { re: 0, im: 0 });
      expect(orthogonality(q)).toBeLessThan(eps);
      expect(distance(times(q, r), a)).toBeLessThan(eps);
      expect(distance(back, identity(rows, complex))).toBeLessThan(eps);
      // LAPACK's R has a real diagonal.
      if (complex) for (let i = 0; i < Math.min(rows, columns); i++) expect(get(r, i, i).im).toBe(0);
    }
  });

  it.each(sizes)('LU and Cholesky of order %s', (n) => {
    const a = randomMatrix(n, n, complex);
    const b = randomMatrix(n, 2, complex);
    const lu = copyOf(a);
    const [pivots, info] = luInPlace(lu, true);
    expect(info).toBe(0);
    const x = copyOf(b);
    pivots.forEach((pivot, i) => {
      const kept = zeros(1, 2, complex);
      addScaled({ re: 1, im: 0 }, row(x, i), row(kept, 0));
      for (let j = 0; j < 2; j++) {
        set(x, i, j, get(x, pivot - 1, j));
        set(x, pivot - 1, j, get(kept, 0, j));
      }
    });
    substitute(lu, x, false, true);
    substitute(lu, x, true, false);
    expect(distance(times(a, x), b)).toBeLessThan(1e-11);
    const positive = times(a, adjoint(a));
    const [l, failed] = choleskyOf(positive);
    expect(failed).toBe(0);
    expect(distance(times(l, adjoint(l)), positive)).toBeLessThan(eps);
  });

  it.each(sizes)('eigenvalues of Hermitian matrices of order %s', (n) => {
    checkEigh(hermitian(n, complex));
  });

  it.each(sizes)('singular values of %s rows, tall and wide, thin and full', (n) => {
    for (const [rows, columns] of [
      [n, n],
      [n + 3, n],
      [n, n + 2],
    ] as const) {
      checkSvd(randomMatrix(rows, columns, complex), false);
      checkSvd(randomMatrix(rows, columns, complex), true);
    }
  });

  it.each(sizes)('eigenvalues of general matrices of order %s', (n) => {
    checkEig(randomMatrix(n, n, complex));
  });

  it('of a low rank: orthonormal all the same', () => {
    const a = times(randomMatrix(8, 3, complex), randomMatrix(3, 6, complex));
    const s = checkSvd(a, true);
    expect(s[3]).toBeLessThan(1e-14);
    const values = checkEigh(times(a, adjoint(a)), 1e-12);
    expect(Math.abs(values[4]!)).toBeLessThan(1e-13);
    checkSvd(zeros(4, 3, complex), true);
    checkEigh(zeros(4, 4, complex));
    checkEig(zeros(3, 3, complex));
    checkEig(identity(4, complex));
    checkEigh(identity(4, complex));
  });

  it('of very large and very small numbers', () => {
    for (const factor of [1e-300, 1e-160, 1e160, 1e300]) {
      checkSvd(scaleBy(randomMatrix(5, 4, complex), factor), true);
      checkEigh(scaleBy(hermitian(5, complex), factor), 1e-12);
      checkEig(scaleBy(randomMatrix(5, 5, complex), factor), 1e-12);
      const a = scaleBy(randomMatrix(5, 5, complex), factor);
      const r = copyOf(a);
      const q = identity(5, complex);
      applyReflections(r, qrInPlace(r), q, false);
      expect(orthogonality(q)).toBeLessThan(eps);
    }
  });

  it('does not answer for NaN and infinities', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const a = randomMatrix(3, 3, complex);
      set(a, 1, 1, { re: bad, im: 0 });
      expect([svdOf(a, true, true), eighOf(a, false, true), eigOf(a, true)]).toEqual([null, null, null]);
    }
  });
});

describe('routines on views', () => {
  it.each([
    [false, false],
    [true, false],
    [true, true],
  ])('solve with Bunch-Kaufman factors: complex=%s, hermitian=%s', (complex, conjugates) => {
    const n = 9;
    const a = conjugates ? hermitian(n, complex) : randomMatrix(n, n, complex);
    if (!conjugates) addScaled({ re: 1, im: 0 }, all(transposed(a)), all(a));
    // Zeros on the diagonal ask for blocks of two rows.
    for (let i = 0; i < 4; i++) set(a, i, i, { re: 0, im: 0 });
    const b = randomMatrix(n, 3, complex);
    const dtype = complex ? 'complex128' : 'float64';
    const fresh = (columns: number) => viewOf(new Float64Array(n * columns * (complex ? 2 : 1)), dtype, [n, columns]);
    const [input, right, factors, x] = [fresh(n), fresh(3), fresh(n), fresh(3)];
    storeMatrix(input, 0, a);
    storeMatrix(right, 0, b);
    const [pivots, info] = [viewOf(new Int32Array(n), 'int32', [n]), viewOf(new Int32Array(1), 'int32', [])];
    ldl(input, conjugates, factors, pivots, info);
    ldlSolve(factors, pivots, right, conjugates, x);
    expect([...(pivots.storage.data as Int32Array)].some((pivot) => pivot < 0)).toBe(true);
    expect(distance(times(a, loadMatrices(x)[0]!), b)).toBeLessThan(1e-11);
  });
});

describe('known values', () => {
  it('the singular values of a Hilbert matrix, the smallest to many digits', () => {
    const s = checkSvd(hilbert(8), false);
    // The eigenvalues of the 8 × 8 Hilbert matrix (Fettis & Caslin 1967).
    expect(s[0]).toBeCloseTo(1.6959389969219498, 14);
    expect(Math.abs(s[7]! / 1.11153896635e-10 - 1)).toBeLessThan(1e-5);
    expect(Math.abs(checkEigh(hilbert(8))[0]! - 1.11153896635e-10)).toBeLessThan(1e-15);
  });

  it('the eigenvalues of the second difference matrix: 2 − 2 cos(kπ / (n + 1))', () => {
    const n = 40;
    const a = zeros(n, n, false);
    for (let i = 0; i < n; i++) {
      a.re[i * n + i] = 2;
      if (i > 0) a.re[i * n + i - 1] = a.re[(i - 1) * n + i] = -1;
    }
    checkEigh(a).forEach((value, k) => {
      expect(value).toBeCloseTo(2 - 2 * Math.cos(((k + 1) * Math.PI) / (n + 1)), 13);
    });
  });

  it('real eigenvalues are real, others exact conjugate pairs: a rotation, a companion matrix', () => {
    const turn = zeros(3, 3, false);
    turn.re.set([0, 0, 1, 1, 0, 0, 0, 1, 0]);
    const values = checkEig(turn);
    const found = [0, 1, 2].map((k) => get(values, 0, k));
    expect(found.filter((value) => value.im === 0).map((value) => value.re)[0]).toBeCloseTo(1, 14);
    const [first, second] = found.filter((value) => value.im !== 0);
    expect(first).toEqual(conjugate(second!));
    expect(modulus(first!)).toBeCloseTo(1, 14);
    // (x − 1)(x − 2)…(x − 5)
    const companion = zeros(5, 5, false);
    companion.re.set([15, -85, 225, -274, 120]);
    for (let i = 1; i < 5; i++) companion.re[i * 5 + i - 1] = 1;
    const roots = checkEig(companion);
    expect(roots.im!.every((im) => im === 0)).toBe(true);
    [...roots.re]
      .sort((x, y) => x - y)
      .forEach((root, i) => {
        expect(root).toBeCloseTo(i + 1, 10);
      });
  });

  it('of badly scaled matrices, as exact as those of balanced ones', () => {
    const small = zeros(2, 2, false);
    small.re.set([1, 1e12, 1e-12, 1]);
    const roots = [...eigOf(small, true)![0].re].sort((x, y) => x - y);
    expect(Math.abs(roots[0]!)).toBeLessThan(1e-15);
    expect(roots[1]).toBeCloseTo(2, 14);
    const a = hermitian(6, false);
    const wild = copyOf(a);
    // Powers of two, which round nothing: the eigenvalues are the same.
    for (let i = 0; i < 6; i++)
      for (let j = 0; j < 6; j++) set(wild, i, j, { re: get(a, i, j).re * 2 ** (7 * (i - j)), im: 0 });
    const [values, vectors] = eigOf(wild, true)!;
    const sorted = [...values.re].sort((x, y) => x - y);
    checkEigh(a).forEach((want, i) => {
      expect(sorted[i]).toBeCloseTo(want, 13);
    });
    for (let k = 0; k < 6; k++) expect(norm(column(vectors!, k))).toBeCloseTo(1, 14);
    checkEig(wild);
  });

  it('of a defective matrix: one vector, more than once', () => {
    const jordan = zeros(3, 3, false);
    jordan.re.set([2, 1, 0, 0, 2, 1, 0, 0, 2]);
    const values = checkEig(jordan);
    expect([...values.re]).toEqual([2, 2, 2]);
  });

  it('vectors of repeated eigenvalues are orthogonal', () => {
    const q = checkedBasis(6);
    const a = times(scaledColumns(q, [3, 3, 3, -1, -1, 0]), adjoint(q));
    const values = checkEigh(a);
    [-1, -1, 0, 3, 3, 3].forEach((want, i) => {
      expect(values[i]).toBeCloseTo(want, 13);
    });
  });
});

function checkedBasis(n: number): Matrix {
  const a = randomMatrix(n, n, false);
  const q = identity(n, false);
  applyReflections(a, qrInPlace(a), q, false);
  expect(dot(column(q, 0), column(q, 1)).re).toBeCloseTo(0, 14);
  return q;
}
