import '@flambeau/backend-cpu';
import { gradcheck, gradgradcheck } from '@flambeau/autograd';
import { DTypeError, manualSeed, ones, randint, randn, ShapeError, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import * as nn from '../src/index.ts';

const { F } = nn;

beforeEach(() => manualSeed(0));

const double = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });

describe('arguments', () => {
  it('come in PyTorch’s order, by name, or both', () => {
    const texts = [
      new nn.Conv2d(1, 16, 5, 2, 1),
      new nn.Conv2d(1, 16, 5, { stride: 2, padding: 1 }),
      new nn.Conv2d({ inChannels: 1, outChannels: 16, kernelSize: 5, stride: 2, padding: 1 }),
    ].map(String);
    expect(new Set(texts)).toEqual(new Set(['Conv2d(1, 16, kernel_size=(5, 5), stride=(2, 2), padding=(1, 1))']));
    expect(() => new nn.Linear(1, 2, { bais: false } as never)).toThrow(/did you mean 'bias'/);
    expect(() => new nn.Linear(1, 2, true, { bias: false } as never)).toThrow(/both/);
    expect(() => new nn.Linear(1 as never)).toThrow(/outFeatures/);
  });

  it('choose dtype and device of the parameters', () => {
    expect(new nn.Linear(1, 2, { dtype: 'float64' }).weight.dtype).toBe('float64');
    expect(new nn.BatchNorm2d(2, { dtype: 'float64' }).running_mean!.dtype).toBe('float64');
  });
});

describe('errors', () => {
  it('name what does not fit', () => {
    expect(() => new nn.Linear(3, 2)(ones(1, 4))).toThrow(ShapeError);
    expect(() => new nn.Conv2d(3, 4, 3, { groups: 2 })).toThrow(/divisible by groups/);
    expect(() => new nn.Conv2d(1, 1, 3, { padding: 'same', stride: 2 })).toThrow(/stride 1/);
    expect(() => new nn.Conv2d(2, 1, 3)(ones(1, 1, 5, 5))).toThrow(ShapeError);
    expect(() => new nn.Dropout(1.5)).toThrow(RangeError);
    expect(() => new nn.BatchNorm2d(3)(ones(2, 3))).toThrow(/4 dimensions/);
    expect(() => new nn.BatchNorm1d(3)(ones(2, 4))).toThrow(/3 channels/);
    expect(() => new nn.BatchNorm1d(3)(ones(1, 3))).toThrow(/more than 1 value per channel/);
    expect(() => new nn.GroupNorm(2, 3)).toThrow(RangeError);
    expect(() => new nn.LayerNorm(3)(ones(2, 4))).toThrow(ShapeError);
    expect(() => new nn.Embedding(3, 2, { paddingIdx: 3 })).toThrow(RangeError);
    expect(() => new nn.MSELoss({ reduction: 'avg' as never })).toThrow(/'none', 'mean' or 'sum'/);
    expect(() => new nn.Hardtanh(1, 1)).toThrow(RangeError);
  });
});

describe('batch normalization', () => {
  it('keeps running statistics in training and uses them in evaluation', () => {
    const norm = new nn.BatchNorm1d(1, { momentum: 0.5 });
    norm(tensor([[1], [3]]));
    expect(norm.running_mean!.toArraySync()).toEqual([1]);
    expect(norm.running_var!.toArraySync()).toEqual([1.5]);
    expect(norm.num_batches_tracked!.itemSync()).toBe(1);
    norm.eval();
    const y = norm(tensor([[1], [1 + Math.sqrt(1.5)]]));
    expect(y.toTypedArraySync()[0]).toBeCloseTo(0, 5);
    expect(y.toTypedArraySync()[1]).toBeCloseTo(1, 4);
    expect(norm.num_batches_tracked!.itemSync()).toBe(1);
  });

  it('averages all batches without momentum', () => {
    const norm = new nn.BatchNorm1d(1, { momentum: null });
    norm(tensor([[1], [3]]));
    norm(tensor([[5], [7]]));
    expect(norm.running_mean!.itemSync()).toBeCloseTo(4, 5);
  });

  for (const training of [true, false]) {
    it(`has right first and second derivatives ${training ? 'in training' : 'in evaluation'}`, async () => {
      const [mean, variance] = [zeros(3, { dtype: 'float64' }), ones(3, { dtype: 'float64' })];
      const norm = (x: Tensor, w: Tensor, b: Tensor): Tensor =>
        F.batchNorm(x, mean.clone(), variance.clone(), w, b, training);
      const inputs = [double(4, 3, 2), double(3), double(3)];
      expect(await gradcheck(norm, inputs)).toBe(true);
      expect(await gradgradcheck(norm, inputs)).toBe(true);
    });
  }

  it('knows its graph node', () => {
    expect(new nn.BatchNorm1d(2)(randn(3, 2)).gradFn!.name).toBe('NativeBatchNormBackward0');
    expect(new nn.LayerNorm(2)(randn(3, 2)).gradFn!.name).toBe('NativeLayerNormBackward0');
  });
});

