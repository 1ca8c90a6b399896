/** @file The GPU device: finding it, its limits, and what happens when it is lost or a command fails. */
import { DeviceError, FlambeauError, OutOfMemoryError } from '@flambeau/tensor';

export interface InitOptions {
  powerPreference?: 'low-power' | 'high-performance' | undefined;
  /** An adapter of the caller's; by default one is requested. */
  adapter?: GPUAdapter | undefined;
  /** Bytes of device memory that tensors may take in all. Default: 4 GiB. */
  memoryLimit?: number | undefined;
}

/** A ready device with what the kernels need to know of it. */
export interface Gpu {
  readonly device: GPUDevice;
  readonly queue: GPUQueue;
  readonly limits: GPUSupportedLimits;
  readonly name: string;
  /** Whether the adapter is software (SwiftShader, Mesa's llvmpipe, WARP): kernels of another shape are fast there. */
  readonly software: boolean;
  readonly memoryLimit: number;
  /** Set when the device was lost: every further use throws it. */
  lost: FlambeauError | null;
  /** What the device reported of an earlier command: thrown once, at the next use. */
  failure: FlambeauError | null;
}

const DEFAULT_MEMORY_LIMIT = 4 * 2 ** 30;

/** Dawn's object must live as long as the process: its devices crash when it is collected. */
const keep = globalThis as unknown as Record<symbol, GPU | undefined>;
const gpuKey = Symbol.for('@flambeau/backend-webgpu.gpu');

/** The browser's GPU object, or Dawn's in Node, or null where there is none. */
async function findGpu(): Promise<GPU | null> {
  if (typeof navigator !== 'undefined' && navigator.gpu) return navigator.gpu;
  if (typeof process === 'undefined' || !process.versions?.node) return null;
  if (keep[gpuKey] !== undefined) return keep[gpuKey];
  try {
    // package.json tells bundlers for browsers to leave this package out.
    const { create } = (await import('webgpu')) as unknown as { create(flags: string[]): GPU };
    keep[gpuKey] = create([]);
    return keep[gpuKey];
  } catch {
    return null;
  }
}

export async function findAdapter(options: InitOptions): Promise<GPUAdapter | null> {
  if (options.adapter !== undefined) return options.adapter;
  const gpu = await findGpu();
  if (gpu === null) return null;
  const { powerPreference } = options;
  return gpu.requestAdapter(powerPreference === undefined ? {} : { powerPreference });
}

const remedy =
  "in Node: `npm install webgpu` and a Vulkan, Metal or Direct3D driver (without a GPU: Mesa's or SwiftShader's software Vulkan); in browsers: one with WebGPU enabled";

/** Requests a device with the adapter's own limits. @throws DeviceError that says what to install. */
export async function openDevice(options: InitOptions): Promise<Gpu> {
  const adapter = await findAdapter(options);
  if (adapter === null) throw new DeviceError(`WebGPU is not available here. What it needs — ${remedy}.`);
  const { limits } = adapter;
  const requiredLimits: Record<string, number> = {};
  for (const name of [
    'maxBufferSize',
    'maxStorageBufferBindingSize',
    'maxStorageBuffersPerShaderStage',
    'maxComputeWorkgroupStorageSize',
    'maxComputeInvocationsPerWorkgroup',
    'maxComputeWorkgroupSizeX',
  ] as const) {
    requiredLimits[name] = limits[name];
  }
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({ requiredLimits });
  } catch (error) {
    throw new DeviceError(`WebGPU: the adapter gave no device: ${(error as Error).message}`, { cause: error });
  }
  const { info } = adapter;
  const name = info?.description || info?.device || info?.vendor || 'WebGPU device';
  const gpu: Gpu = {
    device,
    queue: device.queue,
    limits: device.limits,
    name,
    software: info?.isFallbackAdapter === true || /swiftshader|llvmpipe/i.test(`${info?.architecture} ${name}`),
    memoryLimit: options.memoryLimit ?? DEFAULT_MEMORY_LIMIT,
    lost: null,
    failure: null,
  };
  watch(gpu);
  return gpu;
}

/** Turns loss and uncaught errors into errors of ours, thrown at the next use. */
function watch(gpu: Gpu): void {
  void gpu.device.lost.then(({ reason, message }) => {
    if (reason === 'destroyed')
      gpu.lost ??= new DeviceError('the WebGPU device was closed; `await init()` opens it again');
    else
      gpu.lost ??= new DeviceError(
        `the WebGPU device was lost (${message}); its tensors are gone, \`await init()\` opens a new one`,
      );
  });
  gpu.device.addEventListener('uncapturederror', (event) => {
    const { error } = event as GPUUncapturedErrorEvent;
    const outOfMemory = error.constructor.name === 'GPUOutOfMemoryError';
    gpu.failure ??= outOfMemory
      ? new OutOfMemoryError(`WebGPU ran out of memory: ${error.message}`)
      : new FlambeauError(`WebGPU refused a command: ${error.message}`);
  });
}

/** @throws what went wrong with the device since the last call; once it is lost, always. */
export function checkDevice(gpu: Gpu): void {
  const { failure } = gpu;
  gpu.failure = null;
  if (gpu.lost !== null) throw gpu.lost;
  if (failure !== null) throw failure;
}
