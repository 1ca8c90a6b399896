/** @file PyTorch's names in ours: snake_case to camelCase, and where in the `flambeau` package an op is found. */
import * as flambeau from 'flambeau';

/**
 * PyTorch's name in camelCase: `_x` becomes `X`, an underscore before a digit just goes, leading and trailing
 * underscores stay.
 *
 * ```ts
 * camelCase('log_softmax'); // 'logSoftmax'
 * camelCase('atleast_1d'); // 'atleast1d'
 * camelCase('requires_grad_'); // 'requiresGrad_'
 * ```
 */
export function camelCase(name: string): string {
  return name.replace(/(?<=[^_])_([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Keys of a record in camelCase. */
export function camelCaseKeys(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [camelCase(key), value]));
}

type Callable = (...args: unknown[]) => unknown;

/** PyTorch's modules that have other names in the umbrella. */
const modules: Record<string, string> = { 'nn.functional': 'F' };

/** The op's last name in camelCase: `linalg.vector_norm` → `vectorNorm`. */
export const lastName = (op: string): string => camelCase(op.slice(op.lastIndexOf('.') + 1));

/**
 * A call that goes on with the asynchronous form where the plain one says that this device needs it: ops whose result's
 * shape depends on values.
 */
const orLater = (now: Callable, later: unknown): Callable =>
  typeof later !== 'function'
    ? now
    : function (this: unknown, ...args) {
        try {
          return now.apply(this, args);
        } catch (error) {
          if (error instanceof flambeau.DeviceError && error.message.includes('Async')) return later.apply(this, args);
          throw error;
        }
      };

/** The member of that name with its asynchronous form; undefined when there is none. */
function findCall(place: unknown, name: string): Callable | undefined {
  const members = place as Record<string, unknown> | null | undefined;
  const found = members?.[name];
  if (typeof found !== 'function') return undefined;
  return orLater(found as Callable, members![`${name}Async`]);
}

/** The function of an op in the `flambeau` package, `torch.<op>` in PyTorch; undefined when there is none. */
export function findFunction(op: string): Callable | undefined {
  const dot = op.lastIndexOf('.');
  const module = dot < 0 ? '' : op.slice(0, dot);
  let place: unknown = flambeau;
  const path = module === '' ? [] : (modules[module] ?? module).split('.');
  for (const name of path) place = (place as Record<string, unknown> | undefined)?.[name];
  return findCall(place, lastName(op));
}

/** The method of an object, bound to it; undefined when there is none. */
export function findMethod(self: unknown, name: string): Callable | undefined {
  const found = findCall(self, name);
  return found && ((...args) => found.apply(self, args));
}
