/**
 * @file Copies that exchange dimensions, block by block: read along the output's rows, memory would be fetched one
 * cache line for each element.
 */
import type { TypedArray } from '@flambeau/tensor';
import type { MapKernel } from '@flambeau/tensor/internal';
import { generate } from '../compile/generate.ts';

/** Elements of a block's side: a cache line of float32, and few enough rows for power-of-two strides not to evict them. */
const side = 16;

type BlockCopy = (
  from: TypedArray,
  to: TypedArray,
  rows: number,
  columns: number,
  rowStride: number,
  columnStride: number,
  source: number,
  target: number,
) => void;

/** from[r + c · columnStride] → to[r · rowStride + c] */
const source = `(from, to, rows, columns, rowStride, columnStride, source, target) => {
  for (let r0 = 0; r0 < rows; r0 += ${side}) {
    const r1 = Math.min(r0 + ${side}, rows);
    for (let c0 = 0; c0 < columns; c0 += ${side}) {
      const c1 = Math.min(c0 + ${side}, columns);
      for (let r = r0; r < r1; r++) {
        const row = target + r * rowStride, column = source + r;
        for (let c = c0; c < c1; c++) to[row + c] = from[column + c * columnStride];
      }
    }
  }
}`;

/** One function for each kind of array, so that each stays fast. */
const functions = new Map<string, BlockCopy>();

/** The loop over the dimension that is gapless in the source, or -1 where a plain copy will do as well. */
function exchangedLoop(kernel: MapKernel, sizes: readonly number[], strides: readonly (readonly number[])[]): number {
  const last = sizes.length - 1;
  if (last < 1 || kernel.name !== 'copy' || kernel.inputs[0]!.dtype !== kernel.outputs[0]!.dtype) return -1;
  const [from, to] = strides as [readonly number[], readonly number[]];
  if (to[last] !== 1 || from[last]! < side || sizes[last]! < side / 2) return -1;
  return from.findIndex((stride, d) => stride === 1 && sizes[d]! >= side / 2);
}

/** Runs a copy kernel's loops in blocks if that helps. Strides are the source's and the target's. */
export function copyInBlocks(
  kernel: MapKernel,
  sizes: readonly number[],
  strides: readonly (readonly number[])[],
  from: { readonly data: TypedArray; readonly offset: number },
  to: { readonly data: TypedArray; readonly offset: number },
): boolean {
  const row = exchangedLoop(kernel, sizes, strides);
  if (row < 0) return false;
  const last = sizes.length - 1;
  const [read, write] = strides as [readonly number[], readonly number[]];
  const name = to.data.constructor.name;
  let copy = functions.get(name);
  if (copy === undefined) {
    copy = generate<BlockCopy>(source);
    functions.set(name, copy);
  }
  const run = copy;
  const walk = (d: number, source: number, target: number): void => {
    if (d === row) walk(d + 1, source, target);
    else if (d < last) {
      for (let i = 0; i < sizes[d]!; i++) walk(d + 1, source + i * read[d]!, target + i * write[d]!);
    } else run(from.data, to.data, sizes[row]!, sizes[last]!, write[row]!, read[last]!, source, target);
  };
  walk(0, from.offset, to.offset);
  return true;
}
