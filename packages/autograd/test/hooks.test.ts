/** Hooks on tensors and on graph nodes: order, replacement, removal. */
import '@flambeau/backend-cpu';
import { grad } from '@flambeau/autograd';
import { AutogradError, ones, type Tensor, tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor | null | undefined): unknown => x?.detach().toArraySync() ?? null;
const leaf = (data: number[]): Tensor => tensor(data, { requiresGrad: true });

describe('hooks on tensors', () => {
  it('run in order of registration, each on what the one before returned', () => {
    const x = leaf([1]);
    const seen: unknown[] = [];
    const note =
      (name: string, factor?: number) =>
      (g: Tensor): Tensor | undefined => {
        seen.push(name, values(g));
        return factor === undefined ? undefined : g.mul(factor);
      };
    const y = x.mul(2);
    y.registerHook(note('first', 10));
    const second = y.registerHook(note('second', 3));
    y.registerHook(note('third'));
    y.sum().backward(null, { retainGraph: true });
    expect(seen).toEqual(['first', [1], 'second', [10], 'third', [30]]);
    expect(values(x.grad)).toEqual([60]);
    second.remove();
    second.remove();
    seen.length = 0;
    y.sum().backward();
    expect(seen).toEqual(['first', [1], 'third', [10]]);
  });

  it('run once on the sum over all uses, before it is added to a leaf', () => {
    const x = leaf([3]);
    const calls: unknown[] = [];
    x.registerHook((g) => {
      calls.push(values(g));
      return g.mul(2);
    });
    x.mul(x).add(x).sum().backward();
    expect(calls).toEqual([[7]]);
    expect(values(x.grad)).toEqual([14]);
  });

  it('may be the same function twice', () => {
    const x = leaf([1]);
    const double = (g: Tensor): Tensor => g.mul(2);
    const handle = x.registerHook(double);
    x.registerHook(double);
    x.sum().backward();
    expect(values(x.grad)).toEqual([4]);
    handle.remove();
    x.grad = null;
    x.sum().backward();
    expect(values(x.grad)).toEqual([2]);
  });

  it('come before what retainGrad and grad() keep, whatever was first', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    y.retainGrad();
    y.registerHook((g) => g.mul(5));
    const [gy] = grad(y.sum(), [y], { retainGraph: true });
    y.grad = null;
    y.sum().backward();
    expect([values(gy), values(y.grad), values(x.grad)]).toEqual([
      [5, 5],
      [5, 5],
      [10, 10],
    ]);
  });

  it('may not change shape, dtype or kind', () => {
    for (const bad of [(g: Tensor) => g.sum(), (g: Tensor) => g.double(), () => 1 as unknown as Tensor]) {
      const y = leaf([1, 2]).mul(2);
      y.registerHook(bad);
      expect(() => y.sum().backward()).toThrow(AutogradError);
    }
    expect(() => tensor([1]).registerHook((g) => g)).toThrow(/does not require grad/);
  });
});

describe('retainGrad', () => {
  it('accumulates, does nothing on leaves, and refuses constants', () => {
    const x = leaf([1, 2]);
    x.retainGrad();
    const y = x.mul(3);
    y.retainGrad();
    y.retainGrad();
    y.sum().backward(null, { retainGraph: true });
    y.sum().backward();
    expect([values(y.grad), values(x.grad)]).toEqual([
      [2, 2],
      [6, 6],
    ]);
    expect(() => tensor([1]).retainGrad()).toThrow(AutogradError);
  });

  it('is about the newest values of a tensor that was changed in place', () => {
    const x = leaf([1, 2]);
    const y = x.mul(1);
    y.retainGrad();
    y.mul_(10);
    y.mul(y).sum().backward();
    expect(values(y.grad)).toEqual([20, 40]);
    expect(values(x.grad)).toEqual([200, 400]);
  });
});

describe('hooks on nodes', () => {
  it('see what comes in and what goes out, and replace it', () => {
    const x = leaf([2]);
    const y = x.mul(3);
    const seen: unknown[] = [];
    const node = y.gradFn!;
    node.registerPrehook((gradOutputs) => {
      seen.push('before', gradOutputs.map(values));
      return [gradOutputs[0]!.mul(2)];
    });
    node.registerHook((gradInputs, gradOutputs) => {
      seen.push('after', gradInputs.map(values), gradOutputs.map(values));
      return [gradInputs[0]!.add(1), null];
    });
    y.registerHook((g) => {
      seen.push('tensor', values(g));
    });
    y.backward(ones(1));
    expect(seen).toEqual(['tensor', [1], 'before', [[1]], 'after', [[6], null], [[2]]]);
    expect(values(x.grad)).toEqual([7]);
  });

  it('on the node of a leaf run around the accumulation', () => {
    const x = leaf([2]);
    const y = x.mul(3);
    const [accumulate] = y.gradFn!.nextFunctions[0]!;
    expect(accumulate!.name).toBe('AccumulateGrad');
    const seen: unknown[] = [];
    accumulate!.registerPrehook(() => {
      seen.push('before', values(x.grad));
    });
    const handle = accumulate!.registerHook((gradInputs, gradOutputs) => {
      seen.push('after', gradInputs.length, gradOutputs.map(values), values(x.grad));
    });
    y.sum().backward(null, { retainGraph: true });
    handle.remove();
    y.sum().backward();
    expect(seen).toEqual(['before', null, 'after', 0, [[3]], [3], 'before', [3]]);
  });

  it('must return as many gradients, of the same kind', () => {
    const y = leaf([2]).mul(3);
    const handle = y.gradFn!.registerHook(() => [null]);
    expect(() => y.sum().backward(null, { retainGraph: true })).toThrow(/returned 1 gradients for 2/);
    handle.remove();
    y.gradFn!.registerPrehook(([g]) => [g!.expand(2)]);
    expect(() => y.sum().backward()).toThrow(/changed the gradient/);
  });

  it('take part in second derivatives', () => {
    const x = leaf([3]);
    const y = x.pow(2);
    y.registerHook((g) => g.mul(x));
    const [first] = grad(y.sum(), x, { createGraph: true });
    const [second] = grad(first!.sum(), x);
    expect([values(first), values(second)]).toEqual([[18], [12]]);
  });
});
