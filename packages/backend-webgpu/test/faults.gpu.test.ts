/** @file Faults of the device: refused shaders and commands, memory that is not there, loss. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { DeviceError, FlambeauError, full, OutOfMemoryError, ones, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { registerBackend, state } from '@flambeau/tensor/internal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSession, type Session } from '../src/backend.ts';
import { openDevice } from '../src/device.ts';
import { settled } from '../src/faults.ts';
import * as webgpu from '../src/index.ts';
import { memoryOf } from '../src/memory.ts';
import { shader } from '../src/wgsl/shader.ts';

/** A device of its own for each test, so that its faults are nobody else's. */
const device = 'webgpu:7';
let session: Session;
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);

beforeEach(async () => {
  session = openSession(await openDevice({}), device);
  registerBackend(session.backend);
  process.on('unhandledRejection', note);
});

afterEach(async () => {
  session.gpu.device.destroy();
  await new Promise((resolve) => setTimeout(resolve, 5));
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

/** Runs a program on a tensor, as a kernel would that is at fault, and marks the tensor as its result. */
function runProgram(name: string, code: string, x: Tensor): void {
  const { commands } = session;
  const memory = memoryOf(x.storage);
  commands.dispatch(commands.program(name, code, 1), [memory], 1, () => {});
  memory.work = commands.work;
}

const badShader = 'fn main() { x = }';
/** What WGSL takes and the limits do not: more workgroup memory than any device has. */
const tooMuch = shader(1, 'big[lane] = 1u; b0[0] = big[0];', 'var<workgroup> big: array<u32, 100000000>;');

/** Makes the next call of a device's method fail as if memory had run out. */
function failNext(method: 'createBuffer', message: string): void {
  const target = session.gpu.device;
  const [create, pop] = [target.createBuffer, target.popErrorScope];
  Object.assign(target, {
    [method](descriptor: GPUBufferDescriptor) {
      Object.assign(target, { createBuffer: create });
      // A buffer that the device itself would refuse to use: it has no usage that kernels need.
      return create.call(target, { size: descriptor.size, usage: 8 });
    },
    popErrorScope() {
      Object.assign(target, { popErrorScope: pop });
      return pop.call(target).then(() => new GPUOutOfMemoryError(message));
    },
  });
}

class GPUOutOfMemoryError extends Error {}

describe('a shader that the device refuses', () => {
  it('rejects the next read of its result, naming the op and the place, and later uses throw at once', async () => {
    const x = ones(4, { device });
    runProgram('wrongOp', badShader, x);
    const failure = await x.toArray().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FlambeauError);
    expect(String(failure)).toMatch(/wrongOp: WebGPU refused its shader \(line 1: unable to parse/);
    expect(() => x.add(1)).toThrow(/wrongOp/);
    await expect(x.toArray()).rejects.toThrow(/wrongOp/);
    expect(() => runProgram('wrongOp', badShader, ones(4, { device }))).toThrow(/wrongOp/);
    expect(await ones(2).add(1).toArray()).toEqual([2, 2]);
  });

  it('does not take others down, whatever was sent with it', async () => {
    const weight = tensor([1, 2, 3]).to(device);
    const before = weight.mul(2);
    const bad = zeros(3, { device });
    runProgram('wrongOp', badShader, bad);
    const after = weight.mul(3);
    // What came after it was lost with it, and says so; what was there before is intact.
    await expect(after.toArray()).rejects.toThrow(/wrongOp/);
    await expect(before.toArray()).rejects.toThrow(/wrongOp/);
    expect(await weight.toArray()).toEqual([1, 2, 3]);
    expect(await weight.mul(3).toArray()).toEqual([3, 6, 9]);
  });

  it('a read of something else that was sent with it succeeds', async () => {
    const weight = tensor([1, 2, 3]).to(device);
    await weight.toArray();
    runProgram('wrongOp', badShader, zeros(3, { device }));
    expect(await weight.toArray()).toEqual([1, 2, 3]);
  });

  it('results of later batches, which may depend on it, throw too', async () => {
    const x = zeros(3, { device });
    runProgram('wrongOp', badShader, x);
    session.commands.submit();
    const y = x.add(1);
    session.commands.submit();
    const z = y.add(1);
    await settled(session.gpu);
    expect(() => z.add(1)).toThrow(/wrongOp/);
    await expect(y.toArray()).rejects.toThrow(/wrongOp/);
  });
});

describe('commands that the device refuses', () => {
  it('are told with their ops', async () => {
    const x = ones(4, { device });
    runProgram('greedy', tooMuch, x);
    await expect(x.toArray()).rejects.toThrow(/greedy/);
    // A buffer that does not fit its binding.
    const y = ones(4, { device });
    const memory = memoryOf(y.storage);
    const destroyed = { ...memory, id: 1e6, buffer: session.gpu.device.createBuffer({ size: 256, usage: 8 }) };
    const { commands } = session;
    const program = commands.program('fine', shader(2, 'b0[lane] = b1[lane];'), 2);
    commands.dispatch(program, [memory, destroyed], 1, () => {});
    memory.work = commands.work;
    await expect(y.toArray()).rejects.toThrow(FlambeauError);
    expect(await ones(3, { device }).toArray()).toEqual([1, 1, 1]);
  });
});

describe('memory that the device does not have', () => {
  it('is an OutOfMemoryError that names the ops; others go on', async () => {
    const healthy = full([3], 7, { device });
    await healthy.toArray();
    failNext('createBuffer', 'no room');
    const x = ones(100_000, { device });
    const y = x.add(1);
    const failure = await y.toArray().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OutOfMemoryError);
    expect(String(failure)).toMatch(/(ones|fill|add).*out of memory.*524288 bytes.*no room/);
    expect(() => x.add(1)).toThrow(OutOfMemoryError);
    expect(await healthy.add(1).toArray()).toEqual([8, 8, 8]);
    expect(await ones(100_000, { device }).sum().item()).toBe(100_000);
  });

  it('also for uploads', async () => {
    failNext('createBuffer', 'no room');
    const x = ones(100_000).to(device);
    await expect(x.sum().item()).rejects.toThrow(OutOfMemoryError);
    await settled(session.gpu);
    expect(() => x.add(1)).toThrow(OutOfMemoryError);
  });

  it('also where there is none for reading, however often', async () => {
    const target = session.gpu.device;
    const { createBuffer } = target;
    for (const size of [2 ** 50, 4096]) {
      Object.assign(target, {
        createBuffer: (descriptor: GPUBufferDescriptor) =>
          // Too large to be made, or made so that it cannot be read.
          createBuffer.call(target, (descriptor.usage & 1) === 1 ? { size, usage: 8 } : descriptor),
      });
      await expect(ones(1000, { device }).add(1).toArray()).rejects.toThrow(FlambeauError);
    }
    Object.assign(target, { createBuffer });
    expect(await ones(3, { device }).toArray()).toEqual([1, 1, 1]);
  });

  it('a tensor beyond the largest buffer is refused at once, and changes nothing', () => {
    const { liveBytes } = session.memory.stats;
    const most = session.gpu.limits.maxBufferSize;
    expect(() => zeros(Math.ceil(most / 4) + 1, { device })).toThrow(OutOfMemoryError);
    expect(session.memory.stats.liveBytes).toBe(liveBytes);
  });
});

describe('a lost device', () => {
  it('makes every later use of its tensors throw, naming the op', async () => {
    const x = ones(2, 2, { device });
    await x.toArray();
    session.gpu.device.destroy();
    await session.gpu.device.lost;
    expect(() => x.exp()).toThrow(/^exp: the WebGPU device was closed.*init\(\)/);
    expect(() => x.matmul(x)).toThrow(DeviceError);
    expect(() => x.add_(1)).toThrow(DeviceError);
    expect(() => ones(2, { device })).toThrow(DeviceError);
    expect(() => ones(2).to(device)).toThrow(/^to\('webgpu:7'\)/);
    await expect(x.toArray()).rejects.toThrow(/^read: the WebGPU device/);
    expect(ones(2).add(1).toArraySync()).toEqual([2, 2]);
  });

  it('rejects reads that are waiting', async () => {
    const x = ones(1000, { device }).exp();
    const reading = x.toArray();
    session.gpu.device.destroy();
    await expect(reading).rejects.toThrow(DeviceError);
  });

  it('rejects them also where the device never answers again', async () => {
    const x = ones(1000, { device });
    await x.toArray();
    const target = session.gpu.device;
    const { createBuffer } = target;
    Object.assign(target, {
      createBuffer(descriptor: GPUBufferDescriptor) {
        return Object.assign(createBuffer.call(target, descriptor), { mapAsync: () => new Promise(() => {}) });
      },
    });
    const reading = x.exp().view([10, 100]).sum().item();
    const waiting = Symbol('waiting');
    const later = new Promise((resolve) => setTimeout(() => resolve(waiting), 50));
    expect(await Promise.race([reading, later])).toBe(waiting);
    target.destroy();
    await expect(reading).rejects.toThrow(DeviceError);
  });

  it('init() opens another, where the tensors of the old one cannot be used', async () => {
    await webgpu.init();
    const backend = state.backends.get('webgpu:0')!;
    const x = ones(3, { device: 'webgpu' });
    await x.toArray();
    const { gpu } = memoryOf(x.storage);
    gpu.device.destroy();
    await gpu.device.lost;
    expect(webgpu.deviceCount()).toBe(0);
    expect(() => webgpu.limits()).toThrow(DeviceError);
    await expect(webgpu.synchronize()).rejects.toThrow(DeviceError);
    await webgpu.init();
    expect(state.backends.get('webgpu')).not.toBe(backend);
    expect(webgpu.deviceCount()).toBe(1);
    const y = ones(3, { device: 'webgpu' });
    expect(() => x.add(1)).toThrow(/^add: the WebGPU device was closed/);
    expect(() => y.add(x)).toThrow(DeviceError);
    expect(() => y.add_(x)).toThrow(DeviceError);
    await expect(x.toArray()).rejects.toThrow(DeviceError);
    expect(await y.add(1).toArray()).toEqual([2, 2, 2]);
  });
});

describe('synchronize()', () => {
  it('tells once what nobody has asked for', async () => {
    await webgpu.init();
    const x = ones(3, { device: 'webgpu' });
    const { gpu } = memoryOf(x.storage);
    gpu.device.createBuffer({ size: 2 ** 50, usage: 8 });
    await webgpu.emptyCache();
    await expect(webgpu.synchronize()).rejects.toThrow(FlambeauError);
    await webgpu.synchronize();
  });
});
