/** Product of a float32 or float64 matrix and a vector, in blocks that stay in a second-level cache. */
import type { Matrix, Vector } from '../kernels/matrix.ts';
import { isTransposed } from './gemm.ts';
import { copyStrided, type FloatArray, regions, type Scratch } from './scratch.ts';

/** Bytes of the matrix that are copied at once. */
const BLOCK = 256 * 1024;
/** Most elements of a row of a block. */
const LONGEST = 16384;

export interface VectorProduct {
  /** Elements of the result, and terms of each. */
  readonly rows: number;
  readonly k: number;
  readonly matrix: Matrix<FloatArray>;
  readonly x: Vector<FloatArray>;
  readonly y: Vector<FloatArray>;
  readonly alpha: number;
  readonly accumulate: boolean;
  /** Added to the elements of the result. */
  readonly bias: Vector<FloatArray> | null;
}

/** y = alpha · matrix · x (+ y) (+ bias). */
export function matrixVector(scratch: Scratch, product: VectorProduct): void {
  const { rows, k, matrix } = product;
  const { bytes } = scratch.element;
  // Rows of a block have adjacent elements: either those of the matrix, or those of its columns.
  const transposed = isTransposed(matrix);
  const most = Math.floor(BLOCK / bytes);
  const [longest, across] = transposed ? [rows, k] : [k, rows];
  const length = Math.min(longest, LONGEST);
  const count = Math.min(across, Math.floor(most / length));
  const [rowBlock, kBlock] = transposed ? [length, count] : [Math.min(count, LONGEST), length];
  for (let i = 0; i < rows; i += rowBlock) {
    const outputs = Math.min(rowBlock, rows - i);
    const y = regions.c.at / bytes;
    scratch.heap.fill(0, y, y + outputs);
    for (let p = 0; p < k; p += kBlock) {
      addBlock(scratch, product, transposed, i, outputs, p, Math.min(kBlock, k - p));
    }
    store(scratch, product, i, outputs);
  }
}

/** Adds the product of one block to the C region. */
function addBlock(
  { element, heap, vectors }: Scratch,
  { matrix, x }: VectorProduct,
  transposed: boolean,
  i: number,
  outputs: number,
  p: number,
  steps: number,
): void {
  const { bytes } = element;
  const { data, offset, rowStride, columnStride } = matrix;
  const from = offset + i * rowStride + p * columnStride;
  const at = regions.packed.at / bytes;
  copyStrided(heap, regions.a.at / bytes, x.data, x.offset + p * x.stride, 1, 0, steps, x.stride);
  if (transposed) {
    copyStrided(heap, at, data, from, steps, columnStride, outputs, 1);
    vectors.combine(steps, outputs, regions.packed.at, outputs * bytes, regions.a.at, regions.c.at);
  } else {
    copyStrided(heap, at, data, from, outputs, rowStride, steps, columnStride);
    vectors.dots(outputs, steps, regions.packed.at, steps * bytes, regions.a.at, regions.c.at);
  }
}

function store(
  { element, heap }: Scratch,
  { y, alpha, accumulate, bias }: VectorProduct,
  i: number,
  count: number,
): void {
  const sums = regions.c.at / element.bytes;
  for (let j = 0; j < count; j++) {
    let value = alpha * heap[sums + j]!;
    if (bias !== null) value += bias.data[bias.offset + (i + j) * bias.stride]!;
    const to = y.offset + (i + j) * y.stride;
    y.data[to] = accumulate ? value + y.data[to]! : value;
  }
}
