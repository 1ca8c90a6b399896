/** Pruning, merging batch normalization into layers, and making modules without first values. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { SGD } from '@flambeau/optim';
import { manualSeed, noGrad, rand, randn, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from '../src/index.ts';

const { prune } = nn.utils;

function layerOf(values: number[][]): nn.Linear {
  const layer = new nn.Linear(values[0]!.length, values.length);
  noGrad(() => layer.weight.copy_(tensor(values)));
  return layer;
}
const mask = (layer: nn.Module): unknown => layer.getBuffer('weight_mask').toArraySync();
const zerosOf = (t: Tensor): number => t.eq(0).sum().itemSync();

describe('prune', () => {
  it('drops the smallest elements, keeps the parameter, and trains on', () => {
    const layer = layerOf([
      [1, -4, 2],
      [-3, 6, 5],
    ]);
    const { weight } = layer;
    const optimizer = new SGD([weight], { lr: 1 });
    expect(prune.isPruned(layer)).toBe(false);
    prune.l1Unstructured(layer, 'weight', 0.5);
    expect([...layer.stateDict().keys()]).toEqual(['bias', 'weight_orig', 'weight_mask']);
    expect(mask(layer)).toEqual([
      [0, 1, 0],
      [0, 1, 1],
    ]);
    expect(layer.weight.toArraySync()).toEqual([
      [0, -4, 0],
      [-0, 6, 5],
    ]);
    expect(layer.getParameter('weight_orig')).toBe(weight);
    expect(prune.isPruned(new nn.Sequential(layer))).toBe(true);
    layer(tensor([[1, 1, 1]]))
      .sum()
      .backward();
    expect(weight.grad!.toArraySync()).toEqual([
      [0, 1, 0],
      [0, 1, 1],
    ]);
    optimizer.step();
    prune.remove(layer, 'weight');
    expect([...layer.stateDict().keys()]).toEqual(['bias', 'weight']);
    expect(layer.weight).toBe(weight);
    expect(layer.weight.abs().toArraySync()).toEqual([
      [0, 5, 0],
      [0, 5, 4],
    ]);
    expect(() => prune.remove(layer, 'weight')).toThrow('has no pruning');
  });

  it('prunes further what is left', () => {
    const layer = layerOf([[1, 2, 3, 4, 5, 6, 7, 8]]);
    prune.l1Unstructured(layer, 'weight', 4);
    prune.l1Unstructured(layer, 'weight', 0.5);
    expect(mask(layer)).toEqual([[0, 0, 0, 0, 0, 0, 1, 1]]);
    expect([...prune.pruningOf(layer, 'weight')!].map(({ type }) => type)).toEqual(['unstructured', 'unstructured']);
    prune.customFromMask(layer, 'weight', tensor([[1, 1, 1, 1, 1, 1, 0, 1]]));
    expect(mask(layer)).toEqual([[0, 0, 0, 0, 0, 0, 0, 1]]);
    expect(prune.pruningOf(layer, 'bias')).toBeNull();
  });

  it('ranks by importance when told so', () => {
    const layer = prune.l1Unstructured(layerOf([[9, 1]]), 'weight', 1, { importanceScores: tensor([[0, 1]]) });
    expect(mask(layer)).toEqual([[0, 1]]);
  });

  it('drops whole channels', () => {
    const layer = layerOf([
      [3, 4],
      [1, 1],
      [-9, 0],
    ]);
    prune.lnStructured(layer, 'weight', 1, 2, 0);
    expect(mask(layer)).toEqual([
      [1, 1],
      [0, 0],
      [1, 1],
    ]);
    // The norms of the two that are left: L1 7 and 9, L∞ 4 and 9.
    prune.lnStructured(layer, 'weight', 0.5, 1, 0);
    expect(mask(layer)).toEqual([
      [0, 0],
      [0, 0],
      [1, 1],
    ]);
    const columns = prune.lnStructured(layerOf([[1, 5]]), 'weight', 0.5, Number.POSITIVE_INFINITY, -1);
    expect(mask(columns)).toEqual([[0, 1]]);
  });

  it('draws at random', () => {
    manualSeed(0);
    const layer = prune.randomUnstructured(new nn.Linear(10, 10), 'weight', 0.3);
    expect(zerosOf(layer.getBuffer('weight_mask'))).toBe(30);
    const conv = prune.randomStructured(new nn.Conv2d(4, 8, 3), 'weight', 0.25, 0);
    expect(zerosOf(conv.getBuffer('weight_mask'))).toBe(2 * 4 * 9);
    expect(conv(randn(1, 4, 5, 5)).shape).toEqual([1, 8, 3, 3]);
  });

  it('takes methods of one’s own, and the classes behind the functions', () => {
    class First extends prune.BasePruningMethod {
      readonly type = 'unstructured';
      readonly count: number;
      constructor(count: number) {
        super();
        this.count = count;
      }
      computeMask(_t: Tensor, kept: Tensor): Tensor {
        const out = kept.flatten().clone();
        out.narrow(0, 0, this.count).zero_();
        return out.view([...kept.shape]);
      }
    }
    const layer = First.apply(layerOf([[5, 6, 7, 8]]), 'weight', 1);
    expect(mask(layer)).toEqual([[0, 1, 1, 1]]);
    First.apply(layer, 'weight', 2);
    expect(mask(layer)).toEqual([[0, 0, 0, 1]]);
    const other = prune.L1Unstructured.apply(layerOf([[5, 1]]), 'weight', 0.5);
    expect(mask(other)).toEqual([[1, 0]]);
    expect(prune.pruningOf(other, 'weight')!.methods[0]).toBeInstanceOf(prune.L1Unstructured);
    expect(mask(prune.LnStructured.apply(layerOf([[3], [2]]), 'weight', 1, 2, -2))).toEqual([[1], [0]]);
  });

  it('ranks several parameters as one', () => {
    const [a, b] = [layerOf([[1, 2, 10]]), layerOf([[3, 20, 30]])];
    prune.globalUnstructured(
      [
        [a, 'weight'],
        [b, 'weight'],
      ],
      { amount: 0.5 },
    );
    expect([mask(a), mask(b)]).toEqual([[[0, 0, 1]], [[0, 1, 1]]]);
    prune.globalUnstructured([[a, 'weight']], { amount: 1, pruningMethod: 'random' });
    expect(mask(a)).toEqual([[0, 0, 0]]);
  });

  it('refuses amounts and parameters that do not fit', () => {
    const layer = layerOf([[1, 2]]);
    expect(() => prune.l1Unstructured(layer, 'weight', -1)).toThrow(RangeError);
    expect(() => prune.l1Unstructured(layer, 'weight', 1.5)).toThrow(RangeError);
    expect(() => prune.l1Unstructured(layer, 'weight', 3)).toThrow('greater than the 2 elements');
    expect(() => prune.l1Unstructured(layer, 'wait', 1)).toThrow(TypeError);
    expect(() => prune.customFromMask(layer, 'weight', zeros(3))).toThrow('shape');
    expect([...layer.stateDict().keys()]).toEqual(['weight', 'bias']);
    expect(mask(prune.identity(layer, 'weight'))).toEqual([[1, 1]]);
  });

  it('is copied and saved', () => {
    const layer = prune.l1Unstructured(layerOf([[1, 2]]), 'weight', 1);
    const copy = layer.clone();
    noGrad(() => copy.getParameter('weight_orig').mul_(2));
    copy(zeros(1, 2));
    expect([layer.weight.toArraySync(), copy.weight.toArraySync()]).toEqual([[[0, 2]], [[0, 4]]]);
    const other = prune.identity(layerOf([[7, 7]]), 'weight');
    other.loadStateDict(layer.stateDict());
    other(zeros(1, 2));
    expect(other.weight.toArraySync()).toEqual([[0, 2]]);
  });
});

describe('fusion', () => {
  const normOf = <N extends nn.BatchNorm1d>(norm: N): N => {
    noGrad(() => {
      norm.running_mean!.copy_(randn(4));
      norm.running_var!.copy_(rand(4).add(0.5));
      if (norm.weight !== null) norm.weight.copy_(randn(4));
      if (norm.bias !== null) norm.bias.copy_(randn(4));
    });
    return norm.eval();
  };
  const near = (got: Tensor, wanted: Tensor): void =>
    expect(got.allcloseSync(wanted, { atol: 1e-5, rtol: 1e-5 })).toBe(true);

  it('merges a batch normalization into the layer before it', () => {
    manualSeed(0);
    const x = randn(2, 3, 5, 5);
    for (const conv of [
      new nn.Conv2d(3, 4, 3, { bias: false }).eval(),
      new nn.Conv2d(3, 4, 3).eval(),
      new nn.ConvTranspose2d(3, 4, 3).eval(),
    ]) {
      const norm = normOf(new nn.BatchNorm2d(4));
      near(nn.utils.fuseConvBnEval(conv, norm)(x), norm(conv(x)));
    }
    const plain = normOf(new nn.BatchNorm2d(4, { affine: false }));
    const conv = new nn.Conv2d(3, 4, 3).eval();
    near(nn.utils.fuseConvBnEval(conv, plain)(x), plain(conv(x)));
    const [linear, norm] = [new nn.Linear(3, 4).eval(), normOf(new nn.BatchNorm1d(4))];
    const rows = randn(5, 3);
    near(nn.utils.fuseLinearBnEval(linear, norm)(rows), norm(linear(rows)));
  });

  it('works on tensors alone', () => {
    manualSeed(1);
    const [conv, norm, x] = [new nn.ConvTranspose2d(3, 4, 3), normOf(new nn.BatchNorm2d(4)), randn(2, 3, 5, 5)];
    const { running_mean, running_var, eps, weight } = norm;
    const tensors = { runningMean: running_mean!, runningVar: running_var!, eps, weight };
    norm.bias!.detach().zero_();
    const [w, b] = nn.utils.fuseConvBnWeights(conv.weight, conv.bias, tensors, { transpose: true });
    near(nn.F.convTranspose2d(x, w, b), norm(conv(x)));
    const [linear, rows] = [new nn.Linear(3, 4), randn(5, 3)];
    const [m, v] = nn.utils.fuseLinearBnWeights(linear.weight, null, tensors);
    near(nn.F.linear(rows, m, v), nn.F.batchNorm(nn.F.linear(rows, linear.weight), running_mean, running_var, weight));
  });

  it('refuses training mode and sizes that do not fit', () => {
    expect(() => nn.utils.fuseConvBnEval(new nn.Conv2d(3, 4, 3), new nn.BatchNorm2d(4))).toThrow('eval()');
    expect(() => nn.utils.fuseLinearBnEval(new nn.Linear(3, 5).eval(), normOf(new nn.BatchNorm1d(4)))).toThrow(
      '5 outputs',
    );
  });
});

describe('skipInit', () => {
  it('draws nothing', () => {
    manualSeed(0);
    const wanted = rand(2).toArraySync();
    manualSeed(0);
    const layer = nn.utils.skipInit(nn.Linear, 3, 4);
    expect(rand(2).toArraySync()).toEqual(wanted);
    expect(layer.weight.shape).toEqual([4, 3]);
    expect(() => nn.utils.skipInit(nn.Linear, 'three' as never, 4)).toThrow();
    manualSeed(0);
    const drawn = new nn.Linear(3, 4);
    layer.loadStateDict(drawn.stateDict());
    expect(layer.weight.equalSync(drawn.weight)).toBe(true);
  });
});

describe('fromPretrained', () => {
  it('takes a table as it is, draws nothing, and freezes it', () => {
    const table = tensor([
      [1, 2],
      [3, 4],
    ]);
    manualSeed(0);
    const wanted = rand(2).toArraySync();
    manualSeed(0);
    const embedding = nn.Embedding.fromPretrained(table, { paddingIdx: 0 });
    const bag = nn.EmbeddingBag.fromPretrained(table, { freeze: false, mode: 'sum' });
    expect(rand(2).toArraySync()).toEqual(wanted);
    expect(embedding.weight.requiresGrad).toBe(false);
    expect(bag.weight.requiresGrad).toBe(true);
    const rows = tensor([[0, 1]], { dtype: 'int32' });
    expect(embedding(rows).toArraySync()).toEqual([
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    expect(bag(rows).toArraySync()).toEqual([[4, 6]]);
    expect(() => nn.EmbeddingBag.fromPretrained(zeros(3))).toThrow('expected a matrix');
  });
});
