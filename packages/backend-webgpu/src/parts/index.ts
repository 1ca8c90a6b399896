/** @file Kernels for views that are too large for one call: such calls are cut into parts (calls.ts). */
import type { Backend, Fused } from '@flambeau/tensor/internal';
import type { Memory } from '../memory.ts';
import { type Call, type Device, fulfil, tooLarge } from './calls.ts';
import { indexingCalls, pointwiseCalls, reductionCalls } from './elements.ts';
import { attentionBackwardCalls, attentionCalls, classLossCalls, normalizationCalls, softmaxCalls } from './fused.ts';
import { convolutionCalls, poolingCalls, productCalls } from './products.ts';

/** Kernels with memory of their own that may be too large where the views are not. */
const hungry: ReadonlySet<string> = new Set(['sort', 'scatter']);

type Kernel = (...args: unknown[]) => unknown;

/** Kernels whose calls are cut where they have to be. `refused` makes the result of those that cannot be. */
function cutting<T extends object>(
  memory: Memory,
  kernels: T,
  calls: object,
  refused: (call: Call, limit: number) => unknown,
): T {
  const cut = Object.entries(calls).map(([name, callOf]) => {
    const plain = kernels[name as keyof T] as Kernel;
    const kernel: Kernel = (...args) => {
      if (!memory.oversized && !hungry.has(name)) return plain(...args);
      const call = (callOf as (...args: unknown[]) => Call)(...args);
      const { bindingLimit } = memory;
      return fulfil(call, bindingLimit) || refused(call, bindingLimit);
    };
    return [name, kernel];
  });
  return { ...kernels, ...Object.fromEntries(cut) };
}

function refuse(call: Call, limit: number): never {
  throw tooLarge(call, limit);
}

/** A backend whose kernels take views on buffers larger than what the device binds. */
export function inParts(device: Device): Backend {
  const { memory, backend } = device;
  const fused = backend.fused as Fused;
  const calls = {
    ...pointwiseCalls(device),
    ...reductionCalls(device),
    ...indexingCalls(device),
    ...productCalls(device),
    ...convolutionCalls(device),
    ...poolingCalls(device),
  };
  const fusedCalls = {
    ...softmaxCalls(fused),
    ...normalizationCalls(fused),
    ...attentionCalls(fused),
    ...classLossCalls(fused),
  };
  return {
    ...cutting(memory, backend, calls, refuse),
    // What was recorded for the kernel of a backward pass is of no use to others.
    fused: cutting(
      memory,
      cutting(memory, backend.fused, fusedCalls, () => false),
      attentionBackwardCalls(fused),
      refuse,
    ),
  };
}
