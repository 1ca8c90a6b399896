import '@flambeau/backend-cpu';
import { gradcheck, gradgradcheck } from '@flambeau/autograd';
import {
  arange,
  cat,
  type DType,
  functional as F,
  hstack,
  noGrad,
  ones,
  stack,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor | null | undefined): unknown => x?.detach().toArraySync();
const int = (data: unknown): Tensor => tensor(data as number[], { dtype: 'int32' });
/** Distinct values that are not in order, for kinks and ties not to matter. */
function input(...shape: number[]): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Array.from({ length: count }, (_, i) => ((i * 7) % count) * 0.37 - 0.9);
  return tensor(data, { dtype: 'float64' }).view(shape).detach().requiresGrad_();
}

type Case = [name: string, f: (...xs: Tensor[]) => Tensor | readonly Tensor[], ...shapes: number[][]];

const mask = tensor([
  [true, false, true],
  [false, true, false],
]);
const index = int([
  [2, 0, 2],
  [1, 1, 0],
]);

const cases: Case[] = [
  ['view', (x) => x.view(3, 2), [2, 3]],
  ['reshape of a transposed matrix', (x) => x.t().reshape(6), [2, 3]],
  ['expand', (x) => x.expand(2, 2, 3), [1, 3]],
  ['transpose', (x) => x.transpose(0, 2), [2, 3, 2]],
  ['permute', (x) => x.permute(2, 0, 1), [2, 3, 2]],
  ['squeeze', (x) => x.squeeze(1), [2, 1, 3]],
  ['unsqueeze', (x) => x.unsqueeze(1), [2, 3]],
  ['select', (x) => x.select(1, -1), [2, 3]],
  ['narrow', (x) => x.narrow(1, 1, 2), [2, 3]],
  ['slice with a step', (x) => x.at(':', '::2'), [2, 5]],
  ['split', (x) => x.split(2, 1), [2, 3]],
  ['unbind', (x) => x.unbind(1), [2, 3]],
  ['diagonal', (x) => x.diagonal(1, 0, 2), [2, 3, 3]],
  ['unfold', (x) => x.unfold(1, 3, 1), [2, 5]],
  ['asStrided with overlap', (x) => x.asStrided([2, 3], [1, 2], 0), [6]],
  ['flip', (x) => x.flip(0, 1), [2, 3]],
  ['roll', (x) => x.roll([1, 2], [0, 1]), [2, 3]],
  ['rot90', (x) => x.rot90(3), [2, 3]],
  ['repeat', (x) => x.repeat(2, 1, 2), [2, 3]],
  ['repeatInterleave', (x) => x.repeatInterleave(int([2, 0, 1]), 1), [2, 3]],
  ['tril', (x) => x.tril(1), [3, 3]],
  ['triu', (x) => x.triu(), [2, 3]],
  ['trace', (x) => x.trace(), [2, 3]],
  ['diagEmbed', (x) => x.diagEmbed(-1), [2, 2]],
  ['cat', (x, y) => cat([x, y], 1), [2, 3], [2, 1]],
  ['stack', (x, y) => stack([x, y], 1), [2, 3], [2, 3]],
  ['hstack', (x, y) => hstack([x, y]), [2], [3]],
  ['gather', (x) => x.gather(1, index), [2, 3]],
  ['takeAlongDim', (x) => x.takeAlongDim(int([[1], [0]]), 1), [1, 3]],
  ['indexSelect', (x) => x.indexSelect(1, int([0, 2, 0])), [2, 3]],
  ['take', (x) => x.take(int([0, -1, 0])), [2, 3]],
  ['at with lists', (x) => x.at([0, 1, 1], ':', [2, 0, 0]), [2, 2, 3]],
  ['at with a mask', (x) => x.at(mask), [2, 3]],
  [
    'scatter',
    (x, y) =>
      x.scatter(
        1,
        int([
          [2, 0],
          [1, 0],
        ]),
        y,
      ),
    [2, 3],
    [2, 2],
  ],
  ['scatter of a number', (x) => x.scatter(1, index, 3), [2, 3]],
  ['scatter of a larger source', (x, y) => x.scatter(1, int([[2], [1]]), y), [2, 3], [3, 2]],
  ['scatterAdd', (x, y) => x.scatterAdd(1, index, y), [2, 3], [2, 3]],
  ['scatterReduce mean', (x, y) => x.scatterReduce(1, index, y, 'mean'), [2, 3], [2, 3]],
  [
    'scatterReduce mean of the others',
    (x, y) => x.scatterReduce(1, index, y, 'mean', { includeSelf: false }),
    [2, 3],
    [2, 3],
  ],
  ['scatterReduce amax', (x, y) => x.scatterReduce(1, index, y.mul(1.3), 'amax'), [2, 3], [2, 3]],
  ['scatterReduce prod', (x, y) => x.scatterReduce(1, index, y.add(0.123), 'prod'), [2, 3], [2, 3]],
  ['indexAdd', (x, y) => x.indexAdd(0, int([1, 1, 0]), y, { alpha: 2 }), [2, 2], [3, 2]],
  ['indexCopy', (x, y) => x.indexCopy(1, int([2, 0]), y), [2, 3], [2, 2]],
  ['indexFill', (x, y) => x.indexFill(1, int([-1, 0]), y.sum()), [2, 3], [1]],
  ['put', (x, y) => x.put(int([1, -1]), y), [2, 2], [2]],
  ['put that adds', (x, y) => x.put(int([1, 1]), y, true), [2, 2], [2]],
  ['indexPut', (x, y) => x.indexPut([int([0, 1]), int([2, 2])], y), [2, 3], [2]],
  ['indexPut that adds and broadcasts', (x, y) => x.indexPut([int([0, 0])], y, true), [2, 3], [1, 3]],
  ['set through views', (x, y) => x.clone().set([0, '1:'], y.mul(y)).set([mask], 2), [2, 3], [2]],
  ['set with index tensors', (x, y) => x.mul(2).set([':', [0, 2]], y), [2, 3], [2]],
  ['maskedFill', (x, y) => x.maskedFill(mask, y.sum()), [2, 3], [1]],
  ['maskedSelect', (x) => x.maskedSelect(mask), [2, 3]],
  ['maskedScatter', (x, y) => x.maskedScatter(mask, y), [2, 3], [5]],
  [
    'embedding',
    (w) =>
      F.embedding(
        int([
          [1, 0],
          [1, 2],
        ]),
        w,
      ),
    [3, 2],
  ],
  ['embedding scaled by frequency twice', (w) => F.embedding(int([1, 0]), w, { scaleGradByFreq: true }), [3, 2]],
  [
    'embeddingBag',
    (w, p) =>
      F.embeddingBag(
        int([
          [1, 0],
          [1, 2],
        ]),
        w,
        { mode: 'sum', perSampleWeights: p },
      ),
    [3, 2],
    [2, 2],
  ],
  ['sliceScatter', (x, y) => x.sliceScatter(y, 1, 0, 3, 2), [2, 3], [2, 2]],
];

