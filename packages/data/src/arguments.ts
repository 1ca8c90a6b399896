import { isPlainObject } from '@flambeau/tensor/internal';
/** @file Constructors whose first argument may itself be a plain object. */

/**
 * Splits off the first argument of a constructor that takes `(first, …rest, options?)` or all of it by name. Only an
 * object that names `name` counts as the second form, because a dataset may be a plain object as well.
 *
 * @throws TypeError when there is no first argument.
 */
export function firstArgument(
  owner: string,
  name: string,
  args: readonly unknown[],
): [first: unknown, rest: readonly unknown[]] {
  const [first] = args;
  if (args.length === 1 && isPlainObject(first) && Object.hasOwn(first, name)) {
    const { [name]: value, ...options } = first;
    return [value, [options]];
  }
  if (first === undefined) throw new TypeError(`${owner}: missing argument '${name}'`);
  return [first, args.slice(1)];
}
