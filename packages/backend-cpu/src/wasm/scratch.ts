/**
 * The one block of WebAssembly memory that the kernels work in. Tensors live in ordinary buffers, so blocks of them
 * are copied in, and blocks of results out. It is allocated once, when it is first needed, and never grows; pages that
 * no kernel touched cost nothing.
 */
import { type ConvExports, convModule } from './convModule.ts';
import { type Element, elementOf, type FloatType } from './element.ts';
import type { WasmModule } from './encoder.ts';
import { instantiate, type KernelMode, kernelMode } from './features.ts';
import { type GemmExports, gemmModule, STRIP } from './gemmModule.ts';
import { type PoolExports, poolModule } from './poolModule.ts';
import { type VectorExports, vectorModule } from './vectorModule.ts';

export type FloatArray = Float32Array | Float64Array;

/** Most rows of A in one block: a strip of as many rows by 32 bytes lies below the regions. */
export const MAX_ROWS = 1024;
/** Most entries of a table of offsets. */
export const MAX_TABLE = 16384;

const KiB = 1024;
const MiB = 1024 * KiB;

/** Where the regions start, and their sizes in bytes. */
export const regions = layOut({
  init: 32 * KiB,
  rows: MAX_TABLE * 4 + 64,
  columns: MAX_TABLE * 4 + 64,
  columnsOut: MAX_TABLE * 4 + 64,
  spread: 2 * MAX_TABLE * 4,
  /** Rows of A, with adjacent elements. */
  a: 1 * MiB,
  /** Operands as they are in memory, before they are transposed, packed or padded. */
  raw: 1 * MiB,
  packed: 2 * MiB,
  /** A convolution's padded source; matrix products use it for more packed panels. */
  box: 2 * MiB,
  c: 1 * MiB,
});

interface Region {
  readonly at: number;
  readonly bytes: number;
}

function layOut<T extends Record<string, number>>(sizes: T): { readonly [name in keyof T]: Region } & { end: number } {
  let at = STRIP + MAX_ROWS * 32;
  const placed: Record<string, Region> = {};
  for (const [name, bytes] of Object.entries(sizes)) {
    placed[name] = { at, bytes };
    at += bytes;
  }
  return Object.assign(placed as { [name in keyof T]: Region }, { end: at });
}

/** The scratch memory seen as one element type, with the kernels for it. */
export interface Scratch {
  readonly element: Element;
  /** The kernels, compiled when they are first wanted; those for pooling are for float32 alone. */
  readonly kernels: GemmExports;
  readonly conv: ConvExports;
  readonly pool: PoolExports;
  readonly vectors: VectorExports;
  /** All of the memory, in elements and in 32-bit words. */
  readonly heap: FloatArray;
  readonly words: Int32Array;
}

let memory: WebAssembly.Memory | undefined;
const scratches: Record<Exclude<KernelMode, 'js'>, { [dtype in FloatType]?: Scratch | null }> = { simd: {}, fma: {} };

/**
 * The scratch for a type, or null where kernels run in plain JavaScript: because of the mode, or because this
 * environment has no room for the memory or does not compile the modules.
 */
export function scratchFor(dtype: FloatType): Scratch | null {
  const mode = kernelMode();
  if (mode === 'js') return null;
  const made = scratches[mode][dtype];
  if (made !== undefined) return made;
  let scratch: Scratch | null = null;
  try {
    scratch = makeScratch(dtype, mode);
    // The largest module: browsers that limit what a main thread compiles refuse it or none.
    void scratch.kernels;
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof WebAssembly.CompileError)) throw error;
    scratch = null;
  }
  scratches[mode][dtype] = scratch;
  return scratch;
}

function makeScratch(dtype: FloatType, mode: KernelMode): Scratch {
  const pages = Math.ceil(regions.end / (64 * KiB));
  memory ??= new WebAssembly.Memory({ initial: pages, maximum: pages });
  const element = elementOf(dtype, mode);
  const { buffer } = memory;
  const imports = { scratch: { memory } };
  const compile = (name: string, build: () => WasmModule): unknown =>
    instantiate(`${name} ${dtype} ${mode}`, build, imports);
  let [kernels, conv, pool, vectors]: [GemmExports?, ConvExports?, PoolExports?, VectorExports?] = [];
  return {
    element,
    heap: dtype === 'float32' ? new Float32Array(buffer) : new Float64Array(buffer),
    words: new Int32Array(buffer),
    get kernels() {
      kernels ??= compile('gemm', () => gemmModule(element, mode)) as GemmExports;
      return kernels;
    },
    get conv() {
      conv ??= compile('conv', () => convModule(element)) as ConvExports;
      return conv;
    },
    get pool() {
      pool ??= compile('pool', poolModule) as PoolExports;
      return pool;
    },
    get vectors() {
      vectors ??= compile('vectors', () => vectorModule(element)) as VectorExports;
      return vectors;
    },
  };
}

/** Below this length copying element by element is faster than making views for `TypedArray.set`. */
const SHORT_ROW = 32;

/** Copies a matrix whose rows have adjacent elements to `to` (an element index), row after row. */
export function copyRows(
  heap: FloatArray,
  to: number,
  data: FloatArray,
  offset: number,
  rows: number,
  rowStride: number,
  columns: number,
): void {
  if (rowStride === columns || rows === 1) {
    heap.set(data.subarray(offset, offset + rows * columns), to);
    return;
  }
  for (let i = 0; i < rows; i++) {
    const from = offset + i * rowStride;
    const at = to + i * columns;
    if (columns >= SHORT_ROW) heap.set(data.subarray(from, from + columns), at);
    else for (let j = 0; j < columns; j++) heap[at + j] = data[from + j]!;
  }
}

/** Copies any strided matrix to `to`, row after row. */
export function copyStrided(
  heap: FloatArray,
  to: number,
  data: FloatArray,
  offset: number,
  rows: number,
  rowStride: number,
  columns: number,
  columnStride: number,
): void {
  if (columnStride === 1) {
    copyRows(heap, to, data, offset, rows, rowStride, columns);
    return;
  }
  for (let i = 0, at = to; i < rows; i++) {
    let from = offset + i * rowStride;
    for (let j = 0; j < columns; j++, at++, from += columnStride) heap[at] = data[from]!;
  }
}

/** Copies a block of results, rows of adjacent elements, from the heap to strided rows. */
export function copyRowsOut<T extends FloatArray | Int32Array>(
  heap: T,
  from: number,
  data: T,
  offset: number,
  rows: number,
  rowStride: number,
  columns: number,
): void {
  if (rowStride === columns || rows === 1) {
    data.set(heap.subarray(from, from + rows * columns), offset);
    return;
  }
  for (let i = 0; i < rows; i++) {
    const at = offset + i * rowStride;
    const start = from + i * columns;
    if (columns >= SHORT_ROW) data.set(heap.subarray(start, start + columns), at);
    else for (let j = 0; j < columns; j++) data[at + j] = heap[start + j]!;
  }
}

/**
 * Writes every sum of one number from each list to the table at byte address `at`, the last list varying fastest.
 * Gives the number of entries.
 */
export function writeSums(words: Int32Array, at: number, lists: readonly (readonly number[])[]): number {
  let next = at / 4;
  const write = (depth: number, sum: number): void => {
    const list = lists[depth]!;
    if (depth === lists.length - 1) for (let i = 0; i < list.length; i++) words[next++] = sum + list[i]!;
    else for (let i = 0; i < list.length; i++) write(depth + 1, sum + list[i]!);
  };
  write(0, 0);
  return next - at / 4;
}
