import '@flambeau/backend-cpu';
import { describe, expect, it } from 'vitest';
import {
  add,
  bitwiseAnd,
  type DType,
  DTypeError,
  div,
  floorDivide,
  mul,
  pow,
  ShapeError,
  setDefaultDtype,
  sub,
  type Tensor,
  tensor,
  where,
  zeros,
} from '../src/index.ts';

const values = (t: Tensor): unknown => t.toArraySync();
const float64 = (data: number[]): Tensor => tensor(data, { dtype: 'float64' });
const int = (data: number[], dtype: DType = 'int32'): Tensor => tensor(data, { dtype });
const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];

function expectClose(got: Tensor, expected: readonly number[], digits = 12): void {
  const list = got.flatten().toArraySync() as number[];
  expect(list.length).toBe(expected.length);
  list.forEach((value, i) => {
    if (Number.isFinite(expected[i])) expect(value).toBeCloseTo(expected[i]!, digits);
    else expect(value).toBe(expected[i]);
  });
}

describe('arithmetic', () => {
  it('adds and subtracts multiples', () => {
    const [x, y] = [tensor([1, 2]), tensor([10, 20])];
    expect(values(x.add(y, { alpha: 2 }))).toEqual([21, 42]);
    expect(values(x.sub(y, { alpha: 0.5 }))).toEqual([-4, -8]);
    expect(values(x.rsub(1))).toEqual([0, -1]);
    expect(values(sub(1, x))).toEqual([0, -1]);
    expect(values(x.addcmul(x, y, { value: 2 }))).toEqual([21, 82]);
    expect(values(x.addcdiv(y, x, { value: -1 }))).toEqual([-9, -8]);
  });

  it('divides with each way of rounding', () => {
    const [x, y] = [tensor([7, -7]), tensor([2, 2])];
    expect(values(x.div(y))).toEqual([3.5, -3.5]);
    expect(values(x.div(y, { roundingMode: 'trunc' }))).toEqual([3, -3]);
    expect(values(x.div(y, { roundingMode: 'floor' }))).toEqual([3, -4]);
    expect(values(x.floorDivide(2))).toEqual([3, -4]);
    expect(values(x.remainder(2))).toEqual([1, 1]);
    expect(values(x.fmod(2))).toEqual([1, -1]);
    expect(int([7, -7]).div(int([2, 2])).dtype).toBe('float32');
    expect(int([7]).div(2, { roundingMode: 'floor' }).dtype).toBe('int32');
    expect(() => x.div(y, { roundingMode: 'ceil' as 'floor' })).toThrow(TypeError);
  });

  it('takes two numbers where PyTorch does', () => {
    expect(floorDivide(-2, 2).dtype).toBe('int64');
    expect(add(1, 2).itemSync()).toBe(3);
    expect(mul(0.5, 3).dtype).toBe('float64');
    expect(div(1, 4).itemSync()).toBe(0.25);
    expect(() => pow(2, 3)).toThrow(TypeError);
    expect(() => bitwiseAnd(2, 3)).toThrow(TypeError);
  });

  it('interpolates from the nearer end', () => {
    expect(values(tensor([0, 10]).lerp(tensor([10, 20]), 0.25))).toEqual([2.5, 12.5]);
    expect(
      tensor([0.1])
        .lerp(tensor([0.7]), 1)
        .itemSync(),
    ).toBe(Math.fround(0.7));
    expect(values(tensor([0, 10]).lerp(tensor([10, 20]), tensor([0, 1])))).toEqual([0, 20]);
    expect(() => tensor([1]).lerp(float64([1]), 0.5)).toThrow(DTypeError);
  });

  it('leaves self as it was when an integer division throws', () => {
    const x = int([8, 9]);
    expect(() => x.floorDivide_(int([2, 0]))).toThrow(RangeError);
    expect(() => x.remainder_(int([2, 0]))).toThrow(RangeError);
    expect(values(x)).toEqual([8, 9]);
  });
});

