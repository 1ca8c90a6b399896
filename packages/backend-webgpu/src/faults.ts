/**
 * @file Faults. The device reports them later than the call that caused them; here they become errors of ours, kept with
 * the work that failed, so that using its results throws and nothing else does.
 */
import { DeviceError, FlambeauError, OutOfMemoryError } from '@flambeau/tensor';
import type { Gpu } from './device.ts';

/** Commands that the device does together or not at all. */
export interface Work {
  /** Why its results are not there. */
  error: FlambeauError | null;
}

/** Memory as far as faults are concerned. */
export interface Fallible {
  readonly gpu: Gpu;
  /** What wrote it last, or null before that. */
  work: Work | null;
  /** Set when the device had no room for it: it is not used again. */
  broken: boolean;
}

const isOutOfMemory = (error: GPUError): boolean => error.constructor.name === 'GPUOutOfMemoryError';

/** The first error of `act` that one of the filters lets through, known later. After a loss there are none. */
export function scoped(
  device: GPUDevice,
  filters: readonly GPUErrorFilter[],
  act: () => void,
): Promise<GPUError | null> {
  for (const filter of filters) device.pushErrorScope(filter);
  let scopes: Promise<GPUError | null>[] = [];
  try {
    act();
  } finally {
    scopes = filters.map(() => device.popErrorScope().catch(() => null));
  }
  return Promise.all(scopes).then((errors) => errors.find((error) => error !== null) ?? null);
}

/** Keeps track of a promise that faults may come from, for {@link settled}. */
function pending(gpu: Gpu, fault: Promise<void>): void {
  gpu.pending.add(fault);
  void fault.finally(() => gpu.pending.delete(fault));
}

/** Waits until everything asked of the device so far is known to have worked or failed. */
export async function settled(gpu: Gpu): Promise<void> {
  await Promise.all(gpu.pending);
}

/** A buffer; `failed` is told if the device has no memory for it, and work that uses it fails with an error that says so. */
export function createBuffer(
  gpu: Gpu,
  descriptor: GPUBufferDescriptor,
  failed: (error: OutOfMemoryError) => void = () => {},
): GPUBuffer {
  let buffer: GPUBuffer | undefined;
  const scope = scoped(gpu.device, ['out-of-memory'], () => {
    buffer = gpu.device.createBuffer(descriptor);
  });
  const outcome = scope.then((error) => {
    if (error === null) return;
    gpu.outOfMemory = `the device is out of memory: it refused a buffer of ${descriptor.size} bytes (${error.message}); free tensors or use smaller batches`;
    failed(new OutOfMemoryError(gpu.outOfMemory));
  });
  pending(gpu, outcome);
  return buffer!;
}

/** A call whose refusal other errors will show: without this it would count as the fault of unknown work. */
export function expectRefusal(gpu: Gpu, act: () => void): void {
  void scoped(gpu.device, ['validation'], act);
}

/** What a shader's compilation said. */
async function reasonOf(module: GPUShaderModule, error: GPUError): Promise<string> {
  try {
    const { messages } = await module.getCompilationInfo();
    const first = messages.find(({ type }) => type === 'error');
    if (first !== undefined) return `line ${first.lineNum}: ${first.message}`;
  } catch {
    // The device is gone, or too old to say.
  }
  return error.message;
}

/** Compiles a program; tells `failed` if the device refuses it. */
export function createPipeline(
  gpu: Gpu,
  name: string,
  code: string,
  layout: GPUPipelineLayout,
  failed: (error: FlambeauError) => void,
): GPUComputePipeline {
  const { device } = gpu;
  let module: GPUShaderModule | undefined;
  let pipeline: GPUComputePipeline | undefined;
  const scope = scoped(device, ['internal', 'validation'], () => {
    module = device.createShaderModule({ label: name, code });
    pipeline = device.createComputePipeline({ label: name, layout, compute: { module, entryPoint: 'main' } });
  });
  const outcome = scope.then(async (error) => {
    if (error === null) return;
    const reason = await reasonOf(module!, error);
    failed(
      new FlambeauError(
        `${name}: WebGPU refused its shader (${reason}). That is a fault of Flambeau or of the driver; the CPU can compute it (await x.cpu())`,
      ),
    );
  });
  pending(gpu, outcome);
  return pipeline!;
}

/** Sends work to the device and tells how it ended, after the reasons that it may have failed for are known. */
export function submitWork(gpu: Gpu, send: () => void, ended: (error: GPUError | null) => void): void {
  const causes = [...gpu.pending];
  const scope = scoped(gpu.device, ['out-of-memory', 'validation'], send);
  const outcome = scope.then(async (error) => {
    await Promise.all(causes);
    if (error === null && causes.length === 0) gpu.outOfMemory = null;
    ended(error);
  });
  pending(gpu, outcome);
}

/** The error of work of some ops. */
export function workError(gpu: Gpu, ops: string, error: GPUError): FlambeauError {
  if (gpu.outOfMemory !== null) {
    const reason = gpu.outOfMemory;
    gpu.outOfMemory = null;
    return new OutOfMemoryError(`${ops}: ${reason}`);
  }
  if (isOutOfMemory(error))
    return new OutOfMemoryError(`${ops}: the device is out of memory (${error.message}); use smaller batches`);
  return new FlambeauError(`${ops}: WebGPU refused the commands: ${error.message}`);
}

/** Waits for a promise of the device's; a loss, after which some devices never settle, rejects. */
export async function untilLost<T>(gpu: Gpu, op: string, promise: Promise<T>): Promise<T> {
  let stop: (() => void) | undefined;
  const loss = new Promise<never>((_, reject) => {
    stop = () => reject(lostError(gpu, op));
    gpu.onLost.add(stop);
  });
  if (gpu.lost !== null) stop!();
  try {
    return await Promise.race([promise, loss]);
  } finally {
    gpu.onLost.delete(stop!);
  }
}

/** The error of an op on a lost device. */
export const lostError = (gpu: Gpu, op: string): DeviceError => new DeviceError(`${op}: ${gpu.lost!.message}`);

/** Throws an error that has been waiting for somebody to be told. */
export function raise(gpu: Gpu, error: FlambeauError): never {
  if (gpu.failure === error) gpu.failure = null;
  throw error;
}

/** @throws DeviceError when the device is lost. */
export function checkDevice(gpu: Gpu, op: string): void {
  if (gpu.lost !== null) throw lostError(gpu, op);
}

/** @throws the error of the work that was to fill this memory, or DeviceError when it was on a device that is lost. */
export function checkMemory(gpu: Gpu, op: string, memory: Fallible): void {
  if (memory.gpu !== gpu) throw lostError(memory.gpu, op);
  if (memory.work !== null && memory.work.error !== null) raise(gpu, memory.work.error);
}