describe('other normalizations', () => {
  const cases: Record<string, [(...inputs: Tensor[]) => Tensor, () => Tensor[]]> = {
    layerNorm: [(x, w, b) => F.layerNorm(x!, [3, 2], w!, b!), () => [double(2, 3, 2), double(3, 2), double(3, 2)]],
    'layerNorm without affine': [(x) => F.layerNorm(x!, 2), () => [double(3, 2)]],
    groupNorm: [(x, w, b) => F.groupNorm(x!, 2, w!, b!), () => [double(2, 4, 3), double(4), double(4)]],
    instanceNorm: [
      (x, w, b) => F.instanceNorm(x!, { weight: w!, bias: b! }),
      () => [double(2, 2, 3), double(2), double(2)],
    ],
  };
  for (const [name, [norm, inputs]] of Object.entries(cases)) {
    it(`${name} has right first and second derivatives`, async () => {
      const given = inputs();
      expect(await gradcheck(norm, given)).toBe(true);
      expect(await gradgradcheck(norm, given)).toBe(true);
    });
  }

  it('compute half precision in float32', () => {
    const x = randn(4, 6);
    const got = F.layerNorm(x.half(), 6);
    expect(got.dtype).toBe('float16');
    expect(got.float().sub(F.layerNorm(x, 6)).abs().max().itemSync()).toBeLessThan(5e-3);
  });
});

describe('dropout', () => {
  it('does something in training only', () => {
    const drop = new nn.Dropout(0.5);
    const x = ones(1000);
    const kept = drop(x).countNonzero();
    expect(kept.itemSync()).toBeGreaterThan(400);
    expect(kept.itemSync()).toBeLessThan(600);
    expect(drop.eval()(x)).toBe(x);
  });
});

describe('convolution', () => {
  it('pads in all modes', () => {
    const x = randn(1, 1, 4, 5);
    for (const paddingMode of ['zeros', 'reflect', 'replicate', 'circular'] as const) {
      expect(new nn.Conv2d(1, 2, 3, { padding: 1, paddingMode })(x).shape).toEqual([1, 2, 4, 5]);
      expect(new nn.Conv2d(1, 2, [2, 3], { padding: 'same', paddingMode })(x).shape).toEqual([1, 2, 4, 5]);
    }
  });

  it('transposed, hits an asked-for output size', () => {
    const up = new nn.ConvTranspose2d(1, 1, 3, { stride: 2, padding: 1 });
    expect(up(randn(1, 1, 4, 4)).shape).toEqual([1, 1, 7, 7]);
    expect(up(randn(1, 1, 4, 4), [8, 8]).shape).toEqual([1, 1, 8, 8]);
    expect(() => up(randn(1, 1, 4, 4), [9, 9])).toThrow(ShapeError);
  });
});

describe('embedding', () => {
  it('trains all rows but the padding one', () => {
    const table = new nn.Embedding(4, 2, { paddingIdx: 0 });
    table(tensor([[0, 1, 1]], { dtype: 'int32' }))
      .sum()
      .backward();
    expect(table.weight.grad!.toArraySync()).toEqual([
      [0, 0],
      [2, 2],
      [0, 0],
      [0, 0],
    ]);
    const frozen = nn.Embedding.fromPretrained(
      tensor([
        [1, 2],
        [3, 4],
      ]),
    );
    expect(frozen(tensor([1], { dtype: 'int32' })).toArraySync()).toEqual([[3, 4]]);
    expect(frozen.weight.requiresGrad).toBe(false);
  });
});

