/** @file Named tuples: what PyTorch returns as one is an array here, with the names as properties too. */
import { intoOut } from './inplace.ts';
import type { Tensor } from './tensor.ts';

/**
 * An array of `T` that has a property for each of `Names`, in that order. Where a name is that of an array method
 * (`values`), the property wins; destructuring and indexing are an array's.
 */
export type Named<Names extends readonly string[], T> = Omit<readonly T[], Names[number]> & {
  readonly [I in keyof Names & `${number}`]: T;
} & { readonly [Name in Names[number]]: T };

/**
 * Makes a named tuple, which prints as PyTorch's of the op does.
 *
 * ```ts
 * const result = named(['values', 'indices'], [a, b], 'sort');
 * const [values, indices] = result;
 * result.indices === indices; // true
 * ```
 */
export function named<const Names extends readonly string[], T>(
  names: Names,
  items: readonly T[],
  op: string,
): Named<Names, T> {
  const tuple = [...items];
  // Not enumerable, so that an array is what compares.
  const define = (name: string | symbol, value: unknown) =>
    Object.defineProperty(tuple, name, { value, enumerable: false });
  const python = (name: string): string => name.replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const text = () =>
    `torch.return_types.${op}(\n${names.map((name, i) => `${python(name)}=${String(items[i])}`).join(',\n')})`;
  names.forEach((name, i) => {
    define(name, items[i]);
  });
  define('toString', text);
  define(Symbol.for('nodejs.util.inspect.custom'), text);
  return tuple as unknown as Named<Names, T>;
}

/** Values and their positions (int32): `const [values, indices] = …`, or by name. */
export type ValuesIndices = Named<readonly ['values', 'indices'], Tensor>;

/** Values and positions of an op on `self` as a named tuple, copied into `out` where that is given. */
export function valuesIndices(
  op: string,
  self: Tensor,
  results: readonly [Tensor, Tensor],
  out: readonly [Tensor, Tensor] | undefined,
): ValuesIndices {
  const placed = out === undefined ? results : results.map((result, i) => intoOut(op, out[i], [self], () => result));
  return named(['values', 'indices'], placed, op);
}
