/** @file Products, fused kernels and training with tensors larger than what the device binds of a buffer. */
import { functional as F, ones, rand, randint, randn, type Tensor, zeros } from '@flambeau/tensor';
import { beforeAll, describe, it } from 'vitest';
import type { Session } from '../src/backend.ts';
import { open, same } from './small-bindings.ts';

let session: Session;

beforeAll(async () => {
  session = await open();
});

const n = 200_003;
const wide = (): Tensor => randn(301, 1000);

describe('products', () => {
  it('large matrices on either side, results, and both', async () => {
    await same([randn(700, 300), randn(300, 5)], (a, b) => [a.matmul(b), b.t().matmul(a.t())]);
    await same([randn(5, 700), randn(700, 300), randn(300)], (a, b, c) => [
      a.matmul(b),
      F.linear(a, b.t().contiguous(), c),
    ]);
    await same([randn(5, n), randn(n, 2)], (a, b) => a.matmul(b), 1e-2);
    await same([randn(700, 3), randn(3, 400), randn(400)], (a, b, c) => [
      a.matmul(b),
      a.matmul(b).addmm(a, b, { beta: 2, alpha: 3 }),
      F.linear(a, b.t(), c),
    ]);
    await same([randn(n), randn(n)], (a, b) => a.dot(b), 1e-2);
    await same(
      [randint(-9, 9, [5, 60_000], { dtype: 'int32' }), randint(-9, 9, [60_000, 3], { dtype: 'int32' })],
      (a, b) => a.matmul(b),
      0,
    );
  });

  it('batches', async () => {
    await same([randn(20, 100, 90), randn(20, 90, 110)], (a, b) => [
      a.matmul(b),
      b.transpose(1, 2).matmul(a.transpose(1, 2)),
    ]);
    await same([randn(3, 300, 300), randn(300, 100)], (a, b) => a.matmul(b));
  });

  it('convolutions and their gradients', async () => {
    for (const [images, inChannels, outChannels, options] of [
      [9, 3, 4, { padding: 1 }],
      [9, 3, 4, { stride: 2 }],
      [9, 4, 4, { groups: 2 }],
      // One image is too large.
      [1, 40, 3, { padding: 1, stride: [2, 1] }],
      [1, 3, 40, { padding: 1, dilation: 2 }],
    ] as const) {
      const w = randn(outChannels, inChannels / ('groups' in options ? options.groups : 1), 3, 3);
      await same(
        [randn(images, inChannels, 100, 101), w, randn(outChannels)],
        (x, w, b) => {
          const [image, kernel] = [x.detach().requiresGrad_(), w.detach().requiresGrad_()];
          const out = F.conv2d(image, kernel, b, options as object);
          out.mul(out).mean().backward();
          return [out.detach(), image.grad!, kernel.grad!];
        },
        1e-3,
      );
    }
    await same([randn(1, 2, 9, 9), randn(3000, 2, 3, 3)], (x, w) => F.conv2d(x, w, null, { padding: 1 }));
    await same([randn(1, 40, 60, 70), randn(40, 6, 5, 5)], (x, w) => F.convTranspose2d(x, w, null, { stride: 2 }));
  });

  it('pooling and its gradients', async () => {
    for (const pool of [F.maxPool2d, F.avgPool2d] as const) {
      await same([randn(3, 5, 120, 121)], (x) => {
        const leaf = x.detach().requiresGrad_();
        const out = pool(leaf, 3, { stride: 2 });
        out.square().sum().backward();
        return [out.detach(), leaf.grad!];
      });
    }
  });
});

describe('fused kernels', () => {
  const trained = (x: Tensor, run: (x: Tensor) => Tensor): Tensor[] => {
    const leaf = x.detach().requiresGrad_();
    const out = run(leaf);
    out.pow(3).sum().backward();
    return [out.detach(), leaf.grad!];
  };

  it('normalization over rows, and over images, where it is composed', async () => {
    await same(
      [wide(), randn(1000), randn(1000)],
      (x, w, b) => {
        const weight = w.detach().requiresGrad_();
        return [...trained(x, (x) => F.layerNorm(x, [1000], weight, b)), weight.grad!];
      },
      1e-3,
    );
    await same(
      [randn(6, 4, 100, 100), randn(4), randn(4)],
      (x, w, b) => {
        const [mean, variance, weight] = [
          zeros(4, { device: x.device }),
          ones(4, { device: x.device }),
          w.detach().requiresGrad_(),
        ];
        const results = trained(x, (x) => F.batchNorm(x, mean, variance, weight, b, { training: true }));
        return [...results, mean, variance, weight.grad!];
      },
      1e-2,
    );
    await same([randn(6, 4, 100, 100)], (x) => trained(x, (x) => F.groupNorm(x, 2)), 1e-3);
  });

  it('class losses', async () => {
    const target = randint(0, 1000, [301], { dtype: 'int32' });
    for (const reduction of ['none', 'mean', 'sum'] as const) {
      await same(
        [wide(), target, rand(1000)],
        (x, t, w) => trained(x, (x) => F.crossEntropy(x, t, { weight: w, reduction, ignoreIndex: 3 })),
        1e-3,
      );
    }
  });

  it('attention', async () => {
    const qkv = [randn(5, 50, 640), randn(5, 50, 640), randn(5, 50, 640)];
    await same(qkv, (q, k, v) => [
      F.scaledDotProductAttention(q, k, v),
      F.scaledDotProductAttention(q, k, v, { isCausal: true }),
    ]);
    await same([randn(5000, 64), randn(7, 64), randn(7, 64)], (q, k, v) => F.scaledDotProductAttention(q, k, v));
  });

  it('attention with gradients, as on GPUs', async () => {
    const { software } = session.gpu;
    Object.assign(session.gpu, { software: false });
    try {
      const qkv = [randn(5, 50, 640), randn(5, 50, 640), randn(5, 50, 640)];
      await same(qkv, (...inputs) => {
        const leaves = inputs.map((x) => x.detach().view(5, 50, 8, 80).requiresGrad_());
        const [q, k, v] = leaves.map((x) => x.transpose(1, 2)) as [Tensor, Tensor, Tensor];
        const out = F.scaledDotProductAttention(q, k, v, { isCausal: true });
        out.square().sum().backward();
        return [out.detach(), ...leaves.map((x) => x.grad!)];
      });
    } finally {
      Object.assign(session.gpu, { software });
    }
  });
});

describe('training', () => {
  it('steps of a net are those of the CPU', async () => {
    const target = randint(0, 10, [400], { dtype: 'int32' });
    await same(
      [randn(400, 600), randn(700, 600).mul(0.05), zeros(700), randn(10, 700).mul(0.05), target],
      (x, ...rest) => {
        const [w1, b1, w2, t] = rest.map((p) => p.detach().clone()) as [Tensor, Tensor, Tensor, Tensor];
        const parameters = [w1, b1, w2].map((p) => p.requiresGrad_());
        const losses: Tensor[] = [];
        for (let step = 0; step < 3; step++) {
          const loss = F.crossEntropy(F.linear(F.relu(F.linear(x, w1, b1)), w2), t);
          loss.backward();
          losses.push(loss.detach());
          for (const p of parameters) {
            p.detach().sub_(p.grad!.mul(0.1));
            p.grad = null;
          }
        }
        return [...losses, ...parameters.map((p) => p.detach())];
      },
      1e-3,
    );
  });
});
