/**
 * @file Public pointwise ops, their gradients, reductions and products on special values, on the CPU and on WebGPU. The
 * functions that they are made of are compared one by one in special.gpu.test.ts.
 */
import { cat, type DType, functional as F, randn, Tensor, tensor, where } from '@flambeau/tensor';
import { backendFor } from '@flambeau/tensor/internal';
import { beforeAll, describe, expect, it } from 'vitest';
import { device, open } from './compare.ts';
import { differencesOf } from './special.ts';

beforeAll(open);

const [nan, infinity, most] = [Number.NaN, Number.POSITIVE_INFINITY, 3.4028234663852886e38];
const positive = [0, 1, 0.5, 2, 3, 0.3, 1.5, 19, 21, 88, 100, 1e-20, 1e5, 1e30, most, infinity];
const floats = tensor([nan, ...positive, ...positive.map((x) => -x)]);
/** Without 1e-20, whose square is below what devices keep. */
const operands = floats.maskedFill(floats.abs().lt(1e-15).logicalAnd(floats.ne(0)), 1e-10);
const pair = [operands.unsqueeze(1), operands] as const;
const ints = tensor([0, 1, -1, 2, -2, 3, 7, -7, 31, 100, -100, 2 ** 31 - 1, -(2 ** 31)], { dtype: 'int32' });
const divisors = tensor([1, -1, 2, -2, 3, 7, -7, 31, 100, -100, 2 ** 31 - 1, -(2 ** 31)], { dtype: 'int32' });
const bools = tensor([true, false]);

type Run = (...inputs: Tensor[]) => Tensor | readonly Tensor[];
type Table = Readonly<Record<string, Run>>;

async function compare(name: string, inputs: readonly Tensor[], run: Run, relative: number): Promise<void> {
  const [wanted, got] = [inputs, inputs.map((x) => x.to(device))].map((list) => {
    const results = run(...list);
    return results instanceof Tensor ? [results] : [...results];
  }) as [Tensor[], Tensor[]];
  for (const [k, result] of got.entries()) {
    const cpu = wanted[k]!;
    expect({ dtype: result.dtype, shape: result.shape }).toEqual({ dtype: cpu.dtype, shape: cpu.shape });
    expect(await differencesOf(`${name} ${k}`, result, cpu, inputs, relative)).toEqual([]);
  }
}

/** The gradients by all inputs, for gradients of 1 and of 0.5 by turns. */
const gradients =
  (run: Run): Run =>
  (...inputs) => {
    const leaves = inputs.map((x) => x.detach().requiresGrad_());
    const out = [run(...leaves)].flat()[0] as Tensor;
    out.backward(out.detach().mul(0).nanToNum(0).add(0.5));
    return leaves.map((leaf) => leaf.grad!).filter((grad) => grad !== null);
  };

const unary: Table = {
  abs: (x) => x.abs(),
  acos: (x) => x.acos(),
  acosh: (x) => x.acosh(),
  asin: (x) => x.asin(),
  asinh: (x) => x.asinh(),
  atan: (x) => x.atan(),
  atanh: (x) => x.atanh(),
  cos: (x) => x.cos(),
  cosh: (x) => x.cosh(),
  deg2rad: (x) => x.deg2rad(),
  digamma: (x) => x.digamma(),
  erf: (x) => x.erf(),
  erfc: (x) => x.erfc(),
  erfinv: (x) => x.erfinv(),
  exp: (x) => x.exp(),
  exp2: (x) => x.exp2(),
  expm1: (x) => x.expm1(),
  frac: (x) => x.frac(),
  lgamma: (x) => x.lgamma(),
  log: (x) => x.log(),
  log10: (x) => x.log10(),
  log1p: (x) => x.log1p(),
  log2: (x) => x.log2(),
  logit: (x) => x.logit(),
  'logit clamped': (x) => x.logit(0.1),
  nanToNum: (x) => x.nanToNum(),
  neg: (x) => x.neg(),
  rad2deg: (x) => x.rad2deg(),
  reciprocal: (x) => x.reciprocal(),
  rsqrt: (x) => x.rsqrt(),
  sigmoid: (x) => x.sigmoid(),
  sin: (x) => x.sin(),
  sinc: (x) => x.sinc(),
  sinh: (x) => x.sinh(),
  sqrt: (x) => x.sqrt(),
  square: (x) => x.square(),
  tan: (x) => x.tan(),
  tanh: (x) => x.tanh(),
  'pow 3': (x) => x.pow(3),
  'pow -2': (x) => x.pow(-2),
  'pow 0.5': (x) => x.pow(0.5),
  'pow 2.5': (x) => x.pow(2.5),
  'pow 0': (x) => x.pow(0),
  clamp: (x) => x.clamp(-1, 2),
  celu: (x) => F.celu(x),
  elu: (x) => F.elu(x),
  gelu: (x) => F.gelu(x),
  'gelu tanh': (x) => F.gelu(x, { approximate: 'tanh' }),
  hardshrink: (x) => F.hardshrink(x),
  hardsigmoid: (x) => F.hardsigmoid(x),
  hardswish: (x) => F.hardswish(x),
  hardtanh: (x) => F.hardtanh(x),
  leakyRelu: (x) => F.leakyRelu(x),
  logsigmoid: (x) => F.logsigmoid(x),
  mish: (x) => F.mish(x),
  relu: (x) => F.relu(x),
  relu6: (x) => F.relu6(x),
  selu: (x) => F.selu(x),
  silu: (x) => F.silu(x),
  softplus: (x) => F.softplus(x),
  softshrink: (x) => F.softshrink(x),
  softsign: (x) => F.softsign(x),
  tanhshrink: (x) => F.tanhshrink(x),
  threshold: (x) => F.threshold(x, 0.5, 7),
};

