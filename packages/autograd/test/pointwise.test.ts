import '@flambeau/backend-cpu';
import { gradcheck, gradgradcheck } from '@flambeau/autograd';
import { functional as F, pow, special, sub, type Tensor, tensor, where, xlogy } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const leaf = (data: readonly number[] | readonly (readonly number[])[]): Tensor =>
  tensor(data, { dtype: 'float64', requiresGrad: true });

/** Away from the kinks of everything below. */
const anywhere = [-2.3, -0.7, -0.2, 0.35, 0.8, 2.6];
const inside = [-0.9, -0.4, -0.15, 0.25, 0.6, 0.95];
const positive = [0.15, 0.4, 0.9, 1.3, 2.7, 5.2];
const above1 = [1.1, 1.5, 2.2, 3.1];
const shape = tensor([0.5, 1.2, 2, 3, 1, 4], { dtype: 'float64' });

const unary: [string, (x: Tensor) => Tensor, readonly number[]][] = [
  ['neg', (x) => x.neg(), anywhere],
  ['abs', (x) => x.abs(), anywhere],
  ['frac', (x) => x.frac(), anywhere],
  ['sqrt', (x) => x.sqrt(), positive],
  ['rsqrt', (x) => x.rsqrt(), positive],
  ['reciprocal', (x) => x.reciprocal(), anywhere],
  ['exp', (x) => x.exp(), anywhere],
  ['exp2', (x) => x.exp2(), anywhere],
  ['expm1', (x) => x.expm1(), anywhere],
  ['log', (x) => x.log(), positive],
  ['log2', (x) => x.log2(), positive],
  ['log10', (x) => x.log10(), positive],
  ['log1p', (x) => x.log1p(), inside],
  ['sin', (x) => x.sin(), anywhere],
  ['cos', (x) => x.cos(), anywhere],
  ['tan', (x) => x.tan(), inside],
  ['asin', (x) => x.asin(), inside],
  ['acos', (x) => x.acos(), inside],
  ['atan', (x) => x.atan(), anywhere],
  ['sinh', (x) => x.sinh(), anywhere],
  ['cosh', (x) => x.cosh(), anywhere],
  ['tanh', (x) => x.tanh(), anywhere],
  ['asinh', (x) => x.asinh(), anywhere],
  ['acosh', (x) => x.acosh(), above1],
  ['atanh', (x) => x.atanh(), inside],
  ['sigmoid', (x) => x.sigmoid(), anywhere],
  ['erf', (x) => x.erf(), anywhere],
  ['erfc', (x) => x.erfc(), anywhere],
  ['erfinv', (x) => x.erfinv(), inside],
  ['lgamma', (x) => x.lgamma(), positive],
  ['sinc', (x) => x.sinc(), anywhere],
  ['logit', (x) => x.logit(), [0.1, 0.5, 0.8]],
  ['logit(eps)', (x) => x.logit(0.2), [0.1, 0.5, 0.9]],
  ['deg2rad', (x) => x.deg2rad(), anywhere],
  ['rad2deg', (x) => x.rad2deg().square(), anywhere],
  ['square', (x) => x.square(), anywhere],
  ['pow 3', (x) => x.pow(3), anywhere],
  ['pow 0.5', (x) => x.pow(0.5), positive],
  ['pow -1', (x) => x.pow(-1), anywhere],
  ['pow -2', (x) => x.pow(-2), anywhere],
  ['pow -0.5', (x) => x.pow(-0.5), positive],
  ['pow 2.5', (x) => x.pow(2.5), positive],
  ['2 ** x', (x) => pow(2, x), anywhere],
  ['1 - x', (x) => sub(1, x).square(), anywhere],
  ['digamma', (x) => x.digamma(), positive],
  ['polygamma 2', (x) => x.polygamma(2), positive],
  ['mvlgamma 2', (x) => x.mvlgamma(2), above1],
  ['i0', (x) => x.i0(), anywhere],
  ['i0e', (x) => special.i0e(x), anywhere],
  ['i1', (x) => special.i1(x), anywhere],
  ['i1e', (x) => special.i1e(x), anywhere],
  ['erfcx', (x) => special.erfcx(x), anywhere],
  ['ndtr', (x) => special.ndtr(x), anywhere],
  ['logNdtr', (x) => special.logNdtr(x), anywhere],
  ['ndtri', (x) => special.ndtri(x), [0.1, 0.4, 0.8]],
  ['entr', (x) => special.entr(x), positive],
  ['zeta', (x) => special.zeta(2.5, x), positive],
  ['gammainc', (x) => special.gammainc(shape, x), positive],
  ['gammaincc', (x) => special.gammaincc(shape, x), positive],
  ['nanToNum', (x) => x.nanToNum(), anywhere],
  ['clamp', (x) => x.clamp(-0.5, 0.5), anywhere],
  ['clampMin', (x) => x.clampMin(0), anywhere],
  ['frexp', (x) => x.frexp().mantissa, anywhere],
  ['round', (x) => x.round(), anywhere],
  ['sign', (x) => x.sign(), anywhere],
  ['relu', (x) => x.relu(), anywhere],
  ['relu6', (x) => F.relu6(x), anywhere],
  ['hardtanh', (x) => F.hardtanh(x), anywhere],
  ['leakyRelu', (x) => F.leakyRelu(x, 0.2), anywhere],
  ['elu', (x) => F.elu(x, 1.3), anywhere],
  ['celu', (x) => F.celu(x, 2), anywhere],
  ['selu', (x) => F.selu(x), anywhere],
  ['gelu', (x) => F.gelu(x), anywhere],
  ['gelu tanh', (x) => F.gelu(x, 'tanh'), anywhere],
  ['silu', (x) => F.silu(x), anywhere],
  ['mish', (x) => F.mish(x), anywhere],
  ['softplus', (x) => F.softplus(x, 2, 3), anywhere],
  ['logsigmoid', (x) => F.logsigmoid(x), anywhere],
  ['softsign', (x) => F.softsign(x), anywhere],
  ['tanhshrink', (x) => F.tanhshrink(x), anywhere],
  ['hardswish', (x) => F.hardswish(x), anywhere],
  ['hardshrink', (x) => F.hardshrink(x), anywhere],
  ['softshrink', (x) => F.softshrink(x), anywhere],
  ['threshold', (x) => F.threshold(x, 0.5, 2), anywhere],
  ['glu', (x) => F.glu(x), anywhere],
];

