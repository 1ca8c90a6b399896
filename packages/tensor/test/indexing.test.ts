import '@flambeau/backend-cpu';
import { arange, DTypeError, IndexError, ShapeError, slice, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor): unknown => x.toArraySync();
const grid = (...shape: number[]): Tensor => arange(shape.reduce((a, b) => a * b, 1)).view(shape);
const int = (data: number[] | number[][], dtype: 'int32' | 'int64' = 'int32'): Tensor => tensor(data, { dtype });

describe('at', () => {
  it('reads by integers and slices, as views', () => {
    const x = grid(3, 4);
    expect(values(x.at(1))).toEqual([4, 5, 6, 7]);
    expect(values(x.at(-1, -1))).toBe(11);
    expect(values(x.at(':', 1))).toEqual([1, 5, 9]);
    expect(values(x.at('1:', '::2'))).toEqual([
      [4, 6],
      [8, 10],
    ]);
    expect(values(x.at(slice(-2, null), slice(1, -1)))).toEqual([
      [5, 6],
      [9, 10],
    ]);
    expect(values(x.at(slice(1)))).toEqual([[0, 1, 2, 3]]);
    expect(values(x.at(' 5 : 9 '))).toEqual([]);
    expect(x.at('...', null, 0).shape).toEqual([3, 1]);
    expect(x.at(null, '...', null).shape).toEqual([1, 3, 4, 1]);
    expect(x.at(':').storage).toBe(x.storage);
    expect(x.at() === x).toBe(false);
    x.at('1:', 0).fill_(-1);
    expect(values(x.at(':', 0))).toEqual([0, -1, -1]);
  });

  it('reads by lists and tensors, as copies', () => {
    const x = grid(3, 4);
    expect(values(x.at([2, 0]))).toEqual([
      [8, 9, 10, 11],
      [0, 1, 2, 3],
    ]);
    expect(values(x.at([0, 1], [1, -1]))).toEqual([1, 7]);
    expect(values(x.at(int([[0], [2]]), int([0, 3], 'int64')))).toEqual([
      [0, 3],
      [8, 11],
    ]);
    expect(values(x.at([]))).toEqual([]);
    expect(x.at([0]).storage).not.toBe(x.storage);
    expect(values(x.at(tensor(2, { dtype: 'int32' })))).toEqual([8, 9, 10, 11]);
  });

  it('places the dimensions of index tensors as NumPy does', () => {
    const x = grid(2, 3, 4, 5);
    expect(x.at(':', [0, 1], [2, 3]).shape).toEqual([2, 2, 5]);
    expect(x.at([0, 1], ':', [2, 3]).shape).toEqual([2, 3, 5]);
    expect(x.at(':', [0, 1], ':', [[2], [3], [4]]).shape).toEqual([3, 2, 2, 4]);
    expect(x.at(0, ':', [0, 1]).shape).toEqual([3, 2, 5]);
    expect(x.at([0, 1], null, [1, 2]).shape).toEqual([2, 1, 4, 5]);
  });

  it('reads by masks', () => {
    const x = grid(3, 2);
    expect(values(x.at(x.remainder(2).eq(0)))).toEqual([0, 2, 4]);
    expect(values(x.at([true, false, true]))).toEqual([
      [0, 1],
      [4, 5],
    ]);
    expect(values(x.at(':', tensor([false, true])))).toEqual([[1], [3], [5]]);
    expect(x.at(true).shape).toEqual([1, 3, 2]);
    expect(x.at(false).shape).toEqual([0, 3, 2]);
    expect(x.at(tensor(true)).shape).toEqual([1, 3, 2]);
    expect(() => x.at(tensor([true, false]))).toThrow('a mask of shape [2] does not fit dimension 0 of size 3');
  });

  it('reads by masks asynchronously', async () => {
    const x = grid(3, 2);
    expect(values(await x.atAsync(x.gt(2)))).toEqual([3, 4, 5]);
    expect(values(await x.atAsync('1:', 0))).toEqual([2, 4]);
    expect(values(await x.atAsync([true, false, true], null, 1))).toEqual([[1], [5]]);
  });

  it('names what is wrong', () => {
    const x = grid(3, 4);
    expect(() => x.at(3)).toThrow(new IndexError('at(): index 3 is out of range for dimension 0 of size 3'));
    expect(() => x.at(0, -5)).toThrow(new IndexError('at(): index -5 is out of range for dimension 1 of size 4'));
    expect(() => x.at(':', [0, 4])).toThrow(new IndexError('at(): index 4 is out of range for dimension 1 of size 4'));
    expect(() => x.at(tensor([2n ** 40n]))).toThrow(
      new IndexError('at(): index 1099511627776 is out of range for dimension 0 of size 3'),
    );
    expect(() => x.at(0, 0, 0)).toThrow(IndexError);
    expect(() => x.at('...', '...')).toThrow(IndexError);
    expect(() => x.at('::-1')).toThrow(RangeError);
    expect(() => x.at('::0')).toThrow(RangeError);
    expect(() => x.at('1')).toThrow(TypeError);
    expect(() => x.at(1.5)).toThrow(TypeError);
    expect(() => x.at([0.5])).toThrow(TypeError);
    expect(() => x.at(undefined as never)).toThrow(TypeError);
    expect(() => x.at(tensor([0.5]))).toThrow(DTypeError);
    expect(() => x.at(tensor([1, 0], { dtype: 'uint8' }))).toThrow(DTypeError);
    expect(() => x.at([0, 1], [0, 1, 2])).toThrow(ShapeError);
    expect(() => tensor(1).at(0)).toThrow(IndexError);
  });
});

