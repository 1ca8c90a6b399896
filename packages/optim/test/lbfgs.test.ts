import '@flambeau/backend-cpu';
import '@flambeau/autograd';
import { Linear } from '@flambeau/nn';
import { type Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { LBFGS, swaUtils } from '../src/index.ts';

/** Rosenbrock's function, least at (1, 1). */
const rosenbrock = (x: Tensor): Tensor => {
  const [a, b] = x.unbind() as [Tensor, Tensor];
  return b.sub(a.square()).square().mul(100).add(a.rsub(1).square());
};

describe('LBFGS', () => {
  it('finds the bottom of a curved valley', () => {
    const x = tensor([-1.2, 1], { dtype: 'float64', requiresGrad: true });
    const optimizer = new LBFGS([x], { lineSearchFn: 'strong_wolfe', maxIter: 60 });
    const first = optimizer.step(() => {
      optimizer.zeroGrad();
      const loss = rosenbrock(x);
      loss.backward();
      return loss;
    });
    expect(first.itemSync()).toBeCloseTo(24.2, 6);
    for (const value of x.detach().toTypedArraySync()) expect(Number(value)).toBeCloseTo(1, 3);
  });

  it('takes the same steps with an asynchronous closure', async () => {
    const minimize = async (later: boolean): Promise<number[]> => {
      const x = tensor([-1.2, 1], { dtype: 'float64', requiresGrad: true });
      const optimizer = new LBFGS([x], { lineSearchFn: 'strong_wolfe' });
      const closure = (): Tensor => {
        optimizer.zeroGrad();
        const loss = rosenbrock(x);
        loss.backward();
        return loss;
      };
      const losses: number[] = [];
      for (let step = 0; step < 3; step++)
        losses.push(
          (await optimizer.step<Tensor | Promise<Tensor>>(later ? async () => closure() : closure)).itemSync(),
        );
      return [...losses, ...(x.detach().toArraySync() as number[])];
    };
    expect(await minimize(true)).toEqual(await minimize(false));
  });

  it('needs a closure and one group', () => {
    const x = zeros(2, { requiresGrad: true });
    const optimizer = new LBFGS([x]);
    expect(() => optimizer.step()).toThrow(/closure/);
    expect(() => new LBFGS([{ params: [x] }, { params: [zeros(1, { requiresGrad: true })] }])).toThrow(/one group/);
    expect(() => new LBFGS([x], { lineSearchFn: 'armijo' as never })).toThrow(RangeError);
  });
});

describe('AveragedModel', () => {
  it('averages parameters, and goes on from its state', () => {
    const net = new Linear(1, 1);
    const average = new swaUtils.AveragedModel(net);
    for (const value of [1, 2, 6]) {
      net.weight.data.fill_(value);
      average.updateParameters(net);
    }
    expect(average.module.weight.itemSync()).toBe(3);
    expect(net.weight.itemSync()).toBe(6);
    expect([...average.stateDict().keys()]).toEqual(['n_averaged', 'module.weight', 'module.bias']);
    const resumed = new swaUtils.AveragedModel(net);
    resumed.loadStateDict(average.stateDict());
    net.weight.data.fill_(7);
    resumed.updateParameters(net);
    expect(resumed.module.weight.itemSync()).toBe(4);
    expect(resumed(tensor([[2]])).shape).toEqual([1, 1]);
  });

  it('may forget exponentially', () => {
    const net = new Linear(1, 1, { bias: false });
    const average = new swaUtils.AveragedModel(net, { avgFn: swaUtils.getEmaAvgFn(0.5) });
    for (const value of [4, 0]) {
      net.weight.data.fill_(value);
      average.updateParameters(net);
    }
    expect(average.module.weight.itemSync()).toBe(2);
  });
});
