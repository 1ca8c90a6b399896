import { functional as F, manualSeed, ones, randn, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { device, open, same } from './compare.ts';

beforeAll(async () => {
  await open();
  manualSeed(6);
});

const leaf = (x: Tensor): Tensor => x.detach().requiresGrad_();

/** The result of `run` and the gradients of its inputs, for a gradient of the result that is not constant. */
function withGradients(run: (...inputs: Tensor[]) => Tensor): (...inputs: Tensor[]) => Tensor[] {
  return (...inputs) => {
    const leaves = inputs.map(leaf);
    const out = run(...leaves);
    out.backward(out.detach().cos().add(0.3));
    return [out.detach(), ...leaves.map((x) => x.grad!)];
  };
}

const tolerance = { relative: 1e-3, absolute: 2e-4 };

describe('layerNorm', () => {
  it('of short, odd and long rows, of one row and of many', async () => {
    for (const [rows, length] of [
      [3, 5],
      [7, 33],
      [64, 256],
      [1, 1000],
      [2, 9001],
      [1, 40_000],
      [3000, 12],
      [1500, 70],
    ]) {
      await same(
        [randn(rows!, length!).mul(3).add(5), randn(length!), randn(length!)],
        withGradients((x, w, b) => F.layerNorm(x!, [length!], w!, b!)),
        tolerance,
      );
    }
  });

  it('of several dimensions, without parameters, with some wanted only', async () => {
    await same(
      [randn(4, 3, 5, 7)],
      withGradients((x) => F.layerNorm(x!, [5, 7])),
      tolerance,
    );
    await same(
      [randn(4, 3, 5, 7), randn(3, 5, 7)],
      withGradients((x, w) => F.layerNorm(x!, [3, 5, 7], w!)),
      tolerance,
    );
    const x = randn(6, 40);
    await same(
      [randn(40), randn(40)],
      withGradients((w, b) => F.layerNorm(x.to(w!.device), 40, w!, b!)),
      tolerance,
    );
    await same(
      [randn(40)],
      withGradients((b) => F.layerNorm(x.to(b!.device), 40, { bias: b! })),
      tolerance,
    );
  });

  it('of strided and expanded tensors', async () => {
    const run = withGradients((x, w, b) => F.layerNorm(x!.transpose(0, 2), [4], w!.narrow(0, 1, 4), b!.flip(0)));
    await same([randn(4, 50, 9), randn(7), randn(4)], run, tolerance);
    await same(
      [randn(1, 70)],
      withGradients((x) => F.layerNorm(x!.expand(5, 70), 70)),
      tolerance,
    );
    await same(
      [randn(9, 60)],
      withGradients((x) => F.layerNorm(x!.narrow(1, 3, 50).narrow(0, 2, 5), 50)),
      tolerance,
    );
  });

  it('is as exact as on the CPU far from zero', async () => {
    const far = tensor(Array.from({ length: 4096 }, (_, i) => 1000 + (i % 7) / 8)).view([4, 1024]);
    await same([far], (x) => F.layerNorm(x, 1024), { relative: 1e-3, absolute: 2e-3 });
  });

  it('spreads NaN and infinity in their rows only; nothing stays nothing', async () => {
    const x = tensor([
      [1, Number.NaN, 3],
      [1, Number.POSITIVE_INFINITY, 3],
      [1, 2, 3],
    ]);
    await same([x, x.repeat(1, 50)], (a, b) => [F.layerNorm(a!, 3), F.layerNorm(b!, 150)]);
    await same(
      [zeros(0, 3), ones(3)],
      withGradients((a, w) => F.layerNorm(a!, 3, w!)),
    );
  });

  it('in 16 bits', async () => {
    await same([randn(5, 30).half(), randn(30).half()], (x, w) => F.layerNorm(x, 30, w), {
      relative: 4e-3,
      absolute: 2e-3,
    });
  });
});

describe('batchNorm', () => {
  it('in training, with running statistics', async () => {
    for (const shape of [
      [6, 3],
      [100, 40],
      [3000, 33],
      [4, 3, 7],
      [8, 16, 28, 28],
      [2, 3, 90, 91],
      [1, 2, 3],
    ]) {
      const channels = shape[1]!;
      await same(
        [randn(shape).mul(2).add(3), randn(channels), randn(channels), randn(channels), ones(channels)],
        (x, w, b, mean, variance) => {
          const running = [mean!.clone(), variance!.clone()] as const;
          const results = withGradients((x, w, b) => F.batchNorm(x!, ...running, w!, b!, true, 0.3))(x!, w!, b!);
          return [...results, ...running];
        },
        tolerance,
      );
    }
  });

  it('by running statistics', async () => {
    const statistics = [randn(5), ones(5).mul(2)] as const;
    const run = withGradients((x, w, b) => {
      const [mean, variance] = statistics.map((value) => value.to(x!.device));
      return F.batchNorm(x!, mean!, variance!, w!, b!);
    });
    await same([randn(4, 5, 6), randn(5), randn(5)], run, tolerance);
  });

  it('knows that the running statistics changed, also where they are views or lie on one memory', async () => {
    const both = zeros(2, 3).to(device);
    const [mean, variance] = [both.select(0, 0), both.select(0, 1)];
    const before = both.storage.version;
    F.batchNorm(randn(8, 3).to(device), mean, variance, { training: true });
    expect(both.storage.version).toBeGreaterThan(before);
    await same([randn(8, 3), zeros(3, 2)], (x, pair) => {
      const own = pair!.clone();
      return [F.batchNorm(x!, own.select(1, 0), own.select(1, 1), { training: true }), own];
    });
    await same([randn(8, 3), zeros(3)], (x, one) => {
      const own = one!.clone();
      return [F.batchNorm(x!, own, own, { training: true }), own];
    });
    await same([randn(8, 3), zeros(3)], (x, one) => {
      const own = one!.clone();
      return [F.batchNorm(x!, own, null, { training: true, weight: own }), own];
    });
  });

  it('refuses expanded running statistics and leaves them alone', async () => {
    const mean = zeros(1).to(device);
    expect(() => F.batchNorm(randn(8, 3).to(device), mean.expand(3), null, { training: true })).toThrow(/clone/);
    expect(await mean.toArray()).toEqual([0]);
  });
});

describe('groupNorm and instanceNorm', () => {
  it('forward and backward', async () => {
    const parameters = [randn(12), randn(12)];
    await same(
      [randn(5, 12, 6, 7), ...parameters],
      withGradients((x, w, b) => F.groupNorm(x!, 4, w!, b!)),
      tolerance,
    );
    await same(
      [randn(50, 12, 3), ...parameters],
      withGradients((x, w, b) => F.groupNorm(x!, 3, w!, b!)),
      tolerance,
    );
    await same(
      [randn(5, 12, 60), ...parameters, zeros(12), ones(12)],
      (x, w, b, mean, variance) => {
        const running = [mean!.clone(), variance!.clone()] as const;
        return [...withGradients((x, w, b) => F.instanceNorm(x!, ...running, w!, b!))(x!, w!, b!), ...running];
      },
      tolerance,
    );
  });
});

describe('derivatives of derivatives', () => {
  it('are those of the CPU', async () => {
    const run = (x: Tensor, w: Tensor): Tensor[] => {
      const leaves = [leaf(x), leaf(w)] as const;
      const out = F.layerNorm(leaves[0], leaves[0].shape.at(-1)!, leaves[1]);
      out
        .sin()
        .sum()
        .backward(undefined, { createGraph: true, inputs: [leaves[0]] });
      const slope = leaves[0].grad!;
      leaves[0].grad = null;
      slope.square().sum().backward();
      return leaves.map((x) => x.grad!);
    };
    await same([randn(5, 12), randn(12)], run, tolerance);
    await same([randn(3, 100), randn(100)], run, tolerance);
  });
});
