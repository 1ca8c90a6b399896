/** @file The GPU device: finding it, its limits, and what happens when it is lost. */
import { DeviceError, type FlambeauError } from '@flambeau/tensor';
import { checkOptions } from '@flambeau/tensor/internal';

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
  /** Bytes of a buffer that a shader sees at once; tests lower it. */
  bindingLimit: number;
  /** Set when the device was lost: every further use throws it. */
  lost: DeviceError | null;
  /** What is to be told when the device is lost. */
  readonly onLost: Set<() => void>;
  /** An error of work whose results nobody has asked for yet: `synchronize()` throws it. */
  failure: FlambeauError | null;
  /** Why the work of which the device complains next has failed, if memory was the reason. */
  outOfMemory: string | null;
  /** What the device has yet to say about calls that may have failed. */
  readonly pending: Set<Promise<void>>;
  /** Called with errors that came from no known call. */
  onFault: (error: GPUError) => void;
}

const DEFAULT_MEMORY_LIMIT = 4 * 2 ** 30;

const powerPreferences = ['low-power', 'high-performance'];

/** @throws TypeError for unknown options and power preferences, RangeError for a limit that is none. */
export function checkInitOptions(options: InitOptions): void {
  checkOptions('init', options, ['powerPreference', 'adapter', 'memoryLimit']);
  const { powerPreference, memoryLimit } = options;
  if (powerPreference !== undefined && !powerPreferences.includes(powerPreference)) {
    const known = powerPreferences.map((name) => `'${name}'`).join(' or ');
    throw new TypeError(`init(): powerPreference must be ${known}, got ${JSON.stringify(powerPreference)}`);
  }
  if (memoryLimit !== undefined && !(typeof memoryLimit === 'number' && memoryLimit > 0))
    throw new RangeError(`init(): memoryLimit must be a positive number of bytes, got ${String(memoryLimit)}`);
}

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

/** What is missing where there is no adapter. */
function remedy(gpu: GPU | null): string {
  if (typeof process === 'undefined' || !process.versions?.node)
    return 'use a browser that has WebGPU, on a secure page (https or localhost), with hardware acceleration switched on';
  if (gpu === null) return 'install the npm package that brings it to Node: `npm install webgpu`';
  return "the package 'webgpu' is there but finds no adapter: install a Vulkan, Metal or Direct3D 12 driver; without a GPU a software one, e.g. SwiftShader, named in the environment variable VK_ICD_FILENAMES";
}

/** Requests a device with the adapter's own limits. @throws DeviceError that says what to install. */
export async function openDevice(options: InitOptions): Promise<Gpu> {
  const adapter = await findAdapter(options);
  if (adapter === null)
    throw new DeviceError(`init(): WebGPU is not available here; ${remedy(await findGpu())}. CPU work goes on`);
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
    throw new DeviceError(`init(): the adapter gave no device: ${(error as Error).message}`, { cause: error });
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
    bindingLimit: device.limits.maxStorageBufferBindingSize,
    lost: null,
    onLost: new Set(),
    failure: null,
    outOfMemory: null,
    pending: new Set(),
    onFault: () => {},
  };
  watch(gpu);
  return gpu;
}

/** Turns loss and uncaught errors into errors of ours. */
function watch(gpu: Gpu): void {
  void gpu.device.lost.then(({ reason, message }) => {
    gpu.lost = new DeviceError(
      reason === 'destroyed'
        ? 'the WebGPU device was closed and its tensors are gone; `await init()` opens it again'
        : `the WebGPU device was lost (${message}) and its tensors are gone; \`await init()\` opens a new one`,
    );
    for (const stop of gpu.onLost) stop();
    gpu.onLost.clear();
  });
  gpu.device.addEventListener('uncapturederror', (event) => {
    event.preventDefault();
    gpu.onFault((event as GPUUncapturedErrorEvent).error);
  });
}
