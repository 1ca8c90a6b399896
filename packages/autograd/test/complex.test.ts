import '@flambeau/backend-cpu';
import { gradcheck, gradgradcheck } from '@flambeau/autograd';
import {
  cat,
  complex,
  functional as F,
  fft,
  fromTypedArray,
  polar,
  type Tensor,
  tensor,
  viewAsComplex,
  viewAsReal,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

/** Complex numbers away from branch cuts and zeros. */
function numbers(shape: number[], seed = 1): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Float64Array.from({ length: 2 * count }, (_, i) => 0.3 + 0.9 * Math.abs(Math.sin(7.3 * (i + 1) + seed)));
  return fromTypedArray(data, shape, { dtype: 'complex128' }).requiresGrad_();
}

function reals(shape: number[], seed = 1): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return fromTypedArray(
    Float64Array.from({ length: count }, (_, i) => 0.4 + Math.abs(Math.cos(3.1 * (i + 1) + seed))),
    shape,
  ).requiresGrad_();
}

const unary: Record<string, (z: Tensor) => Tensor> = {
  abs: (z) => z.abs(),
  angle: (z) => z.angle(),
  conj: (z) => z.conj(),
  sgn: (z) => z.sgn(),
  real: (z) => z.real,
  imag: (z) => z.imag.mul(z.real),
  neg: (z) => z.neg(),
  reciprocal: (z) => z.reciprocal(),
  sqrt: (z) => z.sqrt(),
  rsqrt: (z) => z.rsqrt(),
  exp: (z) => z.exp(),
  exp2: (z) => z.exp2(),
  expm1: (z) => z.expm1(),
  log: (z) => z.log(),
  log2: (z) => z.log2(),
  log10: (z) => z.log10(),
  log1p: (z) => z.log1p(),
  sin: (z) => z.sin(),
  cos: (z) => z.cos(),
  tan: (z) => z.tan(),
  asin: (z) => z.asin(),
  acos: (z) => z.acos(),
  atan: (z) => z.atan(),
  sinh: (z) => z.sinh(),
  cosh: (z) => z.cosh(),
  tanh: (z) => z.tanh(),
  asinh: (z) => z.asinh(),
  acosh: (z) => z.acosh(),
  atanh: (z) => z.atanh(),
  sigmoid: (z) => z.sigmoid(),
  square: (z) => z.square(),
  pow: (z) => z.pow(2.3),
  powComplex: (z) => z.pow({ re: 0.5, im: -1.2 }),
  times: (z) => z.mul({ re: 1, im: 2 }).add({ re: 0, im: 1 }),
  sum: (z) => z.sum(0),
  mean: (z) => z.mean(),
  prod: (z) => z.prod(1),
  cumsum: (z) => z.cumsum(1),
  cumprod: (z) => z.cumprod(1),
  var: (z) => z.var(1),
  std: (z) => z.std(),
  norm: (z) => z.norm(2, 1),
  norm3: (z) => z.norm(3),
  norm1: (z) => z.norm(1, 0),
  parts: (z) => viewAsReal(z).mul(tensor([1, -2], { dtype: 'float64' })),
  where: (z) => z.where(z.real.gt(0.7), z.mul(2)),
  at: (z) => z.at(':', [0, 2, 0]),
  gather: (z) =>
    z.gather(
      1,
      tensor(
        [
          [1, 1],
          [0, 2],
        ],
        { dtype: 'int32' },
      ),
    ),
  adjoint: (z) => z.mH.mul(z.T),
  softsign: (z) => z.div(z.abs().add(1)),
};

const binary: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
  add: (a, b) => a.add(b, { alpha: { re: 0.5, im: 2 } }),
  sub: (a, b) => a.sub(b),
  mul: (a, b) => a.mul(b),
  div: (a, b) => a.div(b),
  pow: (a, b) => a.pow(b),
  addcmul: (a, b) => a.addcmul(a, b, { value: 0.5 }),
  addcdiv: (a, b) => a.addcdiv(a, b),
  lerp: (a, b) => a.lerp(b, 0.3),
};