/** Without gradients. */
const tests: Table = {
  ceil: (x) => x.ceil(),
  floor: (x) => x.floor(),
  round: (x) => x.round(),
  'round decimals': (x) => x.round({ decimals: 1 }),
  trunc: (x) => x.trunc(),
  sign: (x) => x.sign(),
  sgn: (x) => x.sgn(),
  signbit: (x) => x.signbit(),
  isfinite: (x) => x.isfinite(),
  isinf: (x) => x.isinf(),
  isnan: (x) => x.isnan(),
  isneginf: (x) => x.isneginf(),
  isposinf: (x) => x.isposinf(),
  logicalNot: (x) => x.logicalNot(),
  'to bool': (x) => x.to('bool'),
  'to float16': (x) => x.to('float16').to('float32'),
  'to bfloat16': (x) => x.to('bfloat16').to('float32'),
};

const binary: Table = {
  add: (x, y) => x.add(y),
  'add alpha': (x, y) => x.add(y, { alpha: 0.5 }),
  sub: (x, y) => x.sub(y),
  mul: (x, y) => x.mul(y),
  div: (x, y) => x.div(y),
  pow: (x, y) => x.pow(y),
  atan2: (x, y) => x.atan2(y),
  hypot: (x, y) => x.hypot(y),
  copysign: (x, y) => x.copysign(y),
  maximum: (x, y) => x.maximum(y),
  minimum: (x, y) => x.minimum(y),
  fmax: (x, y) => x.fmax(y),
  fmin: (x, y) => x.fmin(y),
  logaddexp: (x, y) => x.logaddexp(y),
  logaddexp2: (x, y) => x.logaddexp2(y),
  xlogy: (x, y) => x.xlogy(y),
  lerp: (x, y) => x.lerp(y, 0.25),
  addcmul: (x, y) => x.addcmul(y, y, { value: 0.5 }),
  addcdiv: (x, y) => x.addcdiv(y, y, { value: 0.5 }),
  where: (x, y) => where(x.gt(0.5), x, y),
  clamp: (x, y) => x.clamp({ min: y }),
};

const comparisons: Table = {
  eq: (x, y) => x.eq(y),
  ne: (x, y) => x.ne(y),
  lt: (x, y) => x.lt(y),
  le: (x, y) => x.le(y),
  gt: (x, y) => x.gt(y),
  ge: (x, y) => x.ge(y),
  isclose: (x, y) => x.isclose(y),
  'isclose, NaN equal': (x, y) => x.isclose(y, { equalNan: true }),
  logicalAnd: (x, y) => x.logicalAnd(y),
  logicalOr: (x, y) => x.logicalOr(y),
  logicalXor: (x, y) => x.logicalXor(y),
};

const quotients: Table = {
  'div floor': (x, y) => x.div(y, { roundingMode: 'floor' }),
  'div trunc': (x, y) => x.div(y, { roundingMode: 'trunc' }),
  floorDivide: (x, y) => x.floorDivide(y),
  remainder: (x, y) => x.remainder(y),
  fmod: (x, y) => x.fmod(y),
};

const others: Table = {
  heaviside: (x, y) => x.heaviside(y),
  nextafter: (x, y) => x.nextafter(y),
};

const each = (table: Table, inputs: readonly Tensor[], relative: number, change: (run: Run) => Run = (run) => run) => {
  for (const [name, run] of Object.entries(table)) it(name, () => compare(name, inputs, change(run), relative));
};

describe('float32', () => {
  each({ ...unary, ...tests }, [floats], 2e-5);
  each({ ...binary, ...comparisons, ...quotients, ...others }, pair, 2e-5);
});

describe('gradients', () => {
  each(unary, [floats], 1e-4, gradients);
  each(binary, pair, 1e-4, gradients);
});

