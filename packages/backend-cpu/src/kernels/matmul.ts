/** @file Batched matrix product over strided views. */
import type { DType } from '@flambeau/tensor';
import { dtypeInfo, isComplex, type MatmulOptions, mergeStrides, type View } from '@flambeau/tensor/internal';
import { gemm } from '../wasm/gemm.ts';
import { matrixVector, type VectorProduct } from '../wasm/matrixVector.ts';
import { type FloatArray, scratchFor } from '../wasm/scratch.ts';
import { freshView } from './fresh.ts';
import type { Matrix, Product, ProductOptions } from './matrix.ts';
import { intoWidened, isHalf, type Operand, operandOf, widened } from './operand.ts';
import { bigintProduct, complexProduct, floatProduct, integerProduct } from './plainMatmul.ts';

/** Products with at most this many multiplications are faster without a call into WebAssembly. */
const SMALL = 128;

/**
 * out = alpha · a · b (+ out) (+ bias), for a [...B, M, K], b [...B, K, N], bias [N] and a contiguous out [...B, M, N], all
 * of one dtype. Batch shapes are equal; stride 0 repeats an operand. Sums are taken in at least the precision of the
 * result, half precision in float32; integers wrap around. K = 0 gives zeros (plus bias).
 */
export function matmul(a: View, b: View, out: View, options: MatmulOptions = {}): void {
  if (out.elementCount === 0) return;
  const { alpha = 1, accumulate = false } = options;
  const bias = options.bias === undefined ? null : widened(options.bias);
  const product = productFor(isHalf(out.dtype) ? 'float32' : out.dtype);
  const vector = bias && { data: bias.data, offset: bias.offset, stride: bias.strides[0]! };
  const dims = out.shape.length;
  const multiplications = out.shape[dims - 2]! * out.shape[dims - 1]! * a.shape[dims - 1]!;
  intoWidened(out, accumulate, (c) => {
    if (isComplex(out.dtype) && multiplications > SMALL) {
      productByParts(operandOf(a), operandOf(b), c, { alpha, accumulate, bias: vector });
      return;
    }
    batchedProduct(product, widened(a), widened(b), c, { alpha, accumulate, bias: vector });
  });
}

/** The real (0) or imaginary (1) parts of a complex operand. */
const partOf = (x: Operand, lane: 0 | 1): Operand => ({
  ...x,
  strides: x.strides.map((stride) => 2 * stride),
  offset: 2 * x.offset + lane,
});

/** A complex product as four real ones of its factors' parts; `c` is contiguous. */
function productByParts(a: Operand, b: Operand, c: Operand, { alpha, accumulate, bias }: ProductOptions): void {
  const dtype = c.data instanceof Float64Array ? 'float64' : 'float32';
  const product = productFor(dtype);
  const sum = (lanes: readonly (readonly [0 | 1, 0 | 1, number])[]): Operand => {
    const part = { ...freshView(dtype, c.shape) };
    lanes.forEach(([left, right, factor], i) => {
      const options = { alpha: factor, accumulate: i > 0, bias: null };
      batchedProduct(product, partOf(a, left), partOf(b, right), part, options);
    });
    return part;
  };
  const parts = [
    sum([
      [0, 0, 1],
      [1, 1, -1],
    ]),
    sum([
      [0, 1, 1],
      [1, 0, 1],
    ]),
  ].map((part) => part.data as Float64Array);
  const target = c.data as Float64Array;
  const n = c.shape.at(-1)!;
  parts.forEach((part, lane) => {
    for (let i = 0; i < part.length; i++) {
      const to = 2 * (c.offset + i) + lane;
      let value = alpha * part[i]!;
      if (bias !== null) value += bias.data[2 * (bias.offset + (i % n) * bias.stride) + lane] as number;
      target[to] = accumulate ? value + target[to]! : value;
    }
  });
}

/** The product for a dtype; each reads the typed arrays as what they are for it. */
function productFor(dtype: DType): Product {
  const { kind } = dtypeInfo(dtype);
  const product =
    dtype === 'float32' || dtype === 'float64'
      ? floatingProducts[dtype]
      : dtype === 'int64'
        ? bigintProduct
        : kind === 'complex'
          ? complexProduct
          : integerProduct;
  return product as unknown as Product;
}

