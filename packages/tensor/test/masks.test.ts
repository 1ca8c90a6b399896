import '@flambeau/backend-cpu';
import { arange, DTypeError, ShapeError, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor): unknown => x.toArraySync();
const grid = (...shape: number[]): Tensor => arange(shape.reduce((a, b) => a * b, 1)).view(shape);
const int = (data: number[] | number[][], dtype: 'int32' | 'int64' = 'int32'): Tensor => tensor(data, { dtype });

describe('masks', () => {
  it('finds nonzero elements', async () => {
    const x = tensor([
      [0, 1, 0],
      [Number.NaN, 0, -0],
    ]);
    expect(values(x.nonzero())).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(x.nonzero().dtype).toBe('int32');
    expect(x.nonzero({ asTuple: true }).map(values)).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(values(x.t().argwhere())).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect([tensor(0).nonzero().shape, tensor(3).nonzero().shape, zeros(0, 2).nonzero().shape]).toEqual([
      [0, 0],
      [1, 0],
      [0, 2],
    ]);
    expect(values(tensor([0n, 5n]).nonzero())).toEqual([[1]]);
    expect(values(tensor([-0, 2]).to('float16').nonzero())).toEqual([[1]]);
    expect(values(await x.nonzeroAsync())).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(values(await x.argwhereAsync())).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  it('selects, fills and scatters', async () => {
    const x = grid(2, 3);
    const mask = x.remainder(2).eq(1);
    expect(values(x.maskedSelect(mask))).toEqual([1, 3, 5]);
    expect(values(await x.maskedSelectAsync(mask))).toEqual([1, 3, 5]);
    expect(values(x.maskedSelect(tensor([[true], [false]])))).toEqual([0, 1, 2]);
    expect(values(tensor(4).maskedSelect(tensor([true, false, true])))).toEqual([4, 4]);
    expect(values(x.maskedFill(mask, -1))).toEqual([
      [0, -1, 2],
      [-1, 4, -1],
    ]);
    expect(values(x.maskedFill(tensor([true, false, false]), tensor(9n)))).toEqual([
      [9, 1, 2],
      [9, 4, 5],
    ]);
    expect(x.maskedFill(mask, -1).dtype).toBe('int32');
    expect(values(x.maskedScatter(mask, int([7, 8, 9, 10])))).toEqual([
      [0, 7, 2],
      [8, 4, 9],
    ]);
    x.t().maskedScatter_(mask.t(), int([7, 8, 9]));
    expect(values(x)).toEqual([
      [0, 8, 2],
      [7, 4, 9],
    ]);
    expect(x.maskedFill_(mask, 0)).toBe(x);
  });

  it('names what is wrong', () => {
    const x = grid(2, 2);
    expect(() => x.maskedFill(x, 0)).toThrow('the mask must be bool, got int32');
    expect(() => x.maskedFill(x.eq(0), 0.5)).toThrow(DTypeError);
    expect(() => x.maskedFill(x.eq(0), tensor([1]))).toThrow(ShapeError);
    expect(() => x.maskedScatter(x.ge(0), int([1]))).toThrow(ShapeError);
    expect(() => x.maskedSelect(tensor([true, false, true]))).toThrow(ShapeError);
  });
});
