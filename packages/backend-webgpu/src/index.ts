/** @file The WebGPU backend: `await init()` makes device 'webgpu' known. */
import { DeviceError } from '@flambeau/tensor';
import { registerBackend, state } from '@flambeau/tensor/internal';
import { openSession, type Session } from './backend.ts';
import { findAdapter, type InitOptions, openDevice } from './device.ts';
import type { MemoryStats } from './memory.ts';
import { patiently } from './patience.ts';

export type { InitOptions } from './device.ts';
export type { MemoryStats } from './memory.ts';

let session: Session | null = null;

function current(what: string): Session {
  if (session === null) throw new DeviceError(`${what}(): call \`await init()\` first`);
  return session;
}

/** Whether `init()` would find an adapter. */
export async function isAvailable(): Promise<boolean> {
  try {
    return (await findAdapter({})) !== null;
  } catch {
    return false;
  }
}

/** Opens the device. Called again it does nothing, unless the device was lost. @throws DeviceError that says what is missing. */
export async function init(options: InitOptions = {}): Promise<void> {
  if (session !== null && session.gpu.lost === null) return;
  session = openSession(await openDevice(options), 'webgpu:0');
  registerBackend(session.backend);
  // 'webgpu' is short for the first device.
  state.backends.set('webgpu', session.backend);
}

export const deviceCount = (): number => (session === null ? 0 : 1);
/** The number of the open device. @throws DeviceError before `init()`. */
export function currentDevice(): number {
  current('currentDevice');
  return 0;
}

export const getDeviceName = (_index = 0): string => current('getDeviceName').gpu.name;
export const limits = (): GPUSupportedLimits => current('limits').gpu.limits;
export const memoryStats = (): MemoryStats => ({ ...current('memoryStats').memory.stats });

/** Waits until the device has done everything asked of it. */
export async function synchronize(): Promise<void> {
  const { commands, gpu } = current('synchronize');
  commands.submit();
  await patiently(gpu, gpu.queue.onSubmittedWorkDone());
}

/** Gives back the memory that is kept for reuse. */
export async function emptyCache(): Promise<void> {
  const { memory } = current('emptyCache');
  await synchronize();
  memory.emptyCache();
}
