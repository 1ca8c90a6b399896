/**
 * Matrix product of float32 or float64 matrices with any strides, in blocks that fit in scratch memory.
 *
 * Loop order, from the outside: blocks of columns of B (`NC`), blocks of the reduction (`KB`, as much of B as fits
 * packed in scratch), blocks of rows of A, and then blocks of the reduction that let one panel of B stay in the
 * first-level cache (`KC`). So B is copied and packed once, A once for each block of columns, and C goes out and comes
 * back only where K exceeds `KB`. A range of rows or columns of a product is itself a product of narrower operands,
 * which is how it can be split over threads.
 */

import type { Matrix, ProductOptions, Vector } from '../kernels/matrix.ts';
import { ZEROS } from './gemmModule.ts';
import { PANEL_ROW, panelColumns } from './gemmPacking.ts';
import {
  copyRows,
  copyRowsOut,
  copyStrided,
  type FloatArray,
  MAX_ROWS,
  MAX_TABLE,
  regions,
  type Scratch,
} from './scratch.ts';

/** Most columns of a block. */
const NC = 512;
/**
 * Elements of a block of A or C: together with some of B they should stay in a second-level cache. A block has at least
 * as many rows as make a few tiles of full height.
 */
const BLOCK = 48 * 1024;
const LEAST_ROWS = 48;
/** The same where A is transposed, and is copied in rows of so many elements. */
const LEAST_COLUMNS = 144;
/** Reduction steps for which a panel of B (32 bytes a step) stays in a first-level cache of 32 KiB or more. */
const KC = 320;

/** C[m, n] = alpha · A[m, k] · B[k, n] (+ C) (+ bias). C's columns are adjacent; m, n, k are positive. */
export function gemm(
  scratch: Scratch,
  m: number,
  n: number,
  k: number,
  a: Matrix<FloatArray>,
  b: Matrix<FloatArray>,
  c: Matrix<FloatArray>,
  options: ProductOptions<FloatArray>,
): void {
  const { element, kernels, heap } = scratch;
  const { bytes } = element;
  const width = panelColumns(element);
  const nc = Math.min(n, NC);
  const padded = Math.ceil(nc / width) * width;
  const kb = Math.min(k, MAX_TABLE, Math.floor((regions.packed.bytes + regions.box.bytes) / bytes / padded));
  const room = Math.floor(Math.min(regions.c.bytes / nc, regions.a.bytes / kb) / bytes);
  const mc = Math.min(
    m,
    MAX_ROWS,
    room,
    Math.max(isTransposed(a) ? LEAST_COLUMNS : LEAST_ROWS, Math.floor(BLOCK / Math.max(nc, kb))),
  );
  for (let j = 0; j < n; j += nc) {
    const columns = Math.min(nc, n - j);
    kernels.fillTable(regions.columnsOut.at, 0, bytes, columns);
    for (let p = 0; p < k; p += kb) {
      const steps = Math.min(kb, k - p);
      packB(scratch, b, p, j, steps, columns);
      const first = p === 0;
      const init = first && options.bias !== null ? stageBias(scratch, options.bias, j, columns) : ZEROS;
      for (let i = 0; i < m; i += mc) {
        const rows = Math.min(mc, m - i);
        stageA(scratch, a, i, p, rows, steps);
        const out = c.offset + i * c.rowStride + j;
        const at = regions.c.at / bytes;
        const adds = !first || options.accumulate;
        if (adds) copyRows(heap, at, c.data, out, rows, c.rowStride, columns);
        if (adds && init !== ZEROS) addToRows(heap, at, rows, columns, init / bytes);
        multiplyBlock(scratch, {
          m: rows,
          n: columns,
          k: steps,
          a: regions.a.at,
          rowA: steps * bytes,
          packed: regions.packed.at,
          rowC: columns * bytes,
          columnsOut: regions.columnsOut.at,
          accumulate: adds,
          init,
          initRow: 0,
          initColumn: init === ZEROS ? 0 : bytes,
          alpha: options.alpha,
        });
        copyRowsOut(heap, at, c.data, out, rows, c.rowStride, columns);
      }
    }
  }
}

/** Whether columns have adjacent elements, and rows do not. */
export const isTransposed = ({ rowStride, columnStride }: Matrix<FloatArray>): boolean =>
  rowStride === 1 && columnStride !== 1;

