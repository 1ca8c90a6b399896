/** In which order the hooks of nested modules run, as PyTorch's do. */
import '@flambeau/backend-cpu';
import { type Module, ReLU, Sequential } from '@flambeau/nn';
import { ones, type Tensor, tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

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
