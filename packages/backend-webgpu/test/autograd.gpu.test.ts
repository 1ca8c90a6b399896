/** What autograd does besides plain backward passes, on a device whose memory is given back at once. */
import {
  Function as AutogradFunction,
  checkpoint,
  detectAnomaly,
  type FunctionContext,
  func,
  functional,
  grad,
  savedTensorsHooks,
  vmap,
} from '@flambeau/autograd';
import { functional as F, manualSeed, ones, randn, type Tensor, tensor, tidy } from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { device, open } from './compare.ts';

beforeAll(open);

const values = async (x: Tensor | null): Promise<unknown> => (x === null ? null : await x.detach().toArray());
const leaf = (data: number[]): Tensor => tensor(data, { device, requiresGrad: true });

describe('autograd on the device', () => {
  it.each([false, true])('checkpoint, useReentrant %s', async (useReentrant) => {
    const run = async (wrap: boolean): Promise<unknown> => {
      manualSeed(2);
      const weight = randn(4, 4, { device, requiresGrad: true });
      const x = ones(3, 4, { device }).requiresGrad_();
      const block = (t: Tensor): Tensor => F.dropout(t.matmul(weight).tanh().mul(t), 0.5);
      const inner = wrap ? checkpoint(block, x, { useReentrant }) : block(x);
      const outer = wrap ? checkpoint(block, inner, { useReentrant }) : block(inner);
      outer.pow(2).sum().backward();
      return [await values(x.grad), await values(weight.grad)];
    };
    expect(await run(true)).toEqual(await run(false));
  });

  it('savedTensorsHooks: what pack and unpack make lives as long as they keep it', async () => {
    const x = leaf([0.5, 1]);
    const kept: Tensor[] = [];
    const y = savedTensorsHooks(
      (saved) => {
        kept.push(saved, saved.mul(2));
        return kept.at(-1)!;
      },
      (packed: Tensor) => {
        kept.push(packed.div(2));
        return kept.at(-1)!;
      },
      () => x.exp().mul(x).sum(),
    );
    y.backward();
    const [a, b] = [0.5, 1].map((v) => Math.exp(v) * (1 + v));
    for (const [i, value] of ((await values(x.grad)) as number[]).entries()) expect(value).toBeCloseTo([a!, b!][i]!, 4);
    expect(kept.every((t) => !t.disposed)).toBe(true);
    expect(await values(kept[0]!)).toBeDefined();
  });

  it('hooks may keep what they see, on tensors and on nodes', async () => {
    const x = leaf([1, 2]);
    const seen: (Tensor | null)[] = [];
    const y = x.mul(3);
    y.registerHook((g) => {
      seen.push(g);
      return g.mul(2);
    });
    y.gradFn!.registerPrehook((gradOutputs) => {
      seen.push(...gradOutputs);
      return gradOutputs.map((g) => g!.mul(5));
    });
    y.gradFn!.registerHook((gradInputs, gradOutputs) => {
      seen.push(...gradInputs, ...gradOutputs);
    });
    y.retainGrad();
    y.exp().log().sum().backward();
    const found = (await Promise.all(seen.map(values))) as number[][];
    expect(found.map((list) => list && Math.round(list[0]!))).toEqual([1, 2, 30, null, 10]);
    expect(((await values(y.grad)) as number[]).map(Math.round)).toEqual([2, 2]);
    expect(((await values(x.grad)) as number[]).map(Math.round)).toEqual([30, 30]);
  });

  it('functional, func and vmap', async () => {
    const x = tensor([1, 2], { device });
    const square = (t: Tensor): Tensor => t.mul(t);
    expect(await values(functional.jacobian(square, x))).toEqual([
      [2, 0],
      [0, 4],
    ]);
    expect(await values(tidy(() => functional.hessian((t: Tensor) => t.mul(t).mul(t).sum(), x)))).toEqual([
      [6, 0],
      [0, 12],
    ]);
    expect(await values(functional.jvp(square, x, ones(2, { device }))[1])).toEqual([2, 4]);
    const slopes = vmap(func.grad((t: Tensor) => square(t).sum()))(
      tensor(
        [
          [1, 2],
          [3, 4],
        ],
        { device },
      ),
    );
    expect(await values(slopes)).toEqual([
      [2, 4],
      [6, 8],
    ]);
  });

  it('Functions that change their argument; anomaly mode explains errors', async () => {
    class Double extends AutogradFunction {
      static override forward(ctx: FunctionContext, t: Tensor): Tensor {
        ctx.markDirty(t);
        return t.mul_(2);
      }
      static override backward(_: FunctionContext, g: Tensor): Tensor {
        return g.mul(2);
      }
    }
    const x = leaf([1, 2]);
    const y = Double.apply(x.mul(1));
    expect(await values(grad(y.sum(), x)[0]!)).toEqual([2, 2]);
    class Failing extends Double {
      static override backward(): Tensor {
        throw new RangeError('none today');
      }
    }
    expect(() => detectAnomaly(() => Failing.apply(x.mul(1)).sum().backward())).toThrow(
      /FailingBackward failed.*none today/,
    );
  });
});