describe('powers', () => {
  it('agrees with repeated multiplication and roots', () => {
    const x = tensor([1, 2, 4]);
    expect(values(x.pow(2))).toEqual([1, 4, 16]);
    expect(values(x.pow(3))).toEqual([1, 8, 64]);
    expect(values(x.pow(0.5))).toEqual([1, Math.fround(Math.SQRT2), 2]);
    expect(values(x.pow(-1))).toEqual([1, 0.5, 0.25]);
    expect(values(x.pow(-2))).toEqual([1, 0.25, 0.0625]);
    expect(values(x.pow(-0.5))).toEqual([1, Math.fround(Math.SQRT1_2), 0.5]);
    expect(values(x.pow(0))).toEqual([1, 1, 1]);
    expect(values(pow(2, x))).toEqual([2, 4, 16]);
    expect(values(x.pow(x))).toEqual([1, 4, 256]);
    expect(values(x.square())).toEqual([1, 4, 16]);
  });

  it('keeps integers, except for float exponents', () => {
    expect(int([3]).pow(2).dtype).toBe('int32');
    expect(int([3]).pow(0.5).dtype).toBe('float32');
    expect(values(int([2], 'uint8').pow(9))).toEqual([0]);
    expect(tensor([true]).square().dtype).toBe('int64');
    expect(int([3]).floatPower(2).dtype).toBe('float64');
    expect(values(int([2, -1, 3]).pow(int([-1, -3, 2])))).toEqual([0, -1, 9]);
  });

  it('refuses negative powers of integers, bools, and storing a float power elsewhere', () => {
    expect(() => int([2]).pow(-1)).toThrow(DTypeError);
    expect(() => tensor([true]).pow(tensor([true]))).toThrow(DTypeError);
    expect(() => tensor([2]).floatPower_(2)).toThrow(/float64/);
  });

  it('has the special cases of C', () => {
    expect(values(tensor([1, -1, nan, 0, 0]).pow(tensor([nan, inf, 0, 0, -1])))).toEqual([1, 1, 1, 1, inf]);
  });
});

describe('exponentials and logarithms', () => {
  it('are precise where the plain formula is not', () => {
    expectClose(float64([1e-10]).expm1(), [1.00000000005e-10], 22);
    expectClose(float64([1e-10]).log1p(), [9.9999999995e-11], 22);
    expectClose(float64([1000, -1000]).logaddexp(float64([1000, -1001])), [
      1000 + Math.LN2,
      -1000 + Math.log1p(Math.exp(-1)),
    ]);
    expectClose(float64([3]).logaddexp2(float64([3])), [4]);
    expect(values(tensor([inf, -inf, -inf]).logaddexp(tensor([inf, -inf, 0])))).toEqual([inf, -inf, 0]);
  });

  it('give floats for integers', () => {
    expect(int([1]).exp().dtype).toBe('float32');
    expect(values(int([1, 8]).log2())).toEqual([0, 3]);
    expect(values(tensor([true, false]).exp2())).toEqual([2, 1]);
    expect(values(tensor([3, -3]).ldexp(int([2, -1])))).toEqual([12, -1.5]);
  });

  it('xlogy is 0 at 0 unless other is NaN', () => {
    expectClose(float64([0, 0, 2, 0]).xlogy(float64([0, inf, Math.E, nan])), [0, 0, 2, nan]);
  });

  it('logit inverts sigmoid and can clamp', () => {
    expectClose(float64([-3, 0, 2]).sigmoid().logit(), [-3, 0, 2]);
    expect(values(tensor([0, 1, 2]).logit())).toEqual([-inf, inf, nan]);
    expectClose(float64([0, 1]).logit(0.25), [-Math.log(3), Math.log(3)]);
    expectClose(float64([0, 1]).logit({ eps: 0.25 }), [-Math.log(3), Math.log(3)]);
  });
});

describe('trigonometry', () => {
  it('has the angles of all quadrants', () => {
    expectClose(
      float64([1, 1, -1, -1]).atan2(float64([1, -1, -1, 1])),
      [1, 3, -3, -1].map((k) => (k * Math.PI) / 4),
    );
    expectClose(float64([180, -90]).deg2rad(), [Math.PI, -Math.PI / 2]);
    expectClose(float64([Math.PI]).rad2deg(), [180]);
    expectClose(float64([0, 0.5, 1]).sinc(), [1, 2 / Math.PI, 0]);
    expectClose(
      float64([3e200])
        .hypot(float64([4e200]))
        .div(1e200),
      [5],
    );
    expect(() => int([3]).hypot(int([4]))).toThrow(DTypeError);
  });
});

