import '@flambeau/backend-cpu';
import { checkpoint, checkpointSequential, grad } from '@flambeau/autograd';
import {
  AutogradError,
  functional as F,
  manualSeed,
  noGrad,
  ones,
  randn,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor | null | undefined): unknown => x?.detach().toArraySync() ?? null;

/** A block with weights and dropout that counts its calls. */
function makeBlock(): { block: (x: Tensor) => Tensor; weight: Tensor; calls: () => number } {
  manualSeed(3);
  const weight = randn(4, 4, { requiresGrad: true });
  let calls = 0;
  const block = (x: Tensor): Tensor => {
    calls++;
    return F.dropout(x.matmul(weight).tanh().mul(x), 0.5, true);
  };
  return { block, weight, calls: () => calls };
}

describe.each([false, true])('checkpoint, useReentrant %s', (useReentrant) => {
  it('gives the same gradients, with the same random numbers', () => {
    const run = (wrap: boolean): unknown[] => {
      const { block, weight, calls } = makeBlock();
      const x = ones(2, 4).requiresGrad_();
      const y = wrap ? checkpoint(block, x, { useReentrant }) : block(x);
      const noise = randn(2, 4);
      const loss = y.mul(noise).sum();
      loss.backward();
      const next = randn(2);
      return [values(loss), values(x.grad), values(weight.grad), values(next), wrap ? calls() - 1 : calls()];
    };
    expect(run(true)).toEqual(run(false));
  });

  it('takes other random numbers where it is told to', () => {
    const drop = (x: Tensor): Tensor => F.dropout(x, 0.5, true);
    const x = ones(200).requiresGrad_();
    const y = checkpoint(drop, x, { useReentrant, preserveRngState: false });
    y.sum().backward();
    // The non-reentrant form saves nothing here but the mask, which is drawn again.
    expect(values(x.grad)).not.toEqual(values(y));
  });

  it('passes several arguments and results, of any kind', () => {
    const f = (a: Tensor, factor: number, b: Tensor): [Tensor, Tensor] => [a.mul(b).mul(factor), a.exp()];
    const [a, b] = [tensor([1, 2], { requiresGrad: true }), tensor([3, 4])];
    const [product, exp] = checkpoint(f, a, 10, b, { useReentrant });
    expect(b.requiresGrad).toBe(false);
    product.sum().add(exp.sum()).backward();
    expect(values(a.grad)).toEqual(values(b.mul(10).add(a.exp())));
  });

  it('is an ordinary call in noGrad', () => {
    const { block, calls } = makeBlock();
    const y = noGrad(() => checkpoint(block, ones(1, 4), { useReentrant }));
    expect([y.requiresGrad, calls()]).toEqual([false, 1]);
  });

  it('nests', () => {
    const x = tensor([0.5], { requiresGrad: true });
    const inner = (t: Tensor): Tensor => t.sin().mul(t);
    const outer = (t: Tensor): Tensor => checkpoint(inner, t.exp(), { useReentrant }).pow(2);
    checkpoint(outer, x, { useReentrant }).sum().backward();
    const plain = tensor([0.5], { requiresGrad: true });
    inner(plain.exp()).pow(2).sum().backward();
    expect(values(x.grad)).toEqual(values(plain.grad));
  });

  it('in segments of a sequence', () => {
    const layers = Array.from(
      { length: 5 },
      (_, i) =>
        (x: Tensor): Tensor =>
          x.mul(i + 1).sin(),
    );
    const run = (segments: number): unknown => {
      const x = tensor([0.1, 0.2], { requiresGrad: true });
      checkpointSequential(layers, segments, x, { useReentrant }).sum().backward();
      return values(x.grad);
    };
    expect(run(2)).toEqual(run(1));
    expect(run(5)).toEqual(run(1));
    expect(() => run(6)).toThrow(RangeError);
  });

  it('refuses asynchronous functions and unknown options', () => {
    const x = ones(1).requiresGrad_();
    expect(() => checkpoint(async (t: Tensor) => t.mul(2), x, { useReentrant })).toThrow(/asynchronous/);
    expect(() => checkpoint((t: Tensor) => t, x, { useReentrent: true } as object)).toThrow(/useReentrant/);
  });
});

it('checkpoint with reentry refuses passes for some gradients only', () => {
  const { block, weight } = makeBlock();
  const x = ones(2, 4).requiresGrad_();
  const loss = checkpoint(block, x, { useReentrant: true }).sum();
  expect(() => grad(loss, x)).toThrow(/useReentrant: false/);
  expect(() => loss.backward({ inputs: x })).toThrow(/useReentrant: false/);
  expect(weight.grad).toBeNull();
});

describe('checkpoint without reentry', () => {
  it('works with grad(), a retained graph, and inputs that need no gradient', () => {
    const { block, weight } = makeBlock();
    const loss = checkpoint(block, ones(2, 4)).sum();
    const [first] = grad(loss, weight, { retainGraph: true });
    const [second] = grad(loss, weight);
    expect(values(first)).toEqual(values(second));
    expect(() => grad(loss, weight)).toThrow(AutogradError);
  });

  it('gives second derivatives', () => {
    const x = tensor([2], { requiresGrad: true });
    const [first] = grad(checkpoint((t: Tensor) => t.pow(3).exp().log(), x).sum(), x, { createGraph: true });
    const [second] = grad(first!.sum(), x);
    expect((values(second) as number[])[0]).toBeCloseTo(12, 3);
  });

  it('notices a function that does something else the second time', () => {
    let first = true;
    const fickle = (x: Tensor): Tensor => {
      const y = first ? x.exp() : x.exp().exp();
      first = false;
      return y;
    };
    const y = checkpoint(fickle, zeros(1).requiresGrad_());
    expect(() => y.sum().backward()).toThrow(/saved 1 tensors the first time and 2/);
  });

  it('saves nothing while it computes', () => {
    const x = ones(3).requiresGrad_();
    let kept: Tensor | undefined;
    const y = checkpoint((t: Tensor) => {
      kept = t.exp();
      return kept.exp();
    }, x);
    // Nothing of the graph holds the storage: only the tensor itself is counted.
    expect(kept!.storage.users).toBe(1);
    y.sum().backward();
    expect((values(x.grad) as number[])[0]).toBeCloseTo(Math.exp(1) * Math.exp(Math.exp(1)), 3);
  });
});
