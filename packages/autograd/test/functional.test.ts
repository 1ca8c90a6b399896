/** First and second derivatives of torch.nn.functional's compositions and recorded ops, by finite differences. */
import '@flambeau/backend-cpu';
import { func, grad, gradcheck, gradgradcheck } from '@flambeau/autograd';
import { arange, cdist, functional as F, manualSeed, rand, type Tensor, tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const random = (...shape: number[]): Tensor => rand(shape, { dtype: 'float64', requiresGrad: true });

const cases: Record<string, readonly [f: (...inputs: Tensor[]) => Tensor, inputs: () => Tensor[]]> = {
  'pad reflect': [(x) => F.pad(x!, [2, 1], 'reflect'), () => [random(1, 2, 4)]],
  'pad circular': [(x) => F.pad(x!, [2, 1, 0, 1], 'circular'), () => [random(1, 1, 3, 3)]],
  unfold: [(x) => F.unfold(x!, 2, { padding: 1, dilation: 2 }), () => [random(1, 2, 3, 4)]],
  fold: [(x) => F.fold(x!, [4, 3], 2), () => [random(1, 4, 6)]],
  'interpolate bilinear': [(x) => F.interpolate(x!, { size: [2, 5], mode: 'bilinear' }), () => [random(1, 1, 3, 3)]],
  'interpolate antialias': [
    (x) => F.interpolate(x!, { size: [2, 2], mode: 'bicubic', antialias: true }),
    () => [random(1, 1, 4, 5)],
  ],
  adaptiveAvgPool2d: [(x) => F.adaptiveAvgPool2d(x!, [2, 3]), () => [random(1, 2, 3, 4)]],
  adaptiveMaxPool1d: [(x) => F.adaptiveMaxPool1d(x!, 2) as Tensor, () => [random(1, 2, 5)]],
  pixelShuffle: [(x) => F.pixelShuffle(x!, 2), () => [random(1, 4, 2, 1)]],
  gridSample: [(x, g) => F.gridSample(x!, g!.sub(0.5)), () => [random(1, 2, 3, 3), random(1, 2, 2, 2)]],
  'gridSample bicubic': [
    (x, g) => F.gridSample(x!, g!.sub(0.5), 'bicubic'),
    () => [random(1, 1, 4, 4), random(1, 2, 1, 2)],
  ],
  affineGrid: [(theta) => F.affineGrid(theta!, [1, 1, 2, 3]), () => [random(1, 2, 3)]],
  attention: [
    (q, k, v) => F.scaledDotProductAttention(q!, k!, v!, { isCausal: true }),
    () => [random(1, 2, 3), random(1, 2, 3), random(1, 2, 3)],
  ],
  normalize: [(x) => F.normalize(x!), () => [random(2, 3)]],
  cdist: [(a, b) => cdist(a!, b!, 1.5), () => [random(2, 3), random(3, 3)]],
  localResponseNorm: [(x) => F.localResponseNorm(x!, 3, { alpha: 0.5 }), () => [random(1, 4, 2)]],
  klDiv: [(x, t) => F.klDiv(x!, t!, { reduction: 'batchmean' }), () => [random(2, 3), random(2, 3)]],
  poissonNllLoss: [(x, t) => F.poissonNllLoss(x!, t!, { logInput: false }), () => [random(2, 3), random(2, 3)]],
  gaussianNllLoss: [(x, t, v) => F.gaussianNllLoss(x!, t!, v!), () => [random(2, 3), random(2, 3), random(2, 3)]],
  softMarginLoss: [(x) => F.softMarginLoss(x!, tensor([1, -1, 1])), () => [random(3)]],
  multiMarginLoss: [(x) => F.multiMarginLoss(x!, arange(2), { p: 2 }), () => [random(2, 3)]],
  cosineEmbeddingLoss: [(a, b) => F.cosineEmbeddingLoss(a!, b!, tensor([1, -1])), () => [random(2, 3), random(2, 3)]],
  tripletMarginLoss: [
    (a, p, n) => F.tripletMarginLoss(a!, p!, n!.add(1), { margin: 3 }),
    () => [random(2, 3), random(2, 3), random(2, 3)],
  ],
};

describe('derivatives', () => {
  it.each(Object.keys(cases))('%s', async (name) => {
    manualSeed(7);
    const [f, inputs] = cases[name]!;
    const args = inputs();
    expect(await gradcheck(f, args)).toBe(true);
    expect(await gradgradcheck(f, args)).toBe(true);
  });
});

it('cumprod and prod: derivatives of every order at zeros', async () => {
  const x = tensor([2, 0, 3, 0, 0.5], { dtype: 'float64', requiresGrad: true });
  for (const f of [
    (t: Tensor) => t.cumprod(0),
    (t: Tensor) => t.prod(),
    (t: Tensor) => t.view(5, 1).cumprod(1).view(1, 5).cumprod(1),
  ]) {
    expect(await gradcheck((t) => f(t!), [x])).toBe(true);
    expect(await gradgradcheck((t) => f(t!), [x])).toBe(true);
  }
  const slope = func.grad((t: Tensor) => t.cumprod(0).sum());
  expect(await gradgradcheck((t) => slope(t!), [x])).toBe(true);
});

it('ctcLoss: a second derivative is an error, not zero', () => {
  const x = random(4, 1, 3);
  const loss = F.ctcLoss(x, tensor([[1]]).int(), [4], [1]);
  const [first] = grad(loss, x, { createGraph: true });
  expect(() => grad(first!.sum(), x)).toThrow(/no second derivatives/);
});

it('ctcLoss: the gradient by scores that logSoftmax made logarithms of', async () => {
  manualSeed(3);
  const targets = tensor([
    [1, 2, 2],
    [3, 1, 1],
  ]).int();
  const loss = (scores: Tensor): Tensor =>
    F.ctcLoss(scores.logSoftmax(2), targets, [7, 5], [3, 2], { reduction: 'sum' });
  expect(await gradcheck((scores) => loss(scores!), [random(7, 2, 4)])).toBe(true);
});
