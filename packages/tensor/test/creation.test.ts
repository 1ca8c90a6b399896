import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import {
  arange,
  type DType,
  DTypeError,
  empty,
  eye,
  FlambeauError,
  fromTypedArray,
  full,
  getDefaultDtype,
  linspace,
  logspace,
  OutOfMemoryError,
  ones,
  ShapeError,
  setDefaultDtype,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';

afterEach(() => setDefaultDtype('float32'));

const values = (x: Tensor): unknown => x.toArraySync();

describe('tensor()', () => {
  const data: [string, () => Tensor, DType, number[], unknown][] = [
    ['a number', () => tensor(2), 'float32', [], 2],
    ['a bigint', () => tensor(2n), 'int64', [], 2],
    ['a boolean', () => tensor(true), 'bool', [], true],
    ['numbers', () => tensor([1, 2.5]), 'float32', [2], [1, 2.5]],
    ['bigints', () => tensor([1n, -2n]), 'int64', [2], [1, -2]],
    ['booleans', () => tensor([true, false]), 'bool', [2], [true, false]],
    ['numbers among bigints', () => tensor([1n, 2.5]), 'float32', [2], [1, 2.5]],
    ['bigints among booleans', () => tensor([true, 2n]), 'int64', [2], [1, 2]],
    ['nested lists', () => tensor([[1], [2]]), 'float32', [2, 1], [[1], [2]]],
    ['no elements', () => tensor([]), 'float32', [0], []],
    ['lists without elements', () => tensor([[], []]), 'float32', [2, 0], [[], []]],
    ['a typed array', () => tensor(new Int16Array([1, 2])), 'int16', [2], [1, 2]],
    ['a clamped array', () => tensor(new Uint8ClampedArray([1, 300])), 'uint8', [2], [1, 255]],
    ['an array of a dtype that there is not', () => tensor(new Uint32Array([4e9])), 'float32', [1], [4e9]],
    [
      'typed arrays in a list',
      () => tensor([new Int32Array([1, 2]), new Int32Array([3, 4])]),
      'int32',
      [2, 2],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      'arrays of several dtypes',
      () => tensor([new Int32Array([1]), new Float64Array([0.1])]),
      'float64',
      [2, 1],
      [[1], [0.1]],
    ],
    ['0-d tensors in a list', () => tensor([tensor(1n), tensor(2n)]), 'int64', [2], [1, 2]],
    ['a tensor', () => tensor(tensor([1n, 2n])), 'int64', [2], [1, 2]],
    ['a tensor in another dtype', () => tensor(tensor([1.5]), { dtype: 'int32' }), 'int32', [1], [1]],
    ['fractions as integers', () => tensor([1.9, -1.9], { dtype: 'int8' }), 'int8', [2], [1, -1]],
    ['numbers as bools', () => tensor([0, 2, Number.NaN], { dtype: 'bool' }), 'bool', [3], [false, true, true]],
    ['numbers as int64', () => tensor([2 ** 53, -1], { dtype: 'long' }), 'int64', [2], undefined],
    ['numbers as float16', () => tensor([1 / 3], { dtype: 'half' }), 'float16', [1], [0.333251953125]],
    ['numbers as bfloat16', () => tensor([1 / 3], { dtype: 'bfloat16' }), 'bfloat16', [1], [0.333984375]],
    [
      'numbers as complex',
      () => tensor([1, 2], { dtype: 'complex64' }),
      'complex64',
      [2],
      [
        { re: 1, im: 0 },
        { re: 2, im: 0 },
      ],
    ],
    [
      'numbers with another default',
      () => {
        setDefaultDtype('double');
        return tensor([0.1]);
      },
      'float64',
      [1],
      [0.1],
    ],
  ];
  it.each(data)('%s', (_, make, dtype, shape, expected) => {
    const x = make();
    expect([x.dtype, x.shape]).toEqual([dtype, shape]);
    if (expected !== undefined) expect(values(x)).toEqual(expected);
  });

  it('copies', () => {
    const array = new Float32Array([1, 2]);
    const x = tensor(array);
    const y = tensor(x);
    array[0] = 7;
    x.fill_(9);
    expect([values(x), values(y)]).toEqual([
      [9, 9],
      [1, 2],
    ]);
  });

  it('makes a leaf of it', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    expect([x.requiresGrad, x.isLeaf]).toEqual([true, true]);
    expect(tensor(x.mul(2)).requiresGrad).toBe(false);
  });

  const nested: unknown[] = [1];
  let deepest = nested;
  for (let i = 0; i < 100; i++) {
    const inner: unknown[] = [1];
    deepest[0] = inner;
    deepest = inner;
  }
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const wrong: [string, unknown, new (...args: never[]) => Error][] = [
    ['ragged lists', [[1, 2], [3]], ShapeError],
    ['a number among lists', [[1], 2], ShapeError],
    ['a list among numbers', [1, [2]], ShapeError],
    ['an empty list among others', [[], [1]], ShapeError],
    ['an array of another length', [new Float32Array(2), new Float32Array(3)], ShapeError],
    ['lists nested too deep', nested, ShapeError],
    ['a list that contains itself', cyclic, ShapeError],
    ['tensors with dimensions in a list', [ones(2), ones(2)], ShapeError],
    ['undefined', undefined, TypeError],
    ['null', null, TypeError],
    ['a string', '12', TypeError],
    ['a hole', new Array(2), TypeError],
    ['an object', { a: 1 }, TypeError],
    ['an object that is no complex number', { re: 1, im: '2' }, TypeError],
    ['a set', new Set([1]), TypeError],
    ['a DataView', new DataView(new ArrayBuffer(8)), TypeError],
  ];
  it.each(wrong)('%s: an error', (_, input, error) => {
    expect(() => tensor(input as never)).toThrow(error);
  });

  it.each(['int8', 'int32', 'int64'] as const)('%s holds no NaN or infinity', (dtype) => {
    expect(() => tensor([1, Number.NaN], { dtype })).toThrow(RangeError);
    expect(() => tensor(Number.POSITIVE_INFINITY, { dtype })).toThrow(dtype);
  });

  it('options are checked', () => {
    expect(() => tensor([1], 'int32' as never)).toThrow("{ dtype: 'int32' }");
    expect(() => tensor([1], { dtpye: 'int32' } as never)).toThrow("did you mean 'dtype'?");
    expect(() => tensor([1], { dtype: 'float31' as never })).toThrow(DTypeError);
    expect(() => tensor([1], { dtype: 'int32', requiresGrad: true })).toThrow(DTypeError);
  });

  it('is undone by toArray() for any nesting', () => {
    const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
    const matrix = fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))
      .chain(([n, m]) => fc.array(fc.array(finite, { minLength: m, maxLength: m }), { minLength: n, maxLength: n }));
    fc.assert(
      fc.property(matrix, (rows) => {
        expect(values(tensor(rows))).toEqual(rows);
      }),
    );
  });
});

