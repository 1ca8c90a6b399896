/**
 * @file All mutable global state of Flambeau in one record under a global symbol, so that two copies of this package
 * (which npm may install) still share modes, backends and the random generator, and say so.
 */
import type { Backend } from './backend.ts';
import type { RegisteredClass } from './class-registry.ts';
import type { DType } from './dtype.ts';
import { DeviceError } from './errors.ts';
import type { MemoryScope } from './memory.ts';
import type { Mode } from './modes.ts';
import type { PrintOptions } from './printing/options.ts';
import type { Generator } from './random/generator.ts';
import type { Recorder } from './record.ts';
import type { Storage } from './storage.ts';

export interface State {
  /** Innermost open mode, the head of a linked list. See modes.ts. */
  modes: Mode | null;
  /** What the open modes say about recording; kept up to date by modes.ts because every op reads it. */
  gradEnabled: boolean;
  /** Whether some `autocast` is open; kept up to date by modes.ts because the ops of its lists ask. */
  autocasting: boolean;
  /** The innermost open memory scope; kept up to date by modes.ts because every tensor asks. */
  scope: MemoryScope | null;
  /** Whether some device wants its memory back as soon as it can be had (not the CPU: it is garbage-collected). */
  reclaims: boolean;
  /** Automatic differentiation, when @flambeau/autograd has been imported. */
  recorder: Recorder | null;
  /** Set while an in-place op runs out of place: inputs on this storage must be saved as copies. See inplace.ts. */
  overwriting: Storage | null;
  readonly backends: Map<string, Backend>;
  /** See class-registry.ts. */
  readonly classes: Map<string, RegisteredClass>;
  /** The backend of device 'cpu', or null until one is registered. */
  cpu: Backend | null;
  defaultDevice: string;
  defaultDType: DType;
  generator: Generator | null;
  /** Whether ops must give the same bits every time. See deterministic.ts. */
  deterministic: boolean;
  printOptions: PrintOptions | null;
}

function create(): State {
  return {
    modes: null,
    gradEnabled: true,
    autocasting: false,
    scope: null,
    reclaims: false,
    recorder: null,
    overwriting: null,
    backends: new Map(),
    classes: new Map(),
    cpu: null,
    defaultDevice: 'cpu',
    defaultDType: 'float32',
    generator: null,
    deterministic: false,
    printOptions: null,
  };
}

const key = Symbol.for('@flambeau/tensor');
const holder = globalThis as unknown as Record<symbol, State | undefined>;

if (holder[key] !== undefined) {
  console.warn('Flambeau: @flambeau/tensor was loaded twice; make sure that one version of it is installed.');
}
holder[key] ??= create();

/** The one record of global state. */
export const state: State = holder[key];

/** The backend of a device. @throws DeviceError with the remedy when there is none. */
export function backendFor(device: string): Backend {
  if (device === 'cpu' && state.cpu !== null) return state.cpu;
  const backend = state.backends.get(device);
  if (backend !== undefined) return backend;
  throw new DeviceError(missingBackend(device));
}

function missingBackend(device: string): string {
  if (device.startsWith('cuda')) return `there is no device '${device}'; GPUs are reached through 'webgpu'`;
  const name = device.split(':')[0];
  if (name === 'cpu')
    return "no backend for device 'cpu': add `import '@flambeau/backend-cpu'` (the flambeau package does so)";
  if (name === 'webgpu') {
    return `device '${device}' is not ready: install @flambeau/backend-webgpu, import it as webgpu and \`await webgpu.init()\` first`;
  }
  const known = [...state.backends.keys()].map((d) => `'${d}'`).join(', ') || 'none';
  return `unknown device '${device}'; registered devices: ${known}`;
}
