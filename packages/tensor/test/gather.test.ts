import '@flambeau/backend-cpu';
import { setCodeGeneration } from '@flambeau/backend-cpu';
import {
  arange,
  type DType,
  DTypeError,
  IndexError,
  ones,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';

const values = (x: Tensor): unknown => x.toArraySync();
const grid = (...shape: number[]): Tensor => arange(shape.reduce((a, b) => a * b, 1)).view(shape);
const int = (data: number[] | number[][], dtype: 'int32' | 'int64' = 'int32'): Tensor => tensor(data, { dtype });

afterEach(() => setCodeGeneration(undefined));

describe('picking', () => {
  it('gathers along a dimension', () => {
    const x = grid(2, 3);
    expect(
      values(
        x.gather(
          1,
          int([
            [2, 0],
            [1, 1],
          ]),
        ),
      ),
    ).toEqual([
      [2, 0],
      [4, 4],
    ]);
    expect(values(x.gather(0, int([[1, 0, 1]], 'int64')))).toEqual([[3, 1, 5]]);
    expect(values(x.t().gather(-1, int([[1], [0]])))).toEqual([[3], [1]]);
    expect(values(tensor(7).gather(0, int([0, 0])))).toEqual([7, 7]);
    expect(x.gather(1, zeros(0, 0, { dtype: 'int32' })).shape).toEqual([0, 0]);
  });

  it('selects slices, also where the index is long and rows are wide', () => {
    const x = grid(4, 200);
    const rows = x.indexSelect(0, int([3, 0, 3]));
    expect(rows.shape).toEqual([3, 200]);
    expect([rows.at(0, 199).itemSync(), rows.at(1, 0).itemSync(), rows.at(2, 1).itemSync()]).toEqual([799, 0, 601]);
    expect(values(x.indexSelect(1, int([199, 0])).at(2))).toEqual([599, 400]);
    expect(values(tensor(5).indexSelect(0, int([0])))).toBe(5);
  });

  it('takes from the flattened tensor and along dimensions', () => {
    const x = grid(2, 3);
    expect(
      values(
        x.take(
          int([
            [0, -1],
            [4, 2],
          ]),
        ),
      ),
    ).toEqual([
      [0, 5],
      [4, 2],
    ]);
    expect(values(x.t().take(int([1])))).toEqual([3]);
    const order = int([[2, 0, 1]]);
    expect(values(x.takeAlongDim(order, 1))).toEqual([
      [2, 0, 1],
      [5, 3, 4],
    ]);
    expect(values(x.takeAlongDim(int([5])))).toEqual([5]);
  });

  it('writes to out', () => {
    const out = zeros(2, 1, { dtype: 'int32' });
    expect(grid(2, 3).gather(1, int([[2], [1]]), { out })).toBe(out);
    expect(values(out)).toEqual([[2], [4]]);
  });

  it('names what is wrong', () => {
    const x = grid(2, 3);
    expect(() => x.gather(1, int([[3]]))).toThrow(
      new IndexError('gather(): index 3 is out of range for dimension 1 of size 3'),
    );
    expect(() => x.gather(1, int([[-1]]))).toThrow(IndexError);
    expect(() => x.gather(1, tensor([[0.5]]))).toThrow(
      new DTypeError("gather(): the index must be int32 or int64, got float32; convert it with .to('int32')"),
    );
    expect(() => x.gather(1, int([0]))).toThrow(ShapeError);
    expect(() => x.gather(1, int([[0], [0], [0]]))).toThrow(ShapeError);
    expect(() => x.gather(2, int([[0]]))).toThrow(IndexError);
    expect(() => x.indexSelect(0, int([[0]]))).toThrow(IndexError);
    expect(() => x.take(int([6]))).toThrow(IndexError);
    expect(() => zeros(0).take(int([0]))).toThrow(IndexError);
  });
});

describe('writing', () => {
  it('scatters values and numbers', () => {
    const x = zeros(2, 3);
    const index = int([
      [2, 0],
      [1, 1],
    ]);
    expect(
      values(
        x.scatter(
          1,
          index,
          tensor([
            [1, 2],
            [3, 4],
          ]),
        ),
      ),
    ).toEqual([
      [2, 0, 1],
      [0, 4, 0],
    ]);
    expect(values(x.scatter(1, index, 5))).toEqual([
      [5, 0, 5],
      [0, 5, 0],
    ]);
    expect(values(x.add(2).scatter(1, index, 3, { reduce: 'multiply' }))).toEqual([
      [6, 2, 6],
      [2, 18, 2],
    ]);
    expect(
      values(
        x.scatterAdd(
          0,
          int([
            [1, 1, 0],
            [1, 0, 0],
          ]),
          ones(2, 3),
        ),
      ),
    ).toEqual([
      [0, 1, 2],
      [2, 1, 0],
    ]);
    expect(values(x)).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect(x.scatter_(1, index, 5)).toBe(x);
    expect(values(x)).toEqual([
      [5, 0, 5],
      [0, 5, 0],
    ]);
  });

  it('writes through views', () => {
    const x = zeros(3, 2);
    x.t().scatter_(1, int([[2, 0]]), tensor([[1, 2]]));
    expect(values(x)).toEqual([
      [2, 0],
      [0, 0],
      [1, 0],
    ]);
    x.at(':', 1).indexFill_(0, int([-1]), 9);
    expect(values(x)).toEqual([
      [2, 0],
      [0, 0],
      [1, 9],
    ]);
    x.t().put_(int([0, -1]), tensor([5, 6]));
    expect(values(x)).toEqual([
      [5, 0],
      [0, 0],
      [1, 6],
    ]);
  });

  it('reads its source first where they share memory', () => {
    const x = arange(4);
    x.scatter_(0, int([1, 2, 3]), x.narrow(0, 0, 3));
    expect(values(x)).toEqual([0, 0, 1, 2]);
    const y = arange(3);
    y.indexAdd_(0, int([1, 2, 0]), y);
    expect(values(y)).toEqual([2, 1, 3]);
  });

  it('combines what goes to one place', () => {
    const index = int([0, 0, 1]);
    const src = tensor([1, 5, 2]);
    const reduced = (reduce: 'sum' | 'prod' | 'mean' | 'amax' | 'amin', includeSelf: boolean): unknown =>
      values(tensor([3, 3, 3]).scatterReduce(0, index, src, reduce, { includeSelf }));
    expect(reduced('sum', true)).toEqual([9, 5, 3]);
    expect(reduced('prod', true)).toEqual([15, 6, 3]);
    expect(reduced('mean', true)).toEqual([3, 2.5, 3]);
    expect(reduced('amax', true)).toEqual([5, 3, 3]);
    expect(reduced('amin', false)).toEqual([1, 2, 3]);
    expect(reduced('mean', false)).toEqual([3, 2, 3]);
    expect(values(int([3, 3]).scatterReduce(0, int([0, 0]), int([4, 4]), 'mean'))).toEqual([3, 3]);
    expect(values(tensor([1, Number.NaN]).scatterReduce(0, int([0, 1]), tensor([Number.NaN, 0]), 'amax'))).toEqual([
      Number.NaN,
      Number.NaN,
    ]);
    expect(
      values(
        zeros(2, 2).indexReduce(
          1,
          int([1, 1]),
          tensor([
            [1, 2],
            [3, 4],
          ]),
          'amax',
        ),
      ),
    ).toEqual([
      [0, 2],
      [0, 4],
    ]);
  });

  it('adds, copies and fills slices', () => {
    const x = zeros(2, 3);
    const index = int([2, 0]);
    const source = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(values(x.indexAdd(1, index, source, { alpha: 10 }))).toEqual([
      [20, 0, 10],
      [40, 0, 30],
    ]);
    expect(values(x.indexCopy(1, index, source))).toEqual([
      [2, 0, 1],
      [4, 0, 3],
    ]);
    expect(values(x.indexFill(1, int([-1]), 7))).toEqual([
      [0, 0, 7],
      [0, 0, 7],
    ]);
    expect(values(x.indexFill(0, int([1]), tensor(8)))).toEqual([
      [0, 0, 0],
      [8, 8, 8],
    ]);
    expect(values(x.put(int([1, 1]), tensor([2, 3]), true))).toEqual([
      [0, 5, 0],
      [0, 0, 0],
    ]);
    expect(values(tensor(1).indexAdd(0, int([0, 0]), tensor([2, 3])))).toBe(6);
  });

  it.each<[DType, unknown]>([
    ['int8', [-126, 1]],
    ['uint8', [130, 1]],
    ['int64', [130, 1]],
    ['bool', [true, true]],
    ['float16', [130, 1]],
    ['bfloat16', [130, 1]],
    ['float64', [130, 1]],
  ])('adds in %s', (dtype, expected) => {
    const x = tensor([65, 0]).to(dtype);
    expect(values(x.indexAdd(0, int([0, 1]), tensor([65, 1]).to(dtype)))).toEqual(expected);
  });

  it('changes nothing when something is wrong', () => {
    const x = zeros(3);
    expect(() => x.scatter_(0, int([0, 3]), 1)).toThrow(IndexError);
    expect(() => x.indexAdd_(0, int([0, 5]), ones(2))).toThrow(IndexError);
    expect(() => x.indexAdd_(0, int([0]), ones(2))).toThrow(ShapeError);
    expect(() => x.scatterAdd_(0, int([0]), ones(1, { dtype: 'float64' }))).toThrow(DTypeError);
    expect(() => x.scatterReduce_(0, int([0]), ones(1), 'max' as never)).toThrow(TypeError);
    expect(() => x.put_(int([7]), ones(1))).toThrow(IndexError);
    expect(() => x.expand(2, 3).scatter_(0, int([[0, 0, 0]]), 1)).toThrow(ShapeError);
    expect(values(x)).toEqual([0, 0, 0]);
    expect(x.storage.version).toBe(0);
  });
});

describe('generated and interpreted kernels', () => {
  it('agree', () => {
    const size = fc.integer({ min: 1, max: 4 });
    const dtype = fc.constantFrom<DType>('float32', 'float64', 'int32', 'int64', 'uint8', 'bool', 'float16');
    fc.assert(
      fc.property(
        fc.tuple(size, size, size),
        fc.nat({ max: 2 }),
        dtype,
        fc.boolean(),
        fc.infiniteStream(fc.nat()),
        (shape, dim, type, swap, random) => {
          const x = grid(...shape).to(type);
          const source = swap ? x.add(1).to(type).transpose(0, 2).contiguous().transpose(0, 2) : x.add(1).to(type);
          const index = grid(...shape)
            .mul(random.next().value)
            .add(random.next().value)
            .remainder(shape[dim]!);
          const run = (): unknown[] =>
            [
              x.gather(dim, index),
              x.scatter(dim, index, source),
              x.scatterAdd(dim, index, source),
              x.indexSelect(dim, index.reshape(-1)),
            ].map(values);
          setCodeGeneration(false);
          const interpreted = run();
          setCodeGeneration(true);
          expect(run()).toEqual(interpreted);
        },
      ),
      { numRuns: 60 },
    );
  });
});
