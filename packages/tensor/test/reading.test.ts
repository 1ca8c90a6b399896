import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import {
  AutogradError,
  arange,
  DeviceError,
  type DType,
  FlambeauError,
  fromTypedArray,
  ones,
  ShapeError,
  Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { Storage, state } from '@flambeau/tensor/internal';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const grid = (): Tensor => arange(6).view(2, 3);
const complex = (...parts: number[]): Tensor =>
  fromTypedArray(new Float32Array(parts), undefined, { dtype: 'complex64' });

describe('item()', () => {
  const items: [string, Tensor, number][] = [
    ['a number', tensor(2.5), 2.5],
    ['of any shape with one element', tensor([[[3]]]), 3],
    ['true', tensor(true), 1],
    ['false', tensor([false]), 0],
    ['an int64', tensor(-5n), -5],
    ['the greatest safe int64', tensor(2n ** 53n - 1n), 2 ** 53 - 1],
    ['float16', tensor(0.5, { dtype: 'float16' }), 0.5],
    ['an element of a view', grid().t().select(0, 2).select(0, 1), 5],
    ['infinity', tensor(Number.NEGATIVE_INFINITY), Number.NEGATIVE_INFINITY],
  ];
  it.each(items)('%s', async (_, x, expected) => {
    expect(x.itemSync()).toBe(expected);
    expect(await x.item()).toBe(expected);
  });

  const wrong: [string, Tensor, new (...args: never[]) => Error][] = [
    ['two elements', ones(2), ShapeError],
    ['no elements', zeros(0), ShapeError],
    ['an int64 beyond 2^53', tensor(2n ** 53n), RangeError],
    ['an int64 below -2^53', tensor(-(2n ** 53n)), RangeError],
    ['a complex number', complex(1, 2), FlambeauError],
  ];
  it.each(wrong)('%s is refused, synchronously and asynchronously', async (_, x, error) => {
    expect(() => x.itemSync()).toThrow(error);
    await expect(x.item()).rejects.toThrow(error);
  });

  it('says what to use instead', () => {
    expect(() => ones(2).itemSync()).toThrow('toArray()');
    expect(() => tensor(2n ** 60n).itemSync()).toThrow('toTypedArray()');
  });
});

describe('toArray()', () => {
  const arrays: [string, Tensor, unknown][] = [
    [
      'nested',
      grid(),
      [
        [0, 1, 2],
        [3, 4, 5],
      ],
    ],
    [
      'transposed',
      grid().t(),
      [
        [0, 3],
        [1, 4],
        [2, 5],
      ],
    ],
    ['with an offset', grid().at(1, '1:'), [4, 5]],
    [
      'expanded',
      tensor([[1], [2]]).expand(2, 2),
      [
        [1, 1],
        [2, 2],
      ],
    ],
    ['0-d', tensor(3), 3],
    ['without elements', zeros(2, 0), [[], []]],
    ['without rows', zeros(0, 2), []],
    ['bools', tensor([true, false]), [true, false]],
    ['int64', tensor([1n, -1n]), [1, -1]],
    [
      'complex',
      complex(1, 2, 3, -4),
      [
        { re: 1, im: 2 },
        { re: 3, im: -4 },
      ],
    ],
    ['bfloat16', tensor([1.5], { dtype: 'bfloat16' }), [1.5]],
  ];
  it.each(arrays)('%s', async (_, x, expected) => {
    expect(x.toArraySync()).toEqual(expected);
    expect(await x.toArray()).toEqual(expected);
  });

  it('refuses an int64 beyond 2^53 and names toTypedArray()', async () => {
    expect(() => tensor([1n, 2n ** 60n]).toArraySync()).toThrow(RangeError);
    await expect(tensor([2n ** 60n]).toArray()).rejects.toThrow('toTypedArray()');
    expect(tensor([2n ** 60n]).toTypedArraySync()).toEqual(new BigInt64Array([2n ** 60n]));
  });
});

describe('toTypedArray()', () => {
  const arrays: [DType, Tensor, unknown][] = [
    ['float32', tensor([1, 2]), new Float32Array([1, 2])],
    ['float64', tensor([0.1], { dtype: 'float64' }), new Float64Array([0.1])],
    ['bool', tensor([true, false]), new Uint8Array([1, 0])],
    ['int64', tensor([5n]), new BigInt64Array([5n])],
    ['float16', tensor([0.1], { dtype: 'float16' }), new Float32Array([0.0999755859375])],
    ['bfloat16', tensor([0.1], { dtype: 'bfloat16' }), new Float32Array([0.10009765625])],
    ['complex64', complex(1, 2), new Float32Array([1, 2])],
    ['int32', grid().t(), new Int32Array([0, 3, 1, 4, 2, 5])],
  ];
  it.each(arrays)('%s', async (_, x, expected) => {
    expect(x.toTypedArraySync()).toStrictEqual(expected);
    expect(await x.toTypedArray()).toStrictEqual(expected);
  });

  it('is a copy', () => {
    const x = ones(2);
    (x.toTypedArraySync() as Float32Array)[0] = 7;
    expect(x.toArraySync()).toEqual([1, 1]);
  });

  it('reads row by row, however a tensor lies in memory', () => {
    const size = fc.integer({ min: 1, max: 4 });
    const order = fc.shuffledSubarray([0, 1, 2], { minLength: 3 });
    fc.assert(
      fc.property(fc.tuple(size, size, size), order, ([a, b, c], dims) => {
        const x = arange(a * b * c)
          .view(a, b, c)
          .permute(...dims);
        const flat = (x.toArraySync() as number[][][]).flat(2);
        expect([...(x.toTypedArraySync() as Int32Array)]).toEqual(flat);
        expect(x.contiguous().toArraySync()).toEqual(x.toArraySync());
      }),
    );
  });
});

describe('asTypedArray()', () => {
  it('is exactly the tensor’s elements, in its own memory', () => {
    const x = grid();
    const row = x.select(0, 1).asTypedArray();
    expect(row).toStrictEqual(new Int32Array([3, 4, 5]));
    row[0] = 9;
    expect(x.toArraySync()).toEqual([
      [0, 1, 2],
      [9, 4, 5],
    ]);
  });

  it('gives the bits of 16-bit floats, and pairs of complex numbers', () => {
    expect(tensor([1], { dtype: 'float16' }).asTypedArray()).toStrictEqual(new Uint16Array([0x3c00]));
    expect(complex(1, 2, 3, 4).at('1:').asTypedArray()).toStrictEqual(new Float32Array([3, 4]));
    expect(tensor([true]).asTypedArray()).toStrictEqual(new Uint8Array([1]));
    expect(zeros(0).asTypedArray()).toHaveLength(0);
  });

  it('is refused for gaps and gradients, with the remedy', () => {
    expect(() => grid().t().asTypedArray()).toThrow('contiguous()');
    const x = ones(2, { requiresGrad: true });
    expect(() => x.asTypedArray()).toThrow(AutogradError);
    expect(x.detach().asTypedArray()).toStrictEqual(new Float32Array([1, 1]));
  });
});

describe('devices that only read asynchronously', () => {
  const read = async (): Promise<Float32Array> => Float32Array.of(1, 2);
  const onDevice = (count: number): Tensor =>
    new Tensor(new Storage('slow:0', 'float32', count, null), 'float32', [count]);

  it('throw for the synchronous forms, naming the asynchronous ones', async () => {
    state.backends.set('slow:0', { device: 'slow:0', read, readSync: null } as never);
    const x = onDevice(2);
    expect(() => x.toArraySync()).toThrow(DeviceError);
    expect(() => x.toArraySync()).toThrow('await x.toArray()');
    expect(() => x.toTypedArraySync()).toThrow('await x.toTypedArray()');
    expect(() => onDevice(1).itemSync()).toThrow('await x.item()');
    expect(() => x.asTypedArray()).toThrow('await x.toTypedArray()');
    expect(() => x.to('cpu')).toThrow('await x.cpu()');
    expect(await x.toArray()).toEqual([1, 2]);
    expect((await x.cpu()).toArraySync()).toEqual([1, 2]);
    state.backends.delete('slow:0');
  });
});

describe('to()', () => {
  const x = tensor([1.7, -1.7]);
  it('gives the tensor itself when nothing changes, a copy when asked', () => {
    expect(x.to('float32') === x).toBe(true);
    expect(x.to('cpu') === x).toBe(true);
    expect(x.to(zeros(1)) === x).toBe(true);
    expect(x.to({ dtype: 'float', copy: true }) === x).toBe(false);
    expect(x.to('float32', false, true) === x).toBe(false);
    expect(x.to('float32', true) === x).toBe(true);
  });

  it('converts as PyTorch does', () => {
    expect(x.to('int32').toArraySync()).toEqual([1, -1]);
    expect(x.to('cpu', 'int64').dtype).toBe('int64');
    expect(x.to({ device: 'cpu', dtype: 'bool' }).toArraySync()).toEqual([true, true]);
    expect(tensor([300, -1]).to('uint8').toArraySync()).toEqual([44, 255]);
    expect(
      tensor([2n ** 40n + 5n])
        .to('int32')
        .toArraySync(),
    ).toEqual([5]);
    expect(x.long().dtype).toBe('int64');
    expect(x.double().dtype).toBe('float64');
  });

  it('refuses what is no target', () => {
    expect(() => x.to('float33')).toThrow('unknown dtype');
    expect(() => x.to({ dtpye: 'int32' } as never)).toThrow("did you mean 'dtype'?");
    expect(() => x.to(null as never)).toThrow(TypeError);
    expect(() => x.to(3 as never)).toThrow(TypeError);
  });
});

describe('sizes', () => {
  it('are fresh lists, or one number', () => {
    const x = zeros(2, 3);
    x.size().push(7);
    expect([x.size(), x.size(0), x.size(-1), x.stride(), x.stride(0), x.numel(), x.dim(), x.ndim, x.length]).toEqual([
      [2, 3],
      2,
      3,
      [3, 1],
      3,
      6,
      2,
      2,
      2,
    ]);
    expect(() => x.size(2)).toThrow('dim 2 is out of range');
    expect(() => tensor(1).size(0)).toThrow('0-d');
    expect(() => tensor(1).length).toThrow(TypeError);
  });

  it('iteration goes over the first dimension', () => {
    expect([...grid()].map((row) => row.toArraySync())).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect([...zeros(0, 2)]).toEqual([]);
    expect(() => [...tensor(1)]).toThrow(TypeError);
  });
});
