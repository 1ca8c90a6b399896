/** @file Interpreted loops over strided positions. */

export type Visit = (positions: readonly number[]) => void;

/** Calls `visit` with the positions of every element of the loops, in row-major order. */
export function walk(
  sizes: readonly number[],
  strides: readonly (readonly number[])[],
  start: readonly number[],
  visit: Visit,
  d = 0,
): void {
  if (d === sizes.length) {
    visit(start);
    return;
  }
  const current = [...start];
  for (let i = 0; i < sizes[d]!; i++) {
    walk(sizes, strides, current, visit, d + 1);
    for (let v = 0; v < current.length; v++) current[v]! += strides[v]?.[d] ?? 0;
  }
}
