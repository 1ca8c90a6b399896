/** @file A pointwise op that follows a product joins its kernel from the third time on, with the same bits. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import {
  enableGrad,
  functional as F,
  manualSeed,
  noGrad,
  OutOfMemoryError,
  ones,
  randint,
  randn,
  type Tensor,
  tensor,
  tidy,
} from '@flambeau/tensor';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { kinds, openKinds } from './compare.ts';

let sessions: Awaited<ReturnType<typeof openKinds>>;

beforeAll(async () => {
  sessions = await openKinds();
  manualSeed(12);
});

afterEach(() => {
  vi.restoreAllMocks();
});

type Run = (...inputs: Tensor[]) => Tensor;

/** What `run` gives on the device, and how many ops joined a product; none may where `apart` is set. */
async function outcome(device: string, inputs: readonly Tensor[], run: Run, apart = false) {
  const { commands } = sessions[device]!;
  const { finish } = commands;
  let joined = 0;
  commands.finish = (epilogue) => {
    if (epilogue !== null && apart) return false;
    const done = finish.call(commands, epilogue);
    if (epilogue !== null && done) joined++;
    return done;
  };
  try {
    const result = noGrad(() => run(...inputs.map((x) => x.to(device))));
    return { values: await result.toTypedArray(), joined };
  } finally {
    commands.finish = finish;
  }
}

/** Expects `count` ops of `run` to join products once it is usual, with the bits that they have apart, near the CPU's. */
async function joins(device: string, inputs: readonly Tensor[], run: Run, count = 1): Promise<void> {
  const apart = await outcome(device, inputs, run, true);
  let last = await outcome(device, inputs, run);
  for (let time = 0; time < 2; time++) last = await outcome(device, inputs, run);
  expect(last.joined, String(run)).toBe(count);
  expect(last.values, String(run)).toEqual(apart.values);
  const wanted = noGrad(() => run(...inputs)).toTypedArraySync();
  const difference = (value: number | bigint, i: number): number =>
    Object.is(Number(value), Number(wanted[i]))
      ? 0
      : Math.abs(Number(value) - Number(wanted[i])) / (1 + Math.abs(Number(wanted[i])));
  expect(Math.max(...Array.from(last.values as Float32Array, difference)), String(run)).toBeLessThan(1e-2);
}

describe.each(Object.entries(kinds))('an epilogue on %s', (kind, device) => {
  it('of products and convolutions, of every size', async () => {
    for (const [m, n, k] of [
      [1, 1, 1],
      [7, 5, 3],
      [70, 90, 33],
      [3, 3, 5000],
      [1, 300, 70],
    ] as const) {
      await joins(device, [randn(m, k), randn(k, n)], (a, b) => F.relu(a!.matmul(b!)));
      await joins(device, [randn(m, k), randn(n, k), randn(n)], (x, w, b) => F.hardswish(F.linear(x!, w!, b!)));
    }
    await joins(device, [randn(5, 4, 30), randn(5, 30, 6)], (a, b) => F.relu(a!.matmul(b!)));
    await joins(device, [randn(5, 4, 30), randn(6, 30), randn(6)], (x, w, b) => F.relu(F.linear(x!, w!, b!)));
    await joins(device, [randn(2, 3, 9, 9), randn(8, 3, 3, 3), randn(8)], (x, w, b) => F.relu(F.conv2d(x!, w!, b!)));
    await joins(device, [randn(2, 4, 9, 9), randn(4, 4, 3, 3)], (x, w) =>
      F.relu(F.convTranspose2d(x!, w!, { stride: 2, padding: 1 })),
    );
  });

  it('with scalars, other operands, and twice the product', async () => {
    const [a, b, z] = [randn(20, 30), randn(30, 40), randn(20, 40)];
    await joins(device, [a, b], (x, y) => F.leakyRelu(x!.matmul(y!), 0.3));
    await joins(device, [a, b, z], (x, y, other) => x!.matmul(y!).add(other!));
    await joins(device, [a, b, z], (x, y, other) => other!.sub(x!.matmul(y!), { alpha: 2 }));
    await joins(device, [a, b, z.gt(0)], (x, y, chosen) => x!.matmul(y!).where(chosen!, 0.5));
    await joins(device, [a, b], (x, y) => {
      const product = x!.matmul(y!);
      return product.mul(product);
    });
    // One after the other: the second joins nothing.
    await joins(device, [a, b], (x, y) => x!.matmul(y!).relu().neg());
  });

  it('the product is there too, unless the op is in place', async () => {
    const [a, b] = [randn(20, 30), randn(30, 40)];
    await joins(device, [a, b], (x, y) => {
      const product = x!.matmul(y!);
      const positive = F.relu(product);
      return product.sub(positive);
    });
    await joins(device, [a, b], (x, y) => x!.matmul(y!).relu_());
    await joins(device, [a, b], (x, y) => F.relu(x!.matmul(y!).add_(1)));
  });

  it('into other dtypes, and of integers and half precision', async () => {
    const [a, b] = [randn(20, 30), randn(30, 40)];
    await joins(device, [a, b], (x, y) => x!.matmul(y!).gt(0.5));
    await joins(device, [a, b], (x, y) => x!.matmul(y!).to('int32'));
    const integers = [randint(-9, 9, [20, 30], { dtype: 'int32' }), randint(-9, 9, [30, 40], { dtype: 'int32' })];
    await joins(device, integers, (x, y) => x!.matmul(y!).mul(3));
    // Rounding to 16 bits makes the op a long one.
    const expected = kind === 'software' ? 0 : 1;
    await joins(device, [a.half(), b.half()], (x, y) => F.relu(x!.matmul(y!)), expected);
  });

  it('NaN and infinity', async () => {
    const a = tensor([[Number.NaN], [Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY], [0]]);
    await joins(device, [a, tensor([[1, -1, 0]])], (x, y) => F.relu(x!.matmul(y!)));
  });

  it('long ops only where no tile repeats them', async () => {
    await joins(device, [randn(20, 30), randn(30, 40)], (x, y) => F.gelu(x!.matmul(y!)), kind === 'software' ? 0 : 1);
  });

  it('not of broadcasts, other layouts, overlapping results, scaled products, or after something else', async () => {
    const [a, b, row] = [randn(20, 30), randn(30, 20), randn(20)];
    await joins(device, [a, b, row], (x, y, other) => x!.matmul(y!).add(other!), 0);
    await joins(device, [a, b], (x, y) => x!.matmul(y!).t().relu(), 0);
    await joins(device, [a, b, randn(20, 20)], (x, y, z) => x!.matmul(y!).add(z!.t()), 0);
    await joins(device, [randn(20, 20)], (x) => x!.matmul(x!).add(1, { out: x! }), 0);
    await joins(device, [a, b, randn(20, 20)], (x, y, z) => F.relu(z!.addmm(x!, y!, { alpha: 2 })), 0);
    await joins(
      device,
      [a, b, row],
      (x, y, other) => {
        const product = x!.matmul(y!);
        other!.add(1);
        return F.relu(product);
      },
      0,
    );
  });
});

