/**
 * @file The epilogue of products: a pointwise op that follows a product and reads its result is computed by the product's
 * own kernel, while the sums are in registers. Programs call one op after the other and a product cannot know the next
 * one; so it waits until something else is asked of the device (`Commands.defer`), and `map` looks whether it may join.
 * Both results are stored, since the program may still use the first: what is saved is a dispatch and reading it back.
 */
import type { MapKernel, Scalar, View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import { isWindow, memoryOf } from '../memory.ts';
import { type EpilogueForm, isShort } from '../wgsl/epilogue.ts';
import { checkDType } from '../wgsl/lower.ts';
import type { Plan } from './contractionPlan.ts';
import { writeScalar } from './scalars.ts';

/** An op that joins a product. Its operands and its result are laid out as the product's result is. */
export interface Epilogue {
  readonly kernel: MapKernel;
  /** For each input of the kernel: the product's result (null), another view, or a scalar. */
  readonly inputs: readonly (View | Scalar | null)[];
  /** Null where the op overwrites the product's result. */
  readonly out: View | null;
}

/** An op joins products from its third time after one on: each pair is a program of its own, which takes long to compile. */
const TIMES_APART = 2;
/** Views beside the product's own. */
const MOST_VIEWS = 2;

const followed = new WeakMap<MapKernel, number>();

const viewsAmong = (inputs: readonly (View | Scalar | null)[]): View[] =>
  inputs.filter((input): input is View => typeof input === 'object' && input !== null);

/** Whether `view` has an element wherever `result` has one, in the same order. */
function laidOutAs(result: View, view: View): boolean {
  if (view.elementCount !== result.elementCount) return false;
  if (result.isContiguous()) return view.isContiguous();
  const same = (a: readonly number[], b: readonly number[]): boolean =>
    a.length === b.length && a.every((x, i) => x === b[i]);
  return same(view.shape, result.shape) && same(view.strides, result.strides);
}

/** The op as an epilogue of the product that fills `result` from `operands`, or null where it cannot be one. */
function epilogueOf(
  result: View,
  operands: readonly View[],
  kernel: MapKernel,
  inputs: readonly (View | Scalar)[],
  outputs: readonly View[],
): Epilogue | null {
  const [out] = outputs;
  if (out === undefined || outputs.length > 1 || !laidOutAs(result, out)) return null;
  // Windows of one buffer, of two ops, may overlap.
  if ([result, ...operands, ...viewsAmong(inputs), out].some(({ storage }) => isWindow(memoryOf(storage)))) return null;
  const memory = memoryOf(result.storage);
  const isResult = (view: View): boolean =>
    memoryOf(view.storage) === memory && view.offset === result.offset && view.dtype === result.dtype;
  let [reads, others] = [false, 0];
  const joined: (View | Scalar | null)[] = [];
  const read = [result, ...operands];
  for (const input of inputs) {
    if (typeof input !== 'object') joined.push(input);
    else if (!laidOutAs(result, input)) return null;
    else if (isResult(input)) {
      reads = true;
      joined.push(null);
    } else if (memoryOf(input.storage) === memory || ++others > MOST_VIEWS) return null;
    else {
      joined.push(input);
      read.push(input);
    }
  }
  if (!reads) return null;
  if (isResult(out)) return { kernel, inputs: joined, out: null };
  // Other invocations may still read what this would overwrite.
  const target = memoryOf(out.storage);
  return read.some(({ storage }) => memoryOf(storage) === target) ? null : { kernel, inputs: joined, out };
}

/** Lets a pointwise op join the product that waits. @returns false where it has to run on its own. */
export function joinsProduct(
  commands: Commands,
  kernel: MapKernel,
  inputs: readonly (View | Scalar)[],
  outputs: readonly View[],
): boolean {
  const { waiting } = commands;
  if (waiting === null) return false;
  const epilogue = epilogueOf(waiting.out, waiting.operands, kernel, inputs, outputs);
  if (epilogue === null) return false;
  checkKernel(kernel);
  const times = followed.get(kernel) ?? 0;
  followed.set(kernel, times + 1);
  return times >= TIMES_APART && commands.finish(epilogue);
}

/** @throws DTypeError for a kernel with dtypes that the device does not have. */
export function checkKernel(kernel: MapKernel): void {
  for (const { dtype } of [...kernel.inputs, ...kernel.outputs])
    if (dtype !== null) checkDType(`${kernel.name}()`, dtype);
  checkDType(`${kernel.name}()`, kernel.compute);
}

/** The views that the product's kernel binds for its epilogue. */
export function viewsOf({ inputs, out }: Epilogue): View[] {
  return viewsAmong([...inputs, out]);
}

/** What the text of an epilogue depends on; `places` are the numbers of its views' buffers. */
export function epilogueForm({ kernel, inputs, out }: Epilogue, places: readonly number[]): EpilogueForm {
  let next = 0;
  const of = (input: View | null): number | 'result' => (input === null ? 'result' : places[next++]!);
  return {
    kernel,
    inputs: inputs.map((input) => (typeof input === 'object' ? of(input) : 'scalar')),
    output: of(out),
  };
}

/** Writes the words of an epilogue from `at` on. */
export function writeEpilogue(
  { kernel, inputs, out }: Epilogue,
  result: View,
  words: Uint32Array,
  floats: Float32Array,
  at: number,
): void {
  [...inputs, out].forEach((input, i) => {
    if (typeof input !== 'object') writeScalar(words, floats, at + i, input, kernel.inputs[i]!.as);
    else if (input !== null) words[at + i] = input.offset - result.offset;
  });
}

/** Whether a product of this plan takes the op: a tile in registers repeats its text. */
export const takesEpilogue = ({ method, chunks }: Plan, { kernel }: Epilogue): boolean =>
  method.kind !== 'registers' || chunks > 1 || isShort(kernel);