describe('gradients of the first and second order', () => {
  it.each(cases.map(([name, f, ...shapes]) => ({ name, f, shapes })))('$name', async ({ f, shapes }) => {
    const inputs = shapes.map((shape) => input(...shape));
    expect(await gradcheck(f, inputs)).toBe(true);
    expect(await gradgradcheck(f, inputs)).toBe(true);
  });
});

describe('graph nodes', () => {
  const x = input(2, 3);
  const square = input(2, 2);
  const nodes: [string, () => Tensor][] = [
    ['ViewBackward0', () => x.view(6)],
    ['ExpandBackward0', () => x.expand(2, 2, 3)],
    ['TBackward0', () => x.t()],
    ['TransposeBackward0', () => x.mT],
    ['PermuteBackward0', () => x.T],
    ['SqueezeBackward0', () => x.squeeze()],
    ['SqueezeBackward1', () => x.squeeze(0)],
    ['UnsqueezeBackward0', () => x.unsqueeze(0)],
    ['SelectBackward0', () => x.at(0)],
    ['SliceBackward0', () => x.at('1:')],
    ['SliceBackward0', () => x.narrow(0, 0, 1)],
    ['AliasBackward0', () => x.at('...')],
    ['IndexBackward0', () => x.at([0])],
    ['SplitBackward0', () => x.split(1)[0]!],
    ['SplitBackward0', () => x.chunk(2)[1]!],
    ['UnbindBackward0', () => x.unbind()[0]!],
    ['AsStridedBackward0', () => x.asStrided([2], [1])],
    ['DiagonalBackward0', () => x.diagonal()],
    ['UnfoldBackward0', () => x.unfold(0, 1, 1)],
    ['FlipBackward0', () => x.flip(0)],
    ['RollBackward0', () => x.roll(1, 0)],
    ['RepeatBackward0', () => x.tile(2)],
    ['TrilBackward0', () => x.tril()],
    ['TraceBackward0', () => square.trace()],
    ['CatBackward0', () => cat([x, x])],
    ['StackBackward0', () => stack([x, x])],
    ['GatherBackward0', () => x.gather(1, index)],
    ['ScatterBackward0', () => x.scatter(1, index, x)],
    ['ScatterBackward1', () => x.scatter(1, index, 0)],
    ['ScatterAddBackward0', () => x.scatterAdd(1, index, x)],
    ['ScatterReduceBackward0', () => x.scatterReduce(1, index, x, 'sum')],
    ['IndexSelectBackward0', () => x.indexSelect(0, int([0]))],
    ['IndexAddBackward0', () => x.indexAdd(0, int([0]), x.narrow(0, 0, 1))],
    ['IndexPutBackward0', () => x.indexPut([int([0])], x.at(1))],
    ['TakeBackward0', () => x.take(int([0]))],
    ['MaskedSelectBackward0', () => x.maskedSelect(mask)],
    ['MaskedFillBackward0', () => x.maskedFill(mask, 0)],
    ['MaskedFillBackward1', () => x.maskedFill(mask, tensor(0, { dtype: 'float64' }))],
    ['MaskedScatterBackward0', () => x.maskedScatter(mask, x)],
    ['EmbeddingBackward0', () => F.embedding(int([0]), x)],
  ];

  it.each(nodes)('%s', (name, f) => {
    expect(f().gradFn!.name).toBe(name);
  });
});

