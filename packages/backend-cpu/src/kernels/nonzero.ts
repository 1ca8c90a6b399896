/** @file Positions of nonzero elements. */
import type { TypedArray } from '@flambeau/tensor';
import { dtypeInfo, type View } from '@flambeau/tensor/internal';
import { readSync } from './read.ts';

/** Whether array element i of a dtype is nonzero; NaN is. */
function test(x: View, data: TypedArray): (i: number) => boolean {
  if (x.dtype === 'float16' || x.dtype === 'bfloat16') return (i) => ((data[i] as number) & 0x7fff) !== 0;
  if (x.dtype === 'int64') return (i) => data[i] !== (0n as never);
  if (dtypeInfo(x.dtype).lanes === 2) return (i) => data[2 * i] !== 0 || data[2 * i + 1] !== 0;
  return (i) => data[i] !== 0;
}

/** Row-major positions of nonzero elements as int32 [count, ndim]. */
export function nonzero(x: View): { data: Int32Array; count: number } {
  const data = readSync(x);
  const isNonzero = test(x, data);
  let count = 0;
  for (let i = 0; i < x.elementCount; i++) if (isNonzero(i)) count++;
  const ndim = x.shape.length;
  const out = new Int32Array(count * ndim);
  let place = 0;
  for (let i = 0; place < out.length; i++) {
    if (!isNonzero(i)) continue;
    let rest = i;
    for (let d = ndim - 1; d > 0; d--) {
      const size = x.shape[d]!;
      const row = Math.floor(rest / size);
      out[place + d] = rest - row * size;
      rest = row;
    }
    out[place] = rest;
    place += ndim;
  }
  return { data: out, count };
}
