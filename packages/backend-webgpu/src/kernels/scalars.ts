/** @file Scalar arguments as parameter words. */
import type { DType } from '@flambeau/tensor';
import { dtypeInfo, type Scalar } from '@flambeau/tensor/internal';

/** Writes a scalar as a value of dtype `as` into parameter word `at`. */
export function writeScalar(words: Uint32Array, floats: Float32Array, at: number, value: Scalar, as: DType): void {
  const { kind } = dtypeInfo(as);
  if (kind === 'bool') words[at] = value ? 1 : 0;
  else if (kind === 'int')
    words[at] = typeof value === 'bigint' ? Number(BigInt.asUintN(32, value)) : Number(value) | 0;
  else floats[at] = Number(value);
}
