import '@flambeau/backend-cpu';
import { type MappedDims, vmap } from '@flambeau/autograd';
import {
  AutogradError,
  arange,
  functional as F,
  manualSeed,
  ones,
  rand,
  randn,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor): unknown => x.detach().toArraySync();
const dot = (a: Tensor, b: Tensor): Tensor => a.dot(b);

describe('vmap', () => {
  it('maps over the first dimension of all arguments', () => {
    const [a, b] = [arange(6).view(2, 3), ones(2, 3, { dtype: 'int32' })];
    expect(values(vmap(dot)(a, b))).toEqual([3, 12]);
  });

  it('maps over other dimensions, and leaves arguments as they are', () => {
    const [a, b] = [arange(6).view(2, 3), tensor([1, 10], { dtype: 'int32' })];
    expect(values(vmap(dot, [1, null])(a, b))).toEqual([30, 41, 52]);
    expect(values(vmap(dot, { inDims: [-1, null] })(a, b))).toEqual([30, 41, 52]);
    const scale = vmap((x: Tensor, n: number) => x.mul(n), [0, null]);
    expect(values(scale(tensor([1, 2]), 3))).toEqual([3, 6]);
  });

  it('stacks results where it is told to', () => {
    const x = arange(12).view(2, 3, 2);
    const id = (t: Tensor): Tensor => t;
    expect(vmap(id, 0, 2)(x).shape).toEqual([3, 2, 2]);
    expect(vmap(id, 0, -1)(x).shape).toEqual([3, 2, 2]);
    expect(values(vmap(id, 1, 1)(x))).toEqual(values(x));
    const [mapped, fixed] = vmap((t: Tensor) => [t.sum(), ones(2)] as const, 0, [0, null])(x);
    expect([mapped.shape, fixed.shape]).toEqual([[2], [2]]);
  });

  it('takes and gives lists and objects', () => {
    const f = (pair: readonly [Tensor, Tensor], { scale }: { scale: Tensor }) => ({
      sum: pair[0].add(pair[1]),
      parts: [pair[0].mul(scale)],
    });
    const result = vmap(f, [[0, null], { scale: 0 }] as MappedDims)([arange(2), tensor([10, 20])], {
      scale: tensor([2, 3]),
    });
    expect([values(result.sum), values(result.parts[0]!)]).toEqual([
      [
        [10, 20],
        [11, 21],
      ],
      [0, 3],
    ]);
  });

  it('nests', () => {
    const outer = vmap(
      vmap((a: Tensor, b: Tensor) => a.mul(b), [null, 0]),
      [0, null],
    );
    expect(values(outer(tensor([1, 2]), tensor([10, 20, 30])))).toEqual([
      [10, 20, 30],
      [20, 40, 60],
    ]);
  });

  it('is differentiable', () => {
    const x = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true },
    );
    vmap((row: Tensor) => row.pow(2).sum())(x)
      .mul(tensor([1, 10]))
      .sum()
      .backward();
    expect(values(x.grad!)).toEqual([
      [2, 4],
      [60, 80],
    ]);
  });

  it('of an empty batch has results of the right shape', () => {
    const y = vmap((row: Tensor) => row.outer(row), 0, 1)(zeros(0, 3));
    expect([y.shape, y.dtype]).toEqual([[3, 0, 3], 'float32']);
  });

  it('says what random numbers are to do', () => {
    const x = ones(3, 50);
    const noisy = (row: Tensor): Tensor => row.add(rand(50));
    manualSeed(4);
    expect(() => vmap(noisy)(x)).toThrow(AutogradError);
    const same = vmap(noisy, { randomness: 'same' })(x);
    expect(values(same.select(0, 0))).toEqual(values(same.select(0, 2)));
    const different = vmap(noisy, 0, 0, 'different')(x);
    expect(values(different.select(0, 0))).not.toEqual(values(different.select(0, 2)));
    manualSeed(4);
    expect(values(vmap(noisy, { randomness: 'same' })(x).select(0, 1))).toEqual(values(same.select(0, 1)));
    expect(values(vmap((row: Tensor) => F.dropout(row, 0.5, false))(x))).toEqual(values(x));
    expect(() => vmap(noisy, { randomness: 'none' as 'same' })).toThrow(/'error', 'different' or 'same'/);
  });

  it('explains what does not fit', () => {
    expect(() => vmap(dot)(zeros(2, 3), zeros(3, 3))).toThrow(/must have one size, got 2 and 3 \(args\[1\]\)/);
    expect(() => vmap(dot)(zeros(2, 3), zeros([]))).toThrow(ShapeError);
    expect(() => vmap(dot, [null, null])(zeros(2), zeros(2))).toThrow(/no argument is mapped/);
    expect(() => vmap(dot, [0])(zeros(2), zeros(2))).toThrow(/1 entries for 2 arguments/);
    expect(() => vmap((_: Tensor, n: number) => ones(n))(zeros(2), 3)).toThrow(/args\[1\] is a number/);
    expect(() => vmap((_: Tensor) => 3)(zeros(2))).toThrow(/must return tensors, got a number/);
    expect(() => vmap(dot, 5)(zeros(2, 2), zeros(2, 2))).toThrow(/dim/i);
    expect(() => vmap(dot, { indims: 0 } as object)).toThrow(/inDims/);
  });

  it('sees slices as views', () => {
    const x = randn(2, 3);
    vmap((row: Tensor) => row.mul_(0))(x);
    expect(values(x.abs().sum())).toBe(0);
  });
});
