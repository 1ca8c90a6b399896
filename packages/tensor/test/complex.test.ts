import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import {
  complex,
  DTypeError,
  full,
  imag,
  isComplex,
  polar,
  pow,
  real,
  resultType,
  ShapeError,
  setDefaultDtype,
  type Tensor,
  tensor,
  viewAsComplex,
  viewAsReal,
  zeros,
} from '@flambeau/tensor';
import { afterEach, describe, expect, it } from 'vitest';

const i = { re: 0, im: 1 };
const of = (...parts: (readonly [number, number])[]): Tensor => tensor(parts.map(([re, im]) => ({ re, im })));

afterEach(() => setDefaultDtype('float32'));

describe('complex numbers as data', () => {
  it('are { re, im }', () => {
    expect(tensor([i, 2, { re: -1, im: 0.5 }]).dtype).toBe('complex64');
    expect(String(tensor([i, 2]))).toBe('tensor([0.+1.j, 2.+0.j])');
    expect(full([2], i).toArraySync()).toEqual([i, i]);
    expect(tensor(i, { dtype: 'complex128' }).toArraySync()).toEqual(i);
    expect(tensor([tensor(i), of([1, 2])]).toArraySync()).toEqual([i, { re: 1, im: 2 }]);
    expect(() => tensor([i], { dtype: 'float32' })).toThrow(/complex number cannot be stored as float32/);
    setDefaultDtype('float64');
    expect(tensor(i).dtype).toBe('complex128');
  });

  it('fill and replace', () => {
    const x = zeros(2, 2, { dtype: 'complex64' });
    expect(x.fill_(i).sum().toArraySync()).toEqual({ re: 0, im: 4 });
    const index = tensor([1], { dtype: 'int32' });
    expect(x.indexFill(0, index, { re: 5, im: 0 }).real.toArraySync()).toEqual([
      [0, 0],
      [5, 5],
    ]);
    expect(x.maskedFill(tensor([true, false]), 0).imag.toArraySync()).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(
      x
        .scatter(1, tensor([[0]], { dtype: 'int32' }), { re: 7, im: 7 })
        .at(0, 0)
        .toArraySync(),
    ).toEqual({ re: 7, im: 7 });
    const places = tensor([0, 0, 1], { dtype: 'int32' });
    const products = of([1, 1], [2, 0], [0, 5]).scatter(0, places, of([0, 1], [0, 1], [3, 0]), { reduce: 'multiply' });
    expect(products.toArraySync()).toEqual([
      { re: -1, im: -1 },
      { re: 6, im: 0 },
      { re: 0, im: 5 },
    ]);
    x.set([0, 1], { re: -1, im: 0 });
    x.set(tensor([false, true]), i);
    expect(x.toArraySync()).toEqual([
      [i, { re: -1, im: 0 }],
      [i, i],
    ]);
    expect(() => zeros(2).fill_(i)).toThrow(DTypeError);
    expect(() => zeros(2).indexFill(0, index, i)).toThrow(DTypeError);
    expect(zeros(2).fill_(3).toArraySync()).toEqual([3, 3]);
  });
});

describe('type promotion', () => {
  it.each([
    ['float32', i, 'complex64'],
    ['float64', i, 'complex128'],
    ['int64', i, 'complex64'],
    ['bool', i, 'complex64'],
    ['complex128', 0.1, 'complex128'],
    ['complex64', 0.1, 'complex64'],
  ] as const)('of a %s tensor and a number', (dtype, number, result) => {
    for (const x of [zeros(2, { dtype }), zeros([], { dtype })]) {
      expect(x.mul(number).dtype).toBe(result);
      expect(x.add(number).dtype).toBe(result);
      expect(resultType(x, number)).toBe(result);
    }
  });

  it('of tensors', () => {
    const [single, double] = [zeros(2, { dtype: 'complex64' }), zeros(2, { dtype: 'float64' })];
    expect(single.add(double).dtype).toBe('complex128');
    expect(single.add(zeros([], { dtype: 'float64' })).dtype).toBe('complex64');
    expect(zeros(2).add(zeros([], { dtype: 'complex128' })).dtype).toBe('complex64');
    expect(zeros(2, { dtype: 'int32' }).div(single).dtype).toBe('complex64');
  });

  it('keeps numbers of full precision', () => {
    const x = zeros(1, { dtype: 'complex128' });
    expect(x.add({ re: 0.1, im: 0.2 }).toArraySync()).toEqual([{ re: 0.1, im: 0.2 }]);
    expect(zeros(1, { dtype: 'complex64' }).add(0.1).eq(0.1).toArraySync()).toEqual([true]);
  });
});