const [a, b] = [
  leaf([
    [1.2, -0.7, 2.1],
    [0.4, -1.6, -0.3],
  ]),
  leaf([0.9, 1.4, -0.8]),
];
const [p, q] = [
  leaf([
    [1.2, 0.7],
    [2.1, 0.4],
  ]),
  leaf([0.9, 1.4]),
];

const binary: [string, (a: Tensor, b: Tensor) => Tensor, Tensor, Tensor][] = [
  ['add', (a, b) => a.add(b, { alpha: 2 }).square(), a, b],
  ['sub', (a, b) => a.sub(b).square(), a, b],
  ['mul', (a, b) => a.mul(b), a, b],
  ['div', (a, b) => a.div(b), a, b],
  ['rsub', (a, b) => a.rsub(b).square(), a, b],
  ['remainder', (a, b) => a.remainder(b), a, b],
  ['fmod', (a, b) => a.fmod(b), a, b],
  ['pow', (a, b) => a.pow(b), p, q],
  ['atan2', (a, b) => a.atan2(b), a, b],
  ['hypot', (a, b) => a.hypot(b), a, b],
  ['copysign', (a, b) => a.copysign(b), a, b],
  ['maximum', (a, b) => a.maximum(b), a, b],
  ['minimum', (a, b) => a.minimum(b), a, b],
  ['fmax', (a, b) => a.fmax(b), a, b],
  ['fmin', (a, b) => a.fmin(b), a, b],
  ['clamp', (a, b) => a.clamp(b.sub(1), b), a, b],
  ['logaddexp', (a, b) => a.logaddexp(b), a, b],
  ['logaddexp2', (a, b) => a.logaddexp2(b), a, b],
  ['xlogy', (a, b) => a.xlogy(b), p, q],
  ['xlog1py', (a, b) => special.xlog1py(a, b), p, q],
  ['ldexp', (a, b) => a.ldexp(b), a, b],
  ['lerp', (a, b) => a.lerp(b, 0.3).square(), a, b],
  ['lerp (tensor)', (a, b) => a.lerp(b, a), a, b],
  ['addcmul', (a, b) => b.addcmul(a, b, { value: 0.5 }), a, b],
  ['addcdiv', (a, b) => b.addcdiv(a, b, { value: 0.5 }), a, b],
  ['where', (a, b) => where(a.gt(0), a.square(), b.square()), a, b],
  ['prelu', (a, b) => F.prelu(a, b), a, b],
];

