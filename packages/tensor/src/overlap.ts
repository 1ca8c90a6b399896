/** @file Reading and writing one storage in one kernel: right only when the layouts agree or do not touch. */
import type { View } from './backend.ts';
import { dtypeInfo } from './dtype.ts';
import { sameShape } from './shape.ts';

/** The bytes of its memory from the first that a view touches to the one after the last. */
function range(x: View): readonly [number, number] {
  let [low, high] = [x.offset, x.offset + 1];
  for (let i = 0; i < x.shape.length; i++) {
    const reach = (x.shape[i]! - 1) * x.strides[i]!;
    if (reach > 0) high += reach;
    else low += reach;
  }
  const { bytes } = dtypeInfo(x.dtype);
  return [low * bytes, high * bytes];
}

const sameLayout = (a: View, b: View): boolean =>
  a.offset === b.offset && a.dtype === b.dtype && sameShape(a.shape, b.shape) && sameShape(a.strides, b.strides);

/** Whether writing `out` while reading `input` could read what was just written: the caller copies `input` first. */
export function needsCopy(input: View, out: View): boolean {
  if (input.storage.data !== out.storage.data && !sharesBuffer(input, out)) return false;
  if (input.elementCount === 0 || out.elementCount === 0) return false;
  if (input.storage.data === out.storage.data) {
    if (sameLayout(input, out)) return false;
    const [a, b] = [range(input), range(out)];
    return a[0] < b[1] && b[0] < a[1];
  }
  return true;
}

/** Two storages over one buffer (`fromTypedArray` of overlapping subarrays). */
function sharesBuffer(a: View, b: View): boolean {
  if (!a.storage.external || !b.storage.external) return false;
  const [x, y] = [a.storage.data, b.storage.data];
  return ArrayBuffer.isView(x) && ArrayBuffer.isView(y) && x.buffer === y.buffer;
}

/** Whether several elements of a view lie at one memory place (an expanded dimension): it cannot be written. */
export function overlapsItself(x: View): boolean {
  for (let i = 0; i < x.shape.length; i++) if (x.shape[i]! > 1 && x.strides[i] === 0) return true;
  return false;
}
