/** @file Classes by name, so that files can say what an object is without anything of a file being executed. */
import { state } from './state.ts';

/** A class with any constructor, abstract ones too. */
export type RegisteredClass = abstract new (...args: never[]) => object;

/**
 * Makes a class known under a name, its own by default: whole objects of it can then be taken apart and put together again
 * (`nn.packModule`).
 *
 * ```ts
 * class Scale extends nn.Module { … }
 * registerClass(Scale);
 * ```
 * @throws TypeError when the name belongs to another class, or the class has another name already; nothing is changed then.
 */
export function registerClass(type: RegisteredClass, name: string = type.name): void {
  if (name === '') throw new TypeError('registerClass(): a class without a name needs one, registerClass(type, name)');
  const [holder, known] = [state.classes.get(name), registeredName(type)];
  if (holder !== undefined && holder !== type)
    throw new TypeError(`registerClass(): '${name}' is the name of another class already; give this one another name`);
  if (known !== undefined && known !== name)
    throw new TypeError(`registerClass(): this class is registered as '${known}' already`);
  state.classes.set(name, type);
}

/** The class that was registered under a name, if one was. */
export const registeredClass = (name: string): RegisteredClass | undefined => state.classes.get(name);

/** The name that a class was registered under, if it was. */
export function registeredName(type: RegisteredClass): string | undefined {
  for (const [name, candidate] of state.classes) if (candidate === type) return name;
  return undefined;
}
