/** What a Function says about its arguments and results: markDirty and its kin, onceDifferentiable, checks of gradients. */
import '@flambeau/backend-cpu';
import { Function as AutogradFunction, type FunctionContext, grad, onceDifferentiable } from '@flambeau/autograd';
import { AutogradError, ones, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor | null | undefined): unknown => x?.detach().toArraySync() ?? null;
const leaf = (data: number[]): Tensor => tensor(data, { requiresGrad: true });

class DoubleInPlace extends AutogradFunction {
  static override forward(ctx: FunctionContext, x: Tensor): Tensor {
    ctx.markDirty(x);
    return x.mul_(2);
  }
  static override backward(_: FunctionContext, g: Tensor): Tensor {
    return g.mul(2);
  }
}

/** A function whose backward returns what it is told. */
const returning = (result: (g: Tensor) => unknown): typeof AutogradFunction =>
  class Returning extends AutogradFunction {
    static override forward(_: FunctionContext, ...args: unknown[]): Tensor {
      return (args[0] as Tensor).clone();
    }
    static override backward(_: FunctionContext, g: Tensor): Tensor {
      return result(g) as Tensor;
    }
  };

describe('markDirty', () => {
  it('gives the changed tensor the history of the function', () => {
    const x = leaf([1, 2]);
    const y = x.mul(3);
    const z = DoubleInPlace.apply(y);
    expect(z).toBe(y);
    expect([values(y), y.gradFn!.name]).toEqual([[6, 12], 'DoubleInPlaceBackward']);
    expect(y.gradFn!.nextFunctions.map(([node]) => node?.name)).toEqual(['MulBackward0']);
    z.sum().backward();
    expect(values(x.grad)).toEqual([6, 6]);
  });

  it('through a view changes the history of the base', () => {
    const x = leaf([1, 2, 3]);
    const y = x.mul(1);
    DoubleInPlace.apply(y.narrow(0, 0, 2));
    expect(y.gradFn!.name).toBe('CopySlices');
    y.sum().backward();
    expect(values(x.grad)).toEqual([2, 2, 1]);
  });

  it('is refused on leaves, and for tensors that are not returned', () => {
    expect(() => DoubleInPlace.apply(leaf([1]))).toThrow(/a leaf tensor that requires grad/);
    expect(values(DoubleInPlace.apply(tensor([1])))).toEqual([2]);
    class Forgetful extends AutogradFunction {
      static override forward(ctx: FunctionContext, x: Tensor): Tensor {
        ctx.markDirty(x);
        return x.mul(2);
      }
    }
    expect(() => Forgetful.apply(leaf([1]).mul(1))).toThrow(/must return all of them/);
  });

  it('makes changes of what was saved before an error', () => {
    const x = leaf([1]);
    const y = x.mul(1);
    const z = y.mul(y);
    DoubleInPlace.apply(y);
    expect(() => z.sum().backward()).toThrow(/changed by an in-place operation/);
  });
});