describe('views and gradients', () => {
  it('accumulate into the leaf', () => {
    const w = tensor(
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      { requiresGrad: true },
    );
    w.at([0, 0, 2])
      .mul(tensor([[1], [10], [100]]))
      .sum()
      .backward();
    expect(values(w.grad)).toEqual([
      [11, 11],
      [0, 0],
      [100, 100],
    ]);
  });

  it('that were overwritten get their gradient from within a larger one', () => {
    const [x, w] = [tensor([1, 2, 3]).requiresGrad_(), tensor([5, 7]).requiresGrad_()];
    const z = x.mul(1);
    z.at('1:').copy_(w);
    cat([tensor([9, 9]), z])
      .mul(tensor([1, 2, 3, 4, 5]))
      .sum()
      .backward();
    expect(x.grad!.toArraySync()).toEqual([3, 0, 0]);
    expect(w.grad!.toArraySync()).toEqual([4, 5]);
  });

  it('carry in-place changes to their base', () => {
    const w = tensor([1, 2, 3], { requiresGrad: true });
    const x = w.mul(2);
    x.at('1:').mul_(10);
    x.set(0, w.at(2));
    x.sum().backward();
    expect(values(w.grad)).toEqual([0, 20, 21]);
  });

  it('follow their base when that gets a history later', () => {
    const w = tensor([1, 2, 3], { requiresGrad: true });
    const x = ones(3);
    const view = x.at('1:');
    x.mul_(w);
    view.sum().backward();
    expect(values(w.grad)).toEqual([0, 1, 1]);
  });

  it('give zeros for pieces that were not used', () => {
    const w = tensor([[1, 2, 3]], { requiresGrad: true });
    const [, second] = w.split(1, 1) as [Tensor, Tensor];
    second.sum().backward();
    expect(values(w.grad)).toEqual([[0, 1, 0]]);
  });

  it('made without gradients take no part', () => {
    const w = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true },
    );
    const view = noGrad(() => w.at(0));
    expect([view.requiresGrad, view.base]).toEqual([false, null]);
    noGrad(() => w.at(0).fill_(9));
    expect(values(w)).toEqual([
      [9, 9],
      [3, 4],
    ]);
    expect(() => w.at(0).fill_(1)).toThrow(/leaf/);
    expect(w.view('int32').requiresGrad).toBe(false);
  });

  it('leave a padding row out', () => {
    const table = ones(3, 2).requiresGrad_();
    F.embedding(int([0, 1, 1]), table, 1)
      .sum()
      .backward();
    expect(values(table.grad)).toEqual([
      [1, 1],
      [0, 0],
      [0, 0],
    ]);
    table.grad = null;
    F.embedding(int([0, 1, 1]), table, { scaleGradByFreq: true })
      .sum()
      .backward();
    expect(values(table.grad)).toEqual([
      [1, 1],
      [1, 1],
      [0, 0],
    ]);
  });

  it.each<DType>(['float32', 'float16'])('keep the dtype %s', (dtype) => {
    const x = arange(3).to(dtype).requiresGrad_();
    cat([x, zeros(2, { dtype: 'float64' })])
      .sum()
      .backward();
    expect(x.grad!.dtype).toBe(dtype);
  });
});
