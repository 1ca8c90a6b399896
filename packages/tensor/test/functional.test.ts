/** Functions of torch.nn.functional: what the golden cases do not reach. Numbers are PyTorch 1.13's. */
import '@flambeau/backend-cpu';
import { describe, expect, it } from 'vitest';
import {
  arange,
  cdist,
  DTypeError,
  functional as F,
  IndexError,
  type NestedData,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from '../src/index.ts';

const image = (): Tensor => arange(16).to('float32').view(1, 1, 4, 4);
const ramp = (n: number): Tensor => arange(n).to('float32').view(1, 1, n);

function expectClose(got: Tensor, want: NestedData): void {
  const target = tensor(want);
  expect(got.shape).toEqual(target.shape);
  expect(got.sub(target).abs().max().itemSync()).toBeLessThan(1e-5);
}

describe('interpolate', () => {
  it('averages when shrinking with antialias', () => {
    expectClose(F.interpolate(image(), { size: [2, 3], mode: 'bilinear', antialias: true }), [
      [
        [
          [3.1571431, 4.3571429, 5.5571432],
          [9.4428577, 10.6428576, 11.8428574],
        ],
      ],
    ]);
    expectClose(F.interpolate(image(), { size: [2, 2], mode: 'bicubic', antialias: true }), [
      [
        [
          [2.9338841, 4.7603307],
          [10.2396698, 12.0661154],
        ],
      ],
    ]);
  });

  it('takes the pixel in the middle in mode nearest-exact', () => {
    expect(F.interpolate(ramp(5), 3).toArraySync()).toEqual([[[0, 1, 3]]]);
    expect(F.interpolate(ramp(5), 3, null, 'nearest-exact').toArraySync()).toEqual([[[0, 2, 4]]]);
  });

  it('goes by scaleFactor, or by the sizes that it gave', () => {
    const options = { scaleFactor: 1.5, mode: 'linear' } as const;
    expectClose(F.interpolate(ramp(5), options), [[[0, 0.5, 1.1666667, 1.8333333, 2.5, 3.1666667, 3.8333333]]]);
    const recomputed = F.interpolate(ramp(5), { ...options, recomputeScaleFactor: true });
    expectClose(recomputed, [[[0, 0.5714286, 1.2857144, 2, 2.7142857, 3.4285715, 4]]]);
  });

  it('keeps 16-bit floats, computed in 32 bits', () => {
    const half = F.interpolate(image().to('float16'), { size: [2, 2], mode: 'bicubic', antialias: true });
    expect(half.dtype).toBe('float16');
    expect(half.toTypedArraySync()[0]).toBeCloseTo(2.934, 2);
  });

  it('refuses what it cannot do', () => {
    expect(() => F.interpolate(image())).toThrow(TypeError);
    expect(() => F.interpolate(image(), { size: 2, scaleFactor: 2 })).toThrow('either size or scaleFactor');
    expect(() => F.interpolate(image(), { size: 2, mode: 'linear' })).toThrow(ShapeError);
    expect(() => F.interpolate(image(), { size: 2, mode: 'cubic' as 'bicubic' })).toThrow(TypeError);
    expect(() => F.interpolate(image(), { size: 2, alignCorners: true })).toThrow('alignCorners is for');
    expect(() => F.interpolate(image(), { size: 2, antialias: true })).toThrow('antialias is for');
    expect(() => F.interpolate(image(), { size: [2] })).toThrow(ShapeError);
    expect(() => F.interpolate(image(), { scaleFactor: 0.1 })).toThrow('sizes must be positive');
    expect(() => F.interpolate(image().to('int32'), { size: 2, mode: 'bilinear' })).toThrow(DTypeError);
  });
});

describe('pooling', () => {
  it('adapts windows, with the positions of maxima', () => {
    const [values, indices] = F.adaptiveMaxPool1d(tensor([[1, 5, 2, 5, 0]]), 3, { returnIndices: true });
    expect([values.toArraySync(), indices.toArraySync(), indices.dtype]).toEqual([[[5, 5, 5]], [[1, 1, 3]], 'int32']);
    expectClose(F.adaptiveAvgPool2d(image(), [3, null]), [
      [
        [
          [2, 3, 4, 5],
          [6, 7, 8, 9],
          [10, 11, 12, 13],
        ],
      ],
    ]);
  });

  it('does not let an infinity outside of a window become NaN', () => {
    expect(F.adaptiveAvgPool1d(tensor([[1, 3, 5, Number.POSITIVE_INFINITY]]), 3).toArraySync()).toEqual([
      [2, 4, Number.POSITIVE_INFINITY],
    ]);
  });

  it('goes back to where maxima were', () => {
    const [maxima, indices] = F.maxPool2d(image(), 2, { returnIndices: true });
    expect(F.maxUnpool2d(maxima, indices, 2).toArraySync()).toEqual([
      [
        [
          [0, 0, 0, 0],
          [0, 5, 0, 7],
          [0, 0, 0, 0],
          [0, 13, 0, 15],
        ],
      ],
    ]);
    expect(F.maxUnpool2d(maxima, indices, 2, { outputSize: [5, 5] }).shape).toEqual([1, 1, 5, 5]);
    expect(() => F.maxUnpool2d(maxima, indices, 1)).toThrow(IndexError);
    expect(() => F.maxUnpool2d(maxima, indices.squeeze(0), 2)).toThrow(ShapeError);
  });

  it('takes power averages', () => {
    expectClose(F.lpPool2d(image(), 2, 2), [
      [
        [
          [6.4807405, 9.8994951],
          [21.4009342, 25.3377187],
        ],
      ],
    ]);
  });
});

describe('padding and blocks', () => {
  const line = tensor([[[1, 2, 3]]]);

  it('mirrors, repeats and wraps around', () => {
    expect(F.pad(line, [2, 1], 'reflect').toArraySync()).toEqual([[[3, 2, 1, 2, 3, 2]]]);
    expect(F.pad(line, [2, 1], 'replicate').toArraySync()).toEqual([[[1, 1, 1, 2, 3, 3]]]);
    expect(F.pad(line, [2, 1], { mode: 'circular' }).toArraySync()).toEqual([[[2, 3, 1, 2, 3, 1]]]);
    const cropped = F.pad(
      tensor([
        [1, 2],
        [3, 4],
      ]),
      [-1, 1, 1, 0],
      { value: 9 },
    );
    expect(cropped.toArraySync()).toEqual([
      [9, 9],
      [2, 9],
      [4, 9],
    ]);
  });

  it('refuses what reaches too far', () => {
    expect(() => F.pad(line, [3, 0], 'reflect')).toThrow('reaches 2 elements');
    expect(() => F.pad(line, [4, 0], 'circular')).toThrow(ShapeError);
    expect(() => F.pad(line, [1], 'reflect')).toThrow(ShapeError);
    expect(() => F.pad(line, [-4, 0])).toThrow(ShapeError);
    expect(() => F.pad(line, [1, 1], 'mirror' as 'reflect')).toThrow(TypeError);
    expect(() => F.pad(line, [1, 1], 'reflect', 2)).toThrow('takes no value');
  });

  it('adds blocks up where they overlap', () => {
    const apart = { padding: 1, stride: 2 };
    expect(F.fold(F.unfold(image(), 2, apart), 4, 2, apart).toArraySync()).toEqual(image().toArraySync());
    expect(F.fold(F.unfold(image(), 3), 4, 3).toArraySync()).toEqual([
      [
        [
          [0, 2, 4, 3],
          [8, 20, 24, 14],
          [16, 36, 40, 22],
          [12, 26, 28, 15],
        ],
      ],
    ]);
    expect(() => F.unfold(image(), 5)).toThrow(ShapeError);
    expect(() => F.unfold(image(), 2, { stride: 0 })).toThrow(RangeError);
    expect(() => F.fold(zeros(1, 4, 5), 4, 2)).toThrow('9 blocks');
  });

  it('deals channels and pixels out', () => {
    const x = arange(8).view(1, 8, 1, 1);
    expect(F.channelShuffle(x, 2).flatten().toArraySync()).toEqual([0, 4, 1, 5, 2, 6, 3, 7]);
    expect(F.pixelUnshuffle(F.pixelShuffle(x, 2), { downscaleFactor: 2 }).equalSync(x)).toBe(true);
    expect(() => F.pixelShuffle(x, 3)).toThrow(ShapeError);
    expect(() => F.channelShuffle(x, 0)).toThrow(RangeError);
  });
});

describe('sampling at points', () => {
  const grid = tensor([
    [
      [
        [-1, -1],
        [0, 0],
        [0.5, 3],
      ],
    ],
  ]);

  it('reads between pixels', () => {
    expectClose(F.gridSample(image(), grid, { alignCorners: true }), [[[[0, 7.5, 0]]]]);
    expectClose(F.gridSample(image(), grid, { paddingMode: 'border' }), [[[[0, 7.5, 14.5]]]]);
    expectClose(F.gridSample(image(), grid, { paddingMode: 'reflection', mode: 'nearest' }), [[[[0, 10, 2]]]]);
    expectClose(F.gridSample(image(), grid, { mode: 'bicubic' }), [[[[-0.234375, 7.5, 0]]]]);
  });

  it('makes the points of affine maps', () => {
    const theta = tensor([
      [
        [1, 0, 0.5],
        [0, 2, 0],
      ],
    ]);
    expectClose(F.affineGrid(theta, [1, 1, 2, 2]), [
      [
        [
          [0, -1],
          [1, -1],
        ],
        [
          [0, 1],
          [1, 1],
        ],
      ],
    ]);
    expect(() => F.affineGrid(theta, [2, 1, 2, 2])).toThrow(ShapeError);
  });

  it('refuses grids that do not fit', () => {
    expect(() => F.gridSample(image(), grid.to('float64'))).toThrow(DTypeError);
    expect(() => F.gridSample(image(), zeros(2, 1, 1, 2))).toThrow(ShapeError);
    expect(() => F.gridSample(image(), grid, { mode: 'cubic' as 'bicubic' })).toThrow(TypeError);
  });
});

describe('attention', () => {
  const unit = tensor([
    [
      [1, 0],
      [0, 1],
    ],
  ]);
  const value = tensor([
    [
      [1, 2],
      [3, 4],
    ],
  ]);

  it('looks no further than causality or a mask allows', () => {
    const want = [
      [
        [1, 2],
        [2.3395228, 3.339523],
      ],
    ];
    expectClose(F.scaledDotProductAttention(unit, unit, value, { isCausal: true }), want);
    const mask = tensor([
      [true, false],
      [true, true],
    ]);
    expectClose(F.scaledDotProductAttention(unit, unit, value, mask), want);
    const [, weights] = F.scaledDotProductAttentionWithWeights(unit, unit, value, { isCausal: true });
    expectClose(weights.sum(-1), [[1, 1]]);
  });

  it('refuses shapes that do not fit, and two masks', () => {
    expect(() => F.scaledDotProductAttention(unit, zeros(1, 2, 3), value)).toThrow(ShapeError);
    expect(() => F.scaledDotProductAttention(unit, unit, value, unit, 0, true)).toThrow(TypeError);
  });
});

describe('distances', () => {
  const a = tensor([
    [1, 2],
    [3, 4],
  ]);
  const b = tensor([
    [0, 1],
    [3, 5],
  ]);

  it('measure vectors', () => {
    expectClose(F.pairwiseDistance(a, b), [1.414215, 0.999999]);
    expectClose(F.cosineSimilarity(a, b), [0.8944272, 0.9946918]);
    expectClose(cdist(a, b, 1), [
      [2, 5],
      [6, 1],
    ]);
    expectClose(
      F.pdist(
        tensor([
          [0, 0],
          [3, 4],
          [0, 1],
        ]),
      ),
      [5, 1, 4.2426405],
    );
    expectClose(F.normalize(a, 1), [
      [1 / 3, 2 / 3],
      [3 / 7, 4 / 7],
    ]);
    expectClose(F.localResponseNorm(arange(1, 5).to('float32').view(1, 4, 1), 3, { alpha: 0.5, beta: 1 }), [
      [[0.5454546], [0.6], [0.5142857], [0.7741936]],
    ]);
  });

  it('refuse vectors of different lengths, and wrong orders', () => {
    expect(() => cdist(a, zeros(2, 3))).toThrow(ShapeError);
    expect(() => cdist(a, b, -1)).toThrow(RangeError);
    expect(() => cdist(a, b.to('int32'))).toThrow(DTypeError);
    expect(() => F.pdist(zeros(2, 2, 2))).toThrow(ShapeError);
  });
});

describe('losses', () => {
  const a = tensor([
    [1, 2],
    [3, 4],
  ]);
  const b = tensor([
    [0, 1],
    [3, 5],
  ]);

  it.each([
    ['klDiv', () => F.klDiv(a.log(), b.abs(), { reduction: 'batchmean' }), 0.2112854],
    ['poissonNllLoss', () => F.poissonNllLoss(a, b, { full: true }), 15.0814896],
    ['gaussianNllLoss', () => F.gaussianNllLoss(a, b, tensor([0.5, 2]), true), 1.4814385],
    [
      'softMarginLoss',
      () =>
        F.softMarginLoss(
          a,
          tensor([
            [1, -1],
            [1, 1],
          ]),
        ),
      0.6267318,
    ],
    [
      'hingeEmbeddingLoss',
      () =>
        F.hingeEmbeddingLoss(
          a,
          tensor([
            [1, -1],
            [-1, 1],
          ]),
          3.5,
        ),
      1.75,
    ],
    [
      'marginRankingLoss',
      () =>
        F.marginRankingLoss(
          a,
          b,
          tensor([
            [1, -1],
            [-1, 1],
          ]),
          { margin: 0.5 },
        ),
      0.875,
    ],
    ['multiMarginLoss', () => F.multiMarginLoss(a, arange(2), 2, { weight: tensor([2, 0.5]) }), 2],
    [
      'multilabelMarginLoss',
      () => F.multilabelMarginLoss(tensor([[0.1, 0.2, 0.4, 0.8]]), tensor([[3, 0, -1, 1]]).int()),
      0.85,
    ],
    [
      'multilabelSoftMarginLoss',
      () =>
        F.multilabelSoftMarginLoss(
          a,
          tensor([
            [1, 0],
            [1, 1],
          ]),
        ),
      0.6267318,
    ],
    ['cosineEmbeddingLoss', () => F.cosineEmbeddingLoss(a, b, tensor([1, -1]), 0.2), 0.4501323],
    ['tripletMarginLoss', () => F.tripletMarginLoss(a, b, a.add(1), { swap: true }), 1.0000014],
  ])('%s', (_, loss, want) => {
    expect(loss().itemSync()).toBeCloseTo(want, 5);
  });

  it('ctcLoss, where labels fit and where they do not', () => {
    const probabilities = tensor([[[0.2, 0.5, 0.3]], [[0.6, 0.3, 0.1]], [[0.1, 0.1, 0.8]]]);
    const targets = tensor([[1, 2]]).int();
    expectClose(F.ctcLoss(probabilities.log(), targets, [3], [2], { reduction: 'none' }), [0.7918631]);
    const short = (zeroInfinity: boolean): unknown =>
      F.ctcLoss(probabilities.narrow(0, 0, 1).log(), targets, [1], [2], {
        reduction: 'none',
        zeroInfinity,
      }).toArraySync();
    expect(short(false)).toEqual([Number.POSITIVE_INFINITY]);
    expect(short(true)).toEqual([0]);
    expect(() => F.ctcLoss(probabilities, targets, [4], [2])).toThrow(RangeError);
    expect(() => F.ctcLoss(probabilities, targets, [3], [3])).toThrow(ShapeError);
    expect(() => F.ctcLoss(probabilities, targets.add(5), [3], [2])).toThrow('classes from 0 to 2');
    expect(() => F.ctcLoss(probabilities, targets.to('float32'), [3], [2])).toThrow(DTypeError);
  });

  it('name an unknown reduction or option, and shapes that do not fit', () => {
    expect(() => F.softMarginLoss(a, b, { reduction: 'avg' as 'mean' })).toThrow("'none', 'mean' or 'sum'");
    expect(() => F.klDiv(a, b, { logTarge: true } as object)).toThrow("did you mean 'logTarget'");
    expect(() => F.marginRankingLoss(a, b, tensor(1))).toThrow(ShapeError);
    expect(() => F.gaussianNllLoss(a, b, zeros(3))).toThrow(ShapeError);
    expect(() => F.multiMarginLoss(a, arange(3))).toThrow(ShapeError);
    expect(() => F.multiMarginLoss(a, tensor([0, 1]))).toThrow(DTypeError);
    expect(() => F.multiMarginLoss(a, arange(2), 3)).toThrow(RangeError);
    expect(() => F.cosineEmbeddingLoss(a, b, tensor([[1]]))).toThrow(ShapeError);
  });
});
