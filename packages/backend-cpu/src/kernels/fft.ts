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

/** About as many elements are transformed together: few enough for the second-level cache. */
const blockLength = 16384;
const mostLines = 32;

/** Transforms every line of `n` complex elements that lie `stride` apart, several lines at a time. */
function transformLines(data: Float64Array, n: number, stride: number, inverse: boolean): void {
  if (n === 1) return;
  const transform = transformOf(n);
  const count = data.length / (2 * n);
  const width = Math.max(1, Math.min(mostLines, count, Math.floor(blockLength / n)));
  const [re, im] = [new Float64Array(n * width), new Float64Array(n * width)];
  const starts = new Float64Array(width);
  for (let first = 0; first < count; first += width) {
    const lines = Math.min(width, count - first);
    for (let l = 0; l < lines; l++) {
      const line = first + l;
      starts[l] = Math.floor(line / stride) * stride * n + (line % stride);
    }
    for (let k = 0, to = 0; k < n; k++) {
      for (let l = 0; l < lines; l++, to++) {
        const at = 2 * (starts[l]! + k * stride);
        re[to] = data[at]!;
        im[to] = data[at + 1]!;
      }
    }
    const [x, y] = lines === width ? [re, im] : [re.subarray(0, n * lines), im.subarray(0, n * lines)];
    // The inverse transform is the transform with real and imaginary parts exchanged.
    if (inverse) transform(y, x, lines);
    else transform(x, y, lines);
    for (let k = 0, from = 0; k < n; k++) {
      for (let l = 0; l < lines; l++, from++) {
        const at = 2 * (starts[l]! + k * stride);
        data[at] = re[from]!;
        data[at + 1] = im[from]!;
      }
    }
  }
}