describe('rounding', () => {
  it('rounds halves to even, and to decimals', () => {
    expect(values(tensor([0.5, 1.5, -0.5, -1.5]).round())).toEqual([0, 2, -0, -2]);
    expectClose(float64([1.2345, 2.5e-3]).round({ decimals: 3 }), [1.234, 0.002]);
    expectClose(float64([1500, 2500]).round({ decimals: -3 }), [2000, 2000]);
    expect(() => int([5]).round({ decimals: -1 })).toThrow(DTypeError);
    expect(values(int([5]).round())).toEqual([5]);
  });

  it('cuts, and keeps the sign of the rest', () => {
    const x = tensor([1.5, -1.5]);
    expect([x.floor(), x.ceil(), x.trunc(), x.frac()].map(values)).toEqual([
      [1, -2],
      [2, -1],
      [1, -1],
      [0.5, -0.5],
    ]);
    expect(() => tensor([true]).floor()).toThrow(DTypeError);
    expect(() => int([1]).frac()).toThrow(DTypeError);
  });

  it('tells signs', () => {
    expect(values(tensor([2, -2, 0, nan]).sign())).toEqual([1, -1, 0, 0]);
    expect(values(tensor([2, -2, 0, -0]).signbit())).toEqual([false, true, false, true]);
    expect(values(int([2, -2]).signbit())).toEqual([false, true]);
    expect(values(tensor([2, 0]).copysign(tensor([-1, -0])))).toEqual([-2, -0]);
    expect(int([2]).copysign(-1).dtype).toBe('float32');
    expect(values(int([-128], 'int8').abs())).toEqual([-128]);
    expect(() => tensor([true]).neg()).toThrow(DTypeError);
  });
});

describe('parts of floating point numbers', () => {
  it('steps to neighbours', () => {
    expect(values(tensor([1, 0, 1]).nextafter(tensor([2, -1, 1])))).toEqual([1 + 2 ** -23, -(2 ** -149), 1]);
    expect(values(float64([1]).nextafter(float64([0])))).toEqual([1 - 2 ** -53]);
  });

  it('splits into mantissa and exponent', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const { mantissa, exponent } = tensor([6, -0.75, 0, 2 ** -140, 1], { dtype }).frexp();
      expect(values(mantissa)).toEqual([0.75, -0.75, 0, 0.5, 0.5]);
      expect([values(exponent), exponent.dtype]).toEqual([[3, 0, 0, -139, 1], 'int32']);
    }
    expect(values(tensor([inf, nan]).frexp()[0])).toEqual([inf, nan]);
    expect(() => int([1]).frexp()).toThrow(DTypeError);
  });

  it('replaces what is no number', () => {
    expect(values(tensor([nan, 1]).nanToNum())).toEqual([0, 1]);
    expect(values(float64([inf, -inf]).nanToNum())).toEqual([Number.MAX_VALUE, -Number.MAX_VALUE]);
    expect(values(tensor([nan, inf, -inf]).nanToNum(1, 2, 3))).toEqual([1, 2, 3]);
    expect(values(tensor([nan, inf, -inf]).nanToNum({ neginf: 0, posinf: 9 }))).toEqual([0, 9, 0]);
    expect(int([3]).nanToNum().dtype).toBe('int32');
  });

  it('steps at 0', () => {
    expect(values(tensor([-1, 0, 2]).heaviside(tensor([0.5, 0.5, 0.5])))).toEqual([0, 0.5, 1]);
    expect(() => tensor([1]).heaviside(float64([1]))).toThrow(DTypeError);
  });
});

