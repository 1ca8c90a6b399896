/** The same training on both devices gives the same losses. */
import {
  AutogradError,
  functional as F,
  fromTypedArray,
  noGrad,
  Parameter,
  type Tensor,
  tensor,
} from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { device, open } from './compare.ts';

beforeAll(open);

const wave = (shape: number[], phase: number, scale: number): Tensor =>
  fromTypedArray(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 12.9898 + phase) * scale),
    shape,
  );

/** Losses of a small convolutional network under SGD. */
async function train(on: string, steps: number): Promise<number[]> {
  const parameters = [
    wave([6, 1, 5, 5], 1, 0.2),
    wave([6], 2, 0.1),
    wave([10, 6 * 6 * 6], 3, 0.1),
    wave([10], 4, 0.1),
  ].map((p) => new Parameter(p.to(on)));
  const [w1, b1, w2, b2] = parameters as [Tensor, Tensor, Tensor, Tensor];
  const x = wave([8, 1, 12, 12], 5, 1).to(on);
  const y = tensor([0, 1, 2, 3, 4, 5, 6, 7], { dtype: 'int32' }).to(on);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const h = F.maxPool2d(F.relu(F.conv2d(x, w1, b1, { padding: 2 })), 2);
    const loss = F.crossEntropy(F.linear(h.flatten(1), w2, b2), y);
    for (const p of parameters) p.grad = null;
    loss.backward();
    noGrad(() => {
      for (const p of parameters) p.add_(p.grad!, { alpha: -0.1 });
    });
    losses.push(await loss.item());
  }
  return losses;
}

describe('training on the GPU', () => {
  it('loses as on the CPU', { timeout: 120_000 }, async () => {
    const [cpu, gpu] = [await train('cpu', 10), await train(device, 10)];
    cpu.forEach((loss, i) => {
      expect(Math.abs(gpu[i]! / loss - 1)).toBeLessThan(1e-3);
    });
    expect(gpu.at(-1)).toBeLessThan(gpu[0]!);
  });

  it('knows overwritten values there too', () => {
    const x = tensor([1, 2], { requiresGrad: true }).to(device);
    const y = x.mul(2);
    const z = y.mul(y);
    y.add_(1);
    expect(() => z.sum().backward()).toThrow(AutogradError);
  });
});
