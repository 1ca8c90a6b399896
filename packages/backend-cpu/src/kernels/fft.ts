/** @file fft: Fourier transforms over dimensions of views, computed in double precision. */
import { copyKernel, type View } from '@flambeau/tensor/internal';
import { transformOf } from './fourier.ts';
import { freshView } from './fresh.ts';
import { map } from './map.ts';

/**
 * out[k] = scale · Σ x[j] e^(∓2πi jk/n) over `dims`, with + for the inverse. `x` is real or complex, `out` complex; both
 * have one shape.
 */
export function fft(x: View, dims: readonly number[], inverse: boolean, scale: number, out: View): void {
  if (x.elementCount === 0) return;
  const values = freshView('complex128', x.shape);
  map(copyKernel(x.dtype, 'complex128'), [x], [values]);
  const data = values.data as Float64Array;
  for (const dim of dims) transformLines(data, x.shape[dim]!, values.strides[dim]!, inverse);
  if (scale !== 1) for (let i = 0; i < data.length; i++) data[i] = data[i]! * scale;
  map(copyKernel('complex128', out.dtype), [values], [out]);
}

/** Transforms every line of `n` complex elements that lie `stride` apart. */
function transformLines(data: Float64Array, n: number, stride: number, inverse: boolean): void {
  if (n === 1) return;
  const transform = transformOf(n);
  const [re, im] = [new Float64Array(n), new Float64Array(n)];
  const block = 2 * stride * n;
  for (let start = 0; start < data.length; start += block) {
    for (let first = start; first < start + 2 * stride; first += 2) {
      for (let k = 0, at = first; k < n; k++, at += 2 * stride) [re[k], im[k]] = [data[at]!, data[at + 1]!];
      if (inverse) transform(im, re);
      else transform(re, im);
      for (let k = 0, at = first; k < n; k++, at += 2 * stride) [data[at], data[at + 1]] = [re[k]!, im[k]!];
    }
  }
}
