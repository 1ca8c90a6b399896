import { functional as F, manualSeed, randint, randn, type Tensor, zeros } from '@flambeau/tensor';
import { beforeAll, describe, it } from 'vitest';
import { exact, open, same } from './compare.ts';

beforeAll(async () => {
  await open();
  manualSeed(4);
});

const near = { relative: 1e-4, absolute: 1e-4 };
const convs = [F.conv1d, F.conv2d, F.conv3d];

interface Case {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly stride?: number | readonly number[];
  readonly padding?: number | readonly number[];
  readonly dilation?: number | readonly number[];
  readonly groups?: number;
}

/** The result of a convolution and its gradients by all three operands. */
function withGradients(options: object, dims: number, seed: Tensor, view: (x: Tensor) => Tensor = (x) => x) {
  return (x: Tensor, w: Tensor, bias: Tensor): Tensor[] => {
    const inputs = [x, w, bias].map((t) => t.detach().requiresGrad_());
    const y = convs[dims - 1]!(view(inputs[0]!), inputs[1]!, { bias: inputs[2]!, ...options });
    // Gradients that differ from place to place, the same on both devices.
    y.mul(y.detach().add(seed.to(y.device)))
      .sum()
      .backward();
    return [y.detach(), ...inputs.map((t) => t.grad!)];
  };
}

async function check({ x, w, ...options }: Case): Promise<void> {
  const scale = 1 / Math.sqrt(w.slice(1).reduce((a, b) => a * b, 1));
  await same([randn(x), randn(w).mul(scale), randn(w[0]!)], withGradients(options, x.length - 2, randn([])), {
    relative: 2e-4,
    absolute: 5e-4,
  });
}

describe('conv and its gradients', () => {
  it('strides, paddings, dilations', async () => {
    await check({ x: [2, 3, 11, 9], w: [5, 3, 3, 3] });
    await check({ x: [2, 3, 11, 9], w: [5, 3, 3, 3], padding: 1 });
    await check({ x: [2, 3, 11, 9], w: [5, 3, 3, 3], stride: 2, padding: 1 });
    await check({ x: [2, 3, 12, 13], w: [5, 3, 2, 3], stride: [3, 2], padding: [1, 0], dilation: [2, 1] });
    await check({ x: [1, 2, 16, 17], w: [3, 2, 3, 3], stride: 2, dilation: 2, padding: 2 });
    await check({ x: [1, 2, 16, 17], w: [3, 2, 2, 4], stride: [4, 3], dilation: [2, 3], padding: [1, 4] });
    await check({ x: [2, 3, 15, 15], w: [8, 3, 5, 5], stride: 5 });
    await check({ x: [2, 3, 9, 9], w: [4, 3, 1, 1], stride: 2 });
    await check({ x: [1, 1, 5, 5], w: [1, 1, 5, 5] });
  });

  it('one and three dimensions', async () => {
    await check({ x: [3, 4, 50], w: [6, 4, 7], stride: 3, padding: 2 });
    await check({ x: [1, 3, 40], w: [9, 3, 5], dilation: 3, padding: 6 });
    await check({ x: [2, 3, 6, 7, 5], w: [4, 3, 3, 2, 3], padding: [1, 0, 1] });
    await check({ x: [1, 2, 7, 8, 9], w: [4, 2, 3, 2, 3], stride: [2, 1, 3], padding: 1, dilation: [1, 2, 1] });
  });

  it('groups and depthwise', async () => {
    await check({ x: [2, 6, 10, 9], w: [9, 2, 3, 3], groups: 3, padding: 1 });
    await check({ x: [2, 6, 10, 9], w: [9, 2, 3, 3], groups: 3, stride: 2 });
    await check({ x: [2, 8, 20, 21], w: [8, 1, 3, 3], groups: 8, padding: 1 });
    await check({ x: [2, 8, 20, 21], w: [16, 1, 3, 3], groups: 8, padding: 1, stride: 2 });
    await check({ x: [2, 64, 30], w: [64, 32, 3], groups: 2 });
  });

  it('sizes that fill tiles', async () => {
    await check({ x: [3, 16, 20, 20], w: [70, 16, 3, 3], padding: 1 });
    await check({ x: [10, 1, 28, 28], w: [10, 1, 5, 5], padding: 2 });
    await check({ x: [4, 10, 14, 14], w: [20, 10, 5, 5], padding: 2 });
    await check({ x: [1, 128, 5, 5], w: [40, 128, 3, 3], padding: 1 });
  });

  it('strided operands', async () => {
    const permuted = (x: Tensor): Tensor => x.permute(0, 3, 1, 2);
    await same(
      [randn(2, 9, 10, 3), randn(5, 3, 3, 3), randn(5)],
      withGradients({ stride: 2, padding: 1 }, 2, randn([]), permuted),
      { relative: 2e-4, absolute: 2e-3 },
    );
    await same(
      [randn(2, 3, 9, 10), randn(3, 3, 3, 5), randn(10)],
      (x, w, b) => F.conv2d(x.flip([2]), w.permute(3, 0, 1, 2), { bias: b.at('::2'), padding: 1 }),
      near,
    );
    await same(
      [randn(3, 5, 9, 20), randn(5, 3, 3, 3)],
      (x, w) => F.conv2d(x.at('1:', '1:4', ':', '3::2'), w, { padding: 1 }),
      near,
    );
  });

  it('transposed convolutions', async () => {
    await same(
      [randn(2, 4, 7, 8), randn(4, 3, 3, 3), randn(3)],
      (x, w, b) => F.convTranspose2d(x, w, { bias: b, stride: 2, padding: 1, outputPadding: 1 }),
      near,
    );
    await same(
      [randn(2, 4, 9), randn(4, 2, 4)],
      (x, w) => F.convTranspose1d(x, w, { stride: 3, dilation: 2, groups: 2 }),
      near,
    );
  });

  it('second derivatives', async () => {
    await same(
      [randn(2, 3, 8, 8), randn(4, 3, 3, 3)],
      (x, w) => {
        const [a, b] = [x, w].map((t) => t.detach().requiresGrad_()) as [Tensor, Tensor];
        const y = F.conv2d(a, b, { stride: 2, padding: 1 });
        y.mul(y).sum().backward(null, { createGraph: true });
        b.grad!.mul(b.grad!).sum().backward();
        return [a.grad!, b.grad!];
      },
      { relative: 1e-3, absolute: 5 },
    );
  });

  it('nothing, integers, half precision', async () => {
    await same([zeros(0, 3, 5, 5), randn(4, 3, 3, 3), randn(4)], withGradients({}, 2, randn([])), exact);
    await same(
      [randint(-50, 50, [2, 3, 9, 9], { dtype: 'int32' }), randint(-50, 50, [4, 3, 3, 3], { dtype: 'int32' })],
      (x, w) => F.conv2d(x, w, { padding: 1 }),
      exact,
    );
    await same(
      [randn(2, 3, 9, 9).to('float16'), randn(4, 3, 3, 3).to('float16')],
      (x, w) => F.conv2d(x, w, { padding: 1 }),
      { relative: 1e-2, absolute: 2e-2 },
    );
  });

  it('more workgroups than one dimension of a dispatch takes', async () => {
    await same([randn(1, 1, 2100, 2100), randn(1, 1, 2, 2)], (x, w) => F.conv2d(x, w), near);
  });
});
