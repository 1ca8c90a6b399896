/** Changes of shape in place, with the histories they leave. */
import '@flambeau/backend-cpu';
import '@flambeau/autograd';
import { AutogradError, arange, noGrad, type Tensor, tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor): unknown => x.detach().toArraySync();

describe('in-place views', () => {
  it('give the tensor itself another shape', () => {
    const x = arange(6).view(2, 3).clone();
    expect(x.transpose_(0, 1)).toBe(x);
    expect(x.shape).toEqual([3, 2]);
    expect(x.isContiguous()).toBe(false);
    expect(values(x)).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
    expect(x.t_().isContiguous()).toBe(true);
    expect(x.unsqueeze_(0).unsqueeze_(-1).shape).toEqual([1, 2, 3, 1]);
    expect(x.squeeze_(0).shape).toEqual([2, 3, 1]);
    expect(x.squeeze_().shape).toEqual([2, 3]);
    expect(x.swapdims_(0, 1).swapaxes_(0, 1).asStrided_([2], [3], 1).shape).toEqual([2]);
    expect(values(x)).toEqual([1, 4]);
  });

  it('leave other tensors on the memory alone', () => {
    const x = arange(6).view(2, 3).clone();
    const row = x.select(0, 1);
    x.t_().set(['...', 1], 9);
    expect(values(row)).toEqual([9, 9, 9]);
    expect(row.shape).toEqual([3]);
  });

  it('are recorded', () => {
    const x = arange(6).view(2, 3).to('float32').requiresGrad_();
    const y = x.mul(2);
    y.t_().unsqueeze_(0);
    expect(y.gradFn!.name).toBe('UnsqueezeBackward0');
    y.mul(
      tensor([
        [
          [1, 10],
          [2, 20],
          [3, 30],
        ],
      ]),
    )
      .sum()
      .backward();
    expect(values(x.grad!)).toEqual([
      [2, 4, 6],
      [20, 40, 60],
    ]);
  });

  it('are recorded for views, and for views of what they changed', () => {
    const x = arange(6).view(2, 3).to('float32').requiresGrad_();
    const y = x.mul(1);
    const rows = y.narrow(0, 0, 1);
    rows.t_();
    rows.mul_(5);
    expect(rows.shape).toEqual([3, 1]);
    y.sum().backward();
    expect(values(x.grad!)).toEqual([
      [5, 5, 5],
      [1, 1, 1],
    ]);
    const z = x.detach().requiresGrad_();
    const w = z.mul(1);
    const last = w.select(1, 2);
    w.t_();
    w.mul_(3);
    last.sum().backward();
    expect(values(z.grad!)).toEqual([
      [0, 0, 3],
      [0, 0, 3],
    ]);
  });

  it('are refused for leaves that require gradients, but inside noGrad', () => {
    const x = arange(6).view(2, 3).to('float32').requiresGrad_();
    expect(() => x.t_()).toThrow(AutogradError);
    expect(x.shape).toEqual([2, 3]);
    noGrad(() => x.t_());
    expect(x.shape).toEqual([3, 2]);
    expect(x.isLeaf && x.requiresGrad).toBe(true);
  });

  it('keep the tensor when the arguments are wrong', () => {
    const x = arange(6).view(2, 3).clone();
    expect(() => x.transpose_(0, 2)).toThrow();
    expect(() => x.unsqueeze_(5)).toThrow();
    expect(() => x.asStrided_([7], [1])).toThrow();
    expect(x.shape).toEqual([2, 3]);
  });
});
