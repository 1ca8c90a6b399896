/** @file Matrices as the product kernels take them. */
import type { TypedArray } from '@flambeau/tensor';

/** Element (i, j) is `data[offset + i * rowStride + j * columnStride]`; offset and strides count elements. */
export interface Matrix<Data = TypedArray> {
  readonly data: Data;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** One element for each column of a matrix: `data[offset + j * stride]`. */
export interface Vector<Data = TypedArray> {
  readonly data: Data;
  readonly offset: number;
  readonly stride: number;
}

export interface ProductOptions<Data = TypedArray> {
  /** Scales the product. */
  readonly alpha: number;
  /** Adds to the output instead of overwriting it. */
  readonly accumulate: boolean;
  /** Added to every row. */
  readonly bias: Vector<Data> | null;
}

/** C[m, n] = alpha · A[m, k] · B[k, n] (+ C) (+ bias), for positive m and n. */
export type Product<Data = TypedArray> = (
  m: number,
  n: number,
  k: number,
  a: Matrix<Data>,
  b: Matrix<Data>,
  c: Matrix<Data>,
  options: ProductOptions<Data>,
) => void;
