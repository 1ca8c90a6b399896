import '@flambeau/backend-cpu';
import {
  arange,
  DTypeError,
  fft,
  fromTypedArray,
  IndexError,
  istft,
  ShapeError,
  stft,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

function numbers(shape: number[], seed = 1): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return fromTypedArray(
    Float64Array.from({ length: 2 * count }, (_, k) => Math.sin(12.9898 * (k + 1) + 78.233 * seed)),
    shape,
    { dtype: 'complex128' },
  );
}

const reals = (shape: number[], seed = 1): Tensor => numbers(shape, seed).real.contiguous();
const furthest = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync();

describe('transforms', () => {
  it('of few numbers', () => {
    expect(fft.fft(tensor([0, 1, 2, 3])).toArraySync()).toEqual([
      { re: 6, im: 0 },
      { re: -2, im: 2 },
      { re: -2, im: 0 },
      { re: -2, im: -2 },
    ]);
    expect(fft.fft(arange(4)).dtype).toBe('complex64');
    expect(fft.rfft(tensor([0, 1, 2, 3])).shape).toEqual([3]);
    expect(fft.irfft(fft.rfft(tensor([0, 1, 2, 3]))).toArraySync()).toEqual([0, 1, 2, 3]);
    expect(fft.fft(tensor([true, false])).real.toArraySync()).toEqual([1, 1]);
  });

  it.each([5, 6])('are undone by their inverses, size %i', (n) => {
    const [z, x] = [numbers([3, n, 4]), reals([3, n, 4])];
    for (const norm of [undefined, 'forward', 'ortho'] as const) {
      expect(furthest(fft.ifft(fft.fft(z, { dim: 1, norm }), { dim: 1, norm }), z)).toBeLessThan(1e-14);
      expect(furthest(fft.ifft2(fft.fft2(z, { norm }), { norm }), z)).toBeLessThan(1e-14);
      expect(furthest(fft.ifftn(fft.fftn(z, { norm }), { norm }), z)).toBeLessThan(1e-14);
      expect(furthest(fft.irfft(fft.rfft(x, { dim: 1, norm }), { n, dim: 1, norm }), x)).toBeLessThan(1e-14);
      expect(
        furthest(fft.irfftn(fft.rfftn(x, { dim: [2, 1], norm }), { s: [4, n], dim: [2, 1], norm }), x),
      ).toBeLessThan(1e-14);
      expect(furthest(fft.hfft(fft.ihfft(x, { dim: 1, norm }), { n, dim: 1, norm }), x)).toBeLessThan(1e-14);
      expect(furthest(fft.hfft2(fft.ihfft2(x, { norm }), { s: [n, 4], norm }), x)).toBeLessThan(1e-14);
    }
  });

  it('agree with one another', () => {
    const [z, x] = [numbers([4, 5]), reals([4, 5])];
    expect(furthest(fft.fftn(z), fft.fft(fft.fft(z, { dim: 0 }), { dim: 1 }))).toBeLessThan(1e-13);
    expect(furthest(fft.rfft(x), fft.fft(x).narrow(1, 0, 3))).toBeLessThan(1e-13);
    expect(furthest(fft.rfft2(x), fft.fft2(x).narrow(1, 0, 3))).toBeLessThan(1e-13);
    expect(furthest(fft.hfft(z, { n: 9 }), fft.irfft(z.conj(), { n: 9, norm: 'forward' }))).toBeLessThan(1e-13);
    expect(furthest(fft.ihfft(x), fft.rfft(x, { norm: 'forward' }).conj())).toBeLessThan(1e-13);
    // Hermitian over several dimensions: forward along the others, then hfft.
    expect(furthest(fft.hfftn(z, { s: [4, 8] }), fft.hfft(fft.fft(z, { dim: 0 }), { n: 8 }))).toBeLessThan(1e-12);
  });

  it('cut off and fill up', () => {
    const x = tensor([1, 2, 3]);
    expect(furthest(fft.fft(x, 2), fft.fft(tensor([1, 2])))).toBe(0);
    expect(furthest(fft.fft(x, { n: 5 }), fft.fft(tensor([1, 2, 3, 0, 0])))).toBe(0);
    expect(fft.fftn(zeros(3, 4, 5), { s: [7, -1] }).shape).toEqual([3, 7, 5]);
    expect(fft.rfftn(zeros(3, 4), { s: [2, 7] }).shape).toEqual([2, 4]);
    expect(fft.irfft(zeros(3)).shape).toEqual([4]);
    expect(fft.irfft(zeros(3), 5).shape).toEqual([5]);
  });

  it('into { out }', () => {
    const out = zeros(3, { dtype: 'complex64' });
    expect(fft.fft(tensor([1, 0, 0]), { out })).toBe(out);
    expect(out.real.toArraySync()).toEqual([1, 1, 1]);
  });

  it('name what does not fit', () => {
    const z = zeros(3, { dtype: 'complex64' });
    expect(() => fft.rfft(z)).toThrow(/fft\.rfft\(\): needs a real tensor/);
    expect(() => fft.fft(zeros(2, { dtype: 'float16' }))).toThrow(DTypeError);
    expect(() => fft.fft(tensor(1))).toThrow(ShapeError);
    expect(() => fft.fft(z, 0)).toThrow(ShapeError);
    expect(() => fft.fft(z, { dim: 1 })).toThrow(IndexError);
    expect(() => fft.fft(z, { norm: 'none' as 'ortho' })).toThrow(RangeError);
    expect(() => fft.fftn(zeros(2, 2), { dim: [0, 0] })).toThrow(/must differ/);
    expect(() => fft.fftn(zeros(2, 2), { s: [2, 2, 2] })).toThrow(ShapeError);
    expect(() => fft.fftn(zeros(2, 2), { s: [2], dim: [0, 1] })).toThrow(ShapeError);
    expect(() => fft.irfft(zeros(1))).toThrow(/at least one element/);
    expect(() => fft.fft2(zeros(3))).toThrow(IndexError);
  });
});

