/** @file Loading and storing elements: what memory holds for a dtype against what an expression computes with. */
import type { DType, TypedArray } from '@flambeau/tensor';
import {
  bfloat16ToNumber,
  dtypeInfo,
  float16ToNumber,
  numberToBfloat16,
  numberToFloat16,
  type View,
} from '@flambeau/tensor/internal';
import { environment, type Lowered } from './functions.ts';
import { conversion } from './lower.ts';

Object.assign(environment, { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 });

/** The typed array behind a view, in elements of the view's own dtype. */
export function dataOf(view: View): TypedArray {
  const { storage } = view;
  return storage.dtype === view.dtype && !storage.external ? (storage.data as TypedArray) : storage.as(view.dtype);
}

function compose(outer: Lowered, inner: Lowered): Lowered {
  return { text: (a) => outer.text(inner.text(a)), run: (a) => outer.run(inner.run(a)) };
}

const decode: Partial<Record<DType, Lowered>> = {
  float16: { text: (a) => `float16ToNumber(${a})`, run: float16ToNumber },
  bfloat16: { text: (a) => `bfloat16ToNumber(${a})`, run: bfloat16ToNumber },
  bool: { text: (a) => `(${a} !== 0)`, run: (a) => a !== 0 },
};

const encode: Partial<Record<DType, Lowered>> = {
  float16: { text: (a) => `numberToFloat16(${a})`, run: numberToFloat16 },
  bfloat16: { text: (a) => `numberToBfloat16(${a})`, run: numberToBfloat16 },
  bool: { text: (a) => `+${a}`, run: Number },
};

/** From a memory element of dtype `from` to a value of dtype `as`. */
export function loading(from: DType, as: DType): Lowered {
  const cast = conversion(from, as);
  const first = decode[from];
  return first === undefined ? cast : compose(cast, first);
}

/** From a value of dtype `from` to a memory element of dtype `to`. */
export function storing(from: DType, to: DType): Lowered {
  const last = encode[to];
  // Typed arrays of 32 bits and less wrap and round by themselves.
  const cast = to === 'float32' && dtypeInfo(from).kind === 'float' ? conversion(to, to) : conversion(from, to);
  return last === undefined ? cast : compose(last, cast);
}

/** A scalar argument as a value of dtype `as`. */
export function scalarValue(value: number | bigint | boolean, as: DType): number | bigint | boolean {
  const from: DType = typeof value === 'bigint' ? 'int64' : typeof value === 'boolean' ? 'bool' : 'float64';
  return conversion(from, as).run(value) as number | bigint | boolean;
}
