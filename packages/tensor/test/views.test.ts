import '@flambeau/backend-cpu';
import {
  arange,
  DTypeError,
  fromTypedArray,
  IndexError,
  ones,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor): unknown => x.toArraySync();
const grid = (...shape: number[]): Tensor => arange(shape.reduce((a, b) => a * b, 1)).view(shape);

describe('views share memory', () => {
  const views: [string, (x: Tensor) => Tensor][] = [
    ['view', (x) => x.view(4, 6)],
    ['reshape', (x) => x.reshape(-1)],
    ['transpose', (x) => x.transpose(0, 2)],
    ['permute', (x) => x.permute(2, 0, 1)],
    ['T', (x) => x.T],
    ['mT', (x) => x.mT],
    ['unsqueeze', (x) => x.unsqueeze(1)],
    ['select', (x) => x.select(1, -1)],
    ['narrow', (x) => x.narrow(2, 1, 2)],
    ['diagonal', (x) => x.diagonal(1, 1, 2)],
    ['unfold', (x) => x.unfold(2, 2, 2)],
    ['split', (x) => x.split(2, 1)[1]!],
    ['unbind', (x) => x.unbind(2)[3]!],
    ['tensorSplit', (x) => x.tensorSplit(3, 2)[2]!],
    ['movedim', (x) => x.movedim(0, -1)],
    ['unflatten', (x) => x.unflatten(2, [2, 2])],
    ['asStrided', (x) => x.asStrided([2, 2], [5, 1], 3)],
  ];

  it.each(views)('%s', (_, view) => {
    const x = grid(2, 3, 4);
    const y = view(x);
    expect(y.storage).toBe(x.storage);
    const before = x.storage.version;
    const sum = Number(x.sum().itemSync());
    y.fill_(100);
    expect(values(y.reshape(-1))).toEqual(new Array(y.elementCount).fill(100));
    expect(x.storage.version).toBeGreaterThan(before);
    expect(x.sum().itemSync()).not.toBe(sum);
  });
});

describe('view and reshape', () => {
  it('infers one size', () => {
    expect(grid(2, 3, 4).view(-1, 6).shape).toEqual([4, 6]);
    expect(grid(2, 3, 4).view([3, 8]).shape).toEqual([3, 8]);
    expect(zeros(0, 4).view(2, 0, 2).shape).toEqual([2, 0, 2]);
  });

  it('divides and merges what lies gapless in memory, also in other layouts', () => {
    const x = grid(4, 6).narrow(1, 0, 3);
    expect(x.view(2, 2, 3).strides).toEqual([12, 6, 1]);
    expect(values(x.view(2, 2, 3))).toEqual([
      [
        [0, 1, 2],
        [6, 7, 8],
      ],
      [
        [12, 13, 14],
        [18, 19, 20],
      ],
    ]);
    expect(() => x.view(12)).toThrow(ShapeError);
    expect(values(x.reshape(12))).toEqual([0, 1, 2, 6, 7, 8, 12, 13, 14, 18, 19, 20]);
    expect(grid(2, 3).t().view(3, 2, 1).strides).toEqual([1, 3, 3]);
  });

  it('says what does not fit', () => {
    expect(() => grid(2, 3).view(4, 2)).toThrow('view(): shape [4, 2] does not fit 6 elements');
    expect(() => grid(2, 3).view(-1, -1)).toThrow(ShapeError);
    expect(() => grid(2, 3).view(-2, 3)).toThrow(ShapeError);
    expect(() => zeros(0).view(-1, 0)).toThrow(ShapeError);
    expect(() => grid(2, 3).view(1.5, 4)).toThrow(TypeError);
    expect(() => grid(2, 3).t().view(6)).toThrow(/use reshape\(\)/);
  });

  it('shows the same bytes as another dtype', () => {
    expect(values(tensor([1, -2]).view('int32'))).toEqual([1065353216, -1073741824]);
    expect(values(tensor([1, 2], { dtype: 'float64' }).view('float32'))).toEqual([0, 1.875, 0, 2]);
    expect(tensor([[1, 2, 3, 4]], { dtype: 'int16' }).view('int64').shape).toEqual([1, 1]);
    const x = tensor([1, 2]);
    x.view('int32').fill_(0x40400000);
    expect(values(x)).toEqual([3, 3]);
    expect(() => tensor([1, 2, 3]).view('float64')).toThrow(ShapeError);
    expect(() => grid(2, 2).t().view('int8')).toThrow(ShapeError);
  });

  it('agrees with the row-major order of elements for every shape', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });
    fc.assert(
      fc.property(sizes, fc.nat(), fc.boolean(), (shape, seed, swap) => {
        const x = swap && shape.length > 1 ? grid(...shape).transpose(0, -1) : grid(...shape);
        const count = x.elementCount;
        const divisors = Array.from({ length: count }, (_, i) => i + 1).filter((n) => count % n === 0);
        const first = divisors[seed % divisors.length]!;
        const y = x.reshape(first, -1);
        expect(y.shape).toEqual([first, count / first]);
        expect(y.toTypedArraySync()).toEqual(x.toTypedArraySync());
      }),
    );
  });
});