describe('complex gradients agree with finite differences', () => {
  it.each(Object.entries(unary))('%s', async (_, f) => {
    expect(await gradcheck(f, [numbers([2, 3])])).toBe(true);
    expect(await gradgradcheck(f, [numbers([2, 3])])).toBe(true);
  });

  it.each(Object.entries(binary))('%s, of real numbers too', async (_, f) => {
    for (const [a, b] of [
      [numbers([2, 3]), numbers([3], 2)],
      [reals([2, 3]), numbers([2, 1], 2)],
      [numbers([3]), reals([2, 3], 2)],
    ] as const) {
      if (a.dtype !== b.dtype && f === binary.lerp) continue;
      expect(await gradcheck(f, [a, b])).toBe(true);
      expect(await gradgradcheck(f, [a, b])).toBe(true);
    }
  });

  it('products', async () => {
    const [a, b, v, w] = [numbers([2, 3]), numbers([3, 2], 2), numbers([3], 3), numbers([3], 4)];
    for (const f of [
      (x: Tensor, y: Tensor) => x.mm(y),
      (x: Tensor, y: Tensor) => x.unsqueeze(0).bmm(y.unsqueeze(0)),
      (x: Tensor, y: Tensor) => x.mm(y).addmm(x, y, { alpha: { re: 1, im: 2 }, beta: { re: 0, im: 1 } }),
      (x: Tensor, y: Tensor) => F.linear(x, y.t()),
    ]) {
      expect(await gradcheck(f, [a, b])).toBe(true);
      expect(await gradgradcheck(f, [a, b])).toBe(true);
    }
    expect(await gradcheck((x, y) => x.mv(y), [a, v])).toBe(true);
    expect(await gradcheck((x, y) => x.dot(y), [v, w])).toBe(true);
    expect(await gradgradcheck((x, y) => x.vdot(y), [v, w])).toBe(true);
    const [x, kernel] = [numbers([1, 2, 4]), numbers([2, 2, 2], 5)];
    expect(await gradcheck((s, k) => F.conv1d(s, k), [x, kernel])).toBe(true);
    expect(await gradgradcheck((s, k) => F.conv1d(s, k), [x, kernel])).toBe(true);
  });

  it('complex numbers out of real ones', async () => {
    const inputs = [reals([2, 2]), reals([2, 2], 2)];
    expect(await gradcheck((a, b) => complex(a!, b!), inputs)).toBe(true);
    expect(await gradgradcheck((a, b) => complex(a!, b!), inputs)).toBe(true);
    expect(await gradcheck((a, b) => polar(a!, b!), inputs)).toBe(true);
    expect(await gradgradcheck((a, b) => polar(a!, b!), inputs)).toBe(true);
    expect(await gradgradcheck((x) => viewAsComplex(x).square(), [reals([3, 2])])).toBe(true);
    expect(await gradgradcheck((x) => x.to('complex128').mul(x), [reals([3, 2])])).toBe(true);
  });

  it.each(Object.entries(fft).filter(([name]) => !/freq|shift/.test(name)))('%s', async (name, f) => {
    const transform = f as (x: Tensor, options?: object) => Tensor;
    const make = /^(r|ih)fft/.test(name) ? reals : numbers;
    for (const [shape, options] of [
      [[2, 3], {}],
      [[3, 4], { norm: 'ortho' }],
    ] as const) {
      const run = (x: Tensor) => transform(x, options);
      expect(await gradcheck(run, [make([...shape])])).toBe(true);
      expect(await gradgradcheck(run, [make([...shape])])).toBe(true);
    }
    const [size, dim] = /n$|2$/.test(name) ? [{ s: [4, 3] }, [0, 1]] : [{ n: 5 }, 0];
    expect(await gradcheck((x) => transform(x, { ...size, dim, norm: 'forward' }), [make([3, 4])])).toBe(true);
  });

  it('windows of signals', async () => {
    const weights = tensor([0.5, 1, 1.5, 1], { dtype: 'float64' });
    const forth = (x: Tensor) => x.stft(4, { hopLength: 2, window: weights, returnComplex: true });
    expect(await gradcheck(forth, [reals([10])])).toBe(true);
    expect(await gradgradcheck(forth, [reals([10])])).toBe(true);
    const back = (z: Tensor) => z.istft(4, { hopLength: 2, window: weights });
    expect(await gradcheck(back, [numbers([3, 5])])).toBe(true);
    expect(await gradgradcheck(back, [numbers([3, 5])])).toBe(true);
  });
});

describe('complex gradients', () => {
  it('of parts come from anywhere in memory', () => {
    const z = tensor([{ re: 1, im: 2 }]).requiresGrad_();
    cat([tensor([9]), viewAsReal(z).flatten()])
      .mul(tensor([1, 2, 3]))
      .sum()
      .backward();
    expect(z.grad!.toArraySync()).toEqual([{ re: 2, im: 3 }]);
  });

  it('are conjugated: of a real function, its derivatives by both parts', () => {
    const z = tensor([{ re: 3, im: 4 }]).requiresGrad_();
    z.abs().sum().backward();
    expect(z.grad!.toArraySync()).toEqual([{ re: Math.fround(0.6), im: Math.fround(0.8) }]);
    z.grad = null;
    z.mul({ re: 0, im: 1 }).real.sum().backward();
    expect(z.grad!.toArraySync()).toEqual([{ re: 0, im: -1 }]);
  });

  it('of real inputs are real', () => {
    const x = tensor([1, 2]).requiresGrad_();
    const y = x.mul(tensor([{ re: 2, im: 3 }]));
    y.backward(
      tensor([
        { re: 1, im: 1 },
        { re: 0, im: 1 },
      ]),
    );
    expect(x.grad!.dtype).toBe('float32');
    expect(x.grad!.toArraySync()).toEqual([5, 3]);
  });

  it('go through writes into the parts', () => {
    const x = tensor([
      { re: 1, im: 2 },
      { re: 3, im: 4 },
    ]).requiresGrad_();
    const z = x.mul(1);
    z.real.mul_(10);
    z.imag.at(0).fill_(5);
    expect(z.toArraySync()).toEqual([
      { re: 10, im: 5 },
      { re: 30, im: 4 },
    ]);
    z.backward(
      tensor([
        { re: 1, im: 1 },
        { re: 1, im: 1 },
      ]),
    );
    expect(x.grad!.toArraySync()).toEqual([
      { re: 10, im: 0 },
      { re: 10, im: 1 },
    ]);
    const leaf = tensor([{ re: 1, im: 2 }]).requiresGrad_();
    expect(() => leaf.real.fill_(1)).toThrow(/leaf/);
  });

  it('go into pairs of real numbers written as complex ones', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]).requiresGrad_();
    const pairs = x.mul(1);
    viewAsComplex(pairs).mul_({ re: 0, im: 1 });
    expect(pairs.toArraySync()).toEqual([
      [-2, 1],
      [-4, 3],
    ]);
    pairs.sum().backward();
    expect(x.grad!.toArraySync()).toEqual([
      [1, -1],
      [1, -1],
    ]);
  });
});