const floatingProducts = { float32: floatingProduct('float32'), float64: floatingProduct('float64') };

function floatingProduct(dtype: 'float32' | 'float64'): Product<FloatArray> {
  return (m, n, k, a, b, c, options) => {
    const scratch = m * n * k > SMALL ? scratchFor(dtype) : null;
    if (scratch === null) (floatProduct as Product<FloatArray>)(m, n, k, a, b, c, options);
    else if (m === 1) matrixVector(scratch, rowTimesMatrix(n, k, a, b, c, options));
    else if (n === 1) matrixVector(scratch, matrixTimesColumn(m, k, a, b, c, options));
    else gemm(scratch, m, n, k, a, b, c, options);
  };
}

type Arguments = Parameters<Product<FloatArray>>;

/** A product with one row, as the product of the transposed matrix and a vector. */
function rowTimesMatrix(
  n: number,
  k: number,
  a: Arguments[3],
  b: Arguments[4],
  c: Arguments[5],
  options: Arguments[6],
): VectorProduct {
  return {
    rows: n,
    k,
    matrix: { data: b.data, offset: b.offset, rowStride: b.columnStride, columnStride: b.rowStride },
    x: { data: a.data, offset: a.offset, stride: a.columnStride },
    y: { data: c.data, offset: c.offset, stride: c.columnStride },
    ...options,
  };
}

/** A product with one column. */
function matrixTimesColumn(
  m: number,
  k: number,
  a: Arguments[3],
  b: Arguments[4],
  c: Arguments[5],
  options: Arguments[6],
): VectorProduct {
  const { bias } = options;
  return {
    rows: m,
    k,
    matrix: a,
    x: { data: b.data, offset: b.offset, stride: b.rowStride },
    y: { data: c.data, offset: c.offset, stride: c.rowStride },
    ...options,
    bias: bias && { ...bias, stride: 0 },
  };
}

function batchedProduct(product: Product, a: Operand, b: Operand, c: Operand, options: ProductOptions): void {
  const batchDims = c.shape.length - 2;
  const n = c.shape[batchDims + 1]!;
  const k = a.shape[batchDims + 1]!;
  let m = c.shape[batchDims]!;
  let rowA = a.strides[batchDims]!;
  let rowC = c.strides[batchDims]!;
  const { sizes, strides } = batchLoops(a, b, c, batchDims);
  const [stepsA, stepsB, stepsC] = strides as [number[], number[], number[]];
  let loops = sizes.length;
  // A batch that shares b and whose matrices of a lie one after another is one product with more rows.
  for (; loops > 0 && stepsB[loops - 1] === 0; loops--) {
    const [stepA, stepC] = [stepsA[loops - 1]!, stepsC[loops - 1]!];
    if (m === 1) [rowA, rowC] = [stepA, stepC];
    else if (stepA !== m * rowA || stepC !== m * rowC) break;
    m *= sizes[loops - 1]!;
  }
  const columnA = a.strides[batchDims + 1]!;
  const [rowB, columnB] = [b.strides[batchDims]!, b.strides[batchDims + 1]!];
  const run = (dim: number, atA: number, atB: number, atC: number): void => {
    if (dim < loops) {
      const [stepA, stepB, stepC] = [stepsA[dim]!, stepsB[dim]!, stepsC[dim]!];
      for (let i = 0; i < sizes[dim]!; i++) run(dim + 1, atA + i * stepA, atB + i * stepB, atC + i * stepC);
      return;
    }
    const left: Matrix = { data: a.data, offset: atA, rowStride: rowA, columnStride: columnA };
    const right: Matrix = { data: b.data, offset: atB, rowStride: rowB, columnStride: columnB };
    product(m, n, k, left, right, { data: c.data, offset: atC, rowStride: rowC, columnStride: 1 }, options);
  };
  run(0, a.offset, b.offset, c.offset);
}

const noLoops = { sizes: [], strides: [[], [], []] };

function batchLoops(a: Operand, b: Operand, c: Operand, batchDims: number) {
  if (batchDims === 0) return noLoops;
  const steps = [a, b, c].map((operand) => operand.strides.slice(0, batchDims));
  return mergeStrides(c.shape.slice(0, batchDims), steps);
}
