/**
 * @file Calls of kernels whose views span more than a kernel sees of a buffer at once: they are cut in halves, along
 * dimensions where that gives the same results, until all parts fit.
 */
import { OutOfMemoryError } from '@flambeau/tensor';
import type { Backend, View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import { part } from '../kernels/places.ts';
import type { Memory } from '../memory.ts';
import { misfitsOf, placed, type Views } from './windows.ts';

/** A way to cut a call: for each view the dimension that is cut, or -1. */
export type Axis = readonly number[];

export interface Call {
  readonly op: string;
  readonly views: Views;
  /** Ways to cut it into calls of their own. */
  readonly axes: readonly Axis[];
  /** Ways to cut it into parts of which the results are made together, for instance a sum's. */
  readonly together?: readonly Axis[] | undefined;
  /** Whether these parts have to follow each other row-major. */
  readonly inOrder?: boolean | undefined;
  /** The view of which elements anywhere in its memory are used: `run` gets it as it is. */
  readonly table?: number | undefined;
  /** Bytes of memory besides the views that so many parts need at once. */
  extra?(views: Views, parts: number): number;
  /** Called between two of the calls that it is cut into. */
  between?(): void;
  /** @returns false when it has done nothing */
  run(parts: readonly Views[]): unknown;
  /** Another way, where parts would not fit. @returns false when that has done nothing either */
  otherwise?(): boolean;
}

/** What parts run on: the kernels of a device, which take views that fit. */
export interface Device {
  readonly commands: Commands;
  readonly memory: Memory;
  readonly backend: Backend;
}

/** For each kernel how its calls are cut. */
export type CallsOf<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => unknown ? (...args: A) => Call : never;
};

/** The ways to cut views that broadcast to `shape`, along those of its dimensions that `wanted` picks. */
export function over(shape: readonly number[], views: Views, wanted: (d: number) => boolean = () => true): Axis[] {
  const axes = shape.map((_, d) =>
    views.map((view) => {
      const own = view === null ? -1 : d - shape.length + view.shape.length;
      return own >= 0 && view!.shape[own]! > 1 ? own : -1;
    }),
  );
  return axes.filter((axis, d) => wanted(d) && axis.some((dim) => dim >= 0));
}

/** Positions of the dimension that is cut. A gather's table may have more of them than its index. */
const sizeOf = (axis: Axis, views: Views): number =>
  axis.reduce(
    (size, dim, v) => Math.min(size, dim < 0 ? size : (views[v]?.shape[dim] ?? size)),
    Number.POSITIVE_INFINITY,
  );

const cut = (views: Views, axis: Axis, start: number, count: number): Views =>
  views.map((view, v) => (view === null || axis[v]! < 0 ? view : part(view, axis[v]!, start, count)));

function halves(views: Views, axis: Axis): readonly [Views, Views] {
  const size = sizeOf(axis, views);
  const middle = Math.ceil(size / 2);
  return [cut(views, axis, 0, middle), cut(views, axis, middle, size - middle)];
}

/** The axis that, cut in halves, takes most from the views with the given numbers; undefined if none does. */
function widest(axes: readonly Axis[], views: Views, numbers: readonly number[]): Axis | undefined {
  let [best, most]: [Axis | undefined, number] = [undefined, 0];
  for (const axis of axes) {
    const half = Math.floor(sizeOf(axis, views) / 2);
    const taken = numbers.reduce(
      (sum, v) => sum + (axis[v]! < 0 ? 0 : half * Math.abs(views[v]!.strides[axis[v]!]!)),
      0,
    );
    if (taken > most) [best, most] = [axis, taken];
  }
  return best;
}

/** Parts that fit, or the numbers of views that do not. */
type Parts = { readonly parts: readonly Views[] } | { readonly misfits: readonly number[] };

const fitting = ({ table }: Call, views: Views, limit: number): readonly number[] | null =>
  misfitsOf(table === undefined ? views : views.with(table, null), limit);

function place(call: Call, views: Views, limit: number): Views {
  const { table } = call;
  return table === undefined ? placed(views, limit) : placed(views.with(table, null), limit).with(table, views[table]!);
}

/** The parts of a call whose results are made together. */
function partsOf(call: Call, views: Views, limit: number): Parts {
  const misfits = fitting(call, views, limit);
  if (misfits === null) return { parts: [place(call, views, limit)] };
  const { together = [], inOrder } = call;
  // What does not fit however small the parts are is up to the other axes.
  const least = together.reduce((small, axis) => (sizeOf(axis, small) > 1 ? cut(small, axis, 0, 1) : small), views);
  const remaining = fitting(call, least, limit);
  if (remaining !== null) return { misfits: remaining };
  const axis = inOrder ? together.find((each) => sizeOf(each, views) > 1) : widest(together, views, misfits);
  if (axis === undefined) return { misfits };
  const parts: Views[] = [];
  for (const half of halves(views, axis)) {
    const inner = partsOf(call, half, limit);
    if ('misfits' in inner) return inner;
    parts.push(...inner.parts);
  }
  return { parts };
}

/** Calls that fit, of parts; null when they would not fit however they are cut. */
function callsOf(call: Call, views: Views, limit: number): (readonly Views[])[] | null {
  const found = partsOf(call, views, limit);
  let misfits: readonly number[];
  if ('misfits' in found) misfits = found.misfits;
  else {
    if ((call.extra?.(views, found.parts.length) ?? 0) <= limit) return [found.parts];
    misfits = [...views.keys()].filter((v) => views[v] !== null);
  }
  const axis = widest(call.axes, views, misfits);
  if (axis === undefined) return null;
  const calls: (readonly Views[])[] = [];
  for (const half of halves(views, axis)) {
    const inner = callsOf(call, half, limit);
    if (inner === null) return null;
    calls.push(...inner);
  }
  return calls;
}

/** Runs a call, in parts where it does not fit. @returns false, when nothing was done, where these do not fit either. */
export function fulfil(call: Call, limit: number): boolean {
  const calls = callsOf(call, call.views, limit);
  if (calls === null) return call.otherwise?.() ?? false;
  return calls.every((parts, i) => {
    if (i > 0) call.between?.();
    return call.run(parts) !== false;
  });
}

/** The error of a call that cannot be cut so that its parts fit. */
export function tooLarge({ op, views }: Call, limit: number): OutOfMemoryError {
  const shapes = views.filter((view): view is View => view !== null).map(({ dtype, shape }) => `${dtype}[${shape}]`);
  return new OutOfMemoryError(
    `${op}() of ${shapes.join(', ')}: kernels see ${limit} bytes of a tensor at once on this device, and the op cannot be split so that its parts need no more; ` +
      'work on parts of the tensors (chunk(), narrow()), make them contiguous(), or use the CPU (await x.cpu())',
  );
}
