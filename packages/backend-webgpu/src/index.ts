/** @file The WebGPU backend: `await init()` makes device 'webgpu' known. */
import { DeviceError } from '@flambeau/tensor';
import { registerBackend, state } from '@flambeau/tensor/internal';
import { openSession, type Session } from './backend.ts';
import { checkInitOptions, findAdapter, type InitOptions, openDevice } from './device.ts';
import { checkDevice, raise, settled, untilLost } from './faults.ts';
import type { MemoryStats } from './memory.ts';
import { patiently } from './patience.ts';

export type { InitOptions } from './device.ts';
export type { MemoryStats } from './memory.ts';

let session: Session | null = null;
let opening: Promise<void> | null = null;

/** The open device. @throws DeviceError before `init()` and after a loss. */
function current(op: string): Session {
  if (session === null) throw new DeviceError(`${op}(): call \`await init()\` first`);
  checkDevice(session.gpu, `${op}()`);
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

/**
 * Opens the device. Called again it does nothing, unless the device was lost: then it opens a new one, where the tensors
 * of the old one cannot be used.
 *
 * @throws DeviceError that says what is missing; TypeError and RangeError for wrong options.
 */
export async function init(options: InitOptions = {}): Promise<void> {
  checkInitOptions(options);
  if (session !== null && session.gpu.lost === null) return;
  opening ??= open(options).finally(() => {
    opening = null;
  });
  await opening;
}

async function open(options: InitOptions): Promise<void> {
  session = openSession(await openDevice(options), 'webgpu:0');
  registerBackend(session.backend);
  // 'webgpu' is short for the first device.
  state.backends.set('webgpu', session.backend);
}

/** How many devices are open: 1 after `init()`, 0 before it and after a loss. */
export const deviceCount = (): number => (session === null || session.gpu.lost !== null ? 0 : 1);

/** The number of the open device. @throws DeviceError before `init()`. */
export function currentDevice(): number {
  current('currentDevice');
  return 0;
}

/** What the adapter calls itself. @throws DeviceError before `init()` and for a device that there is not. */
export function getDeviceName(index = 0): string {
  const { gpu } = current('getDeviceName');
  if (index !== 0) throw new DeviceError(`getDeviceName(): there is one device, number 0; got ${index}`);
  return gpu.name;
}

/** The limits of the open device, which are its adapter's where kernels profit. @throws DeviceError before `init()`. */
export const limits = (): GPUSupportedLimits => current('limits').gpu.limits;

/** Bytes in use and kept for reuse. @throws DeviceError before `init()`. */
export const memoryStats = (): MemoryStats => ({ ...current('memoryStats').memory.stats });

async function idle(op: string): Promise<Session> {
  const open = current(op);
  const { commands, gpu } = open;
  commands.submit();
  await patiently(gpu, untilLost(gpu, `${op}()`, gpu.queue.onSubmittedWorkDone()));
  await settled(gpu);
  checkDevice(gpu, `${op}()`);
  return open;
}

/** Waits until the device has done everything asked of it. @throws the error of what it could not do, once. */
export async function synchronize(): Promise<void> {
  const { gpu } = await idle('synchronize');
  if (gpu.failure !== null) raise(gpu, gpu.failure);
}

/** Gives back the memory that is kept for reuse, when the device is done with it. */
export async function emptyCache(): Promise<void> {
  const { memory } = await idle('emptyCache');
  memory.emptyCache();
}
