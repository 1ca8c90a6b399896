/**
 * @file torch.nn.init: filling parameters, in place and without history, with PyTorch's random numbers bit for bit.
 */
import {
  type Generator,
  linalg,
  noGrad,
  randperm,
  ShapeError,
  type Tensor,
  tensor as tensorOf,
  zeros,
} from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { fill } from './filling.ts';

/** PyTorch's names of functions, as it spells them or in camelCase. */
export type Nonlinearity =
  | 'linear'
  | 'conv1d'
  | 'conv2d'
  | 'conv3d'
  | 'conv_transpose1d'
  | 'conv_transpose2d'
  | 'conv_transpose3d'
  | 'convTranspose1d'
  | 'convTranspose2d'
  | 'convTranspose3d'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'leaky_relu'
  | 'leakyRelu'
  | 'selu';

/** Whether a fan counts what goes into a unit or what comes out of it. */
export type FanMode = 'fan_in' | 'fan_out' | 'fanIn' | 'fanOut';

export interface DrawOptions {
  generator?: Generator | null | undefined;
}

/**
 * The factor by which a nonlinearity's inputs should be spread more widely than a linear map's, so that signals keep
 * their size from layer to layer. `param` is leaky relu's negative slope.
 * @throws RangeError for an unknown nonlinearity.
 */
export function calculateGain(nonlinearity: Nonlinearity, param?: number | null): number {
  const name = nonlinearity.replace('_', '').toLowerCase();
  if (name === 'linear' || name === 'sigmoid' || /^conv(transpose)?[123]d$/.test(name)) return 1;
  if (name === 'tanh') return 5 / 3;
  if (name === 'relu') return Math.SQRT2;
  if (name === 'leakyrelu') return Math.sqrt(2 / (1 + (param ?? 0.01) ** 2));
  if (name === 'selu') return 3 / 4;
  throw new RangeError(`calculateGain(): unsupported nonlinearity '${nonlinearity}'`);
}

/** Inputs and outputs of a unit: of a weight [out, in, ...kernel], in · kernel size and out · kernel size. */
export function calculateFanInAndFanOut(tensor: Tensor): [fanIn: number, fanOut: number] {
  if (tensor.ndim < 2)
    throw new ShapeError(`fan in and fan out need at least 2 dimensions, got shape [${tensor.shape.join(', ')}]`);
  const field = tensor.shape.slice(2).reduce((n, size) => n * size, 1);
  return [tensor.shape[1]! * field, tensor.shape[0]! * field];
}

function fanOf(op: string, tensor: Tensor, mode: FanMode): number {
  const [fanIn, fanOut] = calculateFanInAndFanOut(tensor);
  if (mode === 'fan_in' || mode === 'fanIn') return fanIn;
  if (mode === 'fan_out' || mode === 'fanOut') return fanOut;
  throw new RangeError(`${op}(): mode must be 'fan_in' or 'fan_out', got '${String(mode)}'`);
}

const parseUniform = signature<{ a: number; b: number; generator: Generator | null }>('uniform_', ['a', 'b'], {
  a: 0,
  b: 1,
  generator: null,
});

/** Uniform numbers from [a, b). */
export function uniform_(
  tensor: Tensor,
  ...args: Trailing<[a: number, b: number], { a?: number; b?: number } & DrawOptions>
): Tensor {
  const { a, b, generator } = parseUniform(args);
  return fill(tensor, () => tensor.uniform_(a, b, { generator }));
}

const parseNormal = signature<{ mean: number; std: number; generator: Generator | null }>('normal_', ['mean', 'std'], {
  mean: 0,
  std: 1,
  generator: null,
});

/** Normal numbers. */
export function normal_(
  tensor: Tensor,
  ...args: Trailing<[mean: number, std: number], { mean?: number; std?: number } & DrawOptions>
): Tensor {
  const { mean, std, generator } = parseNormal(args);
  return fill(tensor, () => tensor.normal_(mean, std, { generator }));
}

const parseTruncated = signature<{ mean: number; std: number; a: number; b: number; generator: Generator | null }>(
  'truncNormal_',
  ['mean', 'std', 'a', 'b'],
  {
    mean: 0,
    std: 1,
    a: -2,
    b: 2,
    generator: null,
  },
);

