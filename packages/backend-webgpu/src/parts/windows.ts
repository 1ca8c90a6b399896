/**
 * @file Windows: the parts of buffers that kernels see where devices do not bind the whole of them. A window passes for a
 * buffer of its own; views on it lie as those that they stand for, from another offset.
 */
import { Storage, type View } from '@flambeau/tensor/internal';
import { viewed } from '../kernels/places.ts';
import { type DeviceData, type GpuBuffer, memoryOf } from '../memory.ts';

/** Bindings are cached by the numbers of windows and buffers. */
let made = 0;
/** So many windows of a buffer are remembered. */
const REMEMBERED = 256;

/** The window of `bytes` from `offset` on. What happens to it happens to the buffer. */
function windowOn(whole: GpuBuffer, offset: number, bytes: number): GpuBuffer {
  return {
    gpu: whole.gpu,
    buffer: whole.buffer,
    content: whole.content,
    id: -++made,
    offset,
    bytes,
    windows: null,
    get lastBatch() {
      return whole.lastBatch;
    },
    set lastBatch(batch) {
      whole.lastBatch = batch;
    },
    get work() {
      return whole.work;
    },
    set work(work) {
      whole.work = work;
    },
    get broken() {
      return whole.broken;
    },
    set broken(broken) {
      whole.broken = broken;
    },
  };
}

/** The window of `bytes` from `offset` on as the storage of views. */
function windowAt({ storage }: View, offset: number, bytes: number): Storage {
  const whole = memoryOf(storage);
  whole.windows ??= new Map();
  const key = `${offset},${bytes}`;
  let window = whole.windows.get(key);
  if (window === undefined) {
    const data: DeviceData = { memory: windowOn(whole, offset, bytes), ballast: new ArrayBuffer(0) };
    window = new Storage(storage.device, storage.dtype, bytes / 4, data);
    // One more than there are tensors: the buffer is not a window's to give back.
    window.users = 1;
    if (whole.windows.size >= REMEMBERED) whole.windows.clear();
    whole.windows.set(key, window);
  }
  return window;
}

/** A view through a window. Its offset is negative if it starts before that. */
const through = (view: View, window: Storage): View =>
  viewed(view, view.shape, view.strides, { storage: window, offset: view.offset - memoryOf(window).offset / 4 });

/** The numbers of a buffer and of its windows, under which bindings are cached. */
export const idsOf = ({ id, windows }: GpuBuffer): number[] => [
  id,
  ...[...(windows?.values() ?? [])].map((storage) => memoryOf(storage).id),
];

/** Which bytes of a buffer views lie on, from a multiple of the alignment of windows on. */
interface Span {
  readonly from: number;
  readonly to: number;
  /** Numbers of the views. */
  readonly views: readonly number[];
}

function spanOf(view: View, number: number, { gpu, bytes }: GpuBuffer): Span {
  let [first, last] = [view.offset, view.offset];
  view.shape.forEach((size, d) => {
    const reach = Math.max(0, size - 1) * view.strides[d]!;
    if (reach < 0) first += reach;
    else last += reach;
  });
  // A view without elements may lie behind the last one.
  const to = Math.min((last + 1) * 4, bytes);
  return {
    from: aligned(Math.min(first * 4, to - 4), gpu.limits.minStorageBufferOffsetAlignment),
    to,
    views: [number],
  };
}

const aligned = (bytes: number, to: number): number => Math.floor(bytes / to) * to;

const union = (a: Span, b: Span): Span => ({
  from: Math.min(a.from, b.from),
  to: Math.max(a.to, b.to),
  views: [...a.views, ...b.views],
});

const fits = ({ from, to }: Span, limit: number): boolean => to - from <= limit;

/** One span where it fits; else several that do not overlap, because devices forbid bindings that do. */
function joined(spans: readonly Span[], limit: number): readonly Span[] {
  const all = spans.reduce(union);
  if (fits(all, limit)) return [all];
  const apart: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const last = apart.at(-1);
    if (last !== undefined && span.from < last.to) apart[apart.length - 1] = union(last, span);
    else apart.push(span);
  }
  return apart;
}

export type Views = readonly (View | null)[];

/** The bytes that views touch of each buffer that is too large to be seen whole. */
function spansOf(views: Views, limit: number): readonly Span[] {
  const spans = new Map<GpuBuffer, Span[]>();
  for (const [v, view] of views.entries()) {
    if (view === null) continue;
    const memory = memoryOf(view.storage);
    if (memory.bytes <= limit) continue;
    const list = spans.get(memory);
    const span = spanOf(view, v, memory);
    if (list === undefined) spans.set(memory, [span]);
    else list.push(span);
  }
  return [...spans.values()].flatMap((list) => joined(list, limit));
}

/** The numbers of views that together span more than kernels see at once; null where none do. */
export const misfitsOf = (views: Views, limit: number): readonly number[] | null =>
  spansOf(views, limit).find((span) => !fits(span, limit))?.views ?? null;

/** Puts windows under views of which none are misfits. */
export function placed(views: Views, limit: number): Views {
  const result = [...views];
  for (const { from, to, views: numbers } of spansOf(views, limit)) {
    const window = windowAt(views[numbers[0]!]!, from, to - from);
    for (const v of numbers) result[v] = through(views[v]!, window);
  }
  return result;
}

/** A view through each of the windows that cover its whole buffer, for kernels that leave out what lies beyond. */
export function everywhere(view: View): readonly View[] {
  const { bytes, gpu } = memoryOf(view.storage);
  if (bytes <= gpu.bindingLimit) return [view];
  const step = aligned(gpu.bindingLimit, gpu.limits.minStorageBufferOffsetAlignment);
  return Array.from({ length: Math.ceil(bytes / step) }, (_, i) =>
    through(view, windowAt(view, i * step, Math.min(step, bytes - i * step))),
  );
}
