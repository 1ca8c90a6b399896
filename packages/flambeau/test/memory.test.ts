import {
  autograd,
  Buffer,
  cat,
  F,
  FlambeauError,
  keep,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  Parameter,
  randn,
  scope,
  type Tensor,
  tensor,
  tidy,
  zeros,
} from 'flambeau';
import { beforeEach, describe, expect, test } from 'vitest';
import { countingDevice } from './countingDevice.ts';

const device = countingDevice();
const on = { device: device.name };
const values = async (x: Tensor) => Array.from((await x.toTypedArray()) as Float32Array);
let before = 0;

beforeEach(() => {
  manualSeed(0);
  before = device.live();
});
const made = () => device.live() - before;

describe('dispose', () => {
  test('gives memory back at once, and twice does no harm', () => {
    const x = zeros([3], on);
    expect(made()).toBe(1);
    x.dispose();
    x.dispose();
    expect(made()).toBe(0);
    expect(x.disposed).toBe(true);
    expect(String(x)).toBe("tensor(<3>, device='counting')");
  });

  test('a disposed tensor is refused, on the CPU too', async () => {
    for (const x of [zeros([3], on), zeros([3])]) {
      x.dispose();
      expect(() => x.add(1)).toThrow(FlambeauError);
      expect(() => x.view(3, 1).exp()).toThrow(/dispose\(\), tidy\(\) or a scope/);
      await expect(x.toArray()).rejects.toThrow(FlambeauError);
    }
  });

  test('views, detached tensors and .data keep the memory', async () => {
    const x = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      on,
    );
    const others = [x.at(1), x.detach(), x.data];
    x.dispose();
    expect(made()).toBe(1);
    expect(await values(others[0]!)).toEqual([3, 4]);
    for (const other of others) other.dispose();
    expect(made()).toBe(0);
  });

  test('a saved slot keeps it until the backward pass', async () => {
    const x = tensor([1, 2, 3], { ...on, requiresGrad: true });
    const y = x.mul(2);
    const z = y.mul(y);
    y.dispose();
    const total = z.sum();
    z.dispose();
    total.backward();
    expect(await values(x.grad!)).toEqual([8, 16, 24]);
    total.dispose();
    // x and its gradient
    expect(made()).toBe(2);
  });

  test('using', () => {
    {
      using x = zeros([3], on);
      expect(x.disposed).toBe(false);
    }
    expect(made()).toBe(0);
  });

  test('giving a parameter other memory frees the old', () => {
    const p = new Parameter(zeros([3], on));
    const start = made();
    p.data = ones([3], on);
    expect(made()).toBe(start + 1);
    const q = zeros([2], on);
    q.data = p;
    expect(made()).toBe(start + 1);
  });
});

