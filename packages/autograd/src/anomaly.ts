/** @file Anomaly mode: which call of the forward pass is to blame for NaN or an error in the backward pass. */
import { AutogradError, type ModeGuard, type Tensor } from '@flambeau/tensor';
import { backendFor, currentMode, isDifferentiable, state, untracked, withMode } from '@flambeau/tensor/internal';
import type { Node } from './node.ts';

const kind = 'anomaly';

interface Anomaly {
  readonly checkNan: boolean;
}

export interface AnomalyOptions {
  /** Whether gradients are searched for NaN, or only errors get their traces. Default true. */
  checkNan?: boolean | undefined;
}

/** Where a node's op was called. */
export interface Trace {
  readonly stack: string;
  /** The node in whose backward pass that was, when a graph of one was built. */
  readonly parent: Node | null;
}

/** Stacks are cut after as many frames. Some of them are the library's own. */
const frames = 40;

/** The node that runs now, in anomaly mode. */
let running: Node | null = null;

/** Where we are, in anomaly mode, for a node that is being made; else null. Almost always no mode is open at all. */
export function traceHere(): Trace | null {
  if (state.modes === null || currentMode<Anomaly | null>(kind, null) === null) return null;
  const limited = Error as { stackTraceLimit?: number | undefined };
  const before = limited.stackTraceLimit;
  limited.stackTraceLimit = frames;
  const { stack = '(this JavaScript engine gives no stacks)' } = new Error();
  limited.stackTraceLimit = before;
  return { stack: stack.replace(/^Error\n/, ''), parent: running };
}

function describe(node: Node): string {
  const { trace, name } = node;
  if (trace === null) {
    return `The forward pass ran outside of anomaly mode, so that it is not known which call of ${name}'s op it was; put the forward pass into it, too.`;
  }
  const own = `The forward call of ${name}'s op:\n${trace.stack}`;
  if (trace.parent === null) return own;
  return `${own}\nThat was in the backward pass, in ${trace.parent.name}. ${describe(trace.parent)}`;
}

/** Reads values at once, as only the CPU can. */
function hasNan(grad: Tensor): boolean {
  if (!isDifferentiable(grad.dtype) || backendFor(grad.device).readSync === null) return false;
  return untracked(() => grad.detach().isnan().any().itemSync()) !== 0;
}

/** Runs a node in anomaly mode, by `apply`, and blames the forward call for what goes wrong. */
export function watched<T extends readonly (Tensor | null | undefined)[]>(node: Node, apply: () => T): T {
  const before = running;
  running = node;
  let results: T;
  try {
    results = apply();
  } catch (cause) {
    const message = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new AutogradError(`${node.name} failed in the backward pass: ${message}\n${describe(node)}`, { cause });
  } finally {
    running = before;
  }
  if (!currentMode<Anomaly | null>(kind, null)?.checkNan) return results;
  const place = results.findIndex((grad) => grad && hasNan(grad));
  if (place < 0) return results;
  throw new AutogradError(`Function '${node.name}' returned nan values in its ${place}th output.\n${describe(node)}`);
}

function open<T>(on: boolean, args: readonly unknown[]): T | ModeGuard {
  const [options, fn] = (typeof args[0] === 'function' ? [{}, args[0]] : args) as [AnomalyOptions?, (() => T)?];
  return withMode(kind, on ? { checkNan: options?.checkNan ?? true } : null, fn as () => T);
}

/**
 * Finds out where gradients go wrong: when a node of the backward pass throws, or gives a gradient with NaN, the error
 * names its op and carries the stack of the forward call. Run the forward and the backward pass in it. It is slow:
 * for debugging only.
 *
 * ```ts
 * detectAnomaly(() => net(x).sqrt().sum().backward());
 * { using _ = detectAnomaly(); … }
 * ```
 *
 * NaN is looked for on the CPU only, since other devices do not give values at once; errors are explained everywhere.
 */
export function detectAnomaly(options?: AnomalyOptions): ModeGuard;
export function detectAnomaly<T>(fn: () => T): T;
export function detectAnomaly<T>(options: AnomalyOptions, fn: () => T): T;
export function detectAnomaly(...args: unknown[]): unknown {
  return open(true, args);
}

/** Anomaly mode by a condition: `setDetectAnomaly(debug, () => …)`. Without a function it stays until the guard is closed. */
export function setDetectAnomaly(mode: boolean, options?: AnomalyOptions): ModeGuard;
export function setDetectAnomaly<T>(mode: boolean, fn: () => T): T;
export function setDetectAnomaly<T>(mode: boolean, options: AnomalyOptions, fn: () => T): T;
export function setDetectAnomaly(mode: boolean, ...args: unknown[]): unknown {
  return open(mode, args);
}

/** Whether anomaly mode is on. */
export function isAnomalyEnabled(): boolean {
  return currentMode<Anomaly | null>(kind, null) !== null;
}
