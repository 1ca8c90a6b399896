/** Checkpoints of modules. */
import { autograd, func, manualSeed, nn, randn, type Tensor, vmap } from 'flambeau';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor | null | undefined): unknown => x?.detach().toArraySync() ?? null;

function makeNet(): nn.Sequential<[nn.Linear, nn.Tanh, nn.Dropout, nn.Linear]> {
  manualSeed(5);
  return new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Dropout(0.5), new nn.Linear(8, 2));
}

describe('modules', () => {
  it.each(['plain', 'checkpoint', 'reentrant', 'sequential'])('have the same gradients: %s', (way) => {
    const expected = makeNet();
    expected(randn(3, 4)).pow(2).sum().backward();
    const net = makeNet();
    const x = randn(3, 4).requiresGrad_();
    const y =
      way === 'plain'
        ? net(x)
        : way === 'sequential'
          ? autograd.checkpointSequential(net, 2, x)
          : autograd.checkpoint(net, x, { useReentrant: way === 'reentrant' });
    y.pow(2).sum().backward();
    expect([...net.parameters()].map((p) => values(p.grad))).toEqual(
      [...expected.parameters()].map((p) => values(p.grad)),
    );
  });

  it('have gradients for each sample by vmap', () => {
    const layer = new nn.Linear(3, 1);
    const x = randn(4, 3);
    const slopes = vmap(func.grad((row: Tensor) => layer(row).pow(2).sum()))(x);
    const y = x.clone().requiresGrad_();
    layer(y).pow(2).sum().backward();
    const difference = slopes.sub(y.grad!).abs().max().itemSync();
    expect(difference).toBeLessThan(1e-6);
    expect(slopes.requiresGrad).toBe(true);
  });
});
