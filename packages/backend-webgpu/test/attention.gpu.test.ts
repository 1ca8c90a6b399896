import { MultiheadAttention, TransformerEncoderLayer } from '@flambeau/nn';
import {
  AutogradError,
  autocast,
  functional as F,
  manualSeed,
  noGrad,
  rand,
  randn,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { type Fused, registerBackend } from '@flambeau/tensor/internal';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { openSession, type Session } from '../src/backend.ts';
import { openDevice } from '../src/device.ts';
import { attention } from '../src/kernels/attention.ts';
import { close, device, open, same, type Tolerance } from './compare.ts';

beforeAll(async () => {
  await open();
  manualSeed(8);
});

const attend = F.scaledDotProductAttention;

describe('scaledDotProductAttention in one kernel', () => {
  it('of one row and of many, of small, odd and large heads', async () => {
    for (const [rows, keys, size, valueSize] of [
      [1, 1, 1, 1],
      [1, 50, 8, 8],
      [7, 3, 5, 9],
      [33, 40, 64, 64],
      [9, 70, 102, 30],
      [9, 17, 3, 130],
    ] as const) {
      const inputs = [randn(2, rows, size), randn(2, keys, size), randn(2, keys, valueSize)];
      await same(inputs, (q, k, v) => [attend(q, k, v), attend(q, k, v, { isCausal: true, scale: 0.7 })]);
    }
  });

  it('of heads too large for it', async () => {
    await same([randn(3, 600), randn(4, 600), randn(4, 700)], (q, k, v) => attend(q, k, v));
  });

  it('of heads that lie interleaved, and of batches that broadcast', async () => {
    await same([randn(2, 9, 3, 8), randn(2, 50, 3, 8), randn(2, 50, 3, 8)], (q, k, v) =>
      attend(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)),
    );
    await same([randn(4, 1, 10, 8), randn(3, 12, 8), randn(12, 8)], (q, k, v) => attend(q, k, v));
    await same([randn(10, 8), randn(8, 12), randn(6, 24)], (q, k, v) => attend(q, k.t(), v.at(':', '::2').t()));
  });

  it('with masks of numbers and of bools that broadcast', async () => {
    const inputs = [randn(2, 3, 12, 8), randn(2, 3, 50, 8), randn(2, 3, 50, 8)];
    await same([...inputs, randn(12, 50)], (q, k, v, mask) => attend(q!, k!, v!, mask!));
    await same([...inputs, randn(2, 1, 1, 50)], (q, k, v, mask) => attend(q!, k!, v!, mask!));
    await same([...inputs, rand(12, 50).gt(0.5)], (q, k, v, mask) => attend(q!, k!, v!, mask!));
    await same([...inputs, rand(3, 12, 1).gt(0.2)], (q, k, v, mask) => attend(q!, k!, v!, { attnMask: mask! }));
  });

  it('large scores, rows without keys, NaN and infinity', async () => {
    const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
    await same([randn(5, 8).mul(100), randn(70, 8).mul(100), randn(70, 8)], (q, k, v) => attend(q, k, v));
    const mask = zeros(3, 70);
    mask.set([0], -inf);
    mask.set([1, ':40'], -inf);
    await same([randn(3, 8), randn(70, 8), randn(70, 8), mask], (q, k, v, mask) => attend(q!, k!, v!, mask!));
    await same([tensor([[1], [nan], [inf], [-inf]]), randn(40, 1), randn(40, 2)], (q, k, v) => attend(q, k, v));
    // A key that is NaN, after others that are not.
    const keys = randn(70, 8);
    keys.set([50, 3], nan);
    await same([randn(5, 8), keys, randn(70, 8)], (q, k, v) => attend(q, k, v));
  });

  it('in 16 bits, and of nothing', async () => {
    const inputs = [randn(2, 9, 8), randn(2, 20, 8), randn(2, 20, 8)].map((x) => x.half());
    await same(inputs, (q, k, v) => attend(q!, k!, v!), { relative: 1e-2, absolute: 2e-3 });
    await same([zeros(0, 8), randn(3, 8), randn(3, 8)], (q, k, v) => attend(q, k, v));
    await same([zeros(0, 5, 8), zeros(0, 3, 8), zeros(0, 3, 8)], (q, k, v) => attend(q, k, v));
  });
});

