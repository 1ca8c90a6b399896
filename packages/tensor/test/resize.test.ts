import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { describe, expect, it } from 'vitest';
import { AutogradError, arange, ShapeError, tensor, zeros } from '../src/index.ts';

describe('resize_', () => {
  it('shows the memory in another shape, row-major', () => {
    const x = arange(6).reshape(2, 3).clone();
    expect(x.resize_(2, 2)).toBe(x);
    expect(x.toArraySync()).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(x.resize_([6]).toArraySync()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(x.resize_([]).shape).toEqual([]);
    expect(x.resize_(0).elementCount).toBe(0);
  });

  it('gets memory where there is too little, and keeps the contents', () => {
    const x = tensor([1, 2, 3]);
    x.resize_(2, 3);
    expect(x.shape).toEqual([2, 3]);
    expect((x.flatten().toArraySync() as number[]).slice(0, 3)).toEqual([1, 2, 3]);
    x.fill_(7);
    expect(x.sum().itemSync()).toBe(42);
  });

  it('leaves other tensors on the memory alone', () => {
    const x = tensor([1, 2, 3, 4]);
    const view = x.narrow(0, 1, 2);
    x.resize_(5);
    expect(view.toArraySync()).toEqual([2, 3]);
    expect(() => view.resize_(9)).toThrow(ShapeError);
    expect(view.resize_(3).toArraySync()).toEqual([2, 3, 4]);
  });

  it('takes the shape of another tensor', () => {
    expect(tensor([1, 2, 3, 4]).resizeAs_(zeros(2, 2)).shape).toEqual([2, 2]);
  });

  it('refuses negative sizes and tensors that require gradients, and changes nothing then', () => {
    const x = tensor([1, 2]);
    expect(() => x.resize_(-1)).toThrow(ShapeError);
    expect(() => x.requiresGrad_().resize_(1)).toThrow(AutogradError);
    expect(x.toArraySync()).toEqual([1, 2]);
  });
});