describe('first and second derivatives agree with differences', () => {
  for (const [name, f, data] of unary) {
    it(name, async () => {
      expect(await gradcheck(f, [leaf(data)])).toBe(true);
      expect(await gradgradcheck(f, [leaf(data)])).toBe(true);
    });
  }
  for (const [name, f, x, y] of binary) {
    it(`${name} of two`, async () => {
      expect(await gradcheck(f, [x, y])).toBe(true);
      expect(await gradgradcheck(f, [x, y])).toBe(true);
    });
  }
});

/** Gradients of the sum of f(x) by x. */
function gradientOf(f: (x: Tensor) => Tensor, data: readonly number[]): unknown {
  const x = tensor(data, { requiresGrad: true });
  f(x).sum().backward();
  return x.grad!.toArraySync();
}

/** Gradients of the sum of f(a, b) by both. */
function gradientsOf(
  f: (a: Tensor, b: Tensor) => Tensor,
  first: readonly number[],
  second: readonly number[],
): unknown[] {
  const [x, y] = [tensor(first, { requiresGrad: true }), tensor(second, { requiresGrad: true })];
  f(x, y).sum().backward();
  return [x.grad!.toArraySync(), y.grad!.toArraySync()];
}

const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];

describe("PyTorch's gradients at the edges", () => {
  it('abs and sign at 0', () => {
    expect(gradientOf((x) => x.abs(), [-1, 0, 2])).toEqual([-1, 0, 1]);
    expect(gradientOf((x) => x.sign(), [-1, 0, 2])).toEqual([0, 0, 0]);
  });

  it('kinks of activations', () => {
    expect(gradientOf((x) => x.relu(), [-1, 0, 1, nan])).toEqual([0, 0, 1, 1]);
    expect(gradientOf((x) => F.leakyRelu(x, 0.5), [-1, 0, 1])).toEqual([0.5, 0.5, 1]);
    expect(gradientOf((x) => F.relu6(x), [0, 3, 6])).toEqual([0, 1, 0]);
    expect(gradientOf((x) => F.hardtanh(x), [-1, 0, 1])).toEqual([0, 1, 0]);
    expect(gradientOf((x) => F.hardswish(x), [-3, 3, 4])).toEqual([-0.5, 1.5, 1]);
    expect(gradientOf((x) => F.hardshrink(x), [-0.5, 0.5, 0.6])).toEqual([0, 0, 1]);
    expect(gradientOf((x) => F.elu(x), [0])).toEqual([1]);
    expect(gradientOf((x) => F.threshold(x, 1, 5), [1, 1.5])).toEqual([0, 1]);
  });

  it('bounds of clamp keep the gradient', () => {
    expect(gradientOf((x) => x.clamp(0, 1), [-1, 0, 0.5, 1, 2])).toEqual([0, 1, 1, 1, 0]);
    expect(gradientOf((x) => x.clampMin(0), [-1, 0, 1])).toEqual([0, 1, 1]);
    expect(gradientsOf((x, low) => x.clamp(low, low.detach().add(1)), [-1, 0, 3], [0, 0, 0])).toEqual([
      [0, 1, 0],
      [1, 0, 0],
    ]);
  });

  it('ties share, NaN gives all to both', () => {
    expect(gradientsOf((a, b) => a.maximum(b), [1, 2, 3, nan], [2, 2, 2, 1])).toEqual([
      [0, 0.5, 1, 1],
      [1, 0.5, 0, 1],
    ]);
    expect(gradientsOf((a, b) => a.fmax(b), [1, 2, nan, 1], [2, 2, 1, nan])).toEqual([
      [0, 1, 0, 1],
      [1, 0, 1, 0],
    ]);
  });

  it('powers of 0 and to 0', () => {
    expect(gradientOf((x) => x.pow(0), [0, 2])).toEqual([0, 0]);
    expect(gradientsOf((x, p) => x.pow(p), [0, 0, 2], [0, 2, 0])).toEqual([
      [0, 0, 0],
      [0, 0, Math.fround(Math.LN2)],
    ]);
    expect(gradientOf((x) => x.sqrt(), [0])).toEqual([inf]);
  });

  it('xlogy and copysign at 0', () => {
    expect(gradientsOf((x, y) => x.xlogy(y), [0, 0], [0, 1])).toEqual([
      [0, 0],
      [nan, 0],
    ]);
    expect(gradientOf((y) => xlogy(2, y), [4])).toEqual([0.5]);
    expect(gradientsOf((x, y) => x.copysign(y), [0, 2, 3], [-1, -1, 1])).toEqual([
      [0, -1, 1],
      [0, 0, 0],
    ]);
  });

  it('where gives nothing to the branch that it does not take', () => {
    expect(gradientOf((x) => where(x.gt(0), x.log(), 0), [0, 2])).toEqual([nan, 0.5]);
    // The first is 0 / 0, of log; where itself passes 0 on, not inf · 0.
    const [a, b] = [tensor([1, 1], { requiresGrad: true }), tensor([2, 2], { requiresGrad: true })];
    where(tensor([true, false]), a, b).backward(tensor([inf, inf]));
    expect([a.grad!.toArraySync(), b.grad!.toArraySync()]).toEqual([
      [inf, 0],
      [0, inf],
    ]);
  });

  it('infinite and missing values in nanToNum', () => {
    expect(gradientOf((x) => x.nanToNum(), [1, nan, inf])).toEqual([1, 0, 0]);
  });

  it('reduces the gradient of broadcast operands and casts it back', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = tensor([[3], [4]], { dtype: 'float64', requiresGrad: true });
    x.mul(y).sum().backward();
    expect([x.grad!.dtype, x.grad!.toArraySync()]).toEqual(['float32', [7, 7]]);
    expect([y.grad!.dtype, y.grad!.toArraySync()]).toEqual(['float64', [[3], [3]]]);
  });
});