describe('tensors of a shape', () => {
  it.each([
    ['spread', zeros(2, 3)],
    ['as a list', zeros([2, 3])],
    ['with options', zeros(2, 3, { dtype: 'float32' })],
    ['with absent options', zeros([2, 3], undefined as never)],
  ])('%s', (_, x) => {
    expect([x.shape, x.dtype, values(x)]).toEqual([
      [2, 3],
      'float32',
      [
        [0, 0, 0],
        [0, 0, 0],
      ],
    ]);
  });

  it('of every dtype', () => {
    for (const dtype of ['bool', 'uint8', 'int64', 'float16', 'bfloat16', 'float64'] as const) {
      expect(values(ones(2, { dtype }).to('float32'))).toEqual([1, 1]);
      expect(values(zeros(2, { dtype }).to('float32'))).toEqual([0, 0]);
      expect(empty(2, { dtype }).dtype).toBe(dtype);
    }
    expect(values(ones(1, { dtype: 'complex128' }))).toEqual([{ re: 1, im: 0 }]);
  });

  it('full() takes its dtype from the value', () => {
    expect([full([2], 3).dtype, full([], 3n).dtype, full([1], true).dtype]).toEqual(['float32', 'int64', 'bool']);
    expect(values(full([2], 2.7, { dtype: 'int32' }))).toEqual([2, 2]);
    expect(full([2, 0], 1).shape).toEqual([2, 0]);
  });

  it('eye() has ones on its diagonal', () => {
    expect(values(eye(2))).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(values(eye(1, 3))).toEqual([[1, 0, 0]]);
    expect(values(eye(3, 1, { dtype: 'int32' }))).toEqual([[1], [0], [0]]);
    expect(eye(0).shape).toEqual([0, 0]);
  });

  const wrong: [string, () => unknown, new (...args: never[]) => Error][] = [
    ['a negative size', () => zeros(-1), ShapeError],
    ['a fraction', () => zeros(1.5), TypeError],
    ['a nested list', () => zeros([[2]] as never), TypeError],
    ['a list and a number', () => zeros([2] as never, 3), TypeError],
    ['a number for a list', () => full(3 as never, 1), TypeError],
    ['a string to fill with', () => full([2], 'x' as never), TypeError],
    ['an unknown option', () => ones(2, { dtpye: 'int32' } as never), TypeError],
    ['an unknown dtype', () => ones(2, { dtype: ('int' + '128') as never }), DTypeError],
    ['more memory than there is', () => zeros(2 ** 20, 2 ** 20), OutOfMemoryError],
    ['more elements than can be counted', () => zeros(2 ** 52, 2 ** 52), OutOfMemoryError],
    ['a negative diagonal', () => eye(-1), ShapeError],
  ];
  it.each(wrong)('%s', (_, make, error) => {
    expect(make).toThrow(error);
  });
});

