import '@flambeau/backend-cpu';
import { fft, fromTypedArray, type Tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { transformOf } from '../src/kernels/fourier.ts';

const noise = (count: number, seed: number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed));

/** Σ x[j] e^(−2πi jk/n) by the definition. */
function definition(re: Float64Array, im: Float64Array): [Float64Array, Float64Array] {
  const n = re.length;
  const [outRe, outIm] = [new Float64Array(n), new Float64Array(n)];
  for (let k = 0; k < n; k++) {
    for (let j = 0; j < n; j++) {
      const angle = (-2 * Math.PI * ((j * k) % n)) / n;
      outRe[k]! += re[j]! * Math.cos(angle) - im[j]! * Math.sin(angle);
      outIm[k]! += re[j]! * Math.sin(angle) + im[j]! * Math.cos(angle);
    }
  }
  return [outRe, outIm];
}

const furthest = (a: Float64Array, b: Float64Array): number =>
  a.reduce((m, v, i) => Math.max(m, Math.abs(v - b[i]!)), 0);
const lengths = [
  ...Array.from({ length: 40 }, (_, i) => i + 1),
  49,
  64,
  97,
  120,
  121,
  169,
  17 * 19,
  512,
  1009,
  1000,
  1024,
];

describe('the transform of lines', () => {
  it.each(lengths)('of %i elements is that of the definition', (n) => {
    const [re, im] = [noise(n, 1), noise(n, 2)];
    const [wantRe, wantIm] = definition(re, im);
    // Three lines side by side, the same numbers in each, times 1, 2 and 3.
    const spread = (x: Float64Array): Float64Array =>
      Float64Array.from({ length: 3 * n }, (_, i) => x[Math.floor(i / 3)]! * ((i % 3) + 1));
    const [lines, linesIm] = [spread(re), spread(im)];
    transformOf(n)(lines, linesIm, 3);
    expect(furthest(lines, spread(wantRe))).toBeLessThan(1e-11 * Math.sqrt(n));
    expect(furthest(linesIm, spread(wantIm))).toBeLessThan(1e-11 * Math.sqrt(n));
    transformOf(n)(re, im, 1);
    expect(furthest(re, wantRe)).toBeLessThan(1e-11);
    expect(furthest(im, wantIm)).toBeLessThan(1e-11);
  });

  it('comes back from long ones', () => {
    for (const n of [1 << 16, 59049, 65537, 100003]) {
      const [re, im] = [noise(n, 5), noise(n, 6)];
      const [x, y] = [re.slice(), im.slice()];
      transformOf(n)(x, y, 1);
      transformOf(n)(y, x, 1);
      expect(
        furthest(
          x.map((v) => v / n),
          re,
        ),
      ).toBeLessThan(1e-13);
      expect(
        furthest(
          y.map((v) => v / n),
          im,
        ),
      ).toBeLessThan(1e-13);
    }
  });
});

describe('the routine', () => {
  const z = (...shape: number[]): Tensor =>
    fromTypedArray(noise(2 * shape.reduce((a, b) => a * b, 1), 3), shape, { dtype: 'complex128' });

  it('takes any strides, and many lines', () => {
    const x = z(5, 70, 6);
    const want = x.transpose(1, 2).contiguous();
    expect(fft.fft(x, { dim: 1 }).transpose(1, 2).sub(fft.fft(want)).abs().max().itemSync()).toBeLessThan(1e-12);
    const odd = x.at('::2', '3:', '::3');
    expect(
      fft
        .fft(odd, { dim: 0 })
        .sub(fft.fft(odd.contiguous(), { dim: 0 }))
        .abs()
        .max()
        .itemSync(),
    ).toBe(0);
  });

  it('keeps what PyTorch stores in complex64', () => {
    const x = z(300).to('complex64');
    const exact = fft.fft(x.to('complex128'));
    expect(fft.fft(x).dtype).toBe('complex64');
    expect(fft.fft(x).to('complex128').sub(exact).abs().max().itemSync()).toBeLessThan(1e-5);
  });

  it('transforms nothing into nothing', () => {
    expect(fft.fft(z(0, 4)).shape).toEqual([0, 4]);
    expect(() => fft.fft(z(4, 0))).toThrow(/at least one element/);
  });
});