const halfPrecision: Tolerance = { relative: 2e-2, absolute: 5e-3 };
const node = 'ScaledDotProductEfficientAttentionBackward0';
type Operands = [query: Tensor, key: Tensor, value: Tensor];
type Run = (operands: Operands, mask: Tensor) => Tensor;

/** Expects result and gradients to be the CPU's, which composes. `wanted` are the operands that get gradients. */
const sameSlopes = (
  inputs: readonly Tensor[],
  run: Run = (operands) => attend(...operands),
  tolerance: Tolerance = close,
  wanted: readonly number[] = [0, 1, 2],
): Promise<void> =>
  same(
    inputs,
    (...given) => {
      const operands = given.slice(0, 3).map((x, i) => x.detach().requiresGrad_(wanted.includes(i))) as Operands;
      const out = run(operands, given[3]!);
      if (out.device === device) expect(out.gradFn!.name).toBe(node);
      out.sin().sum().backward();
      return [out.detach(), ...wanted.map((i) => operands[i]!.grad!)];
    },
    tolerance,
  );

/** Opens the device as if it were hardware or not, with so much workgroup memory. */
async function openAs(software: boolean, workgroupBytes: number): Promise<Session> {
  const gpu = await openDevice({});
  const limits = new Proxy(gpu.limits, {
    get: (own, name: keyof GPUSupportedLimits) =>
      name === 'maxComputeWorkgroupStorageSize' ? workgroupBytes : Reflect.get(own, name, own),
  });
  const session = openSession(Object.assign(gpu, { software, limits }), device);
  registerBackend(session.backend);
  return session;
}

describe('recorded scaledDotProductAttention, in kernels of large blocks', () => {
  beforeAll(async () => {
    await openAs(false, 2 ** 15);
  });

  it('of one row and of many, of small, odd and large heads', { timeout: 60_000 }, async () => {
    for (const [rows, keys, size, valueSize] of [
      [1, 1, 1, 1],
      [7, 3, 5, 9],
      [40, 70, 6, 9],
      [9, 20, 102, 30],
    ] as const) {
      const inputs = [randn(2, rows, size), randn(2, keys, size), randn(2, keys, valueSize)];
      await sameSlopes(inputs);
      await sameSlopes(inputs, (operands) => attend(...operands, { isCausal: true, scale: 0.7 }));
    }
    await sameSlopes([randn(70, 6), randn(40, 6), randn(40, 9)], (operands) => attend(...operands, { isCausal: true }));
  });
});

