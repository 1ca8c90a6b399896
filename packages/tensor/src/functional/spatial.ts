/** @file Arguments that give one number for each spatial dimension. */

/** One number for all dimensions, or one for each. @throws TypeError naming the argument. */
export function perDimension(op: string, name: string, value: number | readonly number[], dims: number): number[] {
  if (typeof value !== 'number' && !Array.isArray(value))
    throw new TypeError(`${op}(): ${name} must be a number or ${dims} numbers, got ${String(value)}`);
  const list = typeof value === 'number' ? new Array<number>(dims).fill(value) : [...value];
  const full = list.length === 1 && dims > 1 ? new Array<number>(dims).fill(list[0]!) : list;
  if (full.length !== dims)
    throw new TypeError(`${op}(): ${name} must be a number or ${dims} numbers, got [${list.join(', ')}]`);
  return full;
}