describe('ranges', () => {
  const ranges: [string, () => Tensor, DType, number[]][] = [
    ['end', () => arange(3), 'int32', [0, 1, 2]],
    ['start and end', () => arange(1, 4), 'int32', [1, 2, 3]],
    ['start, end and step', () => arange(1, 8, 3), 'int32', [1, 4, 7]],
    ['backwards', () => arange(3, 0, -1), 'int32', [3, 2, 1]],
    ['a fraction of a step', () => arange(0, 1, 0.5), 'float32', [0, 0.5]],
    ['an end with a fraction', () => arange(2.5), 'float32', [0, 1, 2]],
    ['nothing', () => arange(5, 5), 'int32', []],
    ['with a dtype', () => arange(3, { dtype: 'float64' }), 'float64', [0, 1, 2]],
    ['a step by name', () => arange(0, 5, { step: 2 }), 'int32', [0, 2, 4]],
    ['all by name', () => arange({ start: 1, end: 3 }), 'int32', [1, 2]],
    ['linspace', () => linspace(0, 1, 5), 'float32', [0, 0.25, 0.5, 0.75, 1]],
    ['linspace of one', () => linspace(3, 9, 1), 'float32', [3]],
    ['linspace of none', () => linspace(3, 9, 0), 'float32', []],
    ['linspace backwards', () => linspace(1, -1, 3, { dtype: 'float64' }), 'float64', [1, 0, -1]],
    ['logspace', () => logspace(0, 2, 3), 'float32', [1, 10, 100]],
    ['logspace with a base', () => logspace(0, 3, 4, 2), 'float32', [1, 2, 4, 8]],
  ];
  it.each(ranges)('%s', (_, make, dtype, expected) => {
    const x = make();
    expect([x.dtype, values(x)]).toEqual([dtype, expected]);
  });

  const wrong: [string, () => unknown, new (...args: never[]) => Error][] = [
    ['no end', () => arange(...([] as never as [number])), TypeError],
    ['a bigint', () => arange(5n as never), TypeError],
    ['a string', () => arange('5' as never), TypeError],
    ['a step of 0', () => arange(0, 5, 0), RangeError],
    ['the wrong way', () => arange(5, 0), RangeError],
    ['NaN', () => arange(Number.NaN), RangeError],
    ['without end', () => arange(Number.POSITIVE_INFINITY), RangeError],
    ['half a step', () => linspace(0, 1, 2.5), RangeError],
    ['a negative number of steps', () => logspace(0, 1, -1), RangeError],
  ];
  it.each(wrong)('%s is refused', (_, make, error) => {
    expect(make).toThrow(error);
  });
});

