import '@flambeau/backend-cpu';
import { SGD } from '@flambeau/optim';
import { FlambeauError, ones, ShapeError, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { Linear, utils } from '../src/index.ts';

const withGrad = (...values: number[]) => {
  const parameter = zeros(values.length).requiresGrad_();
  parameter.grad = tensor(values);
  return parameter;
};

describe('clipping', () => {
  it('scales gradients to a norm', () => {
    const [a, b] = [withGrad(3), withGrad(0, 4)];
    expect(utils.clipGradNorm_([a, b, zeros(1).requiresGrad_()], 1).itemSync()).toBe(5);
    expect(a.grad!.itemSync()).toBeCloseTo(0.6, 5);
    expect(b.grad!.toTypedArraySync()[1]).toBeCloseTo(0.8, 5);
    expect(utils.clipGradNorm_([a, b], { maxNorm: 10, normType: Infinity }).itemSync()).toBeCloseTo(0.8, 5);
    expect(utils.clipGradNorm_([], 1).itemSync()).toBe(0);
  });

  it('may refuse norms that are not finite, and leaves gradients alone then', () => {
    const a = withGrad(1, Number.NaN);
    expect(() => utils.clipGradNorm_(a, 1, { errorIfNonfinite: true })).toThrow(FlambeauError);
    expect(a.grad!.toArraySync()).toEqual([1, Number.NaN]);
  });

  it('clamps values', () => {
    const a = withGrad(-3, 0.5, 2);
    utils.clipGradValue_(a, 1);
    expect(a.grad!.toArraySync()).toEqual([-1, 0.5, 1]);
  });
});

describe('parameters as a vector', () => {
  it('go there and back', () => {
    const net = new Linear(2, 1);
    const vector = utils.parametersToVector(net.parameters());
    expect(vector.shape).toEqual([3]);
    utils.vectorToParameters(tensor([1, 2, 3]), net.parameters());
    expect(net.weight.toArraySync()).toEqual([[1, 2]]);
    expect(net.bias!.toArraySync()).toEqual([3]);
    expect(() => utils.vectorToParameters(ones(2), net.parameters())).toThrow(ShapeError);
    new SGD(net.parameters(), 0.1).step();
    expect(net.bias!.toArraySync()).toEqual([3]);
  });
});