describe('results', () => {
  it('are real where they are', () => {
    const z = of([3, 4], [0, -2]);
    expect(z.abs().toArraySync()).toEqual([5, 2]);
    expect(z.abs().dtype).toBe('float32');
    expect(z.to('complex128').angle().dtype).toBe('float64');
    expect(z.angle().at(1).itemSync()).toBeCloseTo(-Math.PI / 2);
    expect(z.norm().itemSync()).toBeCloseTo(Math.sqrt(29));
    expect(z.std().dtype).toBe('float32');
    expect(tensor([-1, 2, Number.NaN]).angle().toArraySync()).toEqual([Math.fround(Math.PI), 0, Number.NaN]);
  });

  it('go into { out } and in place only where they fit', () => {
    const z = of([3, 4]);
    const out = zeros(1);
    expect(z.abs({ out })).toBe(out);
    expect(out.toArraySync()).toEqual([5]);
    expect(z.abs_ === undefined || (() => z.clone().abs_())).toBeTruthy();
    expect(() => zeros(1).mul_(z)).toThrow(DTypeError);
    expect(z.clone().mul_(i).toArraySync()).toEqual([{ re: -4, im: 3 }]);
  });

  it('of powers', () => {
    expect(
      pow(2, tensor([i, 1]))
        .at(1)
        .toArraySync(),
    ).toEqual({ re: 2, im: 0 });
    const z = of([0, 0], [0, 0], [1, 1]);
    const result = z.pow(of([0, 0], [2, 1], [2, 0]));
    expect(result.at('0:2').toArraySync()).toEqual([
      { re: 1, im: 0 },
      { re: 0, im: 0 },
    ]);
    expect(result.at(2).sub({ re: 0, im: 2 }).abs().itemSync()).toBeLessThan(1e-6);
    expect(z.floatPower(2).dtype).toBe('complex128');
  });

  it('of reductions over nothing', () => {
    const none = zeros(0, 2, { dtype: 'complex64' });
    expect(none.sum(0).toArraySync()).toEqual([
      { re: 0, im: 0 },
      { re: 0, im: 0 },
    ]);
    expect(none.prod(0).toArraySync()).toEqual([
      { re: 1, im: 0 },
      { re: 1, im: 0 },
    ]);
    expect(none.any().itemSync()).toBe(0);
    expect(none.cumprod(0).shape).toEqual([0, 2]);
  });

  it('of tests', () => {
    const z = of([0, 0], [0, 1], [Number.NaN, 0], [0, Infinity]);
    expect(z.isnan().toArraySync()).toEqual([false, false, true, false]);
    expect(z.isinf().toArraySync()).toEqual([false, false, false, true]);
    expect(z.isfinite().toArraySync()).toEqual([true, true, false, false]);
    expect(z.isreal().toArraySync()).toEqual([true, false, true, false]);
    expect(z.at('0:2').any().itemSync()).toBe(1);
    expect(z.at('0:2').all().itemSync()).toBe(0);
    expect(z.countNonzero().itemSync()).toBe(3);
    expect(z.logicalNot().toArraySync()).toEqual([true, false, false, false]);
    expect(z.eq(of([0, 0], [1, 1], [0, 0], [0, Infinity])).toArraySync()).toEqual([true, false, false, true]);
  });
});

describe('complex numbers have no order', () => {
  it.each([
    ['lt', (z: Tensor) => z.lt(z)],
    ['ge', (z: Tensor) => z.ge(1)],
    ['max', (z: Tensor) => z.max()],
    ['argmin', (z: Tensor) => z.argmin()],
    ['sort', (z: Tensor) => z.sort()],
    ['cummax', (z: Tensor) => z.cummax(0)],
    ['maximum', (z: Tensor) => z.maximum(z)],
    ['clamp', (z: Tensor) => z.clamp(0, 1)],
    ['floor', (z: Tensor) => z.floor()],
    ['sign', (z: Tensor) => z.sign()],
    ['relu', (z: Tensor) => z.relu()],
    ['erf', (z: Tensor) => z.erf()],
    ['remainder', (z: Tensor) => z.remainder(2)],
    ['atan2', (z: Tensor) => z.atan2(z)],
    ['bitwiseNot', (z: Tensor) => z.bitwiseNot()],
  ] as const)('%s refuses them', (_, f) => {
    expect(() => f(of([1, 2], [3, 4]))).toThrow(DTypeError);
  });

  it('and leave what was to be written as it was', () => {
    const out = zeros(2, { dtype: 'complex64' });
    expect(() => of([1, 2], [3, 4]).floor({ out })).toThrow(DTypeError);
    expect(out.toArraySync()).toEqual([
      { re: 0, im: 0 },
      { re: 0, im: 0 },
    ]);
  });
});

