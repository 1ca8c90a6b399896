import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { DTypeError, ShapeError, Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { defaultCollate } from '../src/index.ts';

const values = (x: unknown): unknown => (x instanceof Tensor ? [x.dtype, x.shape, x.toArraySync()] : x);

describe('defaultCollate', () => {
  it('makes int32 of whole numbers, float32 of others', () => {
    expect(values(defaultCollate([1, 2, 3]))).toEqual(['int32', [3], [1, 2, 3]]);
    expect(values(defaultCollate([1, 2.5]))).toEqual(['float32', [2], [1, 2.5]]);
    expect(values(defaultCollate([1, Number.NaN]))).toEqual(['float32', [2], [1, Number.NaN]]);
  });

  it('makes bool and int64, and keeps strings', () => {
    expect(values(defaultCollate([true, false]))).toEqual(['bool', [2], [true, false]]);
    expect(values(defaultCollate([1n, 2n]))).toEqual(['int64', [2], [1, 2]]);
    expect(defaultCollate(['a', 'b'])).toEqual(['a', 'b']);
  });

  it('stacks tensors and typed arrays', () => {
    expect(values(defaultCollate([tensor([1, 2]), tensor([3, 4])]))).toEqual([
      'float32',
      [2, 2],
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    expect(values(defaultCollate([tensor(1, { dtype: 'uint8' })]))).toEqual(['uint8', [1], [1]]);
    expect(values(defaultCollate([new Float64Array([1, 2]), new Float64Array([3, 4])]))).toEqual([
      'float64',
      [2, 2],
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    expect(values(defaultCollate([new Uint8ClampedArray([1])]))).toEqual(['uint8', [1, 1], [[1]]]);
  });

  it('stacks views, and keeps the history of tensors that require gradients', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]).requiresGrad_();
    const batch = defaultCollate([x.t(), x]);
    expect(batch.detach().toArraySync()).toEqual([
      [
        [1, 3],
        [2, 4],
      ],
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    batch.sum().backward();
    expect(x.grad!.toArraySync()).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });

  it('takes lists, objects and Maps apart', () => {
    const [image, label, extra] = defaultCollate([
      [zeros(2), 3, { id: 'a', box: [1, 2] }],
      [zeros(2), 4, { id: 'b', box: [3, 4] }],
    ] as [Tensor, number, { id: string; box: number[] }][]);
    expect(image.shape).toEqual([2, 2]);
    expect(values(label)).toEqual(['int32', [2], [3, 4]]);
    expect(extra.id).toEqual(['a', 'b']);
    expect((extra.box as unknown[]).map(values)).toEqual([
      ['int32', [2], [1, 3]],
      ['int32', [2], [2, 4]],
    ]);
    const map = defaultCollate([new Map([['x', 1]]), new Map([['x', 2]])]);
    expect(values(map.get('x'))).toEqual(['int32', [2], [1, 2]]);
  });

  it('keeps a member called __proto__ as data', () => {
    const sample = JSON.parse('{"__proto__": 1}') as Record<string, number>;
    const batch = defaultCollate([sample, sample]);
    expect(Object.keys(batch)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(batch)).toBe(Object.prototype);
  });

  it('names the place of tensors that do not fit', () => {
    const bad = [{ image: [zeros(2, 3)] }, { image: [zeros(2, 4)] }];
    expect(() => defaultCollate(bad)).toThrow(
      /tensors at sample\.image\[0\] differ in shape: \[2, 3\] in the first sample, \[2, 4\] in number 1; .*collateFn/,
    );
    expect(() => defaultCollate(bad)).toThrow(ShapeError);
    expect(() => defaultCollate([zeros(1), zeros(1).to('float64')])).toThrow(DTypeError);
    expect(() => defaultCollate([zeros(1), zeros(1).to('float64')])).toThrow(
      /differ in dtype: float32 .* float64 in number 1/,
    );
    expect(() => defaultCollate([[1], [1, 2]])).toThrow(/lists differ in length: 1 in the first sample, 2 in number 1/);
  });

  it('refuses samples that are not alike', () => {
    expect(() => defaultCollate([1, 'x'])).toThrow(/the first is 1 and number 1 is "x"/);
    expect(() => defaultCollate([{ a: 1 }, { b: 1 }] as unknown[])).toThrow(/sample number 1 has no 'a'/);
    expect(() => defaultCollate([zeros(1), 3] as unknown[])).toThrow(TypeError);
  });

  it('refuses what it cannot collate', () => {
    expect(() => defaultCollate([null])).toThrow(/cannot make a batch of null;/);
    expect(() => defaultCollate([[new Date()]])).toThrow(/an object of class Date at sample\[0\]/);
    expect(() => defaultCollate([undefined])).toThrow(TypeError);
    expect(() => defaultCollate([() => 1])).toThrow(TypeError);
    expect(() => defaultCollate([])).toThrow(RangeError);
    expect(() => defaultCollate([2 ** 31])).toThrow(/2147483648 is beyond int32; return BigInt\(2147483648\)/);
  });
});
