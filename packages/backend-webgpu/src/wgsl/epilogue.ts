/** @file The text of a pointwise op that a product's kernel applies to its result: see kernels/epilogue.ts. */
import type { DType } from '@flambeau/tensor';
import type { MapKernel } from '@flambeau/tensor/internal';
import { declarationsFor } from './library.ts';
import { expressionText, loading, scalarText, storing } from './lower.ts';
import { word } from './shader.ts';

/** All that the text depends on. */
export interface EpilogueForm {
  readonly kernel: MapKernel;
  /** For each input: the number of its buffer, `result` for what the product computed, or `scalar`. */
  readonly inputs: readonly (number | 'result' | 'scalar')[];
  /** The number of the output's buffer, or `result` where it overwrites the product's. */
  readonly output: number | 'result';
}

/** Where the product stores its result. */
interface Result {
  readonly dtype: DType;
  readonly buffer: number;
}

/**
 * `epilogue` applies the op to `stored`, the word that the product has for `place`, and stores its result. From word `at` on
 * each input and then the output has one: how far from `place` it lies, or the scalar.
 */
export function epilogueFunction({ kernel, inputs, output }: EpilogueForm, result: Result, at: number): string {
  const away = (i: number): string => `place + ${word(at + i)}`;
  const { statements, results, dtypes } = expressionText(
    kernel.outputs.map(({ expr }) => expr),
    kernel.inputs,
    kernel.compute,
    (i) => {
      const [from, { dtype, as }] = [inputs[i]!, kernel.inputs[i]!];
      if (dtype === null) return scalarText(as, at + i);
      return loading(dtype, as)(from === 'result' ? 'stored' : `b${from}[${away(i)}]`);
    },
  );
  const target = output === 'result' ? `b${result.buffer}[place]` : `b${output}[${away(inputs.length)}]`;
  return `fn epilogue(place: u32, stored: u32) {
  ${statements}
  ${target} = ${storing(dtypes[0]!, kernel.outputs[0]!.dtype)(results[0]!)};
}`;
}

/** Characters of an op's text, the functions that it calls among them, that may be repeated for each output of a tile. */
const SHORT = 600;
const short = new WeakMap<MapKernel, boolean>();

/** Whether compilers stay fast when they inline the op for each output of a tile in registers, of which there are up to 96. */
export function isShort(kernel: MapKernel): boolean {
  let is = short.get(kernel);
  if (is === undefined) {
    const inputs = kernel.inputs.map(() => 'result' as const);
    const text = epilogueFunction(
      { kernel, inputs, output: 'result' },
      { dtype: kernel.outputs[0]!.dtype, buffer: 0 },
      0,
    );
    is = text.length + declarationsFor(text).length <= SHORT;
    short.set(kernel, is);
  }
  return is;
}