describe('frequencies', () => {
  it('of places', () => {
    expect(fft.fftfreq(5).toArraySync()).toEqual([0, 0.2, 0.4, -0.4, -0.2].map(Math.fround));
    expect(fft.fftfreq(4, 0.5, { dtype: 'float64' }).toArraySync()).toEqual([0, 0.5, -1, -0.5]);
    expect(fft.rfftfreq(4, { d: 2 }).toArraySync()).toEqual([0, 0.125, 0.25]);
  });

  it('with 0 in the middle', () => {
    const x = tensor([0, 1, 2, -2, -1]);
    expect(fft.fftshift(x).toArraySync()).toEqual([-2, -1, 0, 1, 2]);
    expect(fft.ifftshift(fft.fftshift(x)).toArraySync()).toEqual(x.toArraySync());
    expect(
      fft
        .fftshift(
          tensor([
            [1, 2],
            [3, 4],
          ]),
          1,
        )
        .toArraySync(),
    ).toEqual([
      [2, 1],
      [4, 3],
    ]);
  });
});

describe('windows', () => {
  it('come back', () => {
    const signal = reals([2, 64]);
    const window = tensor([0.1, 0.5, 1, 1, 1, 0.5, 0.2, 0.1], { dtype: 'float64' });
    for (const options of [
      { hopLength: 2, window },
      { hopLength: 3, window, normalized: true },
      { hopLength: 2, window, onesided: false },
      { winLength: 6, window: window.at('1:7'), hopLength: 2 },
    ]) {
      const spectrum = stft(signal, 8, { ...options, returnComplex: true });
      expect(spectrum.shape.slice(0, 2)).toEqual([2, options.onesided === false ? 8 : 5]);
      expect(
        furthest(istft(spectrum, 8, { ...options, length: 64 }).narrow(1, 0, 60), signal.narrow(1, 0, 60)),
      ).toBeLessThan(1e-13);
    }
    const spectrum = stft(numbers([64]), { nFft: 8, hopLength: 2 });
    expect(spectrum.shape).toEqual([8, 33]);
    expect(furthest(istft(spectrum, 8, { hopLength: 2, returnComplex: true }), numbers([64]))).toBeLessThan(1e-13);
  });

  it('are transforms of what they show', () => {
    const signal = reals([20]);
    const spectrum = stft(signal, 6, { hopLength: 5, center: false, returnComplex: true });
    expect(furthest(spectrum.select(1, 2), fft.rfft(signal.narrow(0, 10, 6)))).toBeLessThan(1e-14);
    expect(stft(signal, 6, { center: false }).shape).toEqual([4, 15, 2]);
  });

  it('name what does not fit', () => {
    expect(() => stft(zeros(4), 8, { center: false })).toThrow(/more than the 4 samples/);
    expect(() => stft(zeros(2, 2, 20), 8)).toThrow(ShapeError);
    expect(() => stft(zeros(20), 8, { hopLength: 0 })).toThrow(RangeError);
    expect(() => stft(zeros(20), 8, { window: zeros(5) })).toThrow(/vector of 8 elements/);
    expect(() => stft(numbers([20]), 8, { onesided: true })).toThrow(DTypeError);
    expect(() => istft(numbers([5, 4]), 10)).toThrow(/needs 6 frequencies/);
    expect(() => istft(numbers([5, 4]), 8, { hopLength: 8, window: zeros(8) })).toThrow(/no window/);
  });
});
