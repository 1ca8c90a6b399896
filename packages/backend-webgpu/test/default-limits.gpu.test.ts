/**
 * @file A device with WebGPU's default limits, as phones have them: buffers of 256 MiB, of which kernels see 128 MiB. A
 * tensor in between is sent, computed with and read.
 */
import '@flambeau/backend-cpu';
import { fromTypedArray, OutOfMemoryError, zeros } from '@flambeau/tensor';
import { registerBackend } from '@flambeau/tensor/internal';
import { beforeAll, describe, expect, it } from 'vitest';
import { openSession, type Session } from '../src/backend.ts';
import { findAdapter, openDevice } from '../src/device.ts';

const device = 'webgpu:5';
let session: Session;

beforeAll(async () => {
  const adapter = (await findAdapter({}))!;
  const limits = new Proxy(adapter.limits, {
    get(own, name) {
      if (name === 'maxBufferSize') return 2 ** 28;
      return name === 'maxStorageBufferBindingSize' ? 2 ** 27 : Reflect.get(own, name, own);
    },
  });
  const requestDevice: GPUAdapter['requestDevice'] = (descriptor) => adapter.requestDevice(descriptor);
  const modest = { limits, info: adapter.info, requestDevice } as unknown as GPUAdapter;
  session = openSession(await openDevice({ adapter: modest }), device);
  registerBackend(session.backend);
});

describe("under WebGPU's default limits", () => {
  it('a tensor of 200 MiB is sent, computed with, reduced, indexed, multiplied and read', async () => {
    const { maxBufferSize, maxStorageBufferBindingSize } = session.gpu.limits;
    expect({ maxBufferSize, maxStorageBufferBindingSize }).toEqual({
      maxBufferSize: 2 ** 28,
      maxStorageBufferBindingSize: 2 ** 27,
    });
    const [n, m] = [5243, 10_000];
    const values = new Float32Array(n * m);
    for (let i = 0; i < values.length; i++) values[i] = i % 7;
    values[n * m - 5] = 9;
    const x = fromTypedArray(values, [n, m]).to(device);
    expect(x.elementCount * 4).toBeGreaterThan(200 * 2 ** 20);
    x.add_(1);
    expect(await x.argmax().item()).toBe(n * m - 5);
    const rows = fromTypedArray(Int32Array.of(0, 2000, n - 1), [3]).to(device);
    const picked = (await x.indexSelect(0, rows).toTypedArray()) as Float32Array;
    for (const [k, row] of [0, 2000, n - 1].entries())
      expect(picked.subarray(k * m, (k + 1) * m).findIndex((value, j) => value !== values[row * m + j]! + 1)).toBe(-1);
    const ends = zeros([m, 1], { device });
    ends.narrow(0, m - 5, 5).fill_(1);
    const product = (await x.matmul(ends).toTypedArray()) as Float32Array;
    const wanted = (row: number): number =>
      values.subarray((row + 1) * m - 5, (row + 1) * m).reduce((sum, value) => sum + value + 1, 0);
    expect(product.findIndex((value, row) => value !== wanted(row))).toBe(-1);
    const back = (await x.toTypedArray()) as Float32Array;
    expect(back.findIndex((value, i) => value !== values[i]! + 1)).toBe(-1);
  }, 60_000);

  it('beyond the largest buffer a tensor is an error', () => {
    expect(() => zeros([2 ** 26 + 1], { device })).toThrow(OutOfMemoryError);
    expect(() => zeros([2 ** 26 + 1], { device })).toThrow(/at most 268435456 in one buffer; split it/);
  });
});
