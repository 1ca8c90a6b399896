import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { inspect } from 'node:util';
import {
  arange,
  finfo,
  fromTypedArray,
  getPrintoptions,
  iinfo,
  ones,
  Parameter,
  setPrintoptions,
  Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { Storage, state } from '@flambeau/tensor/internal';
import { afterEach, describe, expect, it } from 'vitest';

afterEach(() => setPrintoptions({ profile: 'default' }));

describe('tensors print as in PyTorch', () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  const texts: [string, () => unknown, string][] = [
    ['numbers', () => x, 'tensor([[1., 2.],\n        [3., 4.]])'],
    ['int32, which PyTorch does not have as default', () => arange(3), 'tensor([0, 1, 2], dtype=torch.int32)'],
    ['int64', () => tensor([1n, 2n]), 'tensor([1, 2])'],
    ['bools', () => tensor([true, false]), 'tensor([ True, False])'],
    ['0-d', () => tensor(3), 'tensor(3.)'],
    ['no elements', () => zeros(2, 0), 'tensor([], size=(2, 0))'],
    ['float16', () => tensor([0.5], { dtype: 'float16' }), 'tensor([0.5000], dtype=torch.float16)'],
    [
      'complex numbers',
      () => fromTypedArray(new Float32Array([1, -2]), [1], { dtype: 'complex64' }),
      'tensor([1.-2.j])',
    ],
    ['a transposed view', () => x.t(), 'tensor([[1., 3.],\n        [2., 4.]])'],
    ['a column', () => x.select(1, 1), 'tensor([2., 4.])'],
    ['an expanded view', () => ones(1).expand(2, 2), 'tensor([[1., 1.],\n        [1., 1.]])'],
    ['a leaf', () => tensor([1], { requiresGrad: true }), 'tensor([1.], requires_grad=True)'],
    ['a result', () => tensor([1], { requiresGrad: true }).add(1), 'tensor([2.], grad_fn=<AddBackward0>)'],
    ['a parameter', () => new Parameter(ones(2)), 'Parameter containing:\ntensor([1., 1.], requires_grad=True)'],
    ['a summary', () => arange(2000), 'tensor([   0,    1,    2,  ..., 1997, 1998, 1999], dtype=torch.int32)'],
    [
      'values and indices',
      () => tensor([3, 1]).sort(),
      'torch.return_types.sort(\nvalues=tensor([1., 3.]),\nindices=tensor([1, 0], dtype=torch.int32))',
    ],
    ['a list', () => [tensor(1n), tensor([2])], '[ tensor(1), tensor([2.]) ]'],
    ['nested', () => ({ x }), '{\n  x: tensor([[1., 2.],\n          [3., 4.]])\n}'],
  ];
  it.each(texts)('%s', (_, make, text) => {
    expect(inspect(make())).toBe(text);
  });

  it('as strings, in templates, and asynchronously', async () => {
    expect(String(x.select(0, 0))).toBe('tensor([1., 2.])');
    expect(`${new Parameter(ones(1))}`).toBe('Parameter containing:\ntensor([1.], requires_grad=True)');
    expect(await x.select(0, 1).toText()).toBe('tensor([3., 4.])');
    expect(await new Parameter(ones(1)).toText()).toBe('Parameter containing:\ntensor([1.], requires_grad=True)');
  });
});

describe('devices whose values cannot be read at once', () => {
  it('print shape and device; toText() reads the values', async () => {
    const read = async () => Float32Array.of(1, 2, 3, 4);
    state.backends.set('slow:0', { device: 'slow:0', read, readSync: null } as never);
    const x = new Tensor(new Storage('slow:0', 'float32', 4, null), 'float32', [2, 2]);
    expect(String(x)).toBe("tensor(<2x2>, device='slow:0')");
    expect(await x.toText()).toBe("tensor([[1., 2.],\n        [3., 4.]], device='slow:0')");
    state.backends.delete('slow:0');
  });
});

describe('print options', () => {
  it('stay until they are changed', () => {
    setPrintoptions({ precision: 2, sciMode: false });
    expect(String(tensor([1.23456, 1e-7]))).toBe('tensor([    1.23,     0.00])');
    setPrintoptions({ sciMode: true });
    expect(String(tensor([1.5]))).toBe('tensor([1.50e+00])');
    setPrintoptions({ profile: 'default' });
    expect(getPrintoptions()).toEqual({ precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80, sciMode: null });
  });

  it('that are wrong change nothing', () => {
    expect(() => setPrintoptions({ precision: -1 })).toThrow(RangeError);
    expect(() => setPrintoptions({ digits: 3 } as never)).toThrow(TypeError);
    expect(getPrintoptions().precision).toBe(4);
  });
});

describe('limits of dtypes', () => {
  it('have PyTorch’s values and print as there', () => {
    expect(finfo('float16')).toMatchObject({ bits: 16, eps: 2 ** -10, max: 65504, min: -65504, tiny: 2 ** -14 });
    expect(finfo('bfloat16')).toMatchObject({ eps: 2 ** -7, max: 3.3895313892515355e38, resolution: 0.01 });
    expect(finfo('double')).toMatchObject({ eps: Number.EPSILON, max: Number.MAX_VALUE, resolution: 1e-15 });
    expect(finfo().dtype).toBe('float32');
    expect(finfo('complex128').dtype).toBe('float64');
    expect(iinfo('int64')).toMatchObject({ bits: 64, max: 2n ** 63n - 1n, min: -(2n ** 63n) });
    expect(iinfo('uint8')).toMatchObject({ max: 255, min: 0 });
    expect(inspect(finfo('float16'))).toBe(
      'finfo(resolution=0.001, min=-65504, max=65504, eps=0.000976562, smallest_normal=6.10352e-05, tiny=6.10352e-05, dtype=float16)',
    );
    expect(String(iinfo('int'))).toBe('iinfo(min=-2.14748e+09, max=2.14748e+09, dtype=int32)');
    expect(() => finfo('int32')).toThrow('use iinfo()');
    expect(() => iinfo('float32')).toThrow('use finfo()');
    expect(() => iinfo('bool')).toThrow('bool');
  });
});
