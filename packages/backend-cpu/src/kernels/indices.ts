/** @file Turns index tensors into checked positions. */
import { IndexError } from '@flambeau/tensor';
import { type IndexTerm, mergeLoops, type View } from '@flambeau/tensor/internal';
import { dataOf } from '../compile/memory.ts';

/**
 * Elements of an int32 or int64 index as 32-bit words: `at(i)` is element i. An int64 is two words, of which the
 * high one must be the sign of the low one for any position that memory can have.
 */
function checkedReader({ index, size, wrap, op, dim }: IndexTerm): (i: number) => number {
  const fail = (value: number | bigint): never => {
    throw new IndexError(`${op}(): index ${value} is out of range for dimension ${dim} of size ${size}`);
  };
  const check = (value: number): number =>
    value >= 0 && value < size ? value : wrap && value < 0 && value >= -size ? value + size : fail(value);
  const array = dataOf(index);
  if (!(array instanceof BigInt64Array)) {
    const words = array as Int32Array;
    return (i) => check(words[i]!);
  }
  const words = new Int32Array(array.buffer, array.byteOffset, array.length * 2);
  return (i) => {
    const low = words[2 * i]!;
    return words[2 * i + 1] === low >> 31 ? check(low) : fail(array[i]!);
  };
}

/** out = Σ stride · index over the terms, each index checked and broadcast to out's shape. */
export function indexOffsets(terms: readonly IndexTerm[], out: View): void {
  if (out.elementCount === 0) return;
  const target = dataOf(out) as Int32Array;
  terms.forEach((term, k) => {
    const read = checkedReader(term);
    const { sizes, strides } = mergeLoops(out.shape, [term.index, out]);
    const [from, to] = strides as [number[], number[]];
    const last = sizes.length - 1;
    const walk = (d: number, i: number, o: number): void => {
      if (d > last) {
        target[o] = (k === 0 ? 0 : target[o]!) + read(i) * term.stride;
        return;
      }
      const [n, di, dn] = [sizes[d]!, from[d]!, to[d]!];
      if (d < last) for (let c = 0; c < n; c++) walk(d + 1, i + c * di, o + c * dn);
      else if (k === 0) for (let c = 0; c < n; c++) target[o + c * dn] = read(i + c * di) * term.stride;
      else for (let c = 0; c < n; c++) target[o + c * dn]! += read(i + c * di) * term.stride;
    };
    walk(0, term.index.offset, out.offset);
  });
}