describe('parts', () => {
  it('are views', () => {
    const z = of([1, 2], [3, 4], [5, 6], [7, 8]).view(2, 2);
    expect(z.real.toArraySync()).toEqual([
      [1, 3],
      [5, 7],
    ]);
    expect(imag(z.t()).toArraySync()).toEqual([
      [2, 6],
      [4, 8],
    ]);
    expect(viewAsReal(z.at(1)).toArraySync()).toEqual([
      [5, 6],
      [7, 8],
    ]);
    z.real.at(0).fill_(0);
    z.imag = tensor([
      [9, 9],
      [9, 9],
    ]);
    expect(z.toArraySync()).toEqual([
      [
        { re: 0, im: 9 },
        { re: 0, im: 9 },
      ],
      [
        { re: 5, im: 9 },
        { re: 7, im: 9 },
      ],
    ]);
    expect(z.at(1, 1).real.shape).toEqual([]);
    expect(real(zeros(0, 3, { dtype: 'complex64' })).shape).toEqual([0, 3]);
    const x = tensor([1, 2]);
    expect(x.real).toBe(x);
    expect(() => x.imag).toThrow(DTypeError);
    expect(() => viewAsReal(x)).toThrow(DTypeError);
  });

  it('are written from themselves', () => {
    const z = of([1, 2], [3, 4]);
    z.real.copy_(z.imag);
    expect(z.toArraySync()).toEqual([
      { re: 2, im: 2 },
      { re: 4, im: 4 },
    ]);
    z.copy_(z.real.flip(0));
    expect(z.toArraySync()).toEqual([
      { re: 4, im: 0 },
      { re: 2, im: 0 },
    ]);
  });

  it('make complex numbers', () => {
    const pairs = tensor([
      [3, 4],
      [0, 1],
    ]);
    const z = viewAsComplex(pairs);
    expect(z.toArraySync()).toEqual([{ re: 3, im: 4 }, i]);
    z.mul_(2);
    expect(pairs.toArraySync()).toEqual([
      [6, 8],
      [0, 2],
    ]);
    expect(() => viewAsComplex(zeros(3))).toThrow(ShapeError);
    expect(() => viewAsComplex(zeros(2, 3).t())).toThrow(ShapeError);
    expect(() => viewAsComplex(zeros(7).at('1:').view(3, 2))).toThrow(/even places/);
    expect(() => viewAsComplex(zeros(2, { dtype: 'int32' }))).toThrow(DTypeError);
    expect(complex(tensor([1]), tensor([2])).toArraySync()).toEqual([{ re: 1, im: 2 }]);
    expect(polar(tensor([2]), tensor([Math.PI / 2])).imag.itemSync()).toBeCloseTo(2);
    expect(() => complex(tensor([1]), zeros(1, { dtype: 'float64' }))).toThrow(DTypeError);
    expect(() => complex(zeros(1, { dtype: 'int32' }), zeros(1, { dtype: 'int32' }))).toThrow(DTypeError);
  });

  it('of conjugates', () => {
    const z = of([1, 2]);
    expect(z.conj().toArraySync()).toEqual([{ re: 1, im: -2 }]);
    expect([z.conj().isConj(), z.resolveConj() === z, isComplex(z), isComplex(z.real)]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    const x = tensor([1]);
    expect(x.conj()).toBe(x);
    expect(of([1, 2], [3, 4]).view(1, 2).mH.toArraySync()).toEqual([[{ re: 1, im: -2 }], [{ re: 3, im: -4 }]]);
  });
});

describe('conversion', () => {
  it('takes the real parts', () => {
    expect(of([1.5, 2], [-3.7, 4]).to('int32').toArraySync()).toEqual([1, -3]);
    expect(of([0, 2], [0, 0]).to('bool').toArraySync()).toEqual([true, false]);
    expect(tensor([1n, 2n]).to('complex128').toArraySync()).toEqual([
      { re: 1, im: 0 },
      { re: 2, im: 0 },
    ]);
    expect(tensor([true]).to('complex64').toArraySync()).toEqual([{ re: 1, im: 0 }]);
  });
});