describe('comparisons', () => {
  it('give bools, with NaN equal to nothing', () => {
    const [x, y] = [tensor([1, 2, nan]), tensor([1, 3, nan])];
    expect([x.eq(y), x.ne(y), x.lt(y), x.le(y), x.gt(y), x.ge(y)].map(values)).toEqual([
      [true, false, false],
      [false, true, true],
      [false, true, false],
      [true, true, false],
      [false, false, false],
      [true, false, false],
    ]);
    expect(x.greaterEqual(2).dtype).toBe('bool');
    expect(values(int([1, 2]).lt(1.5))).toEqual([true, false]);
  });

  it('test for infinities and NaN; integers have none', () => {
    const x = tensor([1, inf, -inf, nan]);
    expect([x.isnan(), x.isinf(), x.isfinite(), x.isposinf(), x.isneginf(), x.isreal()].map(values)).toEqual([
      [false, false, false, true],
      [false, true, true, false],
      [true, false, false, false],
      [false, true, false, false],
      [false, false, true, false],
      [true, true, true, true],
    ]);
    for (const dtype of ['int64', 'uint8', 'bool'] as const) {
      const y = tensor([0, 1], { dtype });
      expect([y.isnan(), y.isinf(), y.isfinite(), y.isreal()].map(values)).toEqual([
        [false, false],
        [false, false],
        [true, true],
        [true, true],
      ]);
    }
  });

  it('isclose has relative and absolute tolerances', () => {
    const [x, y] = [tensor([1, 100, inf, nan, 1]), tensor([1.000001, 101, inf, nan, inf])];
    expect(values(x.isclose(y))).toEqual([true, false, true, false, false]);
    expect(values(x.isclose(y, { rtol: 0.02, equalNan: true }))).toEqual([true, true, true, true, false]);
    expect(values(int([100, 5]).isclose(int([101, 5]), 0.02))).toEqual([true, true]);
    expect(values(int([100, 5]).isclose(int([101, 5])))).toEqual([false, true]);
    expect(() => x.isclose(float64([1]))).toThrow(DTypeError);
    expect(() => x.isclose(y, -1)).toThrow(RangeError);
  });
});

describe('extremes and clamping', () => {
  it('let NaN win, or skip it', () => {
    const [x, y] = [tensor([1, nan, 3, nan]), tensor([2, 1, nan, nan])];
    expect(values(x.maximum(y))).toEqual([2, nan, nan, nan]);
    expect(values(x.minimum(y))).toEqual([1, nan, nan, nan]);
    expect(values(x.fmax(y))).toEqual([2, 1, 3, nan]);
    expect(values(x.fmin(y))).toEqual([1, 1, 3, nan]);
    expect(() => x.maximum(1 as unknown as Tensor)).toThrow(TypeError);
  });

  it('clamp to numbers or tensors', () => {
    const x = tensor([-2, 0.5, 3, nan]);
    expect(values(x.clamp(-1, 1))).toEqual([-1, 0.5, 1, nan]);
    expect(values(x.clamp({ max: 1 }))).toEqual([-2, 0.5, 1, nan]);
    expect(values(x.clamp(null, 1))).toEqual([-2, 0.5, 1, nan]);
    expect(values(x.clamp(1, -1))).toEqual([-1, -1, -1, nan]);
    expect(values(x.clamp(tensor([0, 1, 2, 3]), tensor([1, 2, 2.5, 4])))).toEqual([0, 1, 2.5, nan]);
    expect(values(x.clampMin(0))).toEqual([0, 0.5, 3, nan]);
    expect(values(x.clampMax(tensor(1)))).toEqual([-2, 0.5, 1, nan]);
    expect(int([1, 9]).clamp(0, 5.5).dtype).toBe('float32');
    expect(() => x.clamp()).toThrow(TypeError);
    expect(() => x.clamp(0, tensor(1))).toThrow(TypeError);
  });
});