/** Normal numbers without those outside [a, b]. */
export function truncNormal_(
  tensor: Tensor,
  ...args: Trailing<
    [mean: number, std: number, a: number, b: number],
    { mean?: number; std?: number; a?: number; b?: number } & DrawOptions
  >
): Tensor {
  const { mean, std, a, b, generator } = parseTruncated(args);
  // The normal distribution's values at the bounds; uniform numbers between them are mapped back by the inverse.
  const cdf = (x: number): number =>
    (1 +
      tensorOf([(x - mean) / std / Math.SQRT2], { dtype: 'float64', device: 'cpu' })
        .erf()
        .itemSync()) /
    2;
  const [low, high] = [cdf(a), cdf(b)];
  return noGrad(() =>
    tensor
      .uniform_(2 * low - 1, 2 * high - 1, { generator })
      .erfinv_()
      .mul_(std * Math.SQRT2)
      .add_(mean)
      .clamp_(a, b),
  );
}

/** `val` everywhere. */
export function constant_(tensor: Tensor, val: number): Tensor {
  return fill(tensor, () => tensor.fill_(val));
}

/** 1 everywhere. */
export function ones_(tensor: Tensor): Tensor {
  return constant_(tensor, 1);
}

/** 0 everywhere. */
export function zeros_(tensor: Tensor): Tensor {
  return constant_(tensor, 0);
}

/** The identity matrix. @throws ShapeError for other than 2 dimensions. */
export function eye_(tensor: Tensor): Tensor {
  if (tensor.ndim !== 2) throw new ShapeError(`eye_(): expected a matrix, got shape [${tensor.shape.join(', ')}]`);
  return noGrad(() => {
    tensor.zero_();
    tensor.diagonal().fill_(1);
    return tensor;
  });
}

const parseDirac = signature<{ groups: number }>('dirac_', ['groups'], { groups: 1 });

/** A convolution weight [out, in/groups, ...kernel] that passes as many channels of each group on as it can. */
export function dirac_(tensor: Tensor, ...args: Trailing<[groups: number], { groups?: number }>): Tensor {
  const { groups } = parseDirac(args);
  if (tensor.ndim < 3 || tensor.ndim > 5)
    throw new ShapeError(`dirac_(): expected 3 to 5 dimensions, got shape [${tensor.shape.join(', ')}]`);
  const [out, channels, ...kernel] = tensor.shape as readonly [number, number, ...number[]];
  if (out % groups !== 0) throw new RangeError(`dirac_(): ${out} output channels do not divide into ${groups} groups`);
  const perGroup = out / groups;
  return noGrad(() => {
    tensor.zero_();
    for (let g = 0; g < groups; g++) {
      for (let d = 0; d < Math.min(perGroup, channels); d++) {
        let element = tensor.select(0, g * perGroup + d).select(0, d);
        for (const size of kernel) element = element.select(0, Math.floor(size / 2));
        element.fill_(1);
      }
    }
    return tensor;
  });
}

const parseGain = (op: string) =>
  signature<{ gain: number; generator: Generator | null }>(op, ['gain'], { gain: 1, generator: null });
type GainArguments = Trailing<[gain: number], { gain?: number } & DrawOptions>;
const parseXavierUniform = parseGain('xavierUniform_');
const parseXavierNormal = parseGain('xavierNormal_');

function xavierStd(tensor: Tensor, gain: number): number {
  const [fanIn, fanOut] = calculateFanInAndFanOut(tensor);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}

/** Glorot & Bengio 2010: uniform with variance gain² · 2 / (fanIn + fanOut). */
export function xavierUniform_(tensor: Tensor, ...args: GainArguments): Tensor {
  const { gain, generator } = parseXavierUniform(args);
  const bound = Math.sqrt(3) * xavierStd(tensor, gain);
  return uniform_(tensor, -bound, bound, { generator });
}

/** Glorot & Bengio 2010: normal with variance gain² · 2 / (fanIn + fanOut). */
export function xavierNormal_(tensor: Tensor, ...args: GainArguments): Tensor {
  const { gain, generator } = parseXavierNormal(args);
  return normal_(tensor, 0, xavierStd(tensor, gain), { generator });
}

interface KaimingOptions extends DrawOptions {
  /** Negative slope of the leaky relu that follows. */
  a?: number;
  mode?: FanMode;
  nonlinearity?: Nonlinearity;
}

