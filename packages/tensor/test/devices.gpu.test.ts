/** What design and documentation promise about devices, on WebGPU: reading, shapes that depend on data, printing, mixing. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { inspect } from 'node:util';
import * as webgpu from '@flambeau/backend-webgpu';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  arange,
  bernoulli,
  cat,
  DeviceError,
  DTypeError,
  functional as F,
  fromTypedArray,
  getDefaultDevice,
  IndexError,
  manualSeed,
  matmul,
  normal,
  Parameter,
  rand,
  randint,
  randn,
  randperm,
  ShapeError,
  setDefaultDevice,
  stack,
  type Tensor,
  tensor,
  where,
  zeros,
} from '../src/index.ts';

const gpu = 'webgpu:0';

beforeAll(() => webgpu.init());

const values = (x: Tensor): Promise<unknown> => x.detach().toArray();

/** Expects a DeviceError whose message names all of `parts`. */
function expectDeviceError(run: () => unknown, ...parts: string[]): void {
  let error: unknown;
  try {
    run();
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(DeviceError);
  for (const part of parts) expect((error as Error).message).toContain(part);
}

describe('reading values', () => {
  const x = (): Tensor =>
    tensor([
      [1, 2],
      [3, 4],
    ]).to(gpu);

  it('is asynchronous', async () => {
    expect(await x().sum().item()).toBe(10);
    expect(await x().eq(1).at(0, 0).item()).toBe(1);
    expect(await x().toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await x().gt(1).toArray()).toEqual([
      [false, true],
      [true, true],
    ]);
    expect(await x().t().toTypedArray()).toEqual(new Float32Array([1, 3, 2, 4]));
    const home = await x().at(':', 1).cpu();
    expect([home.device, home.toArraySync()]).toEqual(['cpu', [2, 4]]);
    expect(await x().equal(x())).toBe(true);
    expect(await x().allclose(x().add(1e-9))).toBe(true);
    expect(await tensor([0]).to(gpu).isNonzero()).toBe(false);
  });

  it('at once is a DeviceError that says what to await', () => {
    const one = tensor([1]).to(gpu);
    expectDeviceError(() => one.itemSync(), 'await x.item()', gpu);
    expectDeviceError(() => x().toArraySync(), 'await x.toArray()', gpu);
    expectDeviceError(() => x().toTypedArraySync(), 'await x.toTypedArray()', gpu);
    expectDeviceError(() => x().asTypedArray(), 'await x.toTypedArray()', gpu);
    expectDeviceError(() => x().equalSync(x()), 'await x.equal', gpu);
    expectDeviceError(() => x().allcloseSync(x()), 'await x.allclose', gpu);
    expectDeviceError(() => one.isNonzeroSync(), 'await x.isNonzero', gpu);
    expectDeviceError(() => x().to('cpu'), 'await x.cpu()', gpu);
    expectDeviceError(() => x().to({ device: 'cpu', dtype: 'int32' }), 'await x.cpu()', gpu);
  });

  it('gives gradients a way back', async () => {
    const a = tensor([1, 2], { requiresGrad: true });
    const loss = a.to(gpu).mul(3).sum();
    // Backward is synchronous, so nothing can come home in it.
    expectDeviceError(() => loss.backward(), 'make the leaf there', "'cpu'", gpu);
    expect(a.grad).toBe(null);
    const b = tensor([1, 2]).to(gpu).requiresGrad_();
    (await b.mul(2).cpu()).mul(5).sum().backward();
    expect(b.grad!.device).toBe(gpu);
    expect(await b.grad!.toArray()).toEqual([10, 10]);
  });
});

describe('shapes that depend on data', () => {
  const x = tensor([
    [0, 3, 1],
    [3, 0, 2],
  ]);
  const counts = tensor([2, 0, 1], { dtype: 'int32' });
  const mask = x.gt(0);
  const pick = (t: Tensor): Tensor => (t.device === 'cpu' ? mask : mask.to(gpu));
  const times = (t: Tensor): Tensor => (t.device === 'cpu' ? counts : counts.to(gpu));

  const cases: [name: string, now: (t: Tensor) => unknown, later: (t: Tensor) => Promise<unknown>, remedy: string][] = [
    ['nonzero', (t) => t.nonzero(), (t) => t.nonzeroAsync(), 'x.nonzeroAsync('],
    [
      'nonzero as tuple',
      (t) => t.nonzero({ asTuple: true }),
      (t) => t.nonzeroAsync({ asTuple: true }),
      'x.nonzeroAsync(',
    ],
    ['argwhere', (t) => t.argwhere(), (t) => t.argwhereAsync(), 'x.argwhereAsync('],
    ['where', (t) => where(pick(t)), (t) => pick(t).nonzeroAsync({ asTuple: true }), 'x.nonzeroAsync('],
    ['maskedSelect', (t) => t.maskedSelect(pick(t)), (t) => t.maskedSelectAsync(pick(t)), 'x.maskedSelectAsync('],
    ['at', (t) => t.at(pick(t)), (t) => t.atAsync(pick(t)), 'x.atAsync('],
    ['at with more', (t) => t.at(0, pick(t).at(0)), (t) => t.atAsync(0, pick(t).at(0)), 'x.atAsync('],
    ['unique', (t) => t.unique(), (t) => t.uniqueAsync(), 'x.uniqueAsync('],
    [
      'unique with counts',
      (t) => t.unique({ returnInverse: true, returnCounts: true }),
      (t) => t.uniqueAsync({ returnInverse: true, returnCounts: true }),
      'x.uniqueAsync(',
    ],
    ['uniqueConsecutive', (t) => t.uniqueConsecutive(), (t) => t.uniqueConsecutiveAsync(), 'x.uniqueConsecutiveAsync('],
    [
      'repeatInterleave',
      (t) => t.repeatInterleave(times(t), { dim: 1 }),
      (t) => t.repeatInterleaveAsync(times(t), { dim: 1 }),
      'x.repeatInterleaveAsync(',
    ],
    ['bincount', (t) => times(t).bincount(), (t) => times(t).bincountAsync(), 'x.bincountAsync('],
    ['narrow', (t) => t.narrow(1, times(t).at(2), 2), (t) => t.narrowAsync(1, times(t).at(2), 2), 'x.narrowAsync('],
    [
      'tensorSplit',
      (t) => t.tensorSplit(times(t).at('1:'), 1),
      (t) => t.tensorSplitAsync(times(t).at('1:'), 1),
      'x.tensorSplitAsync(',
    ],
    ['oneHot', (t) => F.oneHot(times(t)), (t) => F.oneHotAsync(times(t)), 'F.oneHotAsync('],
  ];

  const plain = async (result: unknown): Promise<unknown> =>
    Array.isArray(result)
      ? Promise.all(result.map(plain))
      : { dtype: (result as Tensor).dtype, values: await (result as Tensor).toArray() };

  it.each(cases)('%s is asynchronous', async (_, now, later, remedy) => {
    expectDeviceError(() => now(x.to(gpu)), `await ${remedy}`);
    const result = await later(x.to(gpu));
    for (const part of [result].flat()) expect((part as Tensor).device).toBe(gpu);
    const wanted = await plain(now(x));
    expect(await plain(result)).toEqual(wanted);
    expect(await plain(await later(x))).toEqual(wanted);
  });

  it('sends gradients through masks', async () => {
    const run = async (on: string): Promise<unknown[]> => {
      const a = arange(6, { dtype: 'float32' }).view(2, 3).to(on).requiresGrad_();
      const chosen = await a.atAsync(mask.to(on));
      (await a.square().maskedSelectAsync(mask.to(on))).mul(chosen).sum().backward();
      return [await values(chosen), await values(a.grad!)];
    };
    expect(await run(gpu)).toEqual(await run('cpu'));
  });
});

describe('writing where a mask is true', () => {
  const x = arange(24, { dtype: 'float32' }).view(2, 3, 4);
  const mask2 = tensor([
    [true, false, true],
    [false, true, true],
  ]);
  const mask3 = x.remainder(5).lt(2);
  const count = mask3.sum().itemSync();

  const writes: [name: string, write: (t: Tensor, on: (other: Tensor) => Tensor) => Tensor][] = [
    ['a number', (t, on) => t.set(on(mask3), -1)],
    ['one value', (t, on) => t.set(on(mask3), on(tensor(-1)))],
    ['a value each', (t, on) => t.set(on(mask3), on(arange(count, { dtype: 'float32' }).neg()))],
    ['rows for a mask on the first dimensions', (t, on) => t.set(on(mask2), on(randnFixed(4, 4)))],
    ['one row', (t, on) => t.set(on(mask2), on(randnFixed(4)))],
    ['a column of values', (t, on) => t.set(on(mask2), on(randnFixed(4, 1)))],
    ['a mask behind an integer', (t, on) => t.set([1, on(mask3.at(1))], 9)],
    ['a mask behind a slice', (t, on) => t.set([':', on(mask3.at(1))], on(randnFixed(2, 1)))],
    ['a mask behind an ellipsis', (t, on) => t.set(['...', on(mask3.at(0, 0))], on(randnFixed(2, 3, 1)))],
    ['a mask before a new axis', (t, on) => t.set([on(mask2), null], on(randnFixed(4, 1, 4)))],
    ['a boolean', (t) => t.set(true, 5)],
    ['nowhere', (t, on) => t.set(on(mask3.logicalAnd(tensor(false))), 5)],
    ['booleans in a list', (t) => t.set([[true, false]], 5)],
    ['indexPut', (t, on) => t.indexPut([on(mask2)], on(randnFixed(4, 4)))],
    ['indexPut behind a dimension', (t, on) => t.indexPut_([null, on(mask2.at(0))], on(randnFixed(2, 4)))],
    ['indexPut that adds', (t, on) => t.indexPut_([on(mask2)], on(randnFixed(4, 4)), true)],
    ['maskedScatter', (t, on) => t.maskedScatter(on(mask3), on(randnFixed(5, 5)))],
    ['maskedScatter, broadcast', (t, on) => t.maskedScatter_(on(mask3.at(0, 0)), on(randnFixed(3, 5)))],
    ['maskedScatter of nothing', (t, on) => t.maskedScatter_(on(mask3.logicalAnd(tensor(false))), on(zeros(0)))],
    ['maskedFill', (t, on) => t.maskedFill_(on(mask3), 7)],
  ];

  /** The same values on every device. */
  function randnFixed(...shape: number[]): Tensor {
    const size = shape.reduce((a, b) => a * b, 1);
    return fromTypedArray(
      Float32Array.from({ length: size }, (_, i) => Math.sin(i + 1)),
      shape,
    );
  }

  it.each(writes)('%s: as on the CPU, without reading', async (_, write) => {
    const wanted = write(x.clone(), (other) => other);
    const got = write(x.to(gpu), (other) => other.to(gpu));
    expect(got.device).toBe(gpu);
    expect(await got.toArray()).toEqual(wanted.toArraySync());
  });

  it('goes through views and gradients', async () => {
    const run = async (on: string): Promise<unknown[]> => {
      const leaf = x.to(on).clone().requiresGrad_();
      const source = randnFixed(count).to(on).requiresGrad_();
      const y = leaf.mul(2);
      y.set(mask3.to(on), source);
      y.at(0).maskedScatter_(mask3.at(1).to(on), source);
      y.at(1).set(mask2.at(0).to(on), source.at(0));
      y.square().sum().backward();
      return [await values(y), await values(leaf.grad!), await values(source.grad!)];
    };
    const [got, wanted] = [await run(gpu), await run('cpu')];
    for (const [i, part] of got.entries()) {
      const [a, b] = [part, wanted[i]].map((list) => (list as unknown[]).flat(3) as number[]) as [number[], number[]];
      a.forEach((value, k) => {
        expect(value).toBeCloseTo(b[k]!, 4);
      });
    }
  });

  it('with positions beside the mask: asynchronous', async () => {
    const columns = tensor([0, 1, 3, 3], { dtype: 'int32' });
    const [a, b] = [x.clone(), x.to(gpu)];
    expectDeviceError(() => b.set([mask2.to(gpu), columns.to(gpu)], 0), 'await x.setAsync(');
    a.set([mask2, columns], 0);
    expect(await b.setAsync([mask2.to(gpu), columns.to(gpu)], 0)).toBe(b);
    expect(await b.toArray()).toEqual(a.toArraySync());
  });

  it('refuses what does not fit, and leaves the tensor alone', async () => {
    const t = x.to(gpu);
    expect(() => t.set(mask2.t().to(gpu), 0)).toThrow(IndexError);
    expect(() => t.set(mask2.to(gpu), zeros(2, 4, 4, { device: gpu }))).toThrow(ShapeError);
    expect(() => t.set(mask2.to(gpu), zeros(4, 3, { device: gpu }))).toThrow(ShapeError);
    expect(() => t.maskedScatter(mask3.to(gpu), zeros(30, { dtype: 'int32', device: gpu }))).toThrow(DTypeError);
    expectDeviceError(() => t.maskedScatter(mask3.to(gpu), zeros(30)), "'cpu'", gpu);
    expectDeviceError(() => t.set(mask3, 0), "'cpu'", gpu);
    expect(await t.toArray()).toEqual(x.toArraySync());
  });
});

describe('printing', () => {
  it('names shape and device at once, and gives the text when awaited', async () => {
    const x = zeros(4, 3, { device: 'webgpu' });
    const short = "tensor(<4x3>, device='webgpu:0')";
    expect(String(x)).toBe(short);
    expect(`${x}`).toBe(short);
    expect(inspect(x)).toBe(short);
    expect(String(tensor(1).to(gpu))).toBe("tensor(<scalar>, device='webgpu:0')");
    expect(String(new Parameter(x))).toContain("tensor(<4x3>, device='webgpu:0'");
    expect(await tensor([1, 2.5]).to(gpu).toText()).toBe("tensor([1.0000, 2.5000], device='webgpu:0')");
    expect(await new Parameter(tensor([1]).to(gpu)).toText()).toBe(
      "Parameter containing:\ntensor([1.], device='webgpu:0', requires_grad=True)",
    );
  });
});

describe('mixing devices', () => {
  const [a, b] = [(): Tensor => zeros(2, 2), (): Tensor => zeros(2, 2, { device: gpu })];
  const index = tensor([0, 1], { dtype: 'int32' });

  it.each<[string, () => unknown]>([
    ['add', () => a().add(b())],
    ['add_', () => b().add_(a())],
    ['mul by a 0-d tensor', () => b().mul(tensor(2))],
    ['out', () => b().add(b(), { out: a() })],
    ['matmul', () => matmul(a(), b())],
    ['bmm', () => a().unsqueeze(0).bmm(b().unsqueeze(0))],
    ['linear', () => F.linear(b(), a())],
    ['linear with a bias', () => F.linear(b(), b(), zeros(2))],
    ['conv2d', () => F.conv2d(zeros(1, 1, 3, 3, { device: gpu }), zeros(1, 1, 2, 2))],
    ['cat', () => cat([a(), b()])],
    ['stack', () => stack([b(), a()])],
    ['where', () => where(a().gt(0), b(), b())],
    ['at', () => b().at(index)],
    ['indexSelect', () => b().indexSelect(0, index)],
    ['gather', () => b().gather(0, index.view(1, 2))],
    ['scatter', () => b().scatter(0, index.view(1, 2).to(gpu), a())],
    ['embedding', () => F.embedding(index, b())],
    ['crossEntropy', () => F.crossEntropy(b(), index)],
    ['mseLoss', () => F.mseLoss(b(), a())],
    ['layerNorm', () => F.layerNorm(b(), [2], zeros(2), zeros(2))],
    ['batchNorm', () => F.batchNorm(b(), zeros(2), zeros(2), null, null, { training: true })],
    ['lerp', () => b().lerp(a(), 0.5)],
    ['maskedFill', () => b().maskedFill(a().eq(0), 1)],
    ['equal', () => b().equalSync(a())],
    ['backward', () => b().requiresGrad_().mul(2).backward(a())],
  ])('%s names both', (_, run) => {
    expectDeviceError(run, "'cpu'", `'${gpu}'`);
  });

  it('is fine for numbers, and for copies', async () => {
    const x = b();
    x.copy_(
      tensor([
        [1, 2],
        [3, 4],
      ]),
    );
    expect(await x.add(1).mul(2).toArray()).toEqual([
      [4, 6],
      [8, 10],
    ]);
    x.at(0).set(':', tensor([9, 9]));
    expect(await x.toArray()).toEqual([
      [9, 9],
      [3, 4],
    ]);
  });
});

describe('the default device', () => {
  it('is where new tensors are made, and ops keep to their inputs', async () => {
    const cpu = arange(3);
    setDefaultDevice('webgpu');
    try {
      expect(getDefaultDevice()).toBe('webgpu');
      for (const x of [zeros(2), tensor([1, 2]), arange(3), randn(2), randint(0, 5, [2]), randperm(4)])
        expect(x.device).toBe(gpu);
      expect(cpu.add(1).device).toBe('cpu');
      expect(cpu.cumsum(0).sort()[1].device).toBe('cpu');
      expect(zeros(2, { device: 'cpu' }).device).toBe('cpu');
      expect(fromTypedArray(new Float32Array(2)).device).toBe('cpu');
    } finally {
      setDefaultDevice('cpu');
    }
  });

  it('names webgpu where cuda is asked for', () => {
    expectDeviceError(() => zeros(2).to('cuda'), "'webgpu'");
    expectDeviceError(() => zeros(2, { device: 'cuda:0' }), "'webgpu'");
  });
});

describe('dtypes without a place on the device', () => {
  it('are DTypeErrors that say what to do', () => {
    expect(() => tensor([1n]).to(gpu)).toThrow(DTypeError);
    expect(() => tensor([1n]).to(gpu)).toThrow(".to('int32')");
    expect(() => zeros(2, { dtype: 'float64', device: gpu })).toThrow(".to('float32')");
    expect(() => zeros(2, { device: gpu }).long()).toThrow(DTypeError);
  });

  it('do not come about by themselves: integer numbers are int32 there', async () => {
    const flags = tensor([true, false]).to(gpu);
    for (const x of [flags.mul(2), flags.add(1), flags.square(), flags.sum(), where(flags, 1, 0)])
      expect(x.dtype).toBe('int32');
    expect(await flags.mul(2).toArray()).toEqual([2, 0]);
    expect(tensor([true]).mul(2).dtype).toBe('int64');
    expect(flags.mul(0.5).dtype).toBe('float32');
  });
});

describe('random numbers on the device', () => {
  it('are the same after the same seed, and others after', async () => {
    const draw = async (): Promise<unknown> => {
      const device = gpu;
      const drawn = [
        rand(5, { device }),
        randn(5, { device }),
        randint(0, 100, [5], { device }),
        randperm(8, { device }),
        bernoulli(zeros(20, { device }).add(0.5)),
        normal(zeros(5, { device }), 1),
        F.dropout(zeros(20, { device }).add(1), 0.5),
      ];
      return Promise.all(drawn.map((x) => x.toArray()));
    };
    manualSeed(3);
    const first = await draw();
    const second = await draw();
    manualSeed(3);
    expect(await draw()).toEqual(first);
    expect(second).not.toEqual(first);
  });
});