describe('set', () => {
  it('writes by integers and slices', () => {
    const x = zeros(2, 3);
    expect(x.set(0, 5)).toBe(x);
    x.set([1, 2], 7).set([':', '1:2'], tensor([[1], [2]]));
    expect(values(x)).toEqual([
      [5, 1, 5],
      [0, 2, 7],
    ]);
    x.set('...', tensor([[[1, 2, 3]]]));
    expect(values(x)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    x.set([], 0);
    expect(values(x)).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  it('writes by lists, tensors and masks', () => {
    const x = zeros(3, 2, { dtype: 'int32' });
    x.set([[0, 2]], 4);
    x.set(
      [
        [0, 1],
        [1, 0],
      ],
      tensor([8.7, 9.2]),
    );
    expect(values(x)).toEqual([
      [4, 8],
      [9, 0],
      [4, 4],
    ]);
    x.set(x.eq(4), -1);
    x.set([tensor([false, true, false])], tensor([[5, 6]]));
    expect(values(x)).toEqual([
      [-1, 8],
      [5, 6],
      [-1, -1],
    ]);
    x.set([true, 0, 1], 3);
    expect(x.at(0, 1).itemSync()).toBe(3);
  });

  it('reads the value before it writes, where both share memory', () => {
    const x = arange(6);
    x.set('1:', x.at(':-1'));
    expect(values(x)).toEqual([0, 0, 1, 2, 3, 4]);
    const y = arange(5);
    y.set([[0, 1, 2, 3, 4]], y.flip(0));
    y.set([[1, 2, 3, 4]], y.at(':4'));
    expect(values(y)).toEqual([4, 4, 3, 2, 1]);
  });

  it('writes through views and to other layouts', () => {
    const x = zeros(3, 4);
    x.t()
      .at('1:3')
      .set(
        [
          [0, 1],
          [2, 0],
        ],
        tensor([1, 2]),
      );
    expect(values(x)).toEqual([
      [0, 0, 2, 0],
      [0, 0, 0, 0],
      [0, 1, 0, 0],
    ]);
  });

  it('changes nothing when something is wrong', () => {
    const x = arange(4);
    const version = x.storage.version;
    expect(() => x.set([[0, 9]], 5)).toThrow(IndexError);
    expect(() => x.set('1:3', tensor([1, 2, 3]))).toThrow(ShapeError);
    expect(() => x.set([[0, 1]], tensor([1, 2, 3]))).toThrow(ShapeError);
    expect(() => x.set(9, 5)).toThrow(IndexError);
    expect(() => arange(1).expand(3).set(0, 5)).not.toThrow();
    expect(() =>
      arange(1)
        .expand(3)
        .set([[0, 1]], 5),
    ).toThrow(ShapeError);
    expect(values(x)).toEqual([0, 1, 2, 3]);
    expect(x.storage.version).toBe(version);
  });
});

describe('indexPut', () => {
  it('replaces or adds', () => {
    const x = zeros(3);
    const index = int([0, 0, 2]);
    expect(values(x.indexPut([index], tensor([1, 2, 3])))).toEqual([2, 0, 3]);
    expect(values(x.indexPut([index], tensor([1, 2, 3]), true))).toEqual([3, 0, 3]);
    expect(values(x)).toEqual([0, 0, 0]);
    expect(x.indexPut_([index], tensor(1), { accumulate: true })).toBe(x);
    expect(values(x)).toEqual([2, 0, 1]);
    expect(values(zeros(2, 2).indexPut([null, int([1])], tensor([[5], [6]])))).toEqual([
      [0, 5],
      [0, 6],
    ]);
    expect(
      values(
        zeros(2, 2).indexPut(
          [
            tensor([
              [true, false],
              [true, true],
            ]),
          ],
          tensor([1, 2, 3]),
        ),
      ),
    ).toEqual([
      [1, 0],
      [2, 3],
    ]);
  });

  it('names what is wrong', () => {
    expect(() => zeros(3).indexPut([int([0])], tensor([1], { dtype: 'float64' }))).toThrow(DTypeError);
    expect(() => zeros(3).indexPut([int([3])], tensor([1]))).toThrow(IndexError);
    expect(() => zeros(3).indexPut([int([0]), int([0])], tensor([1]))).toThrow(IndexError);
    expect(() => zeros(3).indexPut([], tensor([1]))).toThrow(ShapeError);
  });
});