describe('logic and bits', () => {
  it('take any dtype as truth', () => {
    const [x, y] = [tensor([0, 1, nan, -2]), int([0, 0, 3, 4])];
    expect(values(x.logicalAnd(y))).toEqual([false, false, true, true]);
    expect(values(x.logicalOr(y))).toEqual([false, true, true, true]);
    expect(values(x.logicalXor(y))).toEqual([false, true, false, false]);
    expect(values(x.logicalNot())).toEqual([true, false, false, false]);
    expect(values(tensor([0, 2]).logicalNot_())).toEqual([1, 0]);
  });

  it('work on bits, of bools too', () => {
    expect(values(int([12, -1]).bitwiseAnd(10))).toEqual([8, 10]);
    expect(values(bitwiseAnd(10, int([12])))).toEqual([8]);
    expect(values(int([12]).bitwiseOr(int([3])))).toEqual([15]);
    expect(values(int([12], 'uint8').bitwiseNot())).toEqual([243]);
    expect(values(tensor([true, false]).bitwiseXor(tensor([true, true])))).toEqual([false, true]);
    expect(values(int([1, -8]).bitwiseLeftShift(2))).toEqual([4, -32]);
    expect(values(int([9, -9]).bitwiseRightShift(1))).toEqual([4, -5]);
    expect(() => tensor([1]).bitwiseAnd(1)).toThrow(DTypeError);
    expect(() => tensor([1]).bitwiseNot()).toThrow(DTypeError);
    expect(() => tensor([true]).bitwiseLeftShift(1.5)).toThrow(DTypeError);
  });

  it('find divisors and multiples', () => {
    expect(values(int([12, -12, 0, 0]).gcd(int([18, 18, 5, 0])))).toEqual([6, 6, 5, 0]);
    expect(values(int([4, -4, 0, 0]).lcm(int([6, 6, 5, 0])))).toEqual([12, 12, 0, 0]);
    expect(values(tensor([12n]).gcd(tensor([18n])))).toEqual([6]);
    expect(() => tensor([1]).gcd(tensor([1]))).toThrow(DTypeError);
  });
});

describe('where', () => {
  it('chooses, as a function and as a method', () => {
    const [condition, x] = [tensor([true, false]), tensor([1, 2])];
    expect(values(where(condition, x, -1))).toEqual([1, -1]);
    expect(values(x.where(condition, tensor([5])))).toEqual([1, 5]);
    expect(where(condition, x, int([1, 2])).dtype).toBe('float32');
    expect(where(condition, int([1]), 0.5).dtype).toBe('float32');
    expect(values(where(tensor([[true], [false]]), x, tensor([10])))).toEqual([
      [1, 2],
      [10, 10],
    ]);
    expect(() => where(x, x, x)).toThrow(DTypeError);
    expect(
      where(
        tensor([
          [true, false],
          [false, true],
        ]),
      ).map(values),
    ).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });
});

describe('forms of a pointwise op', () => {
  it('write in place and into out', () => {
    const x = tensor([1, 4]);
    expect(x.sqrt_()).toBe(x);
    expect(values(x)).toEqual([1, 2]);
    const out = zeros(2, { dtype: 'float64' });
    expect(x.add(1, { out })).toBe(out);
    expect(values(out)).toEqual([2, 3]);
    expect(values(x.mul_(x))).toEqual([1, 4]);
    expect(values(x.gt_(2))).toEqual([0, 1]);
  });

  it('refuse results that do not fit', () => {
    expect(() => int([1]).div_(2)).toThrow(DTypeError);
    expect(() => int([1]).add_(0.5)).toThrow(DTypeError);
    expect(() => tensor([1]).add_(tensor([1, 2]))).toThrow(ShapeError);
    expect(() => tensor([1, 2]).add(1, { out: zeros(3) })).toThrow(ShapeError);
    expect(() => tensor([1]).exp({ ouput: 1 } as never)).toThrow(/unknown option 'ouput'.*'out'/);
    expect(() => tensor([1, 2]).add(tensor([1, 2, 3]))).toThrow(/add\(\): shapes \[2\] and \[3\]/);
  });

  it('work on empty, 0-d and strided tensors', () => {
    expect(zeros(0, 3).exp().shape).toEqual([0, 3]);
    expect(tensor(2).exp2().shape).toEqual([]);
    const x = tensor([
      [1, 2],
      [3, 4],
    ]).t();
    expect(values(x.neg())).toEqual([
      [-1, -3],
      [-2, -4],
    ]);
    expect(values(x.add(tensor([10, 20])))).toEqual([
      [11, 23],
      [12, 24],
    ]);
    x.mul_(2);
    expect(values(x)).toEqual([
      [2, 6],
      [4, 8],
    ]);
  });

  it('follow the default dtype of the moment', () => {
    const x = int([1, 2]);
    expect(x.exp().dtype).toBe('float32');
    setDefaultDtype('float64');
    try {
      expect([x.exp().dtype, x.add(0.5).dtype, x.div(2).dtype]).toEqual(['float64', 'float64', 'float64']);
    } finally {
      setDefaultDtype('float32');
    }
    expect(x.exp().dtype).toBe('float32');
  });
});
