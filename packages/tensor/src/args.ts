/**
 * @file Arguments as PyTorch users write them: positional in PyTorch's order, and by name in one trailing plain object.
 */

/**
 * Rest parameters of a function whose trailing arguments `P` may be left off or given by name in options `O`:
 * `Trailing<[dim: number, keepdim: boolean], { dim?: number; keepdim?: boolean }>` accepts `(1, true)`,
 * `(1, { keepdim: true })`, `({ dim: 1 })` and `()`.
 */
export type Trailing<P extends unknown[], O> = P extends [...infer Head, infer _Last]
  ? [...P, options?: O] | Trailing<Head, O>
  : [options?: O];

/** Only plain objects count as options; tensors, arrays, class instances and complex numbers `{ re, im }` are positional. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return !('re' in value && 'im' in value);
}

/** Arguments without the absent ones at the end: `f(x, undefined)` is `f(x)`. */
function withoutAbsent(args: readonly unknown[]): readonly unknown[] {
  let count = args.length;
  while (count > 0 && args[count - 1] === undefined) count--;
  return count === args.length ? args : args.slice(0, count);
}

/** Positional arguments, and the options behind them if there are any. */
function splitOptions(
  list: readonly unknown[],
): [args: readonly unknown[], options: Record<string, unknown> | undefined] {
  const args = withoutAbsent(list);
  const last = args[args.length - 1];
  return isPlainObject(last) ? [withoutAbsent(args.slice(0, -1)), last] : [args, undefined];
}

/** Number of single-character edits between two words (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The known word nearest to a misspelt one. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let distance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const d = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (d < distance) [best, distance] = [candidate, d];
  }
  return best;
}

/** @throws TypeError for an option that is not in `known`, naming the nearest one. */
export function checkOptions(op: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const suggestion = nearest(key, known);
    const hint = suggestion === undefined ? 'it takes no options' : `did you mean '${suggestion}'?`;
    throw new TypeError(`${op}(): unknown option '${key}'; ${hint}`);
  }
}

/**
 * Makes the parser of a function's arguments. `positional` are names in PyTorch's order; `defaults` has a value for
 * every name that has one, `undefined` included, and lists the option-only names too.
 *
 * ```ts
 * const parse = signature('sum', ['dim', 'keepdim'], { dim: null, keepdim: false, dtype: undefined });
 * parse([1, { keepdim: true }]); // { dim: 1, keepdim: true, dtype: undefined }
 * ```
 * @throws TypeError (from the parser) for too many arguments, unknown options, an argument given both ways, and
 *   missing arguments that have no default.
 */
export function signature<O extends object>(
  op: string,
  positional: readonly (keyof O & string)[],
  defaults: Partial<O> & object,
): (args: readonly unknown[]) => O {
  const known = [...new Set([...positional, ...Object.keys(defaults)])];
  const required = positional.filter((name) => !Object.hasOwn(defaults, name));
  return (list) => {
    const [args, options] = splitOptions(list);
    const result = { ...defaults } as Record<string, unknown>;
    const count = args.length;
    if (count > positional.length) {
      throw new TypeError(
        `${op}() takes at most ${positional.length} positional arguments here (${positional.join(', ')}), got ${count}`,
      );
    }
    for (let i = 0; i < count; i++) if (args[i] !== undefined) result[positional[i]!] = args[i];
    if (options !== undefined) {
      checkOptions(op, options, known);
      for (const key of Object.keys(options)) {
        if (options[key] === undefined) continue;
        const place = positional.indexOf(key as keyof O & string);
        if (place >= 0 && place < count && args[place] !== undefined) {
          throw new TypeError(`${op}(): argument '${key}' was given both by position and by name`);
        }
        result[key] = options[key];
      }
    }
    for (const name of required) {
      if (!Object.hasOwn(result, name)) throw new TypeError(`${op}(): missing argument '${name}'`);
    }
    return result as O;
  };
}

/** A shape given as a list or spread, with options behind: `zeros([2, 3])`, `zeros(2, 3, { dtype })`. */
export type ShapeArguments<O> =
  | [...sizes: number[]]
  | [...sizes: number[], options: O]
  | [shape: readonly number[], options?: O];

/** Splits a {@link ShapeArguments} list. @throws TypeError naming the op for anything that is no size. */
export function shapeArguments<O extends object>(op: string, args: readonly unknown[]): [shape: number[], options: O] {
  const [sizes, options = {}] = splitOptions(args);
  const list = sizes.length === 1 && Array.isArray(sizes[0]) ? (sizes[0] as unknown[]) : sizes;
  for (const size of list) {
    if (typeof size !== 'number' || !Number.isInteger(size)) {
      throw new TypeError(`${op}(): sizes must be integers, got ${String(size)} in [${list.map(String).join(', ')}]`);
    }
  }
  return [[...(list as number[])], options as O];
}

/** Sizes, dimensions or indices given as a list or spread. */
export type IntegerList = number[] | [list: readonly number[]];

/** The numbers of an {@link IntegerList}. @throws TypeError naming the op for anything that is no integer. */
export function integerList(op: string, args: readonly unknown[]): number[] {
  const list = (args.length === 1 && Array.isArray(args[0]) ? args[0] : args) as readonly unknown[];
  for (const value of list) {
    if (!Number.isInteger(value))
      throw new TypeError(`${op}(): expected integers, got ${String(value)} in [${list.map(String).join(', ')}]`);
  }
  return [...(list as number[])];
}
