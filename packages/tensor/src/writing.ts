/** @file Ops that write into part of a tensor: out of place into a copy, in place into the tensor itself. */
import { checkWritable, overwrite } from './inplace.ts';
import { untracked } from './modes.ts';
import { copyOf } from './ops/copy.ts';
import type { PointwiseFunction } from './pointwise.ts';
import { tracks } from './record.ts';
import { state } from './state.ts';
import type { Tensor } from './tensor.ts';

/**
 * What a call comes to once its arguments are checked: nothing may be changed before that. `write` fills in the places,
 * `record` connects the result to the graph.
 */
export interface Writing {
  readonly inputs: readonly (Tensor | null)[];
  write(target: Tensor): void;
  record(out: Tensor): Tensor;
}

/** A tensor that `write` may read while it changes `target`: itself, or a copy when they share memory. */
export function apart(source: Tensor, target: Tensor): Tensor {
  const shared = source.storage.data === target.storage.data || (source.storage.external && target.storage.external);
  return shared ? copyOf(source) : source;
}

/** The public function of an op that writes, with its in-place form. */
export function writingFunction<Args extends unknown[]>(
  op: string,
  prepare: (self: Tensor, ...args: Args) => Writing,
): PointwiseFunction<Args> {
  const outOfPlace = (self: Tensor, call: Writing): Tensor => {
    const out = copyOf(self);
    untracked(() => call.write(out));
    out.storage.version = 0;
    return call.record(out);
  };
  const f = (self: Tensor, ...args: Args): Tensor => outOfPlace(self, prepare(self, ...args));
  const inplace = (self: Tensor, ...args: Args): Tensor => {
    const call = prepare(self, ...args);
    if (state.gradEnabled && (self.requiresGrad || call.inputs.some(tracks)))
      return overwrite(`${op}_`, self, () => outOfPlace(self, call));
    checkWritable(`${op}_`, self);
    untracked(() => call.write(self));
    self.storage.version++;
    return self;
  };
  return Object.assign(f, { inplace });
}
