/** functionalCall, RMSNorm and the newer paddings, against independent computations. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { cat, functional as F, manualSeed, randn, ShapeError, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from '../src/index.ts';

const { functionalCall } = nn.utils.stateless;

describe('functionalCall', () => {
  it('uses other tensors, and leaves the module as it was', () => {
    const net = new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm1d(2).eval());
    const [weight] = net.parameters();
    const other = tensor([
      [1, 2],
      [3, 4],
    ]).requiresGrad_();
    const out = functionalCall(net, { '0.weight': other, '0.bias': zeros(2) }, tensor([[1, 1]]));
    expect(
      out
        .detach()
        .div(1 / Math.sqrt(1 + 1e-5))
        .round()
        .toArraySync(),
    ).toEqual([[3, 7]]);
    out.sum().backward();
    expect(other.grad).not.toBeNull();
    expect(weight!.grad).toBeNull();
    expect(net.parameters()[0]).toBe(weight);
  });

  it('puts everything back when the call fails', () => {
    const net = new nn.Linear(2, 2);
    const { weight } = net;
    expect(() => functionalCall(net, { weight: zeros(3, 3) }, [zeros(1, 2)])).toThrow(ShapeError);
    expect(net.weight).toBe(weight);
    expect(() => functionalCall(net, { wait: zeros(1) }, zeros(1, 2))).toThrow("no parameter or buffer 'wait'");
  });

  it('reaches into lists of parameters', () => {
    class Scale extends nn.Module {
      factors = new nn.ParameterList([new nn.Parameter(tensor([2]))]);
      forward(x: Tensor): Tensor {
        return x.mul(this.factors.at(0));
      }
    }
    const net = new Scale();
    expect(functionalCall(net, new Map([['factors.0', tensor([5])]]), [tensor([1])]).toArraySync()).toEqual([5]);
    expect(net(tensor([1])).toArraySync()).toEqual([2]);
  });
});

describe('RMSNorm', () => {
  it('divides by the root mean square', () => {
    const layer = new nn.RMSNorm(2, { eps: 0 });
    const out = layer(tensor([[3, 4]], { dtype: 'float32' })).toArraySync() as number[][];
    expect(out[0]![0]).toBeCloseTo(3 / Math.sqrt(12.5), 6);
    expect(out[0]![1]).toBeCloseTo(4 / Math.sqrt(12.5), 6);
    expect(String(new nn.RMSNorm([2, 3], { elementwiseAffine: false }))).toBe(
      'RMSNorm((2, 3), eps=None, elementwise_affine=False)',
    );
    expect([...layer.stateDict().keys()]).toEqual(['weight']);
    expect(() => layer(zeros(3))).toThrow(ShapeError);
  });

  it('adds the machine epsilon of its input by default, and computes 16-bit inputs in float32', () => {
    // √(0 + 2⁻²³) at 0, where the derivative is 1 / √eps.
    const x = zeros(2).requiresGrad_();
    F.rmsNorm(x, 2).sum().backward();
    expect((x.grad!.toArraySync() as number[])[0]! / 2 ** 11.5).toBeCloseTo(1, 5);
    manualSeed(0);
    const half = randn(3, 8).mul(300).to('float16');
    const wide = F.rmsNorm(half.to('float32'), 8, { eps: 2 ** -10 });
    expect(F.rmsNorm(half, 8).toArraySync()).toEqual(wide.to('float16').toArraySync());
  });
});

describe('paddings', () => {
  it('go round, or are zeros', () => {
    const x = tensor([[[1, 2, 3]]]);
    expect(new nn.CircularPad1d([1, 2])(x).toArraySync()).toEqual([[[3, 1, 2, 3, 1, 2]]]);
    expect(new nn.ZeroPad1d([1, 0])(x).toArraySync()).toEqual([[[0, 1, 2, 3]]]);
    const square = randn(1, 1, 2, 2);
    const rows = cat([square, square, square], 2).narrow(2, 1, 4);
    const both = cat([rows, rows, rows], 3).narrow(3, 1, 4);
    expect(new nn.CircularPad2d(1)(square).toArraySync()).toEqual(both.toArraySync());
    expect(String(new nn.CircularPad3d(1))).toBe('CircularPad3d((1, 1, 1, 1, 1, 1))');
    expect(new nn.ZeroPad3d(1)(zeros(1, 1, 1, 1, 1)).shape).toEqual([1, 1, 3, 3, 3]);
  });
});