describe('scopes', () => {
  test('tidy keeps what it returns', async () => {
    const x = randn(4, on);
    const norm = tidy(() => x.mul(x).sum().sqrt());
    expect(made()).toBe(2);
    expect(await norm.item()).toBeGreaterThan(0);
    const { a, list, map } = tidy(() => ({
      a: x.add(1),
      list: [x.add(2), { deep: x.add(3) }] as const,
      map: new Map([['k', x.add(4)]]),
      more: x.add(5).max(0).values.mul(0) && 3,
    }));
    expect([a, list[0], list[1].deep, map.get('k')!].some((t) => t.disposed)).toBe(false);
    expect(made()).toBe(6);
  });

  test('results may be objects of classes, and hold themselves', () => {
    class Pair {
      self = this;
      first = ones([2], on);
      rest = [ones([3], on).add(1)];
    }
    const pair = tidy(() => new Pair());
    expect([pair.first, ...pair.rest].map((t) => t.disposed)).toEqual([false, false]);
    expect(made()).toBe(2);
    const packed = tidy(() => nn.utils.rnn.packSequence([ones([3, 2], on), ones([1, 2], on)]));
    expect(packed.data.disposed).toBe(false);
  });

  test('nested ones hand results on', () => {
    const outer = tidy(() => {
      const inner = tidy(() => ones([2], on).add(1));
      const kept = inner.add(1);
      expect(inner.disposed).toBe(false);
      return [kept, inner] as const;
    });
    expect(outer.map((t) => t.disposed)).toEqual([false, false]);
    tidy(() => {
      const inner = tidy(() => ones([2], on));
      return inner.add(1) && null;
    });
    expect(made()).toBe(2);
  });

  test('keep, parameters and buffers outlive them', () => {
    const lasting: Tensor[] = [];
    tidy(() => {
      lasting.push(keep(zeros([1], on)), new Parameter(zeros([2], on)), new Buffer(zeros([3], on)));
      lasting.push(tidy(() => keep(zeros([4], on))));
    });
    expect(lasting.map((t) => t.disposed)).toEqual([false, false, false, false]);
    expect(made()).toBe(4);
  });

  test('a block, an asynchronous function, and what throws', async () => {
    let x: Tensor;
    {
      using _ = scope();
      x = zeros([3], on);
    }
    expect(x.disposed).toBe(true);
    const y = await scope(async () => {
      const sum = ones([3], on).sum();
      await sum.item();
      return sum.add(1);
    });
    expect(await y.item()).toBe(4);
    expect(made()).toBe(1);
    await expect(
      scope(async () => {
        zeros([3], on);
        await null;
        zeros([3], on);
        throw new Error('stop');
      }),
    ).rejects.toThrow('stop');
    expect(() =>
      tidy(() => {
        zeros([3], on);
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(made()).toBe(1);
    expect(() => tidy(async () => 1)).toThrow('await scope(async () => …)');
  });

  test('overlapping ones leave nothing open', async () => {
    const first = scope();
    const second = scope();
    first.close();
    const x = zeros([3], on);
    second.close();
    second.close();
    const y = zeros([3], on);
    expect([x.disposed, y.disposed]).toEqual([true, false]);
  });

  test('on the CPU they mean the same', () => {
    let inner: Tensor | undefined;
    const x = tidy(() => {
      inner = ones(2);
      return inner.add(1);
    });
    expect([inner!.disposed, x.disposed]).toEqual([true, false]);
  });
});

describe('layers', () => {
  const image = randn([2, 4, 8, 8]);
  const [scores, classes] = [randn(4, 3), tensor([0, 1, 2, 0], { dtype: 'int32' })];
  const layers: [nn.Module, ...Tensor[]][] = [
    [new nn.Conv2d(4, 4, 5, { padding: 2 }), image],
    [new nn.ConvTranspose2d(4, 4, 3), image],
    [new nn.BatchNorm2d(4), image],
    [new nn.GroupNorm(2, 4), image],
    [new nn.InstanceNorm2d(4), image],
    [new nn.LayerNorm(8), image],
    [new nn.LocalResponseNorm(2), image],
    [new nn.MaxPool2d(2), image],
    [new nn.AdaptiveAvgPool2d(3), image],
    [new nn.Upsample({ scaleFactor: 2, mode: 'bilinear' }), image],
    [new nn.Dropout(0.5), image],
    [new nn.Linear(8, 8), image],
    [new nn.Embedding(5, 4), classes],
    [new nn.CrossEntropyLoss({ labelSmoothing: 0.1 }), scores, classes],
    [new nn.MSELoss(), scores, randn(4, 3)],
    [new nn.TripletMarginLoss(), scores, randn(4, 3), randn(4, 3)],
    [new nn.CosineSimilarity(), scores, randn(4, 3)],
  ];

  test.each(layers)('%s gives back everything but its result', (layer, ...args) => {
    layer.to(device.name);
    const inputs = args.map((x) => x.to(device.name));
    const start = made();
    const call = layer as unknown as (...input: Tensor[]) => Tensor;
    noGrad(() => call(...inputs)).dispose();
    expect(made()).toBe(start);
    const result = call(...inputs);
    if (result.requiresGrad) result.sum().backward();
    layer.zeroGrad();
    result.dispose();
    expect(made() - start).toBeLessThan(2);
  });
});

describe('training', () => {
  test('a whole step may be tidied', async () => {
    const net = new nn.Sequential(new nn.Linear(4, 8), new nn.BatchNorm1d(8), new nn.ReLU(), new nn.Linear(8, 2));
    net.to(device.name);
    const optimizers = [
      new optim.Adam(net.parameters(), { amsgrad: true }),
      new optim.SGD(net.parameters(), { lr: 0.01, momentum: 0.9 }),
    ];
    const [x, y] = [randn(6, 4, on), tensor([0, 1, 0, 1, 0, 1], { ...on, dtype: 'int32' })];
    const counts: number[] = [];
    let last = Number.POSITIVE_INFINITY;
    for (let step = 0; step < 20; step++) {
      const loss = tidy(() => {
        for (const optimizer of optimizers) optimizer.zeroGrad();
        const loss = F.crossEntropy(net(x), y);
        loss.backward();
        for (const optimizer of optimizers) optimizer.step();
        return loss.detach();
      });
      if (step === 19) last = await loss.item();
      loss.dispose();
      counts.push(device.live());
    }
    expect(last).toBeLessThan(0.7);
    expect(new Set(counts.slice(1)).size).toBe(1);
  });

  test('a backward pass gives its intermediates back as it goes', () => {
    const x = randn(5, { ...on, requiresGrad: true });
    let y: Tensor = x;
    for (let i = 0; i < 30; i++) y = y.add(y.tanh());
    const start = device.live();
    device.peak();
    const total = y.sum();
    total.backward();
    expect(device.peak() - start).toBeLessThan(8);
  });

  test('a gradient that goes several ways lives until the last', async () => {
    const x = tensor([1, 2], { ...on, requiresGrad: true });
    const y = tensor([3, 4], { ...on, requiresGrad: true });
    const sum = (...terms: Tensor[]): Tensor => cat(terms.map((t) => t.unsqueeze(0))).sum(0);
    // The same node gets the gradient of all of x's terms, then y's its own.
    const square = x.mul(x);
    sum(square, square, square, y.mul(2), square.add(square)).sum().backward();
    expect(await values(x.grad!)).toEqual([10, 20]);
    expect(await values(y.grad!)).toEqual([2, 2]);
  });

  test('gradients that were not looked at are freed by zeroGrad, others are not', async () => {
    const w = new Parameter(ones([3], on));
    const optimizer = new optim.SGD([w], { lr: 0.1 });
    const start = device.live();
    w.mul(3).sum().backward();
    optimizer.step();
    const withGrad = device.live();
    optimizer.zeroGrad();
    expect(device.live()).toBe(withGrad - 1);
    w.mul(3).sum().backward();
    const seen = w.grad!;
    optimizer.zeroGrad();
    expect(await values(seen)).toEqual([3, 3, 3]);
    expect(device.live()).toBeGreaterThan(start);
  });

  test('hooks, grad(), retainGrad and second derivatives see values that stay', async () => {
    const x = tensor([1, 2], { ...on, requiresGrad: true });
    const seen: Tensor[] = [];
    const y = x.mul(x);
    y.registerHook((grad) => {
      seen.push(grad);
      return grad.mul(2);
    });
    y.retainGrad();
    y.mul(3).sum().backward();
    expect(await values(seen[0]!)).toEqual([3, 3]);
    expect(await values(y.grad!)).toEqual([6, 6]);
    expect(await values(x.grad!)).toEqual([12, 24]);
    const [first] = autograd.grad(x.pow(3).sum(), x, { createGraph: true });
    const [second] = autograd.grad(first!.mul(x).sum(), x);
    expect(await values(first!)).toEqual([3, 12]);
    expect(await values(second!)).toEqual([9, 36]);
  });

  test('functions of the user may keep what they see', async () => {
    const kept: Tensor[] = [];
    class Twice extends autograd.Function {
      static override forward(ctx: autograd.FunctionContext, x: Tensor) {
        ctx.saveForBackward(x);
        return x.mul(2);
      }
      static override backward(ctx: autograd.FunctionContext, grad: Tensor) {
        kept.push(grad, ctx.savedTensors[0]!);
        return grad.mul(2);
      }
    }
    const x = tensor([1, 2], { ...on, requiresGrad: true });
    Twice.apply(x.add(1)).mul(5).sum().backward();
    expect(await Promise.all(kept.map(values))).toEqual([
      [5, 5],
      [2, 3],
    ]);
    expect(await values(x.grad!)).toEqual([10, 10]);
  });

  test('a graph that is kept can be walked again', async () => {
    const x = tensor([1, 2], { ...on, requiresGrad: true });
    const y = tidy(() => x.exp().mul(x).sum());
    y.backward(null, { retainGraph: true });
    const once = await values(x.grad!);
    y.backward();
    expect((await values(x.grad!)).map((v, i) => v / once[i]!)).toEqual([2, 2]);
    expect(() => y.backward()).toThrow('already freed');
  });

  test('in-place changes of views inside a scope', async () => {
    const x = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { ...on, requiresGrad: true },
    );
    const y = tidy(() => {
      const copy = x.mul(1).t();
      copy.at(0).mul_(10);
      return copy;
    });
    y.sum().backward();
    expect(await values(x.grad!)).toEqual([10, 1, 10, 1]);
    expect(await values(noGrad(() => y.contiguous()))).toEqual([10, 30, 2, 4]);
  });
});