/** Adds the row at `from` to `rows` rows at `at`. */
function addToRows(heap: FloatArray, at: number, rows: number, columns: number, from: number): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) heap[at + i * columns + j]! += heap[from + j]!;
  }
}

/** A staged product; addresses and steps are bytes. C is in its region. */
export interface Block {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: number;
  readonly rowA: number;
  /** B's panels, `k` rows each. */
  readonly packed: number;
  readonly rowC: number;
  /** Table of the offsets of C's columns. */
  readonly columnsOut: number;
  /** Adds to C instead of starting from `init`. */
  readonly accumulate: boolean;
  /** Initial values, for element (i, j) at `init + i · initRow + j · initColumn`. */
  readonly init: number;
  readonly initRow: number;
  readonly initColumn: number;
  readonly alpha: number;
}

/** Multiplies in parts of the reduction for which a panel of B stays in the first-level cache. */
export function multiplyBlock({ element, kernels }: Scratch, block: Block): void {
  const { m, n, k, a, rowA, packed, rowC, columnsOut, accumulate, init, initRow, initColumn, alpha } = block;
  const c = regions.c.at;
  const part = Math.ceil(k / Math.ceil(k / KC));
  for (let p = 0; p < k; p += part) {
    kernels.multiply(
      m,
      n,
      Math.min(part, k - p),
      a + p * element.bytes,
      rowA,
      packed + p * PANEL_ROW,
      k * PANEL_ROW,
      c,
      rowC,
      columnsOut,
      accumulate || p > 0 ? c : init,
      initRow,
      initColumn,
      alpha,
    );
  }
}

/** Copies a block of A to its region, rows of `steps` adjacent elements. */
function stageA(scratch: Scratch, a: Matrix<FloatArray>, i: number, p: number, rows: number, steps: number): void {
  const { element, kernels, heap } = scratch;
  const { bytes } = element;
  const from = a.offset + i * a.rowStride + p * a.columnStride;
  const at = regions.a.at / bytes;
  if (isTransposed(a)) {
    copyRows(heap, regions.raw.at / bytes, a.data, from, steps, a.columnStride, rows);
    kernels.transpose(regions.raw.at, rows * bytes, regions.a.at, steps * bytes, steps, rows);
  } else {
    copyStrided(heap, at, a.data, from, rows, a.rowStride, steps, a.columnStride);
  }
}

/** Copies a block of B through the raw region, in as many parts as it takes, and packs it. */
function packB(scratch: Scratch, b: Matrix<FloatArray>, p: number, j: number, steps: number, columns: number): void {
  const { element, kernels, heap } = scratch;
  const { bytes } = element;
  const from = b.offset + p * b.rowStride + j * b.columnStride;
  const raw = regions.raw.at / bytes;
  const room = Math.floor(regions.raw.bytes / bytes);
  const pack = (k: number, n: number, packed: number) =>
    kernels.packPanels(
      regions.raw.at,
      regions.rows.at,
      regions.columns.at,
      k,
      n,
      regions.packed.at + packed,
      steps * PANEL_ROW,
    );
  if (isTransposed(b)) {
    const width = panelColumns(element);
    const most = Math.floor(room / steps / width) * width;
    kernels.fillTable(regions.rows.at, 0, bytes, steps);
    kernels.fillTable(regions.columns.at, 0, steps * bytes, Math.min(most, columns));
    for (let first = 0; first < columns; first += most) {
      const count = Math.min(most, columns - first);
      copyRows(heap, raw, b.data, from + first * b.columnStride, count, b.columnStride, steps);
      pack(steps, count, (first / width) * steps * PANEL_ROW);
    }
  } else {
    const most = Math.floor(room / columns);
    kernels.fillTable(regions.rows.at, 0, columns * bytes, Math.min(most, steps));
    kernels.fillTable(regions.columns.at, 0, bytes, columns);
    for (let first = 0; first < steps; first += most) {
      const count = Math.min(most, steps - first);
      copyStrided(heap, raw, b.data, from + first * b.rowStride, count, b.rowStride, columns, b.columnStride);
      pack(count, columns, first * PANEL_ROW);
    }
  }
}

/** Copies the bias of a block of columns; the panels read past it, up to a multiple of their width. */
function stageBias({ element, heap }: Scratch, bias: Vector<FloatArray>, j: number, columns: number): number {
  const at = regions.init.at / element.bytes;
  for (let i = 0; i < columns; i++) heap[at + i] = bias.data[bias.offset + (j + i) * bias.stride]!;
  return regions.init.at;
}
