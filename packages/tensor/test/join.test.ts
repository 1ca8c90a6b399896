import '@flambeau/backend-cpu';
import {
  arange,
  atleast1d,
  atleast3d,
  blockDiag,
  broadcastShapes,
  broadcastTensors,
  cartesianProd,
  cat,
  columnStack,
  combinations,
  dstack,
  fullLike,
  hstack,
  isin,
  linspace,
  logspace,
  meshgrid,
  onesLike,
  ShapeError,
  stack,
  type Tensor,
  tensor,
  trilIndices,
  triuIndices,
  vander,
  vstack,
  zeros,
  zerosLike,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor): unknown => x.toArraySync();
const grid = (...shape: number[]): Tensor => arange(shape.reduce((a, b) => a * b, 1)).view(shape);

describe('cat and stack', () => {
  it('joins along any dimension and any layout', () => {
    const x = grid(2, 2);
    expect(values(cat([x, x.t()]))).toEqual([
      [0, 1],
      [2, 3],
      [0, 2],
      [1, 3],
    ]);
    expect(values(cat([x, x.narrow(1, 0, 1)], 1))).toEqual([
      [0, 1, 0],
      [2, 3, 2],
    ]);
    expect(values(cat([x, x], { dim: -1 }))).toEqual([
      [0, 1, 0, 1],
      [2, 3, 2, 3],
    ]);
    expect(values(stack([arange(2), arange(2).add(2)], 1))).toEqual([
      [0, 2],
      [1, 3],
    ]);
    expect(stack([tensor(1), tensor(2)]).shape).toEqual([2]);
  });

  it('promotes dtypes and skips tensors of shape [0]', () => {
    expect(cat([arange(2), tensor([0.5])]).dtype).toBe('float32');
    expect(cat([tensor([true]), tensor([1n])]).dtype).toBe('int64');
    expect(cat([zeros(0), grid(2, 2)]).shape).toEqual([2, 2]);
    expect(cat([zeros(0), zeros(0)]).shape).toEqual([0]);
  });

  it('writes to out', () => {
    const out = zeros(4);
    const alias = out;
    expect(cat([tensor([1, 2]), tensor([3, 4])], { out })).toBe(alias);
    expect(values(out)).toEqual([1, 2, 3, 4]);
    expect(() => cat([tensor([1, 2])], 0, { out })).toThrow(ShapeError);
    expect(values(out)).toEqual([1, 2, 3, 4]);
  });

  it('says what does not fit', () => {
    expect(() => cat([])).toThrow(TypeError);
    expect(() => cat([tensor(1)])).toThrow(ShapeError);
    expect(() => cat([zeros(2, 2), zeros(2, 3)])).toThrow('tensor 1 of shape [2, 3] does not fit shape [2, 2]');
    expect(() => cat([zeros(2, 2), zeros(2)])).toThrow(ShapeError);
    expect(() => stack([zeros(2), zeros(3)])).toThrow(ShapeError);
    expect(() => cat([zeros(2)], 0, { dim: 0 } as never)).toThrow(/both by position and by name/);
  });

  it('has the stacks of NumPy', () => {
    const [a, b] = [arange(2), arange(2).add(2)];
    expect(values(hstack([a, b]))).toEqual([0, 1, 2, 3]);
    expect(values(vstack([a, b]))).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(values(dstack([a, b]))).toEqual([
      [
        [0, 2],
        [1, 3],
      ],
    ]);
    expect(values(columnStack([a, b]))).toEqual([
      [0, 2],
      [1, 3],
    ]);
    expect(atleast1d(tensor(1)).shape).toEqual([1]);
    expect(atleast3d(a, zeros(2, 2)).map((x) => x.shape)).toEqual([
      [1, 2, 1],
      [2, 2, 1],
    ]);
  });
});

