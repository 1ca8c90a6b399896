/**
 * @file Memory scopes: who gives the memory of tensors back, and when.
 *
 * Nothing here is needed for correct programs: what is dropped is collected. On a device whose memory JavaScript's
 * collector does not feel, a scope gives back at once what was made in it and nothing holds. A storage counts its tensors
 * and the graph's saved slots; the device gets the memory when the last of them is done, so that a scope can neither
 * take memory from a view nor from a backward pass that is still to come.
 */
import { isPromise, type ModeGuard, memoryKind, openMode, whenSettled } from './modes.ts';
import { state } from './state.ts';
import type { Tensor } from './tensor.ts';

/** `Symbol.dispose`, where the engine does not have it yet. */
export const disposeKey: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose');

/** An open scope with the tensors that were made while it was the innermost. */
export interface MemoryScope {
  readonly made: Set<Tensor>;
  readonly outer: MemoryScope | null;
  /** Scopes of the library's own take only tensors of devices that are not garbage-collected. */
  readonly everywhere: boolean;
  open: boolean;
}

/** Enters a new tensor in the innermost scope that wants it. Called by the constructor of every tensor. */
export function track(tensor: Tensor): void {
  let { scope } = state;
  if (tensor.storage.device === 'cpu') while (scope !== null && !scope.everywhere) scope = scope.outer;
  scope?.made.add(tensor);
}

/** Takes a tensor out of all open scopes. */
export function untrack(tensor: Tensor): void {
  for (let { scope } = state; scope !== null; scope = scope.outer) scope.made.delete(tensor);
}

/**
 * Protects a tensor from the scopes that are open: it lives on when they close. Parameters, buffers, gradients (`.grad`)
 * and optimizer state need no keeping.
 *
 * ```ts
 * const best: Tensor[] = [];
 * tidy(() => { best.push(keep(randn(3).abs())); });
 * ```
 */
export function keep<T extends Tensor>(tensor: T): T {
  untrack(tensor);
  return tensor;
}

/** Everything that a result holds: itself, what is in arrays, Maps and Sets, and what is in fields of other objects. */
function reachable(result: unknown, made: ReadonlySet<Tensor>, seen = new Set<unknown>()): Set<unknown> {
  if (typeof result !== 'object' || result === null || seen.has(result)) return seen;
  seen.add(result);
  if (made.has(result as Tensor) || 'storage' in result || ArrayBuffer.isView(result)) return seen;
  const items = Array.isArray(result) || result instanceof Set ? result : undefined;
  for (const item of items ?? (result instanceof Map ? result.values() : Object.values(result)))
    reachable(item, made, seen);
  return seen;
}

/** Disposes of what the scope made but what is in `result`, which the next outer scope takes over. */
function finish(scope: MemoryScope, result: unknown): void {
  scope.open = false;
  if (scope.made.size === 0) return;
  const living = reachable(result, scope.made);
  let { outer } = scope;
  while (outer !== null && !outer.open) outer = outer.outer;
  const made = [...scope.made];
  scope.made.clear();
  for (const tensor of made) {
    if (!living.has(tensor)) tensor.dispose();
    else if (outer !== null && (outer.everywhere || tensor.storage.device !== 'cpu')) outer.made.add(tensor);
  }
}

/** Opens a scope of the user's: a mode. What it returns closes it, keeping the tensors in a result. */
function enter(): (result: unknown) => void {
  const scope: MemoryScope = { made: new Set(), outer: state.scope, everywhere: true, open: true };
  const guard = openMode(memoryKind, scope);
  return (result) => {
    if (!scope.open) return;
    guard.close();
    finish(scope, result);
  };
}

/**
 * Runs `fn`, until its promise settles if it returns one, and then gives back the memory of all tensors made meanwhile
 * but those in its result (a tensor, or arrays, Maps, Sets and other objects that hold some), parameters, buffers, `.grad`,
 * optimizer state and what was given to `keep`. Without `fn` the scope is open to the end of the block:
 *
 * ```ts
 * const predicted = await scope(async () => (await net(x).softmax(1).toArray()) as number[][]);
 * { using _ = scope(); … }
 * ```
 *
 * Asynchronous scopes that overlap see each other's tensors: await one before opening the next. Using a tensor that a
 * scope gave back is a FlambeauError.
 */
export function scope(): ModeGuard;
export function scope<T>(fn: () => T): T;
export function scope<T>(fn?: () => T): T | ModeGuard {
  const close = enter();
  const closeEmpty = (): void => close(undefined);
  if (fn !== undefined) return whenSettled(fn, close, closeEmpty);
  return { close: closeEmpty, [disposeKey]: closeEmpty } as ModeGuard;
}

/**
 * `scope(fn)` for a synchronous `fn`: what other libraries call tidy.
 *
 * ```ts
 * const norm = tidy(() => x.mul(x).sum().sqrt()); // the squares and their sum are given back
 * ```
 * @throws TypeError for an asynchronous function: those take `await scope(async () => …)`.
 */
export function tidy<T>(fn: () => T): T {
  return scope(() => {
    const result = fn();
    if (isPromise(result))
      throw new TypeError('tidy(): the function is asynchronous; use `await scope(async () => …)`');
    return result;
  });
}

/**
 * Runs a synchronous piece of the library that keeps no tensors but its result, and gives its temporaries back; `finished`
 * sees what was made before that. An asynchronous piece still needs its tensors: they are left to the next outer scope.
 * No mode, because every op is such a piece; on the CPU alone it is not needed and costs nothing.
 */
export function temporaries<T>(fn: () => T, finished?: (result: T, made: ReadonlySet<Tensor>) => void): T {
  if (!state.reclaims) return fn();
  const { scope: outer } = state;
  const scope: MemoryScope = { made: new Set(), outer, everywhere: false, open: true };
  state.scope = scope;
  let result: unknown;
  try {
    const value = fn();
    result = isPromise(value) ? [...scope.made] : value;
    finished?.(value, scope.made);
    return value;
  } finally {
    state.scope = outer;
    finish(scope, result);
  }
}

/** Runs code of the user's in the midst of an op: what it makes is none of the op's temporaries. */
export function asUser<T>(fn: () => T): T {
  const { scope } = state;
  let outer = scope;
  while (outer !== null && !outer.everywhere) outer = outer.outer;
  state.scope = outer;
  try {
    return fn();
  } finally {
    state.scope = scope;
  }
}

/**
 * To be awaited now and then by whatever iterates: gives JavaScript time to collect what was dropped on devices that are
 * short of memory. Null when there is no need.
 */
export function settle(): Promise<unknown> | null {
  if (!state.reclaims) return null;
  const waits = [...new Set(state.backends.values())].flatMap((backend) => backend.settle() ?? []);
  return waits.length === 0 ? null : Promise.all(waits);
}
