/** @file A tour: tensors, views, broadcasting, gradients. */
import { arange, autograd, manualSeed, noGrad, ones, randn, tensor, zeros } from 'flambeau';
import type { Example } from './example.ts';

export const example: Example = {
  description: 'a tour of tensors, indexing, broadcasting and gradients',
  async run({ device, seed }) {
    manualSeed(seed);
    const show = async (what: string, x: { toText(): Promise<string> }): Promise<void> =>
      console.log(`${what}\n${await x.toText()}\n`);

    const x = arange(6, { dtype: 'float32', device }).view(2, 3);
    await show('x = arange(6).view(2, 3)', x);
    await show('x.at(":", 1): the second column, a view', x.at(':', 1));
    x.at(0).mul_(10);
    await show('after x.at(0).mul_(10), through a view', x);
    await show('x.add(tensor([1, 2, 3])): broadcasting', x.add(tensor([1, 2, 3], { device })));
    await show('x.matmul(x.t())', x.matmul(x.t()));
    await show('randn(2, 3), the same numbers as PyTorch for this seed', randn(2, 3).to(device));

    const w = ones(3, { device, requiresGrad: true });
    const y = x.mul(w).sum().pow(2);
    console.log(`y = (x * w).sum() ** 2, made by ${y.gradFn}`);
    y.backward();
    await show('w.grad', w.grad!);

    const t = tensor([0.5], { device, requiresGrad: true });
    const [first] = autograd.grad(t.sin().sum(), t, { createGraph: true });
    const [second] = autograd.grad(first!.sum(), t);
    await show('second derivative of sin at 0.5', second!);
    console.log(`inside noGrad: ${noGrad(() => t.mul(2).requiresGrad)}, zeros: ${await zeros(3, { device }).toText()}`);
  },
};
