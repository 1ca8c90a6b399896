import { DeviceError, DTypeError, tensor, zeros } from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import * as webgpu from '../src/index.ts';
import { close, device, exact, open, same } from './compare.ts';

beforeAll(open);

const edges = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 1, -1, 2.5, -2.5, 1e-30, 3e38];

describe('map', () => {
  it('broadcasts, and reads transposed, sliced and expanded views', async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const y = tensor([10, 20, 30]);
    await same(
      [x, y],
      (a, b) => [a.add(b), a.t().mul(2), a.at(':', '1:').add(1), a.narrow(1, 1, 2).contiguous(), b.expand(4, 3).mul(b)],
      close,
    );
  });

  it('works in place, also through overlapping views', async () => {
    await same(
      [tensor([1, 2, 3, 4, 5, 6])],
      (x) => {
        const a = x.clone();
        a.mul_(a).add_(1);
        a.narrow(0, 1, 5).copy_(a.narrow(0, 0, 5));
        return a;
      },
      close,
    );
  });

  it('keeps NaN, infinities and signs', async () => {
    const x = tensor(edges);
    await same(
      [x, tensor([...edges].reverse())],
      (a, b) => [a.isnan(), a.isinf(), a.maximum(b), a.minimum(b), a.relu(), a.clamp(-1, 1), a.lt(b), a.eq(a)],
      exact,
    );
    await same(
      [x],
      (a) => [a.pow(2), a.pow(-1), a.pow(0.5), a.tanh(), a.sigmoid(), a.exp(), a.log(), a.log1p(), a.expm1(), a.erf()],
      close,
    );
    await same([tensor([-2, -1.5, 0, 0.5, 3])], (a) => [a.pow(3), a.pow(2.5), tensor(2).to(a.device).pow(a)], close);
  });

  it('computes integers and bools at their own widths', async () => {
    for (const dtype of ['int32', 'int16', 'int8', 'uint8'] as const) {
      await same(
        [tensor([1, 2, 100, 127], { dtype }), tensor([3, 5, 100, 2], { dtype })],
        (a, b) => [
          a.add(b),
          a.mul(b),
          a.floorDivide(b),
          a.remainder(b),
          a.bitwiseAnd(b),
          a.gt(b),
          a.to('float32').div(3),
        ],
        exact,
      );
    }
    await same([tensor([true, false, true])], (a) => [a.logicalNot(), a.logicalAnd(a), a.to('int32').add(1)], exact);
  });

  it('has float16 and bfloat16, computed in float32', async () => {
    for (const dtype of ['float16', 'bfloat16'] as const) {
      await same([tensor([1, 0.1, -3.3], { dtype })], (a) => [a.add(1), a.mul(a), a.to('float32')], exact);
    }
  });

  it('handles no elements, 0-d tensors and more than 65,535 workgroups', async () => {
    await same([zeros(0, 3), tensor(2)], (a, b) => [a.add(b), b.mul(b)], close);
    const large = zeros(65_535 * 256 + 1000, { device }).add(1);
    expect(
      await large
        .narrow(0, 65_535 * 256 + 990, 10)
        .sum()
        .item(),
    ).toBe(10);
  });

  it('refuses what it has no type for, and mixed devices', () => {
    expect(() => tensor([1], { dtype: 'float64' }).to(device)).toThrow(DTypeError);
    expect(() => tensor([1n]).to(device)).toThrow(/int32/);
    expect(() =>
      tensor([1])
        .to(device)
        .add(tensor([1])),
    ).toThrow(DeviceError);
    expect(() => tensor([1]).to(device).itemSync()).toThrow(/await/);
  });
});

describe('device', () => {
  it('answers what torch.cuda answers', async () => {
    expect(await webgpu.isAvailable()).toBe(true);
    expect([webgpu.deviceCount(), webgpu.currentDevice()]).toEqual([1, 0]);
    expect(webgpu.getDeviceName(0)).not.toBe('');
    await webgpu.synchronize();
  });

  it('counts memory and gives it back', async () => {
    const before = webgpu.memoryStats().liveBytes;
    const x = zeros(1000, { device });
    expect(webgpu.memoryStats().liveBytes - before).toBe(4096);
    expect(x.device).toBe(device);
    await webgpu.emptyCache();
    expect(webgpu.memoryStats().pooledBytes).toBe(0);
  });
});