type KaimingArguments = Trailing<[a: number, mode: FanMode, nonlinearity: Nonlinearity], KaimingOptions>;

function kaiming(op: string, tensor: Tensor, args: readonly unknown[]): { std: number; generator: Generator | null } {
  const { a, mode, nonlinearity, generator } = signature<{
    a: number;
    mode: FanMode;
    nonlinearity: Nonlinearity;
    generator: Generator | null;
  }>(op, ['a', 'mode', 'nonlinearity'], { a: 0, mode: 'fan_in', nonlinearity: 'leaky_relu', generator: null })(args);
  return { std: calculateGain(nonlinearity, a) / Math.sqrt(fanOf(op, tensor, mode)), generator };
}

/** He et al. 2015: uniform with variance gain² / fan. A tensor without elements is left alone. */
export function kaimingUniform_(tensor: Tensor, ...args: KaimingArguments): Tensor {
  if (tensor.elementCount === 0) return tensor;
  const { std, generator } = kaiming('kaimingUniform_', tensor, args);
  const bound = Math.sqrt(3) * std;
  return uniform_(tensor, -bound, bound, { generator });
}

/** He et al. 2015: normal with variance gain² / fan. A tensor without elements is left alone. */
export function kaimingNormal_(tensor: Tensor, ...args: KaimingArguments): Tensor {
  if (tensor.elementCount === 0) return tensor;
  const { std, generator } = kaiming('kaimingNormal_', tensor, args);
  return normal_(tensor, 0, std, { generator });
}

const parseOrthogonal = parseGain('orthogonal_');

/** Saxe et al. 2013: a (semi-)orthogonal matrix; dimensions after the first count as one. */
export function orthogonal_(tensor: Tensor, ...args: GainArguments): Tensor {
  const { gain, generator } = parseOrthogonal(args);
  if (tensor.ndim < 2)
    throw new ShapeError(`orthogonal_(): expected at least 2 dimensions, got shape [${tensor.shape.join(', ')}]`);
  if (tensor.elementCount === 0) return tensor;
  return noGrad(() => {
    const [rows, columns] = [tensor.shape[0]!, tensor.elementCount / tensor.shape[0]!];
    const drawn = zeros([rows, columns], { dtype: tensor.dtype, device: 'cpu' }).normal_(0, 1, { generator });
    const tall = rows < columns ? drawn.t() : drawn;
    // Q is unique once R's diagonal is positive.
    const { Q, R } = linalg.qr(tall.to('float64'));
    const q = Q.mul(R.diagonal().sign());
    const placed = (rows < columns ? q.t() : q).mul(gain).reshape(tensor.shape).to(tensor.dtype);
    return tensor.copy_(placed.to(tensor.device));
  });
}

const parseSparse = signature<{ sparsity: number; std: number; generator: Generator | null }>(
  'sparse_',
  ['sparsity', 'std'],
  { std: 0.01, generator: null },
);

/** Martens 2010: normal numbers, of which a fraction `sparsity` of each column is 0. */
export function sparse_(
  tensor: Tensor,
  ...args:
    | [sparsity: number, ...Trailing<[std: number], { std?: number } & DrawOptions>]
    | [options: { sparsity: number; std?: number } & DrawOptions]
): Tensor {
  const { sparsity, std, generator } = parseSparse(args);
  if (tensor.ndim !== 2) throw new ShapeError(`sparse_(): expected a matrix, got shape [${tensor.shape.join(', ')}]`);
  const [rows, columns] = tensor.shape as readonly [number, number];
  const count = Math.ceil(sparsity * rows);
  return noGrad(() => {
    tensor.normal_(0, std, { generator });
    const places: [row: number, column: number][] = [];
    for (let column = 0; column < columns; column++) {
      const order = randperm(rows, { generator, device: 'cpu' }).toTypedArraySync();
      for (let i = 0; i < count; i++) places.push([Number(order[i]), column]);
    }
    return tensor.set([places.map(([row]) => row), places.map(([, column]) => column)], 0);
  });
}

/** What Linear and the convolutions start with: weight and bias uniform in ±1/√fanIn. */
export function resetAffine(weight: Tensor, bias: Tensor | null): void {
  kaimingUniform_(weight, { a: Math.sqrt(5) });
  if (bias === null) return;
  const [fanIn] = calculateFanInAndFanOut(weight);
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
  uniform_(bias, -bound, bound);
}
