/** Changes of shape in place, with the histories they leave. */
import '@flambeau/backend-cpu';
import '@flambeau/autograd';
import { AutogradError, arange, noGrad, type Tensor, tensor, zeros } from '@flambeau/tensor';
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

describe('views that PyTorch lets nobody change where that is recorded', () => {
  const base = (): Tensor => arange(6).view(2, 3).to('float32').requiresGrad_().mul(1);

  it('are those of functions with several results', () => {
    const several: ((x: Tensor) => Tensor[])[] = [
      (x) => x.unbind(),
      (x) => x.split(1),
      (x) => x.split([1, 1]),
      (x) => x.chunk(2),
      (x) => [...x],
      (x) => x.unbind()[0]!.split(2),
    ];
    for (const views of several) {
      const y = base();
      const before = values(y);
      expect(() => views(y)[0]!.add_(1)).toThrow(/function that returns multiple views/);
      expect(() => views(y)[0]!.view(-1).copy_(views(base())[0]!.view(-1))).toThrow(AutogradError);
      expect(values(y)).toEqual(before);
    }
    expect(() => base().unbind()[1]!.zero_()).toThrow(/output 1 of UnbindBackward0/);
  });

  it('may be changed where nothing is recorded, and cut by index', () => {
    const plain = zeros(2, 2);
    plain.unbind()[0]!.add_(1);
    expect(values(plain)).toEqual([
      [1, 1],
      [0, 0],
    ]);
    expect(() => plain.unbind()[0]!.add_(base().narrow(1, 0, 2).select(0, 0))).toThrow(/multiple views/);
    const y = base();
    noGrad(() => y.unbind()[0]!.add_(1));
    y.tensorSplit(2)[0]!.mul_(5);
    y.select(0, 1).mul_(2);
    expect(y.gradFn!.name).toBe('CopySlices');
  });

  it('are those made in noGrad', () => {
    const y = base();
    const view = noGrad(() => y.view(-1));
    expect(() => view.add_(base().view(-1))).toThrow(/created in noGrad mode/);
    noGrad(() => view.add_(base().view(-1)));
    view.add_(1);
    expect(values(y)).toEqual([
      [1, 3, 5],
      [7, 9, 11],
    ]);
  });
});

describe('names and edges after changes in place', () => {
  const names = (x: Tensor): unknown => [
    x.gradFn!.name,
    ...x.gradFn!.nextFunctions.map(([node]) => node?.name ?? null),
  ];

  it('are as PyTorch shows them', () => {
    const x = arange(4).to('float32').requiresGrad_();
    expect(names(zeros(4).copy_(x))).toEqual(['CopyBackwards', null, 'AccumulateGrad']);
    const store = zeros(2, 4);
    store.select(0, 1).copy_(x);
    expect(names(store)).toEqual(['CopySlices', null, 'AccumulateGrad']);
    const y = x.mul(1);
    const first = y.narrow(0, 0, 2);
    first.mul_(x.narrow(0, 2, 2));
    expect(names(y)).toEqual(['CopySlices', 'MulBackward0', 'SliceBackward0']);
    expect(names(first)).toEqual(['AsStridedBackward0', 'CopySlices']);
    y.sum().backward();
    expect(values(x.grad!)).toEqual([2, 3, 1, 2]);
  });

  it('gradients of copy_ are summed over what was broadcast, and cast', () => {
    const x = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
    const y = zeros(3, 2).copy_(x);
    y.mul(arange(6).view(3, 2)).sum().backward();
    expect([values(x.grad!), x.grad!.dtype]).toEqual([[6, 9], 'float64']);
  });
});
