import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { functional as F, fromTypedArray, ShapeError, type Tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const complex = (): Tensor => fromTypedArray(new Float32Array(8).fill(1), [2, 2], { dtype: 'complex64' });
// Callers without TypeScript leave arguments out.
const untyped = <T>(f: T): ((...args: unknown[]) => unknown) => f as (...args: unknown[]) => unknown;

describe('products', () => {
  it('go into { out }', () => {
    const out = zeros(2, 3);
    expect(zeros(2, 4).add(1).matmul(zeros(4, 3).add(1), { out })).toBe(out);
    expect(out.toArraySync()).toEqual([
      [4, 4, 4],
      [4, 4, 4],
    ]);
    expect(() => zeros(2, 4).mm(zeros(4, 3), { out: zeros(3, 2) })).toThrow(ShapeError);
  });

  it('name what is no tensor', () => {
    expect(() => untyped(zeros(2, 2).matmul).call(zeros(2, 2), 3)).toThrow(
      /matmul\(\): the second operand must be a tensor/,
    );
    expect(() => untyped(zeros(2, 2).mm).call(zeros(2, 2))).toThrow(/must be a tensor/);
    expect(() => untyped(F.linear)(zeros(2, 2))).toThrow(/linear\(\): weight must be a tensor/);
    expect(() => untyped(F.conv2d)(zeros(1, 1, 2, 2))).toThrow(/conv2d\(\): weight must be a tensor/);
    expect(() => untyped(F.maxPool2d)(zeros(1, 1, 4, 4))).toThrow(/kernelSize must be a number or 2 numbers/);
  });
});

describe('complex numbers', () => {
  it('have products', () => {
    expect(complex().mm(complex()).toArraySync()).toEqual([
      [
        { re: 0, im: 4 },
        { re: 0, im: 4 },
      ],
      [
        { re: 0, im: 4 },
        { re: 0, im: 4 },
      ],
    ]);
  });
});