describe('expand and squeeze', () => {
  it('repeats size 1 without memory', () => {
    const x = tensor([[1], [2]]).expand(3, -1, 4);
    expect(x.shape).toEqual([3, 2, 4]);
    expect(x.strides).toEqual([0, 1, 0]);
    expect(values(x.select(0, 2))).toEqual([
      [1, 1, 1, 1],
      [2, 2, 2, 2],
    ]);
    expect(() => tensor([1, 2]).expand(3)).toThrow(ShapeError);
    expect(() => tensor([1]).expand(-1, 2, -1)).toThrow(ShapeError);
    expect(() => grid(2, 2).expand(2)).toThrow(ShapeError);
  });

  it('refuses to write to repeated memory', () => {
    expect(() => tensor([1]).expand(3).add_(1)).toThrow(/share one place/);
  });

  it('drops dimensions of size 1', () => {
    const x = zeros(1, 2, 1, 3);
    expect(x.squeeze().shape).toEqual([2, 3]);
    expect(x.squeeze(0).shape).toEqual([2, 1, 3]);
    expect(x.squeeze(1).shape).toEqual([1, 2, 1, 3]);
    expect(x.squeeze([0, -2]).shape).toEqual([2, 3]);
    expect(x.squeeze({ dim: 2 }).shape).toEqual([1, 2, 3]);
    expect(() => x.squeeze([0, -4])).toThrow(IndexError);
    expect(x.unsqueeze(-1).shape).toEqual([1, 2, 1, 3, 1]);
    expect(() => x.unsqueeze(5)).toThrow(IndexError);
  });
});

describe('dimensions', () => {
  it('moves them', () => {
    const x = zeros(2, 3, 4, 5);
    expect(x.movedim([0, 1], [-1, 0]).shape).toEqual([3, 4, 5, 2]);
    expect(x.moveaxis(3, 0).shape).toEqual([5, 2, 3, 4]);
    expect(x.swapaxes(0, 2).shape).toEqual([4, 3, 2, 5]);
    expect(x.mT.shape).toEqual([2, 3, 5, 4]);
    expect(() => x.permute(0, 1, 2)).toThrow(ShapeError);
    expect(() => x.permute(0, 1, 2, 2)).toThrow(ShapeError);
    expect(() => x.t()).toThrow(ShapeError);
    expect(() => x.movedim([0, 0], [1, 2])).toThrow(TypeError);
  });

  it('flattens and divides them', () => {
    expect(zeros(2, 3, 4).flatten(1).shape).toEqual([2, 12]);
    expect(zeros(2, 3, 4).flatten({ endDim: 1 }).shape).toEqual([6, 4]);
    expect(tensor(3).flatten().shape).toEqual([1]);
    expect(zeros(2, 12).unflatten(-1, [3, -1]).shape).toEqual([2, 3, 4]);
    expect(() => zeros(2, 3).flatten(1, 0)).toThrow(RangeError);
    expect(() => zeros(2, 12).unflatten(1, [5, -1])).toThrow(ShapeError);
  });

  it('reports sizes', () => {
    const x = grid(2, 3).t();
    expect([x.size(), x.size(-1), x.stride(), x.stride(1), x.dim(), x.length]).toEqual([[3, 2], 2, [1, 3], 3, 2, 3]);
    expect(() => x.size(2)).toThrow(IndexError);
    expect(() => tensor(1).length).toThrow(TypeError);
  });

  it('iterates over the first', () => {
    expect([...grid(3, 2)].map(values)).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(() => [...tensor(1)]).toThrow(TypeError);
  });
});

