/** @file How scattered values are combined with what is there. */
import type { DType } from '@flambeau/tensor';
import { call, computeDType, inputs, type ScatterMode } from '@flambeau/tensor/internal';
import { expressionText, loading, storing, valueType } from './lower.ts';
import { floatWord, intWord, word } from './shader.ts';

export interface Combination {
  readonly statements: string;
  /** The word to be stored. */
  readonly result: string;
}

/** Combines the word `seen` of a tensor of `dtype` with `value`, which is of its computation dtype. */
export function combination(dtype: DType, mode: ScatterMode): Combination {
  const compute = computeDType(dtype);
  if (mode === 'assign') return { statements: '', result: storing(compute, dtype)('value') };
  const [old, next] = inputs(2);
  const operand = { dtype: null, as: compute };
  const { statements, results, dtypes } = expressionText([call(mode, old!, next!)], [operand, operand], compute, (i) =>
    i === 0 ? loading(dtype, compute)('seen') : 'value',
  );
  return { statements, result: storing(dtypes[0]!, dtype)(results[0]!) };
}

/** The value of a source: an element that `element` reads, or a scalar in parameter word `at`. */
export function sourceText(dtype: DType, src: DType | null, element: string, at: number): string {
  const compute = computeDType(dtype);
  if (src !== null) return loading(src, compute)(element);
  const type = valueType(compute);
  return type === 'bool' ? `(${word(at)} != 0u)` : type === 'f32' ? floatWord(at) : intWord(at);
}