describe('a product that waits', () => {
  const device = kinds.software;
  const multiply = (): [Tensor, Tensor, Tensor] => {
    const [a, b] = [ones([4, 8], { device }), ones([8, 4], { device })];
    return [a, b, a.matmul(b)];
  };

  it('reads operands as they were: before they are changed, given back, laid out otherwise, or their memory is used again', async () => {
    const changed = multiply();
    changed[0].fill_(7);
    expect(await changed[2].sum().item()).toBe(128);
    const [a, b, product] = multiply();
    a.dispose();
    b.transpose_(0, 1);
    const uploaded = tensor(new Array(32).fill(9)).to(device);
    expect(await product.relu().sum().item()).toBe(128);
    expect(await uploaded.sum().item()).toBe(288);
    expect(
      await tidy(() => multiply()[2])
        .sum()
        .item(),
    ).toBe(128);
    tidy(() => void multiply());
  });

  it('is computed without another op', async () => {
    expect(await multiply()[2].toArray()).toEqual([
      [8, 8, 8, 8],
      [8, 8, 8, 8],
      [8, 8, 8, 8],
      [8, 8, 8, 8],
    ]);
  });

  it('gradients: those of activations join the products of the layers after them', async () => {
    const [x, w1, w2] = [randn(8, 16), randn(16, 16), randn(4, 16)];
    const gradients: Run = (input, first, second) => {
      const weights = [first!.detach().requiresGrad_(), second!.detach().requiresGrad_()] as const;
      F.linear(F.relu(F.linear(input!, weights[0])), weights[1]).backward(ones([8, 4], { device: input!.device }));
      return weights[0].grad!;
    };
    const grad: Run = (...inputs) => {
      let result: Tensor | undefined;
      enableGrad(() => {
        result = gradients(...inputs);
      });
      return result!;
    };
    await joins(device, [x, w1, w2], grad, 2);
  });

  it('tells who uses its result, and nobody else, when it fails', async () => {
    const { memory } = sessions[device]!;
    const [a, b] = [ones([2, 5000], { device }), ones([5000, 2], { device })];
    const product = a.matmul(b);
    const allocate = vi.spyOn(memory, 'allocate').mockImplementation(() => {
      throw new OutOfMemoryError('no memory for sums');
    });
    sessions[device]!.commands.flush();
    allocate.mockRestore();
    expect(await a.sum().item()).toBe(10_000);
    expect(() => product.add(1)).toThrow('no memory for sums');
    await expect(product.toArray()).rejects.toThrow(OutOfMemoryError);
  });
});