describe('splitting', () => {
  const lengths = (parts: readonly Tensor[]): number[] => parts.map((x) => x.length);

  it('follows PyTorch where it does not divide', () => {
    expect(lengths(arange(5).split(2))).toEqual([2, 2, 1]);
    expect(lengths(arange(5).split([1, 4]))).toEqual([1, 4]);
    expect(lengths(arange(5).chunk(4))).toEqual([2, 2, 1]);
    expect(lengths(arange(7).tensorSplit(3))).toEqual([3, 2, 2]);
    expect(lengths(arange(7).tensorSplit([-2, 10]))).toEqual([5, 2, 0]);
    expect(lengths(zeros(0).chunk(3))).toEqual([0, 0, 0]);
    expect(lengths(zeros(0).split(3))).toEqual([0]);
    expect(
      zeros(4, 6)
        .hsplit(3)
        .map((x) => x.shape),
    ).toEqual([
      [4, 2],
      [4, 2],
      [4, 2],
    ]);
  });

  it('refuses what makes no sense', () => {
    expect(() => arange(5).split(0)).toThrow(RangeError);
    expect(() => arange(5).split([2, 2])).toThrow(ShapeError);
    expect(() => arange(5).chunk(0)).toThrow(RangeError);
    expect(() => arange(5).hsplit(2)).toThrow(ShapeError);
    expect(() => tensor(1).unbind()).toThrow(ShapeError);
    expect(() => arange(5).split(2, { dims: 0 } as never)).toThrow("unknown option 'dims'; did you mean 'dim'?");
  });
});

describe('strided views', () => {
  it('takes diagonals', () => {
    const x = grid(3, 4);
    expect(values(x.diagonal())).toEqual([0, 5, 10]);
    expect(values(x.diagonal(2))).toEqual([2, 7]);
    expect(values(x.diagonal({ offset: -1 }))).toEqual([4, 9]);
    expect(x.diagonal(9).shape).toEqual([0]);
    expect(grid(2, 3, 4).diagonal(0, 2, 0).shape).toEqual([3, 2]);
    expect(() => arange(3).diagonal()).toThrow(IndexError);
  });

  it('slides windows', () => {
    expect(values(arange(6).unfold(0, 3, 2))).toEqual([
      [0, 1, 2],
      [2, 3, 4],
    ]);
    expect(grid(2, 5).unfold(1, 2, 1).shape).toEqual([2, 4, 2]);
    expect(() => arange(3).unfold(0, 4, 1)).toThrow(ShapeError);
    expect(() => arange(3).unfold(0, 2, 0)).toThrow(RangeError);
  });

  it('keeps asStrided inside the storage', () => {
    expect(values(arange(9).asStrided([3], [4]))).toEqual([0, 4, 8]);
    expect(() => arange(9).asStrided([3], [5])).toThrow(RangeError);
    expect(() => arange(9).asStrided([3], [-1], 4)).toThrow(RangeError);
    expect(() => arange(9).asStrided([3], [1, 1])).toThrow(ShapeError);
  });

  it('works where a storage does not start at its buffer', () => {
    const x = fromTypedArray(new Float32Array([9, 9, 0, 1, 2, 3, 4, 5]).subarray(2), [2, 3]);
    expect(values(x.t())).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
    expect(values(x.t().contiguous().flip(0))).toEqual([
      [2, 5],
      [1, 4],
      [0, 3],
    ]);
  });
});