describe('recorded scaledDotProductAttention, in kernels of small blocks', () => {
  let session: Session;
  beforeAll(async () => {
    session = await openAs(false, 3000);
  });

  it('of many blocks', async () => {
    const inputs = [randn(2, 21, 7), randn(2, 50, 7), randn(2, 50, 5)];
    await sameSlopes(inputs);
    await sameSlopes(inputs, (operands) => attend(...operands, { isCausal: true }));
    await sameSlopes([randn(50, 7), randn(21, 7), randn(21, 5)], (operands) => attend(...operands, { isCausal: true }));
  });

  it('of heads that lie interleaved, and of batches that broadcast', async () => {
    await sameSlopes([randn(2, 9, 3, 8), randn(2, 50, 3, 8), randn(2, 50, 3, 8)], ([q, k, v]) =>
      attend(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)),
    );
    await sameSlopes([randn(4, 1, 10, 8), randn(3, 12, 8), randn(12, 8)]);
    await sameSlopes([randn(10, 8), randn(8, 12), randn(6, 24)], ([q, k, v]) => attend(q, k.t(), v.at(':', '::2').t()));
    await same([randn(2, 9, 8)], (x) => {
      const leaf = x.detach().requiresGrad_();
      attend(leaf, leaf, leaf).sum().backward();
      return leaf.grad!;
    });
  });

  it('with masks of numbers and of bools that broadcast', async () => {
    const inputs = [randn(2, 3, 12, 8), randn(2, 3, 50, 8), randn(2, 3, 50, 8)];
    const run: Run = (operands, mask) => attend(...operands, mask);
    await sameSlopes([...inputs, randn(12, 50)], run);
    await sameSlopes([...inputs, randn(2, 1, 1, 50)], run);
    await sameSlopes([...inputs, rand(12, 50).gt(0.5)], run);
    await sameSlopes([...inputs, rand(3, 12, 50).gt(0.2)], run);
  });

  it('for any of the operands alone', async () => {
    const inputs = [randn(2, 9, 8), randn(2, 20, 8), randn(2, 20, 5)];
    for (const i of [0, 1, 2]) await sameSlopes(inputs, undefined, close, [i]);
    await sameSlopes(inputs, undefined, close, [0, 2]);
  });

  it('large scores, rows without keys, NaN and infinity', async () => {
    const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
    await sameSlopes([randn(5, 8).mul(10), randn(70, 8).mul(10), randn(70, 8)]);
    const mask = zeros(3, 70);
    mask.set([1, ':40'], -inf);
    const run: Run = (operands, mask) => attend(...operands, mask);
    await sameSlopes([randn(3, 8), randn(70, 8), randn(70, 8), mask], run);
    mask.set([0], -inf);
    await sameSlopes([randn(3, 8), randn(70, 8), randn(70, 8), mask], run);
    await sameSlopes([randn(3, 8), randn(70, 8), randn(70, 8), mask.eq(0)], run);
    await sameSlopes([tensor([[1], [nan], [inf], [-inf]]), randn(40, 1), randn(40, 2)]);
    const values = randn(40, 2);
    values.set([3], inf);
    await sameSlopes([randn(4, 1), randn(40, 1), values]);
  });

  it('in 16 bits, and under autocast', async () => {
    const inputs = [randn(2, 9, 8), randn(2, 20, 8), randn(2, 20, 8)];
    for (const dtype of ['float16', 'bfloat16'] as const)
      await sameSlopes(
        inputs.map((x) => x.to(dtype)),
        undefined,
        dtype === 'float16' ? halfPrecision : { relative: 1e-1, absolute: 4e-2 },
      );
    await sameSlopes(
      inputs,
      (operands) =>
        autocast({ deviceType: operands[0].device.split(':')[0], dtype: 'bfloat16' }, () => attend(...operands)),
      { relative: 1e-1, absolute: 4e-2 },
    );
  });

  it('again with a retained graph, and gradients of gradients', async () => {
    const run = (q: Tensor, k: Tensor, v: Tensor): Tensor[] => {
      const leaves = [q, k, v].map((x) => x.detach().requiresGrad_()) as Operands;
      const loss = attend(...leaves, { isCausal: true })
        .sin()
        .sum();
      loss.backward(undefined, { retainGraph: true });
      loss.backward(undefined, { createGraph: true });
      const slopes = leaves.map((x) => x.grad!);
      for (const x of leaves) x.grad = null;
      slopes[0]!.square().sum().backward();
      return [...slopes.map((x) => x.detach()), ...leaves.map((x) => x.grad!)];
    };
    const tolerance = { relative: 1e-3, absolute: 1e-4 };
    await same([randn(2, 9, 8), randn(2, 9, 8), randn(2, 9, 8)], run, tolerance);
    await same([randn(3, 9, 8), randn(9, 8), randn(1, 9, 8)], run, tolerance);
  });

  it('in one dispatch forward and three backward, without its weights', async () => {
    const leaves = [randn(2, 9, 8), randn(2, 20, 8), randn(2, 20, 8)].map((x) =>
      x.to(device).requiresGrad_(),
    ) as Operands;
    const dispatches = vi.spyOn(session.commands, 'dispatch');
    const { liveBytes } = session.memory.stats;
    const out = attend(...leaves);
    expect(dispatches).toHaveBeenCalledTimes(1);
    // The result and a number for each row; memory comes in powers of two.
    expect(session.memory.stats.liveBytes - liveBytes).toBe(1024 + 256);
    out.backward(out.detach());
    expect(dispatches).toHaveBeenCalledTimes(4);
    dispatches.mockRestore();
  });

  it('refuses operands that were overwritten since', () => {
    const leaves = [randn(9, 8), randn(20, 8), randn(20, 8)].map((x) => x.to(device).requiresGrad_()) as Operands;
    const key = leaves[1].mul(2);
    const out = attend(leaves[0], key, leaves[2]);
    key.detach().zero_();
    expect(() => out.sum().backward()).toThrow(AutogradError);
  });

  it('is composed where the mask wants a gradient, and where heads are too large for the gradients', async () => {
    await same([randn(9, 8), randn(20, 8), randn(20, 8), randn(9, 20)], (...inputs) => {
      const leaves = inputs.map((x) => x.detach().requiresGrad_());
      attend(...(leaves as Operands), leaves[3]!)
        .sin()
        .sum()
        .backward();
      return leaves.map((x) => x.grad!);
    });
    const [q, k, v] = [zeros(9, 200), zeros(9, 200), zeros(9, 200)].map((x) => x.to(device)) as Operands;
    const [out, logSumExp] = [zeros(9, 200).to(device), zeros(9, 1).to(device)];
    const spec = { scale: 1, isCausal: false };
    expect(attention(session.commands, 2 ** 14, q, k, v, null, spec, out, logSumExp)).toBe(false);
    expect(attention(session.commands, 2 ** 14, q, k, v, null, spec, out, null)).toBe(true);
  });

  it('in layers that are trained', { timeout: 60_000 }, async () => {
    const backward = vi.spyOn(session.backend.fused as Fused, 'attentionBackward');
    const layers = [
      [new TransformerEncoderLayer(16, 2, { dimFeedforward: 8, dropout: 0, batchFirst: true })],
      [new MultiheadAttention(16, 2, { batchFirst: true })],
    ] as const;
    for (const [layer] of layers) {
      const before = backward.mock.calls.length;
      const run = (x: Tensor): Tensor[] => {
        layer.to(x.device).zeroGrad();
        const out = layer instanceof MultiheadAttention ? layer(x, x, x, { needWeights: false })[0] : layer(x);
        out.sin().sum().backward();
        return [out.detach(), ...[...layer.parameters()].map((p) => p.grad!)];
      };
      await same([randn(2, 9, 16)], run, { relative: 1e-3, absolute: 1e-4 });
      expect(backward.mock.calls.length - before).toBe(1);
    }
    backward.mockRestore();
  });
});

describe('recorded scaledDotProductAttention on a software adapter', () => {
  beforeAll(async () => {
    await openAs(true, 2 ** 15);
  });

  it('is composed while its weights are small', async () => {
    const recorded = (rows: number): Tensor => {
      const x = zeros([rows, 1], { device, requiresGrad: true });
      return attend(x, x, x, { isCausal: true });
    };
    expect(recorded(64).gradFn!.name).not.toBe(node);
    expect(recorded(4097).gradFn!.name).toBe(node);
    await same([randn(2, 9, 8), randn(2, 9, 8), randn(2, 9, 8)], (q, k, v) => {
      const leaves = [q, k, v].map((x) => x.detach().requiresGrad_()) as Operands;
      attend(...leaves)
        .sin()
        .sum()
        .backward();
      return leaves.map((x) => x.grad!);
    });
    await same([randn(9, 8), randn(9, 8), randn(9, 8)], (q, k, v) =>
      noGrad(() => attend(q.detach().requiresGrad_(), k, v)),
    );
  });
});