it('nodes of the graph have the names that PyTorch gives them', () => {
  const x = tensor([0.5], { requiresGrad: true });
  const names: [Tensor, string][] = [
    [x.add(1), 'AddBackward0'],
    [x.sub(x), 'SubBackward0'],
    [x.rsub(1), 'RsubBackward1'],
    [x.rsub(x), 'RsubBackward0'],
    [x.mul(2), 'MulBackward0'],
    [x.div(2), 'DivBackward0'],
    [x.div(2, { roundingMode: 'floor' }), 'DivBackward2'],
    [x.remainder(1), 'RemainderBackward0'],
    [x.remainder(x), 'RemainderBackward1'],
    [x.fmod(x), 'FmodBackward1'],
    [x.pow(2), 'PowBackward0'],
    [x.pow(x), 'PowBackward1'],
    [x.square(), 'PowBackward0'],
    [x.log1p(), 'Log1PBackward0'],
    [x.deg2rad(), 'Deg2RadBackward0'],
    [x.expm1(), 'Expm1Backward0'],
    [x.clamp(0, 1), 'ClampBackward1'],
    [x.clamp(x), 'ClampBackward0'],
    [x.clampMin(0), 'ClampMinBackward0'],
    [x.clampMax(x), 'ClampMaxBackward1'],
    [x.lerp(x, 0.5), 'LerpBackward0'],
    [x.lerp(x, x), 'LerpBackward1'],
    [x.maximum(x), 'MaximumBackward0'],
    [x.nanToNum(), 'NanToNumBackward0'],
    [where(x.gt(0), x, x), 'WhereBackward0'],
    [x.relu(), 'ReluBackward0'],
    [x.sigmoid(), 'SigmoidBackward0'],
    [F.leakyRelu(x), 'LeakyReluBackward0'],
    [F.relu6(x), 'HardtanhBackward0'],
    [F.elu(x), 'EluBackward0'],
    [F.celu(x), 'CeluBackward0'],
    [F.selu(x), 'EluBackward0'],
    [F.gelu(x), 'GeluBackward0'],
    [F.silu(x), 'SiluBackward0'],
    [F.logsigmoid(x), 'LogSigmoidBackward0'],
    [F.softplus(x), 'SoftplusBackward0'],
    [F.softsign(x), 'DivBackward0'],
  ];
  for (const [y, name] of names) expect(y.gradFn?.name).toBe(name);
  expect(x.floorDivide(2).requiresGrad).toBe(false);
  expect(x.nextafter(x).requiresGrad).toBe(false);
  expect(x.gt(0).requiresGrad).toBe(false);
});

it('in-place forms have the same gradients', () => {
  const x = tensor([0.5, 2], { requiresGrad: true });
  const y = x.mul(1);
  y.exp_().mul_(3).relu_();
  y.sum().backward();
  expect(y.gradFn?.name).toBe('ReluBackward0');
  (x.grad!.toArraySync() as number[]).forEach((g, i) => {
    expect(g).toBeCloseTo(3 * Math.exp([0.5, 2][i]!), 4);
  });
});