describe('losses of classes', () => {
  const scores = (): Tensor => double(4, 3);
  const classes = tensor([0, 2, 1, 2], { dtype: 'int32' });

  for (const reduction of ['none', 'mean', 'sum'] as const) {
    it(`have right derivatives with reduction '${reduction}'`, async () => {
      const weight = tensor([1, 2, 0.5], { dtype: 'float64' });
      for (const options of [
        {},
        { weight },
        { ignoreIndex: 2 },
        { weight, ignoreIndex: 2 },
        { labelSmoothing: 0.1, weight },
      ]) {
        const loss = (x: Tensor): Tensor => F.crossEntropy(x, classes, { ...options, reduction });
        const inputs = [scores()];
        expect(await gradcheck(loss, inputs)).toBe(true);
        expect(await gradgradcheck(loss, inputs)).toBe(true);
      }
    });
  }

  it('agree whether targets are classes or probabilities', () => {
    const x = scores();
    const hot = F.oneHot(classes.long(), 3).double();
    expect(F.crossEntropy(x, classes).itemSync()).toBeCloseTo(F.crossEntropy(x, hot).itemSync(), 12);
  });

  it('take images of classes, and give 0 gradient where everything is ignored', () => {
    const x = randn(2, 3, 4, 4).requiresGrad_();
    const target = randint(0, 3, [2, 4, 4]);
    const loss = F.crossEntropy(x, target);
    expect(loss.gradFn!.name).toBe('NllLoss2DBackward0');
    loss.backward();
    expect(x.grad!.shape).toEqual([2, 3, 4, 4]);
    x.grad = null;
    const none = F.crossEntropy(x, target.fill(-100));
    none.backward();
    expect(Number.isNaN(none.itemSync())).toBe(true);
    expect(x.grad!.abs().sum().itemSync()).toBe(0);
  });

  it('refuse targets that are no classes', () => {
    expect(() => F.crossEntropy(ones(1, 3), tensor([3], { dtype: 'int32' }))).toThrow(/target 3 is out of bounds/);
    expect(() => F.crossEntropy(ones(1, 3), tensor([-1], { dtype: 'int32' }))).toThrow(/out of bounds/);
    expect(() => F.crossEntropy(ones(1, 3), tensor([1]))).toThrow(DTypeError);
    expect(() => F.nllLoss(ones(2, 3), tensor([1], { dtype: 'int32' }))).toThrow(ShapeError);
    expect(() => F.crossEntropy(ones(1, 3), tensor([1], { dtype: 'int32' }), ones(2))).toThrow(/weight/);
  });
});

describe('losses of pairs', () => {
  const losses: Record<string, (x: Tensor, y: Tensor, reduction: 'none' | 'mean' | 'sum') => Tensor> = {
    mseLoss: (x, y, reduction) => F.mseLoss(x, y, { reduction }),
    l1Loss: (x, y, reduction) => F.l1Loss(x, y, { reduction }),
    smoothL1Loss: (x, y, reduction) => F.smoothL1Loss(x, y, { reduction, beta: 0.7 }),
    huberLoss: (x, y, reduction) => F.huberLoss(x, y, { reduction, delta: 0.7 }),
    binaryCrossEntropyWithLogits: (x, y, reduction) =>
      F.binaryCrossEntropyWithLogits(x, y, { reduction, posWeight: tensor([2], { dtype: 'float64' }) }),
    binaryCrossEntropy: (x, y, reduction) => F.binaryCrossEntropy(x.sigmoid(), y.sigmoid(), { reduction }),
  };
  for (const [name, loss] of Object.entries(losses)) {
    it(`${name} has right derivatives by both arguments`, async () => {
      for (const reduction of ['none', 'mean', 'sum'] as const) {
        const inputs = [double(3, 2), double(3, 2)];
        expect(await gradcheck((x, y) => loss(x!, y!, reduction), inputs)).toBe(true);
        expect(await gradgradcheck((x, y) => loss(x!, y!, reduction), inputs)).toBe(true);
      }
    });
  }

  it('sum broadcast gradients', () => {
    const [x, y] = [ones(2, 1).requiresGrad_(), zeros(3).requiresGrad_()];
    F.mseLoss(x.expand(2, 3), y.expand(2, 3), { reduction: 'sum' }).backward();
    expect(x.grad!.toArraySync()).toEqual([[6], [6]]);
    expect(y.grad!.toArraySync()).toEqual([-4, -4, -4]);
  });
});
