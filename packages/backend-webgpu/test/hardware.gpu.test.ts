/** @file Products and convolutions as GPUs compute them: in tiles of workgroup memory, which software adapters do not use. */
import { functional as F, manualSeed, randint, randn, type Tensor } from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { init } from '../src/index.ts';
import { planFor } from '../src/kernels/contractionPlan.ts';
import { close, exact, hardwareAdapter, same } from './compare.ts';

beforeAll(async () => {
  await init({ adapter: await hardwareAdapter() });
  manualSeed(4);
});

const mm = (a: Tensor, b: Tensor): Tensor => a.matmul(b);
const near = (k: number) => ({ relative: 1e-4, absolute: 2e-6 * k });

/** How a product of row-major matrices runs: `8×8×4×4/2` is a tile of 8 × 8 invocations with 4 × 4 outputs, in two chunks. */
function planOf(batches: number, m: number, n: number, k: number): string {
  const c = { stepA: [1], rowStrides: [k, n, 0], stepSizes: [k], stepsOfB: false, window: [] };
  const sizes = { rows: m, columns: n, steps: k, batches, outputs: batches * m * n };
  const { method, chunks } = planFor(c as unknown as Parameters<typeof planFor>[0], sizes, false);
  if (method.kind !== 'tiled') return `${method.kind}/${chunks > 1 ? 'chunks' : 1}`;
  return `${method.down}×${method.across}×${method.rows}×${method.columns}/${chunks > 1 ? 'chunks' : 1}`;
}

/** Batches, rows, columns, steps; each is planned otherwise. */
const shapes = {
  '8×8×4×4/1': [1, 131, 133, 40],
  '8×8×4×4/chunks': [1, 100, 50, 980],
  '8×8×4×8/chunks': [1, 256, 250, 256],
  '8×8×8×8/1': [1, 510, 513, 35],
  '4×16×4×8/1': [64, 16, 130, 21],
  '16×4×8×4/1': [32, 130, 16, 21],
  'dots/1': [1, 20, 250, 19],
  'dots/chunks': [1, 3, 3, 9001],
} as const;

describe('products in tiles of workgroup memory', () => {
  it.each(Object.entries(shapes))('%s: any layout, bias, sum, factor', async (plan, [batches, m, n, k]) => {
    expect(planOf(batches, m, n, k)).toBe(plan);
    const lead = batches === 1 ? [] : [batches];
    const [a, b] = [randn([...lead, m, k]), randn([...lead, k, n])];
    await same([a, b], mm, near(k));
    await same([a.mT.contiguous(), b], (x, y) => x.mT.matmul(y), near(k));
    await same([a, b.mT.contiguous()], (x, y) => x.matmul(y.mT), near(k));
    if (batches > 1) return;
    await same([a, b.mT.contiguous(), randn(n)], (x, w, bias) => F.linear(x!, w!, bias!), near(k));
    await same([a, b, randn(m, n)], (x, y, z) => z!.clone().addmm_(x!, y!, { alpha: 0.5 }), near(k));
  });

  it('integers, half precision', async () => {
    await same([randint(-9, 9, [70, 90], { dtype: 'int32' }), randint(-9, 9, [90, 80], { dtype: 'int32' })], mm, exact);
    await same([randn(70, 90).half(), randn(90, 80).half()], mm, { relative: 1e-2, absolute: 5e-2 });
  });

  it('a pointwise op in the epilogue, of whole products and of chunks', async () => {
    for (const [, m, n, k] of [shapes['8×8×4×4/1'], shapes['8×8×4×4/chunks'], shapes['dots/1']]) {
      for (let time = 0; time < 3; time++) {
        await same([randn(m, k), randn(n, k), randn(n)], (x, w, bias) => F.gelu(F.linear(x!, w!, bias!)), near(k));
      }
    }
  });
});

describe('convolutions in tiles of workgroup memory', () => {
  const gradients = (conv: (x: Tensor, w: Tensor, b: Tensor) => Tensor) => (x: Tensor, w: Tensor, b: Tensor) => {
    const leaves = [x, w, b].map((t) => t.detach().requiresGrad_()) as [Tensor, Tensor, Tensor];
    const y = conv(...leaves);
    y.mul(y.detach()).sum().backward();
    return [y.detach(), ...leaves.map((t) => t.grad!)];
  };

  it.each([
    ['one dimension', [4, 6, 50], [40, 6, 5], { padding: 2 }],
    ['many channels', [2, 40, 12, 12], [70, 40, 3, 3], { padding: 1 }],
    ['a stride and dilation', [3, 8, 21, 19], [32, 8, 3, 3], { stride: 2, dilation: 2, padding: 2 }],
    ['groups', [2, 12, 14, 14], [48, 3, 3, 3], { groups: 4 }],
    ['depthwise', [2, 24, 15, 15], [24, 1, 3, 3], { groups: 24, padding: 1 }],
    ['three dimensions', [2, 4, 7, 8, 9], [16, 4, 3, 3, 3], { padding: 1 }],
  ] as const)('%s, and gradients', async (_name, x, w, options) => {
    const run = [F.conv1d, F.conv2d, F.conv3d][x.length - 3] as typeof F.conv2d;
    const conv = gradients((input, weight, bias) => run(input, weight, bias, options));
    const inputs = [randn([...x]), randn([...w]).mul(0.2), randn(w[0])] as const;
    await same(inputs, (input, weight, bias) => conv(input!, weight!, bias!), { ...close, absolute: 2e-4 });
  });
});