describe('half precision', () => {
  it('is read as it is, all of it', async () => {
    for (const dtype of ['float16', 'bfloat16'] as DType[]) {
      const bits = Uint16Array.from({ length: 65_536 }, (_, i) => i);
      const all = new Tensor(backendFor('cpu').upload(dtype, bits), dtype, [bits.length]);
      await compare(dtype, [all], (x) => x.to('float32'), 0);
    }
  });

  it('is rounded to nearest, ties to even', async () => {
    const edges = [
      65_504,
      65_519.99,
      65_520,
      65_536,
      2 ** -14,
      2 ** -24,
      2 ** -25,
      1.5 * 2 ** -24,
      2.5 * 2 ** -24,
      1e-10,
    ];
    const ties = Array.from({ length: 64 }, (_, i) => 1 + (i + 0.5) * 2 ** -10).concat(
      Array.from({ length: 64 }, (_, i) => 1 + (i + 0.5) * 2 ** -7),
    );
    const x = cat([
      tensor([...edges, ...edges.map((v) => -v), ...ties]),
      randn(5000),
      randn(5000).mul(1e-6),
      randn(5000).mul(3e4),
    ]);
    for (const dtype of ['float16', 'bfloat16'] as DType[])
      await compare(dtype, [x], (v) => v.to(dtype).to('float32'), 0);
  });

  for (const dtype of ['float16', 'bfloat16'] as DType[]) {
    const [x, y] = [floats.clamp(-6e4, 6e4).to(dtype).unsqueeze(1), floats.to(dtype)];
    each({ add: binary.add!, mul: binary.mul!, maximum: binary.maximum!, ...comparisons }, [x, y], 0);
    each({ exp: unary.exp!, sigmoid: unary.sigmoid!, neg: unary.neg! }, [y], dtype === 'float16' ? 1e-3 : 8e-3);
  }
});

describe('integers', () => {
  const bits: Table = {
    bitwiseAnd: (x, y) => x.bitwiseAnd(y),
    bitwiseOr: (x, y) => x.bitwiseOr(y),
    bitwiseXor: (x, y) => x.bitwiseXor(y),
    bitwiseLeftShift: (x, y) => x.bitwiseLeftShift(y),
    bitwiseRightShift: (x, y) => x.bitwiseRightShift(y),
  };
  const whole: Table = {
    neg: (x) => x.neg(),
    abs: (x) => x.abs(),
    sign: (x) => x.sign(),
    square: (x) => x.square(),
    bitwiseNot: (x) => x.bitwiseNot(),
    clamp: (x) => x.clamp(-3, 50),
    'pow 3': (x) => x.pow(3),
    sqrt: (x) => x.sqrt(),
    'to float32': (x) => x.to('float32'),
    'to uint8': (x) => x.to('uint8'),
    'to bool': (x) => x.to('bool'),
  };
  const { add, sub, mul, maximum, minimum } = binary as Record<string, Run>;
  for (const dtype of ['int32', 'int16', 'int8', 'uint8'] as DType[]) {
    const [x, y] = [ints.to(dtype), divisors.remainder(120).to(dtype)];
    const nonzero = y.maskedFill(y.eq(0), 1);
    describe(dtype, () => {
      each(
        { add: add!, sub: sub!, mul: mul!, maximum: maximum!, minimum: minimum!, ...comparisons, ...bits },
        [x.unsqueeze(1), x],
        0,
      );
      each(quotients, [x.unsqueeze(1), nonzero], 0);
      each({ div: binary.div! }, [x.unsqueeze(1), nonzero], 1e-6);
      each(whole, [x], 1e-6);
    });
  }
});

describe('bool', () => {
  const { add, mul, maximum, minimum } = binary as Record<string, Run>;
  each({ add: add!, mul: mul!, maximum: maximum!, minimum: minimum!, ...comparisons }, [bools.unsqueeze(1), bools], 0);
});

describe('reductions', () => {
  const rows = tensor([
    [1, nan, 3, 2],
    [infinity, 1, -infinity, 2],
    [infinity, infinity, 1, 0],
    [-infinity, -infinity, -infinity, -infinity],
    [most, most, 1, -1],
    [-0, 0, -0, 0],
    [nan, nan, infinity, 1],
    [100, 200, 1e-20, -300],
  ]);
  const reductions: Table = {
    sum: (x) => x.sum(1),
    nansum: (x) => x.nansum(1),
    mean: (x) => x.mean(1),
    prod: (x) => x.prod(1),
    amax: (x) => x.amax(1),
    amin: (x) => x.amin(1),
    max: (x) => [...x.max(1)],
    min: (x) => [...x.min(1)],
    argmax: (x) => x.argmax(1),
    argmin: (x) => x.argmin(1),
    logsumexp: (x) => x.logsumexp(1),
    norm: (x) => x.norm(2, 1),
    any: (x) => x.any(1),
    all: (x) => x.all(1),
    variance: (x) => x.var(1),
    cumsum: (x) => x.cumsum(1),
    cumprod: (x) => x.cumprod(1),
    cummax: (x) => [...x.cummax(1)],
    cummin: (x) => [...x.cummin(1)],
    logcumsumexp: (x) => x.logcumsumexp(1),
    sort: (x) => [...x.sort(1)],
    'sort descending': (x) => [...x.sort(1, true)],
    softmax: (x) => F.softmax(x, 1),
    logSoftmax: (x) => F.logSoftmax(x, 1),
    topk: (x) => [...x.topk(2, 1)],
    median: (x) => x.median(1).values,
    product: (x) => x.matmul(x.t()),
    'max pooling': (x) => F.maxPool1d(x.unsqueeze(0), 2),
    'count of nonzero': (x) => x.countNonzero(1),
  };
  each(reductions, [rows], 1e-5);
  describe('long rows', () => each(reductions, [rows.repeat(1, 200)], 1e-4));
});
