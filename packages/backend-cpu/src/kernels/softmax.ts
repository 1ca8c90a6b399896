/** @file softmax and its logarithm, fused: each row is read while it is in the cache. */
import type { DType } from '@flambeau/tensor';
import { computeDType, copyKernel, dtypeInfo, Storage, type View } from '@flambeau/tensor/internal';
import { exp32 } from '../compile/float32.ts';
import { dataOf } from '../compile/memory.ts';
import { map } from './map.ts';

type Floats = Float32Array | Float64Array;

/** A softmax over one row whose elements are neighbours. */
function row(
  exp: (x: number) => number,
  x: Floats,
  from: number,
  y: Floats,
  to: number,
  size: number,
  log: boolean,
): void {
  let greatest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < size; i++) if (!(x[from + i]! <= greatest)) greatest = x[from + i]!;
  let total = 0;
  if (log) {
    for (let i = 0; i < size; i++) total += exp(x[from + i]! - greatest);
    const shift = Math.log(total);
    for (let i = 0; i < size; i++) y[to + i] = x[from + i]! - greatest - shift;
    return;
  }
  for (let i = 0; i < size; i++) {
    const power = exp(x[from + i]! - greatest);
    total += power;
    y[to + i] = power;
  }
  const scale = 1 / total;
  for (let i = 0; i < size; i++) y[to + i] = y[to + i]! * scale;
}

/** Rows that lie side by side (`dim` is not the last), this many at a time. */
const tile = 512;
const greatest = new Float64Array(tile);
const totals = new Float64Array(tile);

/** Softmaxes over `size` elements `inner` apart, for `inner` neighbours. */
function columns(
  exp: (x: number) => number,
  x: Floats,
  from: number,
  y: Floats,
  to: number,
  size: number,
  inner: number,
  log: boolean,
): void {
  for (let start = 0; start < inner; start += tile) {
    const width = Math.min(tile, inner - start);
    greatest.fill(Number.NEGATIVE_INFINITY);
    totals.fill(0);
    for (let i = 0; i < size; i++) {
      const at = from + start + i * inner;
      for (let j = 0; j < width; j++) if (!(x[at + j]! <= greatest[j]!)) greatest[j] = x[at + j]!;
    }
    for (let i = 0; i < size; i++) {
      const at = start + i * inner;
      for (let j = 0; j < width; j++) {
        const power = exp(x[from + at + j]! - greatest[j]!);
        totals[j]! += power;
        if (!log) y[to + at + j] = power;
      }
    }
    for (let j = 0; j < width; j++) totals[j] = log ? Math.log(totals[j]!) : 1 / totals[j]!;
    for (let i = 0; i < size; i++) {
      const at = start + i * inner;
      if (log) for (let j = 0; j < width; j++) y[to + at + j] = x[from + at + j]! - greatest[j]! - totals[j]!;
      else for (let j = 0; j < width; j++) y[to + at + j] = y[to + at + j]! * totals[j]!;
    }
  }
}

/** Fresh row-major memory of `x`'s shape. */
function freshLike(x: View, dtype: DType): View {
  const strides = x.shape.map((_, d) => x.shape.slice(d + 1).reduce((a, b) => a * b, 1));
  const storage = new Storage('cpu', dtype, x.elementCount, new (dtypeInfo(dtype).array)(x.elementCount));
  return { storage, dtype, shape: x.shape, strides, offset: 0, elementCount: x.elementCount, isContiguous: () => true };
}

/** `x` itself where it is row-major in `dtype`, else a copy that is. */
function rowMajor(x: View, dtype: DType): View {
  if (x.dtype === dtype && x.isContiguous()) return x;
  const copy = freshLike(x, dtype);
  map(copyKernel(x.dtype, dtype), [x], [copy]);
  return copy;
}

/** out = softmax(x) along `dim`, or its logarithm. 16-bit floats compute in float32. */
export function softmax(x: View, dim: number, log: boolean, out: View): true {
  if (x.elementCount === 0) return true;
  const compute = computeDType(out.dtype);
  const source = rowMajor(x, compute);
  const direct = out.dtype === compute && out.isContiguous();
  const target = direct ? out : freshLike(out, compute);
  const [from, to] = [dataOf(source) as Floats, dataOf(target) as Floats];
  const exp = compute === 'float64' ? Math.exp : exp32;
  const size = x.shape[dim]!;
  const inner = x.shape.slice(dim + 1).reduce((a, b) => a * b, 1);
  for (let at = 0; at < x.elementCount; at += size * inner) {
    if (inner === 1) row(exp, from, source.offset + at, to, target.offset + at, size, log);
    else columns(exp, from, source.offset + at, to, target.offset + at, size, inner, log);
  }
  if (!direct) map(copyKernel(compute, out.dtype), [target], [out]);
  return true;
}
