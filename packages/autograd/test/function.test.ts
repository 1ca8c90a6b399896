import '@flambeau/backend-cpu';
// biome-ignore lint/suspicious/noShadowRestrictedNames: PyTorch's name.
import { Function, type FunctionContext, grad, gradcheck, gradgradcheck } from '@flambeau/autograd';
import { AutogradError, ones, type Tensor, tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

class Cube extends Function {
  static override forward(ctx: FunctionContext, x: Tensor): Tensor {
    ctx.saveForBackward(x);
    ctx.factor = 3;
    return x.pow(3);
  }

  static override backward(ctx: FunctionContext, g: Tensor): Tensor {
    const [x] = ctx.savedTensors as [Tensor];
    return x
      .pow(2)
      .mul(ctx.factor as number)
      .mul(g);
  }
}

class Split extends Function {
  static override forward(ctx: FunctionContext, x: Tensor, scale: number): readonly Tensor[] {
    ctx.scale = scale;
    return [x.mul(scale), x.detach().clone()];
  }

  static override backward(ctx: FunctionContext, first: Tensor, second: Tensor): readonly (Tensor | null)[] {
    return [first.mul(ctx.scale as number).add(second), null];
  }
}

const x64 = (data: number[]): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true });

describe('Function', () => {
  it('records its own derivative, also unbound', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const cube = Cube.apply;
    const y = cube(x);
    expect(y.gradFn?.name).toBe('CubeBackward');
    y.sum().backward();
    expect(x.grad!.toArraySync()).toEqual([3, 12]);
  });

  it('differentiates its backward', async () => {
    expect(await gradcheck(Cube.apply, [x64([0.5, -1.5])])).toBe(true);
    expect(await gradgradcheck(Cube.apply, [x64([0.5, -1.5])])).toBe(true);
  });

  it('takes other arguments, gives several outputs, and fills in missing gradients', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const [scaled] = Split.apply<[Tensor, Tensor]>(x, 4);
    scaled.sum().backward();
    expect(x.grad!.toArraySync()).toEqual([4, 4]);
  });

  it('refuses saved tensors that changed, and a freed graph', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const input = x.mul(1);
    const y = Cube.apply(input);
    input.add_(1);
    expect(() => y.sum().backward()).toThrow(AutogradError);
    const z = Cube.apply(x).sum();
    z.backward();
    expect(() => z.backward()).toThrow(/retainGraph/);
  });

  it('complains about too few gradients', () => {
    class Poor extends Function {
      static override forward(_: FunctionContext, a: Tensor, b: Tensor): Tensor {
        return a.add(b);
      }
      static override backward(_: FunctionContext, g: Tensor): Tensor {
        return g;
      }
    }
    const [a, b] = [tensor([1], { requiresGrad: true }), tensor([1], { requiresGrad: true })];
    expect(() => Poor.apply(a, b).backward(ones(1))).toThrow(/expected 2, .* got 1/);
  });
});

describe('gradcheck', () => {
  it('passes right derivatives and names wrong ones', async () => {
    const x = x64([0.3, 1.2, -0.7]);
    expect(await gradcheck((a) => a!.sin().mul(a!.exp()), [x])).toBe(true);
    expect(await gradgradcheck((a) => a!.sin().mul(a!.exp()), [x])).toBe(true);
    class Wrong extends Cube {
      static override backward(_: FunctionContext, g: Tensor): Tensor {
        return g;
      }
    }
    await expect(gradcheck(Wrong.apply, [x])).rejects.toThrow(/finite differences give/);
    expect(await gradcheck(Wrong.apply, [x], { raiseException: false })).toBe(false);
  });

  it('covers broadcast products', async () => {
    const [a, b] = [x64([1, 2, 3]).view(3, 1).detach().requiresGrad_(), x64([0.5, -2])];
    expect(await gradcheck((p, q) => p!.mul(q!).div(q!.add(3)), [a, b])).toBe(true);
    expect(grad(a.mul(b).sum(), [a, b]).map((g) => g.shape)).toEqual([[3, 1], [2]]);
  });
});
