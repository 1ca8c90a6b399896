/** @file Scalar arguments as parameter words. */
import type { DType } from '@flambeau/tensor';
import { dtypeInfo, type Scalar } from '@flambeau/tensor/internal';

/** An integer wrapped to the width of its dtype, as kernels expect their values. */
function narrowed(value: number, dtype: DType): number {
  if (dtype === 'uint8') return value & 255;
  if (dtype === 'int8') return (value << 24) >> 24;
  return dtype === 'int16' ? (value << 16) >> 16 : value;
}

/** Writes a scalar as a value of dtype `as` into parameter word `at`. */
export function writeScalar(words: Uint32Array, floats: Float32Array, at: number, value: Scalar, as: DType): void {
  const { kind } = dtypeInfo(as);
  if (kind === 'bool') words[at] = value ? 1 : 0;
  else if (kind === 'int')
    words[at] = narrowed(typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : Number(value) | 0, as);
  else floats[at] = Number(value);
}