describe('broadcasting and grids', () => {
  it('finds common shapes', () => {
    expect(broadcastShapes([2, 1], [3], [4, 1, 1])).toEqual([4, 2, 3]);
    expect(broadcastShapes(5, [])).toEqual([5]);
    expect(broadcastShapes()).toEqual([]);
    expect(() => broadcastShapes([2], [3])).toThrow(ShapeError);
    expect(broadcastTensors(zeros(2, 1), zeros(3)).map((x) => x.shape)).toEqual([
      [2, 3],
      [2, 3],
    ]);
  });

  it('makes grids', () => {
    const [rows, columns] = meshgrid(arange(2), arange(3)) as [Tensor, Tensor];
    expect(values(rows)).toEqual([
      [0, 0, 0],
      [1, 1, 1],
    ]);
    expect(values(columns)).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
    const [x, y] = meshgrid([arange(2), arange(3)], { indexing: 'xy' }) as [Tensor, Tensor];
    expect(values(x)).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    expect(values(y)).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
  });

  it('lists products and combinations', () => {
    expect(values(cartesianProd(arange(2), arange(2).add(5)))).toEqual([
      [0, 5],
      [0, 6],
      [1, 5],
      [1, 6],
    ]);
    expect(values(combinations(tensor([1, 2, 3])))).toEqual([
      [1, 2],
      [1, 3],
      [2, 3],
    ]);
    expect(values(combinations(tensor([1, 2]), { r: 2, withReplacement: true }))).toEqual([
      [1, 1],
      [1, 2],
      [2, 2],
    ]);
    expect(values(blockDiag(grid(2, 2), tensor(7), arange(2)))).toEqual([
      [0, 1, 0, 0, 0],
      [2, 3, 0, 0, 0],
      [0, 0, 7, 0, 0],
      [0, 0, 0, 0, 1],
    ]);
  });

  it('lists triangles', () => {
    expect(values(trilIndices(2, 3))).toEqual([
      [0, 1, 1],
      [0, 0, 1],
    ]);
    expect(values(triuIndices(2, 3, 1))).toEqual([
      [0, 0, 1],
      [1, 2, 2],
    ]);
    expect(triuIndices(2, 3, { offset: -1, dtype: 'int64' }).dtype).toBe('int64');
  });
});

describe('membership, sequences, tensors like others', () => {
  it('tells members', () => {
    expect(values(isin(tensor([1, 2, 3]), tensor([[2, 5]])))).toEqual([false, true, false]);
    expect(values(isin(tensor([1, 2, 3]), 2, { invert: true }))).toEqual([true, false, true]);
    expect(values(isin(3, tensor([3])))).toBe(true);
  });

  it('counts', () => {
    expect(values(arange({ start: 1, end: 6, step: 2 }))).toEqual([1, 3, 5]);
    expect(values(arange(2, { end: 4 }))).toEqual([2, 3]);
    expect(arange(3, { dtype: 'float64' }).dtype).toBe('float64');
    expect(values(logspace(0, 2, 3))).toEqual([1, 10, 100]);
    expect(values(logspace(1, 3, 3, 2))).toEqual([2, 4, 8]);
    expect(values(linspace(0, 1, 3))).toEqual([0, 0.5, 1]);
    expect(values(vander(tensor([2, 3]), 3))).toEqual([
      [4, 2, 1],
      [9, 3, 1],
    ]);
    expect(values(vander(tensor([2]), { N: 3, increasing: true }))).toEqual([[1, 2, 4]]);
  });

  it('takes shape, dtype and device over', () => {
    const x = tensor([[1, 2]], { dtype: 'int64' });
    expect([zerosLike(x).dtype, zerosLike(x).shape, onesLike(x, { dtype: 'float32' }).dtype]).toEqual([
      'int64',
      [1, 2],
      'float32',
    ]);
    expect(values(fullLike(x, 7, { dtype: 'int32' }))).toEqual([[7, 7]]);
    expect([x.newZeros(2, 3).dtype, x.newOnes([2]).shape, x.newEmpty(0).shape]).toEqual(['int64', [2], [0]]);
    expect([
      x.newFull([2], 3).dtype,
      x.newTensor([1, 2]).dtype,
      x.newTensor([1, 2], { dtype: 'float64' }).dtype,
    ]).toEqual(['int64', 'int64', 'float64']);
    expect(x.newEmptyStrided([2, 3], [1, 2]).strides).toEqual([1, 2]);
    expect(() => zerosLike(x, { dtpye: 'int32' } as never)).toThrow("did you mean 'dtype'?");
  });
});
