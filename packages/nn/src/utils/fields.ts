/** @file Reading and changing a module's fields by name. */
import { Buffer, Parameter, type Tensor } from '@flambeau/tensor';
import type { Module } from '../module.ts';

/** A module's fields. */
export const fieldsOf = (module: Module): Record<string, unknown> => module as unknown as Record<string, unknown>;

/** The parameter or buffer of a name. @throws TypeError when the module has none. */
export function ownTensor(op: string, module: Module, name: string): Parameter | Buffer {
  for (const [key, value] of module.ownEntries())
    if (key === name && (value instanceof Parameter || value instanceof Buffer)) return value;
  throw new TypeError(`${op}(): ${module.constructor.name} has no parameter or buffer '${name}'`);
}

/** The parameter of a name. @throws TypeError when the module has none. */
export function ownParameter(op: string, module: Module, name: string): Parameter {
  const found = ownTensor(op, module, name);
  if (found instanceof Parameter) return found;
  throw new TypeError(`${op}(): '${name}' of ${module.constructor.name} is a buffer, not a parameter`);
}

/** Takes a field away; one that is set again comes last, as in PyTorch. */
export function dropField(module: Module, name: string): void {
  delete fieldsOf(module)[name];
}

/** `dim` counted from the front. @throws RangeError when there is no such dimension. */
export function frontDim(op: string, x: Tensor, dim: number): number {
  if (!Number.isInteger(dim) || dim < -x.ndim || dim >= x.ndim)
    throw new RangeError(`${op}(): dim must be in [${-x.ndim}, ${x.ndim - 1}], got ${dim}`);
  return dim < 0 ? dim + x.ndim : dim;
}
