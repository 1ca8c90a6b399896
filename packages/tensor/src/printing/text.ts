/** @file Tensors as text: where their values and what stands behind them come from. */
import type { TypedArray } from '../dtype.ts';
import { backendFor, state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { decoder } from '../values.ts';
import { changePrintOptions, defaultPrintOptions, type PrintOptionChanges, type PrintOptions } from './options.ts';
import { type Complex, formatTensor, formatUnread, type Printable } from './tensor.ts';

/** How tensors are printed now. */
export function getPrintoptions(): PrintOptions {
  state.printOptions ??= defaultPrintOptions();
  return state.printOptions;
}

/**
 * Changes how tensors are printed from now on. `profile` is 'default', 'short' or 'full'; `sciMode` is scientific
 * notation always, never, or (null, and when left out) where numbers call for it.
 *
 * ```ts
 * setPrintoptions({ precision: 2 });
 * console.log(tensor(1.23456)); // tensor(1.23)
 * ```
 * @throws TypeError for unknown options, RangeError for numbers out of range; nothing changes then.
 */
export function setPrintoptions(changes: PrintOptionChanges): void {
  state.printOptions = changePrintOptions(getPrintoptions(), changes);
}

/** What is printed besides the values. */
function surroundings(self: Tensor, isParameter: boolean): Omit<Printable, 'read'> {
  const { dtype, shape, device, requiresGrad } = self;
  return { dtype, shape, device, requiresGrad, gradFnName: self.gradFn?.name, isParameter };
}

type Reader = (index: number) => number | bigint | boolean | Complex;

/** Reads elements by their row-major index out of memory with any strides. */
function stridedReader(self: Tensor): Reader {
  const { shape, strides, offset } = self;
  const read = decoder(self.dtype, self.storage.as(self.dtype));
  return (index) => {
    let at = offset;
    let rest = index;
    for (let d = shape.length - 1; d >= 0; d--) {
      at += (rest % shape[d]!) * strides[d]!;
      rest = Math.floor(rest / shape[d]!);
    }
    return read(at);
  };
}

/** The text of a tensor on the CPU; of others all but the values, which cannot be read at once. */
export function textOf(self: Tensor, isParameter = false): string {
  const around = surroundings(self, isParameter);
  if (self.device !== 'cpu' || self.disposed) return formatUnread(around, getPrintoptions(), state.defaultDType);
  return formatTensor({ ...around, read: stridedReader(self) }, getPrintoptions(), state.defaultDType);
}

/** The text of a tensor on any device. */
export async function readText(self: Tensor, isParameter = false): Promise<string> {
  if (self.device === 'cpu') return textOf(self, isParameter);
  const values: TypedArray = await backendFor(self.device).read(self);
  const printable = { ...surroundings(self, isParameter), read: decoder(self.dtype, values) };
  return formatTensor(printable, getPrintoptions(), state.defaultDType);
}
