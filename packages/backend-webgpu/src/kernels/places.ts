/** @file Where elements lie: loops over strided views as parameter words, and the WGSL that walks them. */
import { FlambeauError, Tensor } from '@flambeau/tensor';
import { isContiguous, type Loops, mergeStrides, type Storage, type View } from '@flambeau/tensor/internal';
import { ZERO_WORD } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { word } from '../wgsl/shader.ts';

/** How many words loops over `views` views take: the sizes, then each view's strides. */
export const loopWords = (rank: number, views: number): number => rank * (1 + views);

/** Writes loops to parameter words from `at` on; returns where the next words go. */
export function writeLoops(words: Uint32Array, at: number, loops: Loops): number {
  let next = at;
  for (const size of loops.sizes) words[next++] = size;
  for (const strides of loops.strides) for (const stride of strides) words[next++] = stride;
  return next;
}

/**
 * Statements that move the variables `places`, one for each view, to element number `index` of loops from word `at` on.
 * Remainders come from quotients: integer divisions are slow on every device.
 */
export function stepsText(index: string, places: readonly string[], rank: number, at: number): string {
  const stride = (v: number, d: number): string => word(at + rank * (1 + v) + d);
  const moves = (d: number, by: string): string =>
    places.map((place, v) => `${place} = ${place} + ${by} * ${stride(v, d)};`).join(' ');
  if (rank === 0) return '';
  if (rank === 1) return moves(0, index);
  const lines = [`var rest = ${index};`];
  for (let d = rank - 1; d > 0; d--) {
    lines.push(
      `{ let q = rest / ${word(at + d)}; let along = rest - q * ${word(at + d)}; rest = q; ${moves(d, 'along')} }`,
    );
  }
  lines.push(moves(0, 'rest'));
  return `{ ${lines.join('\n    ')} }`;
}

/** @throws FlambeauError when a dispatch's parameters would not fit. */
export function checkWords(op: string, words: number): void {
  const most = ZERO_WORD;
  if (words <= most) return;
  throw new FlambeauError(
    `${op}: the strides of these views take ${words} words, of which the WebGPU backend passes ${most}; make them contiguous or reshape them to fewer dimensions`,
  );
}

/** The loops over all dimensions but one, for views of one shape. */
export function loopsBeside(dim: number, views: readonly View[]): Loops {
  const others = views[0]!.shape.map((_, d) => d).filter((d) => d !== dim);
  return mergeStrides(
    others.map((d) => views[0]!.shape[d]!),
    views.map((view) => others.map((d) => view.strides[d]!)),
  );
}

/** A view of other shape and strides, no tensor: it neither counts as a user of the memory nor belongs to a scope. */
export function viewed(
  { storage, dtype, offset }: View,
  shape: readonly number[],
  strides: readonly number[],
  own: { readonly storage?: Storage; readonly offset?: number } = {},
): View {
  const contiguous = (): boolean => isContiguous(shape, strides);
  return { storage, dtype, shape, strides, offset, elementCount: product(shape), isContiguous: contiguous, ...own };
}

/** `count` positions of a dimension from `start` on. */
export const part = (view: View, dim: number, start: number, count: number): View =>
  viewed(view, view.shape.with(dim, count), view.strides, { offset: view.offset + start * view.strides[dim]! });

export const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** Strides of a row-major layout. */
export function rowMajor(sizes: readonly number[]): number[] {
  const strides = new Array<number>(sizes.length);
  for (let d = sizes.length - 1, step = 1; d >= 0; step *= sizes[d]!, d--) strides[d] = step;
  return strides;
}

/** Runs `use` with device memory of `length` words, which is free again afterwards. */
export function withTemporary(memory: Memory, device: string, length: number, use: (words: View) => void): void {
  const storage = memory.allocate(device, 'int32', length);
  try {
    use(new Tensor(storage, 'int32', [length]));
  } finally {
    memory.dispose(storage);
  }
}

/**
 * Whether each of `count` rows is better left to one invocation than to a workgroup: short ones, and those side by side in
 * memory, whose invocations read neighbours.
 */
export function aloneIsBest(count: number, length: number, beside: boolean): boolean {
  if (length <= 32 || (beside && count >= 32)) return true;
  return count >= 1024 && length <= (count >= 16384 ? 256 : 64);
}