describe('other marks', () => {
  it('say which results have no gradient, and whether missing ones are zeros', () => {
    const seen: unknown[] = [];
    class Sorted extends AutogradFunction {
      static override forward(ctx: FunctionContext, x: Tensor, materialize: boolean): [Tensor, Tensor, Tensor] {
        const [sorted, order] = x.sort();
        ctx.markNonDifferentiable(order);
        ctx.setMaterializeGrads(materialize);
        ctx.order = order;
        return [sorted, order, x.mul(2)];
      }
      static override backward(_: FunctionContext, ...grads: (Tensor | null)[]): (Tensor | null)[] {
        seen.push(grads.map(values));
        return [grads[0]!, null];
      }
    }
    const x = leaf([3, 1]);
    const [sorted, order, double] = Sorted.apply<[Tensor, Tensor, Tensor]>(x, true);
    expect([sorted.requiresGrad, order.requiresGrad, double.requiresGrad]).toEqual([true, false, true]);
    sorted.sum().backward();
    Sorted.apply<[Tensor]>(x, false)[0].sum().backward();
    expect(seen).toEqual([
      [
        [1, 1],
        [0, 0],
        [0, 0],
      ],
      [[1, 1], null, null],
    ]);
  });

  it('needsInputGrad tells which arguments want a gradient', () => {
    const seen: unknown[] = [];
    class Product extends AutogradFunction {
      static override forward(ctx: FunctionContext, a: Tensor, b: Tensor, factor: number): Tensor {
        seen.push(ctx.needsInputGrad);
        ctx.saveForBackward(a, b);
        ctx.factor = factor;
        return a.mul(b).mul(factor);
      }
      static override backward(ctx: FunctionContext, g: Tensor): (Tensor | null)[] {
        const [a, b] = ctx.savedTensors as [Tensor, Tensor];
        seen.push(ctx.needsInputGrad);
        const scaled = g.mul(ctx.factor as number);
        return [ctx.needsInputGrad[0] ? scaled.mul(b) : null, ctx.needsInputGrad[1] ? scaled.mul(a) : null, null];
      }
    }
    const [a, b] = [leaf([2]), tensor([3])];
    const y = Product.apply(a, b, 10);
    y.sum().backward();
    expect(seen).toEqual([
      [true, false, false],
      [true, false, false],
    ]);
    expect(values(a.grad)).toEqual([30]);
    expect(y.gradFn!.nextFunctions.map(([node]) => node?.name ?? null)).toEqual(['AccumulateGrad', null]);
  });

  it('an argument returned as it is becomes a tensor that may not be changed in place', () => {
    class Same extends AutogradFunction {
      static override forward(_: FunctionContext, x: Tensor): Tensor {
        return x;
      }
      static override backward(_: FunctionContext, g: Tensor): Tensor {
        return g.mul(7);
      }
    }
    const x = leaf([1, 2]);
    const y = Same.apply(x);
    expect(y === x).toBe(false);
    expect(() => y.add_(1)).toThrow(/inside a custom Function/);
    y.sum().backward();
    expect(values(x.grad)).toEqual([7, 7]);
  });
});

describe('onceDifferentiable', () => {
  class Cube extends AutogradFunction {
    static override forward(ctx: FunctionContext, x: Tensor): Tensor {
      ctx.saveForBackward(x);
      return x.pow(3);
    }
    static override backward = onceDifferentiable((ctx: FunctionContext, g: Tensor) =>
      ctx.savedTensors[0]!.pow(2).mul(3).mul(g),
    );
  }

  it('gives first derivatives, and refuses second ones', () => {
    const x = leaf([2]);
    Cube.apply(x).sum().backward();
    expect(values(x.grad)).toEqual([12]);
    const [first] = grad(Cube.apply(x).pow(2).sum(), x, { createGraph: true });
    expect(values(first)).toEqual([192]);
    expect(() => grad(first!.sum(), x)).toThrow(/differentiate twice/);
    const [bare] = grad(Cube.apply(x).sum(), x, { createGraph: true });
    expect(() => grad(bare!.sum(), x)).toThrow(AutogradError);
  });
});

describe('gradients that backward returns', () => {
  const back = (result: (g: Tensor) => unknown, ...args: unknown[]): void =>
    returning(result)
      .apply(...args)
      .backward(ones(2));
  const x = leaf([1, 2]);

  it('must be one for each argument', () => {
    expect(() => back((g) => g, x, 5)).toThrow(/incorrect number of gradients: expected 2.*got 1/);
    expect(() => back((g) => [g, g], x)).toThrow(/expected 1.*got 2/);
    expect(() => back((g) => [g, g], x, 5)).toThrow(/argument 1 of forward\(\) was no tensor/);
    expect(() => back((g) => [g, 3], x, zeros(2))).toThrow(/gradient 1 is no tensor but a number/);
    back((g) => [g, null, null], x, 5);
    back((g) => [g, g], x, zeros(2));
  });

  it('must fit: shapes that broadcasting made are summed, others refused', () => {
    expect(() => back(() => ones(3), x)).toThrow(/got shape \[3\], expected one compatible with \[2\]/);
    expect(() => back(() => ones([]), x)).toThrow(/got shape \[\], expected one compatible with \[2\]/);
    x.grad = null;
    back(() => ones(4, 2, { dtype: 'float64' }), x);
    expect([values(x.grad), x.grad!.dtype]).toEqual([[4, 4], 'float32']);
  });
});