describe('fromTypedArray()', () => {
  it('shares memory, byteOffset included', () => {
    const data = new Float32Array([1, 2, 3, 4, 5]);
    const x = fromTypedArray(data.subarray(1), [2, 2]);
    x.mul_(10);
    expect([...data]).toEqual([1, 20, 30, 40, 50]);
    data[1] = 7;
    expect(values(x)).toEqual([
      [7, 30],
      [40, 50],
    ]);
    expect(x.asTypedArray().buffer).toBe(data.buffer);
  });

  const arrays: [string, () => Tensor, DType, number[]][] = [
    ['int8', () => fromTypedArray(new Int8Array(2)), 'int8', [2]],
    ['int64', () => fromTypedArray(new BigInt64Array(2)), 'int64', [2]],
    ['clamped bytes', () => fromTypedArray(new Uint8ClampedArray(2)), 'uint8', [2]],
    ['bytes as bools', () => fromTypedArray(new Uint8Array(2), [2], { dtype: 'bool' }), 'bool', [2]],
    ['bits of float16', () => fromTypedArray(new Uint16Array(2), [2], { dtype: 'float16' }), 'float16', [2]],
    ['an alias of a dtype', () => fromTypedArray(new Float32Array(2), [2], { dtype: 'float' }), 'float32', [2]],
    [
      'pairs as complex',
      () => fromTypedArray(new Float32Array(4), undefined, { dtype: 'complex64' }),
      'complex64',
      [2],
    ],
    ['one size to infer', () => fromTypedArray(new Float32Array(6), [2, -1]), 'float32', [2, 3]],
    ['a 0-d tensor', () => fromTypedArray(new Float32Array(1), []), 'float32', []],
    ['nothing', () => fromTypedArray(new Float32Array(0)), 'float32', [0]],
  ];
  it.each(arrays)('%s', (_, make, dtype, shape) => {
    const x = make();
    expect([x.dtype, x.shape]).toEqual([dtype, shape]);
  });

  const detached = new Float32Array(2);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const wrong: [string, () => unknown, new (...args: never[]) => Error][] = [
    ['a shape that does not fit', () => fromTypedArray(new Float32Array(4), [3]), ShapeError],
    ['negative sizes', () => fromTypedArray(new Float32Array(4), [-2, -2]), ShapeError],
    ['half a complex number', () => fromTypedArray(new Float32Array(3), undefined, { dtype: 'complex64' }), ShapeError],
    ['16 bits without a dtype', () => fromTypedArray(new Uint16Array(2)), DTypeError],
    ['16 bits as float32', () => fromTypedArray(new Uint16Array(2), [2], { dtype: 'float32' }), DTypeError],
    ['floats as integers', () => fromTypedArray(new Float32Array(2), [2], { dtype: 'int32' }), DTypeError],
    [
      'unsigned integers as signed',
      () => fromTypedArray(new Uint32Array(2) as never, [2], { dtype: 'int32' }),
      DTypeError,
    ],
    ['a list', () => fromTypedArray([1, 2] as never), DTypeError],
    ['a DataView', () => fromTypedArray(new DataView(new ArrayBuffer(8)) as never), DTypeError],
    ['an unknown option', () => fromTypedArray(new Float32Array(2), [2], { dtpye: 'float32' } as never), TypeError],
    ['a detached array', () => fromTypedArray(detached), FlambeauError],
  ];
  it.each(wrong)('%s is refused', (_, make, error) => {
    expect(make).toThrow(error);
  });
});

describe('the default dtype', () => {
  it('is a floating one', () => {
    setDefaultDtype('half');
    expect([getDefaultDtype(), zeros(1).dtype, full([1], 2).dtype, linspace(0, 1, 2).dtype]).toEqual(
      Array(4).fill('float16'),
    );
    expect(() => setDefaultDtype('int32')).toThrow(DTypeError);
    expect(() => setDefaultDtype('complex64')).toThrow(DTypeError);
    expect(getDefaultDtype()).toBe('float16');
  });
});
