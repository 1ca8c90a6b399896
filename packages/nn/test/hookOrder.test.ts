/** In which order the hooks of nested modules run, as PyTorch's do. */
import '@flambeau/backend-cpu';
import {
  Module,
  Parameter,
  ReLU,
  registerModuleForwardHook,
  registerModuleForwardPreHook,
  registerModuleFullBackwardHook,
  registerModuleFullBackwardPreHook,
  Sequential,
} from '@flambeau/nn';
import { ones, type Tensor, tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

class Scale extends Module {
  weight = new Parameter(tensor([2, 3]));
  forward(x: Tensor): Tensor {
    return x.mul(this.weight);
  }
}

const values = (x: unknown): unknown => (x as Tensor | null)?.detach().toArraySync() ?? null;

describe('hooks of nested modules', () => {
  it('run from the outside in before forward, from the inside out after it and in the backward pass', () => {
    const [first, second] = [new ReLU(), new ReLU()];
    const net = new Sequential(first, second);
    const seen: string[] = [];
    for (const [name, module] of Object.entries({ net, first, second }) as [string, Module][]) {
      for (const n of [1, 2]) {
        module.registerForwardPreHook(() => {
          seen.push(`pre ${name} ${n}`);
        });
        module.registerForwardHook(() => {
          seen.push(`forward ${name} ${n}`);
        });
        module.registerFullBackwardHook(() => {
          seen.push(`backward ${name} ${n}`);
        });
      }
    }
    const y = net(tensor([1, -1], { requiresGrad: true }));
    y.registerHook(() => {
      seen.push('tensor');
    });
    y.sum().backward();
    const twice = (...names: string[]): string[] => names.flatMap((name) => [`${name} 1`, `${name} 2`]);
    expect(seen).toEqual([
      ...twice('pre net', 'pre first', 'forward first', 'pre second', 'forward second', 'forward net'),
      'tensor',
      ...twice('backward second', 'backward first', 'backward net'),
    ]);
  });

  it('each see what the one before made of it', () => {
    const relu = new ReLU();
    const seen: unknown[] = [];
    relu.registerForwardPreHook((_, [x]) => (x as Tensor).mul(2));
    relu.registerForwardPreHook((_, [x]) => [(x as Tensor).add(1)]);
    relu.registerForwardHook((_, inputs, output) => {
      seen.push(inputs.map(values), values(output));
      return (output as Tensor).mul(10);
    });
    relu.registerForwardHook((_, __, output) => {
      seen.push(values(output));
    });
    relu.registerFullBackwardHook((_, gradInput, gradOutput) => {
      seen.push(gradInput.map(values), gradOutput.map(values));
      return gradInput.map((g) => g!.mul(3));
    });
    relu.registerFullBackwardHook((_, gradInput) => {
      seen.push(gradInput.map(values));
    });
    const x = tensor([1, -4], { requiresGrad: true });
    relu(x).backward(ones(2));
    // The forward hooks' change is part of what the backward hooks see as the module.
    expect(seen).toEqual([[[3, -7]], [3, 0], [30, 0], [[10, 0]], [[1, 1]], [[30, 0]]]);
    expect(values(x.grad)).toEqual([60, 0]);
  });

  it('make results that may not be changed in place, as in PyTorch', () => {
    const relu = new ReLU();
    relu.registerFullBackwardHook(() => undefined);
    const y = relu(tensor([1], { requiresGrad: true }));
    expect(y.gradFn!.name).toBe('BackwardHookFunctionBackward');
    expect(() => y.add_(1)).toThrow(/inside a custom Function/);
  });
});

describe('hooks before the backward pass', () => {
  it('change the gradients of the outputs, in order, before the others see them', () => {
    const relu = new ReLU();
    const seen: unknown[] = [];
    relu.registerFullBackwardPreHook((_, [g]) => [g!.mul(2)]);
    const handle = relu.registerFullBackwardPreHook((module, grads) => {
      seen.push(module === relu, grads.map(values));
      return [grads[0]!.add(1)];
    });
    relu.registerFullBackwardHook((_, gradInput, gradOutput) => {
      seen.push(gradInput.map(values), gradOutput.map(values));
    });
    const x = tensor([1, -4], { requiresGrad: true });
    relu(x).backward(tensor([10, 20]));
    expect(seen).toEqual([true, [[20, 40]], [[21, 0]], [[21, 41]]]);
    expect(values(x.grad)).toEqual([21, 0]);
    handle.remove();
    x.grad = null;
    relu(x).backward(tensor([10, 20]));
    expect(values(x.grad)).toEqual([20, 0]);
  });

  it('work alone, without differentiable inputs, and refuse another number', () => {
    const scale = new Scale();
    scale.registerFullBackwardPreHook((_, [g]) => [g!.mul(5)]);
    scale(ones(2)).sum().backward();
    expect(values(scale.weight.grad)).toEqual([5, 5]);
    scale.registerFullBackwardPreHook(() => []);
    expect(() => scale(ones(2)).sum().backward()).toThrow(
      'full backward pre-hook of Scale: returned 0 gradients for 1 outputs',
    );
  });
});

describe('hooks of all modules', () => {
  it('run before those of the module itself, until they are removed', () => {
    const net = new Sequential(new ReLU());
    const seen: string[] = [];
    const note = (what: string) => (module: Module) => {
      seen.push(`${what} ${module.constructor.name}`);
    };
    net.registerForwardPreHook(note('own pre'));
    net.registerForwardHook(note('own forward'));
    net.registerFullBackwardPreHook(note('own backward pre'));
    net.registerFullBackwardHook(note('own backward'));
    const handles = [
      registerModuleForwardPreHook(note('pre')),
      registerModuleForwardHook(note('forward')),
      registerModuleFullBackwardPreHook(note('backward pre')),
      registerModuleFullBackwardHook(note('backward')),
    ];
    const x = tensor([1, -1], { requiresGrad: true });
    net(x).sum().backward();
    const both = (what: string) => [`${what} Sequential`, `own ${what} Sequential`];
    expect(seen).toEqual([
      ...[...both('pre'), 'pre ReLU', 'forward ReLU', ...both('forward')],
      ...[...both('backward pre'), 'backward pre ReLU', 'backward ReLU', ...both('backward')],
    ]);
    for (const handle of handles) handle.remove();
    seen.length = 0;
    net(x).sum().backward();
    expect(seen).toEqual(['pre', 'forward', 'backward pre', 'backward'].map((what) => `own ${what} Sequential`));
  });

  it('change inputs, outputs and gradients; a handle removes its own hook only, however often', () => {
    const [relu, x] = [new ReLU(), tensor([1, -4], { requiresGrad: true })];
    const first = registerModuleForwardPreHook((_, [value]) => (value as Tensor).mul(2));
    const second = registerModuleForwardHook((_, __, output) => (output as Tensor).add(1));
    expect(values(relu(x))).toEqual([3, 1]);
    first.remove();
    first.remove();
    expect(values(relu(x))).toEqual([2, 1]);
    second.remove();
    const third = registerModuleFullBackwardHook((_, [g]) => [g!.mul(7)]);
    second.remove();
    relu(x).sum().backward();
    expect(values(x.grad)).toEqual([7, 0]);
    third.remove();
    expect(relu(x).gradFn!.name).toBe('ReluBackward0');
  });
});
