/**
 * @file Modes: noGrad, enableGrad, inferenceMode, setGradEnabled and whatever later packages add.
 *
 * Open modes form a linked list; the innermost entry of a kind decides. Closing removes that very entry and never
 * restores a "previous value", so overlapping async blocks that close in another order than they opened leave nothing
 * behind. Modes belong to the thread: async blocks that overlap see each other's modes while they are open.
 */
import type { MemoryScope } from './memory.ts';
import { state } from './state.ts';

export interface Mode {
  readonly kind: string;
  readonly value: unknown;
  /** The next outer mode. */
  outer: Mode | null;
  inner: Mode | null;
}

/** An open mode; `using _ = noGrad()` closes it at the end of the block. Closing twice is harmless. */
export interface ModeGuard {
  close(): void;
  [Symbol.dispose](): void;
}

/** An entry of this kind hides all modes outside of it. */
const barrier = 'detached';
/** Memory scopes, see memory.ts. */
export const memoryKind = 'memory';

/** Automatic mixed precision, see autocast.ts. */
export const autocastKind = 'autocast';

function refresh(changed: string): void {
  if (changed === autocastKind || changed === barrier) state.autocasting = currentMode(autocastKind, null) !== null;
  state.gradEnabled = currentMode('grad', true);
  // The library's own scopes are no modes: others that open and close inside of them leave them alone.
  if (changed === memoryKind || changed === barrier) state.scope = currentMode<MemoryScope | null>(memoryKind, null);
}

/** The value of the innermost open mode of a kind, and of those that `matches` picks. */
export function currentMode<T>(kind: string, fallback: T, matches?: (value: unknown) => boolean): T {
  for (let mode = state.modes; mode !== null && mode.kind !== barrier; mode = mode.outer) {
    if (mode.kind === kind && (matches === undefined || matches(mode.value))) return mode.value as T;
  }
  return fallback;
}

/** Opens a mode until its guard is closed. */
export function openMode(kind: string, value: unknown): ModeGuard {
  const mode: Mode = { kind, value, outer: state.modes, inner: null };
  if (state.modes !== null) state.modes.inner = mode;
  state.modes = mode;
  refresh(kind);
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    if (mode.outer !== null) mode.outer.inner = mode.inner;
    if (mode.inner !== null) mode.inner.outer = mode.outer;
    else if (state.modes === mode) state.modes = mode.outer;
    refresh(kind);
  };
  return { close, [Symbol.dispose ?? Symbol.for('Symbol.dispose')]: close } as ModeGuard;
}

/** Runs `fn` in a mode, until the promise settles if it returns one; without `fn` opens the mode and returns its guard. */
export function withMode<T>(kind: string, value: unknown, fn?: () => T): T | ModeGuard {
  const guard = openMode(kind, value);
  return fn === undefined ? guard : whenSettled(fn, guard.close, guard.close);
}

export const isPromise = (value: unknown): boolean =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';

/** Runs `fn`, and `done` or `failed` when it has returned or thrown, or when the promise that it returns has settled. */
export function whenSettled<T>(fn: () => T, done: (result: Awaited<T>) => void, failed: () => void): T {
  let result: T;
  try {
    result = fn();
  } catch (error) {
    failed();
    throw error;
  }
  if (isPromise(result)) {
    return (result as unknown as Promise<Awaited<T>>).then(
      (value) => {
        done(value);
        return value;
      },
      (error) => {
        failed();
        throw error;
      },
    ) as T;
  }
  done(result as Awaited<T>);
  return result;
}

/**
 * Runs without recording for gradients.
 *
 * ```ts
 * const y = noGrad(() => net(x));
 * await noGrad(async () => { … });
 * { using _ = noGrad(); … }
 * ```
 */
export function noGrad(): ModeGuard;
export function noGrad<T>(fn: () => T): T;
export function noGrad<T>(fn?: () => T): T | ModeGuard {
  return withMode('grad', false, fn);
}

/** Switches recording on again inside `noGrad`. */
export function enableGrad(): ModeGuard;
export function enableGrad<T>(fn: () => T): T;
export function enableGrad<T>(fn?: () => T): T | ModeGuard {
  return withMode('grad', true, fn);
}

/** Recording by a condition: `setGradEnabled(train, () => net(x))`. Without a function it stays until the guard is closed. */
export function setGradEnabled(enabled: boolean): ModeGuard;
export function setGradEnabled<T>(enabled: boolean, fn: () => T): T;
export function setGradEnabled<T>(enabled: boolean, fn?: () => T): T | ModeGuard {
  return withMode('grad', enabled, fn);
}

/** Like `noGrad`; tensors made inside are ordinary ones (PyTorch marks them as unusable for autograd, we do not). */
export function inferenceMode(): ModeGuard;
export function inferenceMode<T>(fn: () => T): T;
export function inferenceMode<T>(fn?: () => T): T | ModeGuard {
  return withMode('grad', false, fn);
}

/** Whether ops are recorded now. */
export function isGradEnabled(): boolean {
  return state.gradEnabled;
}

/**
 * Runs a synchronous piece of the library's own background work with default modes, whatever the user has open.
 * Work that awaits wraps each stretch between two awaits.
 */
export function detached<T>(fn: () => T): T {
  const guard = openMode(barrier, null);
  try {
    return fn();
  } finally {
    guard.close();
  }
}

/** Synchronous `noGrad` for the insides of ops: no list entry, a few nanoseconds. */
export function untracked<T>(fn: () => T): T {
  const before = state.gradEnabled;
  state.gradEnabled = false;
  try {
    return fn();
  } finally {
    state.gradEnabled = before;
  }
}
