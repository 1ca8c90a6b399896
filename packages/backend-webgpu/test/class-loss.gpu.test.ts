import { functional as F, manualSeed, rand, randint, randn, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { beforeAll, describe, it } from 'vitest';
import { open, same } from './compare.ts';

beforeAll(async () => {
  await open();
  manualSeed(7);
});

const reductions = ['mean', 'sum', 'none'] as const;

/** The loss and the gradient of the scores. */
function withGradient(run: (x: Tensor) => Tensor): (x: Tensor) => Tensor[] {
  return (x) => {
    const scores = x.detach().requiresGrad_();
    const loss = run(scores);
    loss.backward(loss.detach().cos());
    return [loss.detach(), scores.grad!];
  };
}

describe('crossEntropy and nllLoss', () => {
  it('of one sample, of batches and of images, with every reduction', async () => {
    for (const shape of [[5], [1, 3], [100, 10], [7, 400], [3, 6, 40, 50], [20_000, 4]]) {
      const classes = shape.length === 1 ? shape[0]! : shape[1]!;
      const target = randint(0, classes, shape.length === 1 ? [] : shape.toSpliced(1, 1));
      for (const reduction of reductions) {
        await same([randn(shape), target], (x, y) => withGradient((x) => F.crossEntropy(x, y!, { reduction }))(x!));
        await same([randn(shape), target], (x, y) => withGradient((x) => F.nllLoss(x, y!, { reduction }))(x!));
      }
    }
  });

  it('with weights, ignored targets and smoothing', async () => {
    const target = randint(0, 5, [60]);
    for (const reduction of reductions) {
      for (const labelSmoothing of [0, 0.2]) {
        await same([randn(60, 5), target, rand(5)], (x, y, w) =>
          withGradient((x) => F.crossEntropy(x, y!, { weight: w!, ignoreIndex: 3, reduction, labelSmoothing }))(x!),
        );
      }
      await same([randn(60, 5), target.to('uint8')], (x, y) =>
        withGradient((x) => F.nllLoss(x, y!, { ignoreIndex: 0, reduction }))(x!),
      );
    }
  });

  it('ignores targets outside of the classes, and infinities there', async () => {
    const x = tensor([
      [Number.NEGATIVE_INFINITY, 0.5],
      [Number.NaN, 1],
      [2, 3],
    ]);
    const y = tensor([-100, -100, 1], { dtype: 'int32' });
    for (const reduction of reductions) {
      await same([x, y], (x, y) => withGradient((x) => F.nllLoss(x, y!, { reduction }))(x!));
      // Nothing counts: the mean is NaN, its gradient 0.
      await same([x, y.fill(-100)], (x, y) => withGradient((x) => F.nllLoss(x, y!, { reduction }))(x!));
    }
    await same([x, y.clamp(0)], (x, y) => withGradient((x) => F.nllLoss(x, y!))(x!));
  });

  it('of strided tensors and of nothing', async () => {
    await same([randn(6, 50), randint(0, 6, [100]), rand(12)], (x, y, w) =>
      withGradient((x) => F.crossEntropy(x.t(), y!.at('::2'), { weight: w!.at('::2') }))(x!),
    );
    await same([randn(4, 9, 5), randint(0, 5, [9, 4])], (x, y) =>
      withGradient((x) => F.nllLoss(x.transpose(1, 2), y!.t(), { reduction: 'none' }))(x!),
    );
    await same([randn(4, 5), randint(0, 5, [1])], (x, y) => withGradient((x) => F.crossEntropy(x, y!.expand(4)))(x!));
    await same([zeros(0, 5), randint(0, 5, [0])], (x, y) =>
      withGradient((x) => F.crossEntropy(x, y!, { reduction: 'none' }))(x!),
    );
  });

  it('has second derivatives', async () => {
    await same([randn(9, 5), randint(0, 5, [9]), rand(5)], (x, y, w) => {
      const scores = x!.detach().requiresGrad_();
      const loss = F.crossEntropy(scores, y!, { weight: w!, ignoreIndex: 2 });
      loss.square().backward(undefined, { createGraph: true });
      const slope = scores.grad!;
      scores.grad = null;
      slope.square().sum().backward();
      return scores.grad!;
    });
  });
});
