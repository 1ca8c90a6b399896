/** @file Opening the device: options, calls at the same time, machines without one, and how processes end. */
import '@flambeau/backend-cpu';
import { spawn } from 'node:child_process';
import { DeviceError, OutOfMemoryError, ones } from '@flambeau/tensor';
import { state } from '@flambeau/tensor/internal';
import { describe, expect, it } from 'vitest';
import { findAdapter } from '../src/device.ts';
import * as webgpu from '../src/index.ts';

const folder = new URL('..', import.meta.url);

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly seconds: number;
}

/** Runs a module in a Node of its own, which is killed after 30 s. */
function inProcess(code: string, environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const started = performance.now();
  const child = spawn(
    process.execPath,
    ['--conditions=flambeau-source', '--no-warnings', '--input-type=module', '--eval', code],
    { cwd: folder, env: { ...process.env, ...environment }, timeout: 30_000 },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  return new Promise((resolve) => {
    child.on('close', (exit) => resolve({ code: exit, output, seconds: (performance.now() - started) / 1000 }));
  });
}

const imports = `
import '@flambeau/backend-cpu';
import { DeviceError, ones, tensor } from '@flambeau/tensor';
import * as webgpu from '@flambeau/backend-webgpu';
`;

/** What a program sees where there is no device; it goes on with the CPU. */
const withoutDevice = `${imports}
console.log('available', await webgpu.isAvailable());
const failure = await webgpu.init().catch((error) => error);
console.log(failure instanceof DeviceError, failure.message);
console.log('devices', webgpu.deviceCount());
try { ones(2, { device: 'webgpu' }); } catch (error) { console.log(error.name, error.message); }
try { webgpu.limits(); } catch (error) { console.log(error.name, error.message); }
console.log('cpu', await ones(2).add(1).sum().item());
`;

describe('where there is no device', () => {
  it('without a driver isAvailable() is false, init() says what to install, and the CPU works', async () => {
    const { code, output } = await inProcess(withoutDevice, { VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '' });
    expect(output).toContain('available false');
    expect(output).toMatch(/true init\(\): WebGPU is not available here; .*driver.*VK_ICD_FILENAMES/);
    expect(output).toContain('devices 0');
    expect(output).toMatch(/DeviceError device 'webgpu' is not ready.*await webgpu.init\(\)/);
    expect(output).toMatch(/DeviceError limits\(\): call `await init\(\)` first/);
    expect(output).toContain('cpu 4');
    expect(code).toBe(0);
  });

  it('without the npm package webgpu the same, and it names the package', async () => {
    const hook = `import { registerHooks } from 'node:module';
registerHooks({ resolve(name, context, next) {
  if (name === 'webgpu') throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
  return next(name, context);
} });`;
    const { code, output } = await inProcess(hook + withoutDevice);
    expect(output).toContain('available false');
    expect(output).toMatch(/true init\(\): WebGPU is not available here; .*`npm install webgpu`/);
    expect(output).toContain('cpu 4');
    expect(code).toBe(0);
  });
});

describe('processes end by themselves', () => {
  it('after GPU work, with tensors and commands left over', async () => {
    const { code, output, seconds } = await inProcess(`${imports}
await webgpu.init();
const x = ones(100, 100, { device: 'webgpu' });
console.log(await x.matmul(x).sum().item());
globalThis.kept = x.exp();`);
    expect(output).toContain('1000000');
    expect(code).toBe(0);
    expect(seconds).toBeLessThan(20);
  });

  it('after only asking, and with a read that nobody waits for', async () => {
    const asked = await inProcess(`${imports} console.log(await webgpu.isAvailable());`);
    // Drivers may warn before.
    expect(asked.output).toMatch(/^(Warning: .*\n)*true\n$/);
    expect(asked.code).toBe(0);
    const { code } = await inProcess(`${imports} await webgpu.init(); void ones(9, { device: 'webgpu' }).toArray();`);
    expect(code).toBe(0);
  });

  it('with the message of an error that nobody caught', async () => {
    const { code, output } = await inProcess(
      `${imports} await webgpu.init(); ones(2, { device: 'webgpu' }).to('cpu');`,
    );
    expect(output).toContain('await x.cpu()');
    expect(code).toBe(1);
  });
});

describe('init', () => {
  it("takes the caller's adapter, once", async () => {
    const { code, output } = await inProcess(`${imports}
import { create } from 'webgpu';
globalThis.gpu = create([]);
const adapter = await globalThis.gpu.requestAdapter();
await webgpu.init({ adapter, memoryLimit: 1e9 });
console.log(await ones(3, { device: 'webgpu' }).sum().item(), webgpu.limits().maxBufferSize === adapter.limits.maxBufferSize);
const other = await globalThis.gpu.requestAdapter();
await other.requestDevice();
const { openDevice } = await import('./src/device.ts');
const failure = await openDevice({ adapter: other }).catch((error) => error);
console.log(failure instanceof DeviceError, failure.message);`);
    expect(output).toContain('3 true');
    expect(output).toMatch(/true init\(\): the adapter gave no device: .*consumed/);
    expect(code).toBe(0);
  });

  it('refuses what it does not know', async () => {
    // @ts-expect-error a typo
    await expect(webgpu.init({ powerPreferense: 'low-power' })).rejects.toThrow(
      /init\(\): unknown option 'powerPreferense'; did you mean 'powerPreference'\?/,
    );
    // @ts-expect-error no such preference
    await expect(webgpu.init({ powerPreference: 'fast' })).rejects.toThrow(
      /powerPreference must be 'low-power' or 'high-performance', got "fast"/,
    );
    for (const memoryLimit of [0, -1, Number.NaN, '1 GB' as never])
      await expect(webgpu.init({ memoryLimit })).rejects.toThrow(RangeError);
    await expect(webgpu.init({ powerPreference: 'fast' as never })).rejects.toThrow(TypeError);
    expect(webgpu.deviceCount()).toBe(0);
    expect(() => webgpu.currentDevice()).toThrow(DeviceError);
    await expect(webgpu.synchronize()).rejects.toThrow(/synchronize\(\): call `await init\(\)` first/);
  });

  it('opens one device for calls at the same time, and keeps it', async () => {
    await Promise.all([webgpu.init({ memoryLimit: 2 ** 28 }), webgpu.init(), webgpu.init()]);
    const backend = state.backends.get('webgpu');
    await webgpu.init();
    expect(state.backends.get('webgpu')).toBe(backend);
    expect(state.backends.get('webgpu:0')).toBe(backend);
    expect(webgpu.deviceCount()).toBe(1);
    expect(webgpu.currentDevice()).toBe(0);
    expect(webgpu.getDeviceName()).toMatch(/\w/);
    expect(() => webgpu.getDeviceName(1)).toThrow(/one device, number 0; got 1/);
  });

  it('asks for the limits of the adapter, and keeps to the limit on memory', async () => {
    const adapter = (await findAdapter({}))!;
    for (const name of ['maxStorageBufferBindingSize', 'maxBufferSize', 'maxComputeWorkgroupStorageSize'] as const)
      expect(webgpu.limits()[name]).toBe(adapter.limits[name]);
    expect(() => ones(2 ** 26 + 1, { device: 'webgpu' })).toThrow(OutOfMemoryError);
    const before = webgpu.memoryStats();
    const x = ones(1000, { device: 'webgpu' });
    expect(webgpu.memoryStats().liveBytes).toBe(before.liveBytes + 4096);
    expect(webgpu.memoryStats().liveBuffers).toBe(before.liveBuffers + 1);
    await webgpu.emptyCache();
    expect(webgpu.memoryStats().pooledBytes).toBe(0);
    expect(await x.sum().item()).toBe(1000);
  });
});
