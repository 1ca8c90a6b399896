import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { setCodeGeneration } from '@flambeau/backend-cpu';
import { fromTypedArray, type Tensor, tensor } from '@flambeau/tensor';
import { afterEach, describe, expect, it } from 'vitest';

type Encoded = number | string;

/** By function: rows of a, b and the parts of f(a + ib), as Python's cmath (C99's functions) computes them. */
const table = JSON.parse(
  gunzipSync(readFileSync(new URL('./fixtures/complex-functions.json.gz', import.meta.url))).toString(),
) as Record<string, Encoded[][]>;

const numberOf = (value: Encoded): number => {
  if (typeof value === 'number') return value;
  return value === '-0' ? -0 : value === 'nan' ? Number.NaN : Number(value.replace('inf', 'Infinity'));
};

function numbers(data: number[], dtype: 'complex64' | 'complex128' = 'complex128'): Tensor {
  return fromTypedArray(dtype === 'complex64' ? Float32Array.from(data) : Float64Array.from(data), undefined, {
    dtype,
  });
}

/** A sequence without pattern. */
const noise = (count: number, seed: number): number[] =>
  Array.from({ length: count }, (_, i) => 2 * Math.sin(12.9898 * (i + 1) + 78.233 * seed));

afterEach(() => setCodeGeneration(undefined));

describe.each([true, false])('complex kernels, generated: %s', (generated) => {
  it.each(Object.keys(table))('%s has the branch cuts, signed zeros and infinities of C99', (name) => {
    setCodeGeneration(generated);
    const rows = table[name]!.map((row) => row.map(numberOf));
    const z = numbers(rows.flatMap(([a, b]) => [a!, b!]));
    const result = (z as unknown as Record<string, () => Tensor>)[name]!();
    const got = result.toTypedArraySync() as Float64Array;
    for (const [i, [a, b, re, im]] of rows.entries()) {
      for (const [part, want] of [
        [got[2 * i]!, re!],
        [got[2 * i + 1]!, im!],
      ] as const) {
        // Signs of zeros count where C99 has a rule for them.
        const same = Object.is(part, want) || (part === want && !(Number.isFinite(a) && Number.isFinite(b)));
        const close = same || (part !== 0 && Math.abs(part - want) <= 1e-13 * Math.abs(want));
        // Denormal results have few digits.
        const tiny = want !== 0 && Math.abs(part - want) < 1e-320;
        if (!close && !tiny)
          expect.fail(`${name}(${a} + ${b}i): got ${got[2 * i]} + ${got[2 * i + 1]}i, want ${re} + ${im}i`);
      }
    }
  });

  it('arithmetic without overflow on the way', () => {
    setCodeGeneration(generated);
    const z = numbers([3e200, 4e200, 1e-200, 1e-200, 5, -2]);
    const scaled = z.abs().div(tensor([1e200, 1e-200, 1], { dtype: 'float64' }));
    expect(scaled.allcloseSync(tensor([5, Math.SQRT2, Math.sqrt(29)], { dtype: 'float64' }), 1e-15)).toBe(true);
    expect(z.div(z).toArraySync()).toEqual([
      { re: 1, im: 0 },
      { re: 1, im: 0 },
      { re: 1, im: 0 },
    ]);
    const single = numbers([3e30, 4e30], 'complex64');
    expect(single.abs().div(5e30).itemSync()).toBeCloseTo(1, 6);
    expect(single.mul(single.reciprocal()).sub(1).abs().itemSync()).toBeLessThan(1e-7);
    // As PyTorch: by 0 each part becomes infinite by itself.
    expect(
      numbers([1, -1])
        .div(numbers([0, 0]))
        .toArraySync(),
    ).toEqual([{ re: Infinity, im: -Infinity }]);
  });

  it('reductions over strided memory', () => {
    setCodeGeneration(generated);
    const data = noise(48, 3);
    const z = numbers(data).view(2, 3, 4);
    for (const x of [z, z.permute(2, 0, 1), z.at(':', '::2', '1:'), z.flip(1)]) {
      const rows = x.transpose(0, -1).toArraySync() as { re: number; im: number }[][][];
      const sum = rows.map((plane) =>
        plane.map((line) => line.reduce((s, v) => ({ re: s.re + v.re, im: s.im + v.im }), { re: 0, im: 0 })),
      );
      const product = rows.map((plane) =>
        plane.map((line) =>
          line.reduce((p, v) => ({ re: p.re * v.re - p.im * v.im, im: p.re * v.im + p.im * v.re }), { re: 1, im: 0 }),
        ),
      );
      const along = x.transpose(0, -1);
      expect(
        along
          .sum(-1)
          .sub(tensor(sum, { dtype: 'complex128' }))
          .abs()
          .max()
          .itemSync(),
      ).toBeLessThan(1e-14);
      expect(
        along
          .prod(-1)
          .sub(tensor(product, { dtype: 'complex128' }))
          .abs()
          .max()
          .itemSync(),
      ).toBeLessThan(1e-13);
      expect(along.cumsum(-1).select(-1, -1).sub(along.sum(-1)).abs().max().itemSync()).toBeLessThan(1e-14);
      expect(along.cumprod(-1).select(-1, -1).sub(along.prod(-1)).abs().max().itemSync()).toBeLessThan(1e-13);
      const centered = along
        .sub(along.mean(-1, true))
        .abs()
        .square()
        .sum(-1)
        .div(along.shape.at(-1)! - 1);
      expect(along.var(-1).sub(centered).abs().max().itemSync()).toBeLessThan(1e-13);
    }
  });
});

describe('complex products', () => {
  it.each(['complex64', 'complex128'] as const)('of matrices as by the definition, %s', (dtype) => {
    for (const [m, k, n] of [
      [1, 7, 30],
      [30, 7, 1],
      [9, 20, 11],
      [3, 2, 2],
    ] as const) {
      const a = numbers(noise(2 * 2 * m * k, 1), dtype)
        .view(2, k, m)
        .transpose(1, 2);
      const b = numbers(noise(2 * 2 * k * n, 2), dtype).view(2, k, n);
      const want = a.unsqueeze(-1).mul(b.unsqueeze(1)).sum(2);
      const tolerance = dtype === 'complex64' ? 2e-5 : 1e-13;
      expect(a.matmul(b).sub(want).abs().max().itemSync()).toBeLessThan(tolerance);
      const c = numbers(noise(2 * m * n, 4), dtype).view(m, n);
      const scaled = c.addmm(a.at(0), b.at(0), { alpha: 0.5, beta: -1 });
      expect(scaled.sub(want.at(0).mul(0.5).sub(c)).abs().max().itemSync()).toBeLessThan(tolerance);
    }
  });
});
