import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import {
  AutogradError,
  arange,
  DeviceError,
  type DType,
  DTypeError,
  FlambeauError,
  fromTypedArray,
  noGrad,
  ones,
  ShapeError,
  Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { Storage } from '@flambeau/tensor/internal';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { needsCopy } from '../src/overlap.ts';

const values = (x: Tensor): unknown => x.toArraySync();
const range = (n: number, dtype: DType = 'float32'): Tensor => arange(n, { dtype });
const grid = (): Tensor => range(9).view(3, 3);

describe('arguments that share memory with the result', () => {
  const calls: [string, () => Tensor, (a: Tensor) => unknown, unknown][] = [
    ['a.mul_(a)', () => range(4), (a) => a.mul_(a), [0, 1, 4, 9]],
    ['a.mul_(a.t())', () => grid(), (a) => a.mul_(a.t()), [0, 3, 12, 3, 16, 35, 12, 35, 64]],
    ['a.add_(first row)', () => grid(), (a) => a.add_(a.select(0, 0)), [0, 2, 4, 3, 5, 7, 6, 8, 10]],
    ['a.add_(first column)', () => grid(), (a) => a.add_(a.narrow(1, 0, 1)), [0, 1, 2, 6, 7, 8, 12, 13, 14]],
    ['a.sub_(element)', () => ones(3), (a) => a.mul_(2).sub_(a.select(0, 0)), [0, 0, 0]],
    ['shift up', () => range(10), (a) => a.at('0:5').copy_(a.at('5:10')), [5, 6, 7, 8, 9, 5, 6, 7, 8, 9]],
    ['shift by one', () => range(5), (a) => a.at('1:5').copy_(a.at('0:4')), [0, 0, 1, 2, 3]],
    ['shift back by one', () => range(5), (a) => a.at('0:4').copy_(a.at('1:5')), [1, 2, 3, 4, 4]],
    ['set shifted', () => range(5), (a) => a.set('1:5', a.at('0:4')), [0, 0, 1, 2, 3]],
    ['reversed', () => range(4), (a) => a.copy_(a.flip(0)), [3, 2, 1, 0]],
    ['out: x', () => range(3), (a) => a.add(a, { out: a }), [0, 2, 4]],
    ['out: x of its transpose', () => grid(), (a) => a.t().add(0, { out: a }), [0, 3, 6, 1, 4, 7, 2, 5, 8]],
    ['out: part of x', () => range(4), (a) => a.at('0:3').mul(10, { out: a.at('1:4') }), [0, 0, 10, 20]],
    ['reduction into its input', () => range(3), (a) => a.sum({ out: a.select(0, 0) }), [3, 1, 2]],
    ['running sums into their input', () => range(4), (a) => a.cumsum(0, { out: a }), [0, 1, 3, 6]],
  ];
  it.each(calls)('%s', (_, make, change, expected) => {
    const a = make();
    change(a);
    expect(values(a.flatten())).toEqual(expected);
  });

  it('memory seen as another dtype counts in bytes', () => {
    const x = range(4);
    const bytes = x.view('uint8');
    const wanted = values(bytes.at('4:8').clone().to('float32'));
    x.copy_(bytes.at('4:8'));
    expect(values(x)).toEqual(wanted);
  });

  it('one array behind two tensors counts as shared', () => {
    const data = Float32Array.from({ length: 6 }, (_, i) => i);
    const a = fromTypedArray(data.subarray(1));
    a.copy_(fromTypedArray(data.subarray(0, 5)));
    expect([...data]).toEqual([0, 0, 1, 2, 3, 4]);
    const own = range(40);
    const alias = fromTypedArray(own.asTypedArray().subarray(0, 39) as Float32Array);
    own.at('1:40').copy_(alias);
    expect(values(own.at('36:'))).toEqual([35, 36, 37, 38]);
  });

  it('any two slices of one vector give what a copy gives', () => {
    const slice = fc.record({ start: fc.nat(9), step: fc.integer({ min: 1, max: 3 }) });
    fc.assert(
      fc.property(slice, slice, fc.integer({ min: 1, max: 4 }), (to, from, n) => {
        const x = range(20);
        const at = ({ start, step }: typeof to): string => `${start}:${start + n * step}:${step}`;
        const expected = x.clone();
        expected.at(at(to)).copy_(x.at(at(from)).clone());
        x.at(at(to)).copy_(x.at(at(from)));
        expect(values(x)).toEqual(values(expected));
      }),
    );
  });

  it('nothing is copied without need', () => {
    const x = range(10);
    expect(needsCopy(x, x)).toBe(false);
    expect(needsCopy(x.at('0:5'), x.at('5:10'))).toBe(false);
    expect(needsCopy(x.at('0:5'), x.at('4:9'))).toBe(true);
    expect(needsCopy(x.at('0:0'), x)).toBe(false);
    expect(needsCopy(range(10), x)).toBe(false);
    expect(needsCopy(x.data, x)).toBe(false);
    expect(needsCopy(x.view('int32'), x)).toBe(true);
  });
});

describe('what cannot be written', () => {
  it('is expanded memory', () => {
    const x = ones(1).expand(3);
    for (const write of [() => x.add_(1), () => x.zero_(), () => x.copy_(zeros(3)), () => ones(3).add(1, { out: x })]) {
      expect(write).toThrow(ShapeError);
      expect(write).toThrow('clone() it first');
    }
    expect(values(x)).toEqual([1, 1, 1]);
  });

  const leaf = (): Tensor => ones(2, { requiresGrad: true });
  const refused: [string, () => unknown, new (...args: never[]) => Error][] = [
    ['a result of another shape', () => ones(2).add_(ones(3, 2)), ShapeError],
    ['an input that does not broadcast', () => ones(2).copy_(ones(3)), ShapeError],
    ['a float in an integer tensor', () => range(2, 'int32').add_(0.5), DTypeError],
    ['a float in an integer out', () => ones(2).add(1, { out: range(2, 'int32') }), DTypeError],
    ['a float sum in an integer out', () => ones(2).sum({ out: tensor(0, { dtype: 'int32' }) }), DTypeError],
    ['a sum in an out of another shape', () => ones(2).sum({ out: ones(2) }), ShapeError],
    ['a result in an out of another shape', () => ones(2).add(1, { out: ones(3) }), ShapeError],
    ['a leaf that requires grad', () => leaf().add_(1), AutogradError],
    ['a view of one', () => leaf().at('0:1').add_(1), AutogradError],
    ['an out for an input that requires grad', () => leaf().add(1, { out: ones(2) }), AutogradError],
    ['a reduction’s out for one', () => leaf().sum({ out: tensor(0) }), AutogradError],
    ['an out that requires grad', () => ones(2).add(1, { out: leaf() }), AutogradError],
    ['an out with a history', () => ones(2).add(1, { out: leaf().mul(1) }), AutogradError],
    ['a reduction’s out with a history', () => ones(2).sum({ out: leaf().sum() }), AutogradError],
  ];
  it.each(refused)('%s', (_, write, error) => {
    expect(write).toThrow(error);
  });

  it('inside noGrad leaves may be', () => {
    const x = leaf();
    noGrad(() => x.add_(1));
    expect(values(x)).toEqual([2, 2]);
    expect(x.isLeaf).toBe(true);
    expect(noGrad(() => x.add(1, { out: ones(2) })).requiresGrad).toBe(false);
  });

  it('a failed call changes neither values nor version', () => {
    const x = range(3, 'int32');
    const { version } = x.storage;
    for (const write of [() => x.mul_(0.5), () => x.add_(ones(2)), () => x.copy_(ones(4)), () => x.fill_(ones(3))]) {
      expect(write).toThrow(FlambeauError);
    }
    expect(values(x)).toEqual([0, 1, 2]);
    expect(x.storage.version).toBe(version);
  });
});

describe('operands that are no tensors or numbers', () => {
  it.each([undefined, null, '1', [1, 2], {}, Symbol('x')])('%o is a TypeError', (operand) => {
    const x = ones(2);
    const wrong = operand as never;
    for (const call of [() => x.add(wrong), () => x.mul_(wrong), () => x.fill_(wrong), () => x.gt(wrong)]) {
      expect(call).toThrow(TypeError);
    }
    expect(values(x)).toEqual([1, 1]);
  });

  it('is said with the op and a remedy', () => {
    expect(() => ones(2).add([1, 2] as never)).toThrow(
      'add(): expected tensors and numbers, got an array; make a tensor',
    );
  });
});

describe('versions', () => {
  const x = (): Tensor => range(4);
  const changes: [string, (x: Tensor) => unknown, number][] = [
    ['add_', (t) => t.add_(1), 1],
    ['a view', (t) => t.at('1:3').zero_(), 1],
    ['copy_', (t) => t.copy_(ones(4)), 1],
    ['out', (t) => ones(4).add(1, { out: t }), 1],
    ['a reduction’s out', (t) => ones(4).sum({ out: t.select(0, 0) }), 1],
    ['two changes', (t) => t.add_(1).mul_(2), 2],
    ['reading', (t) => [t.add(1), t.sum(), t.clone(), t.t(), t.toArraySync()], 0],
    ['a change through data', (t) => t.data.add_(1), 0],
    ['a change through detach', (t) => t.detach().add_(1), 1],
  ];
  it.each(changes)('%s', (_, change, count) => {
    const t = x();
    const before = t.storage.version;
    change(t);
    expect(t.storage.version - before).toBe(count);
  });

  it('of fresh tensors are 0', () => {
    const fresh = [zeros(2), ones(2), x(), tensor([1]), ones(2).add(1), ones(2).clone(), ones(2).to('int32')];
    expect(fresh.map((t) => t.storage.version)).toEqual(fresh.map(() => 0));
  });

  it('data shares memory with a version of its own', () => {
    const t = x();
    t.data.fill_(7);
    expect(values(t)).toEqual([7, 7, 7, 7]);
  });
});

describe('memory of the user’s', () => {
  const transfer = (array: Float32Array): void => {
    structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  };

  const uses: [string, (x: Tensor) => unknown][] = [
    ['add', (x) => x.add(1)],
    ['sum', (x) => x.sum()],
    ['add_', (x) => x.add_(1)],
    ['toArraySync', (x) => x.toArraySync()],
    ['asTypedArray', (x) => x.asTypedArray()],
    ['String', (x) => String(x)],
    ['view as bytes', (x) => x.view('uint8').clone()],
    ['matmul', (x) => x.matmul(ones(20))],
    ['uniform_', (x) => x.uniform_()],
  ];
  it.each(uses)('%s of a tensor whose array was transferred is a FlambeauError', (_, use) => {
    const array = new Float32Array(20);
    const x = fromTypedArray(array);
    transfer(array);
    expect(() => use(x)).toThrow(FlambeauError);
    expect(() => use(x)).toThrow('detached or resized');
  });

  it('so is one whose asTypedArray() was transferred', () => {
    const x = ones(20);
    transfer(x.asTypedArray() as Float32Array);
    expect(() => x.add(1)).toThrow('detached or resized');
  });

  it('and one that was resized', () => {
    const buffer = Reflect.construct(ArrayBuffer, [16, { maxByteLength: 32 }]) as ArrayBuffer;
    const x = fromTypedArray(new Float32Array(buffer));
    (buffer as unknown as { resize(n: number): void }).resize(8);
    expect(() => x.add(1)).toThrow('detached or resized');
  });
});

describe('devices', () => {
  it('an out on another device is a DeviceError naming both', () => {
    const out = new Tensor(new Storage('other:0', 'float32', 1, null), 'float32', []);
    for (const call of [() => ones(2).sum({ out }), () => tensor(1).add(1, { out })]) {
      expect(call).toThrow(DeviceError);
      expect(call).toThrow("'cpu' and 'other:0'");
    }
  });
});
