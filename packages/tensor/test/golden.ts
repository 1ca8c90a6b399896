/** @file Reads the compressed golden vectors of this package's tests: values that PyTorch 1.13 produced. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { DType, TypedArray } from '../src/dtype.ts';
import { dtypeInfo } from '../src/dtype.ts';

/** An encoded tensor: base64 of its row-major little-endian bytes. */
export interface GoldenTensor {
  $t: { dtype: DType; shape: number[]; data: string };
}

/** An integer; `$i` holds those that JSON numbers cannot. */
export type GoldenInteger = number | { $i: string };

export function readFixture<T>(name: string): T {
  const path = new URL(`./fixtures/${name}`, import.meta.url);
  return JSON.parse(gunzipSync(readFileSync(path)).toString('utf8')) as T;
}

/** The elements of an encoded tensor, in the array type of its dtype. */
export function elementsOf(tensor: GoldenTensor): TypedArray {
  const bytes = Uint8Array.from(Buffer.from(tensor.$t.data, 'base64'));
  return new (dtypeInfo(tensor.$t.dtype).array)(bytes.buffer);
}

export function integerOf(value: GoldenInteger): number | bigint {
  return typeof value === 'number' ? value : BigInt(value.$i);
}
