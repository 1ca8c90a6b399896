import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type DType, fromTypedArray, type Tensor } from '@flambeau/tensor';
import { dtypeInfo } from '@flambeau/tensor/internal';

/** A tensor in the golden files: little-endian bytes, row-major, in base64. */
export interface EncodedTensor {
  dtype: DType;
  shape: number[];
  data: string;
}

export function readGoldens<T>(name: string): T {
  return JSON.parse(gunzipSync(readFileSync(new URL(`./fixtures/${name}`, import.meta.url))).toString()) as T;
}

export function decodeTensor({ dtype, shape, data }: EncodedTensor): Tensor {
  const bytes = new Uint8Array(Buffer.from(data, 'base64'));
  return fromTypedArray(new (dtypeInfo(dtype).array)(bytes.buffer), shape, { dtype });
}