describe('copies in another order', () => {
  it('flips, rolls and rotates', () => {
    const x = grid(2, 3);
    expect(values(x.flip(0))).toEqual([
      [3, 4, 5],
      [0, 1, 2],
    ]);
    expect(values(x.flip([0, 1]))).toEqual([
      [5, 4, 3],
      [2, 1, 0],
    ]);
    expect(values(x.t().flip({ dims: [-1] }))).toEqual([
      [3, 0],
      [4, 1],
      [5, 2],
    ]);
    expect(values(x.roll(1))).toEqual([
      [5, 0, 1],
      [2, 3, 4],
    ]);
    expect(values(x.roll([1, -1], [0, 1]))).toEqual([
      [4, 5, 3],
      [1, 2, 0],
    ]);
    expect(values(x.rot90())).toEqual([
      [2, 5],
      [1, 4],
      [0, 3],
    ]);
    expect(values(x.rot90(-1))).toEqual([
      [3, 0],
      [4, 1],
      [5, 2],
    ]);
    expect(() => x.flip([0, 0])).toThrow(IndexError);
    expect(() => x.roll([1, 2], 0)).toThrow(ShapeError);
  });

  it('repeats', () => {
    expect(values(arange(2).repeat(2, 2))).toEqual([
      [0, 1, 0, 1],
      [0, 1, 0, 1],
    ]);
    expect(values(grid(1, 2).tile(2))).toEqual([[0, 1, 0, 1]]);
    expect(values(grid(2, 2).t().repeat(1, 2))).toEqual([
      [0, 2, 0, 2],
      [1, 3, 1, 3],
    ]);
    expect(values(arange(2).repeatInterleave(2))).toEqual([0, 0, 1, 1]);
    expect(values(grid(2, 2).repeatInterleave(tensor([2, 1], { dtype: 'int32' }), 0))).toEqual([
      [0, 1],
      [0, 1],
      [2, 3],
    ]);
    expect(() => grid(2, 2).repeat(2)).toThrow(ShapeError);
    expect(() => arange(2).repeatInterleave(tensor([1, -1], { dtype: 'int32' }))).toThrow(RangeError);
    expect(() => arange(2).repeatInterleave(tensor([1, 1]))).toThrow(DTypeError);
  });

  it('repeats asynchronously', async () => {
    expect(values(await arange(3).repeatInterleaveAsync(tensor([0, 2, 1], { dtype: 'int64' })))).toEqual([1, 1, 2]);
  });

  it('cuts triangles', () => {
    const x = grid(3, 3).add(1);
    expect(values(x.tril(-1))).toEqual([
      [0, 0, 0],
      [4, 0, 0],
      [7, 8, 0],
    ]);
    expect(values(x.triu({ diagonal: 1 }))).toEqual([
      [0, 2, 3],
      [0, 0, 6],
      [0, 0, 0],
    ]);
    expect(
      values(
        tensor([
          [Number.NaN, Infinity],
          [1, 2],
        ]).tril(),
      ),
    ).toEqual([
      [Number.NaN, 0],
      [1, 2],
    ]);
    expect(values(x.t().tril_())).toEqual([
      [1, 0, 0],
      [2, 5, 0],
      [3, 6, 9],
    ]);
    expect(values(ones(2, 2, { dtype: 'bool' }).triu())).toEqual([
      [true, true],
      [false, true],
    ]);
    expect(() => arange(3).tril()).toThrow(ShapeError);
  });

  it('makes and sums diagonals', () => {
    expect(values(arange(2).add(1).diag())).toEqual([
      [1, 0],
      [0, 2],
    ]);
    expect(values(arange(2).add(1).diag(-1))).toEqual([
      [0, 0, 0],
      [1, 0, 0],
      [0, 2, 0],
    ]);
    expect(values(grid(2, 2).diag())).toEqual([0, 3]);
    expect(grid(2, 3).diagEmbed(1).shape).toEqual([2, 4, 4]);
    expect(grid(2, 3).diagEmbed({ dim1: 0, dim2: 2 }).shape).toEqual([3, 2, 3]);
    expect(values(grid(2, 2).diagflat().trace())).toBe(6);
  });
});
