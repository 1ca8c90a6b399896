/** @file Pointwise kernels in parts, of which copies are the one that others are made with. */
import { type Backend, copyKernel, type MapKernel, type Scalar, type View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import { map } from '../kernels/map.ts';
import type { Memory } from '../memory.ts';
import { type Call, fulfil, over, tooLarge } from './calls.ts';
import type { Views } from './windows.ts';

export const isView = (x: View | Scalar): x is View => typeof x === 'object';
export const viewsOf = (list: readonly (View | Scalar)[]): View[] => list.filter(isView);

/** A list with other views in the place of its own. */
export function withViews(list: readonly (View | Scalar)[], views: Views): (View | Scalar)[] {
  let v = 0;
  return list.map((item) => (isView(item) ? views[v++]! : item));
}

export function mapCall(
  map: Backend['map'],
  kernel: MapKernel,
  inputs: readonly (View | Scalar)[],
  outputs: readonly View[],
): Call {
  const views = [...viewsOf(inputs), ...outputs];
  return {
    op: kernel.name,
    views,
    axes: over(outputs[0]!.shape, views),
    run: ([own]) => map(kernel, withViews(inputs, own!), own!.slice(-outputs.length) as readonly View[]),
  };
}

/** Copies a view to another of its shape and dtype, in parts where they are too large for one dispatch. */
export function copyInParts(commands: Commands, memory: Memory, from: View, to: View): void {
  const { bindingLimit } = memory;
  const own: Backend['map'] = (kernel, inputs, outputs) => map(commands, kernel, inputs, outputs);
  const call = mapCall(own, copyKernel(from.dtype, to.dtype), [from], [to]);
  if (!fulfil(call, bindingLimit)) throw tooLarge(call, bindingLimit);
}
