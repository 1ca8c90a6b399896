/** @file One small instance of every layer, with what it is called with. */
import { manualSeed, rand, randn, type Tensor, tensor } from '@flambeau/tensor';
import * as nn from '../../src/index.ts';

export interface Example {
  /** Makes the layer; each call draws other parameters. */
  readonly make: () => nn.Module;
  /** Its arguments. Gradients are wanted by the floating-point ones that require them. */
  readonly inputs: () => unknown[];
}

const int = (data: number[] | number[][]): Tensor => tensor(data, { dtype: 'int32' });
const float64 = { dtype: 'float64' } as const;
/** Normal numbers that want a gradient. */
const x = (...shape: number[]): Tensor => randn(shape, float64).requiresGrad_();
/** Numbers between 0.1 and 0.9 that want a gradient. */
const share = (...shape: number[]): Tensor => rand(shape, float64).mul(0.8).add(0.1).detach().requiresGrad_();
const signs = (count: number): Tensor =>
  tensor(
    Array.from({ length: count }, (_, i) => (i % 2 ? 1 : -1)),
    float64,
  );
const classes = (...labels: number[]): Tensor => int(labels);

const of = (make: () => nn.Module, ...inputs: (() => unknown)[]): Example => ({
  make,
  inputs: () => inputs.map((input) => input()),
});
/** A layer of one tensor of this shape. */
const on = (shape: number[], make: () => nn.Module): Example => of(make, () => x(...shape));

const line = [2, 3];
const signal = [2, 3, 6];
const image = [1, 2, 5, 5];
const volume = [1, 2, 4, 4, 4];

/** What a pooling with indices gives, for the layers that undo it. */
const pooled = (spatial: 1 | 2 | 3): Example => {
  const shape = [1, 2, ...new Array<number>(spatial).fill(4)];
  const F = nn.F;
  const pool = { 1: F.maxPool1d, 2: F.maxPool2d, 3: F.maxPool3d }[spatial];
  const result = (): [Tensor, Tensor] => {
    manualSeed(3);
    return pool(randn(shape, float64), 2, { returnIndices: true }) as unknown as [Tensor, Tensor];
  };
  const Unpool = { 1: nn.MaxUnpool1d, 2: nn.MaxUnpool2d, 3: nn.MaxUnpool3d }[spatial];
  return of(
    () => new Unpool(2),
    () => result()[0].requiresGrad_(),
    () => result()[1],
  );
};

const pair = (make: () => nn.Module, second: () => unknown = () => randn(line, float64)): Example =>
  of(make, () => x(...line), second);

const encoderLayer = (): nn.TransformerEncoderLayer => new nn.TransformerEncoderLayer(4, 2, 4, 0);
const decoderLayer = (): nn.TransformerDecoderLayer => new nn.TransformerDecoderLayer(4, 2, 4, 0);

export const examples: Readonly<Record<string, Example>> = {
  // linear maps and tables
  Bilinear: pair(
    () => new nn.Bilinear(3, 3, 2),
    () => x(...line),
  ),
  Embedding: of(
    () => new nn.Embedding(5, 3, { paddingIdx: 3 }),
    () =>
      int([
        [0, 2],
        [4, 1],
      ]),
  ),
  EmbeddingBag: of(
    () => new nn.EmbeddingBag(5, 3, { mode: 'mean' }),
    () =>
      int([
        [0, 2],
        [4, 1],
      ]),
  ),
  Flatten: on(image, () => new nn.Flatten()),
  Identity: on(line, () => new nn.Identity()),
  Linear: on(line, () => new nn.Linear(3, 2)),
  NonDynamicallyQuantizableLinear: on(line, () => new nn.NonDynamicallyQuantizableLinear(3, 2)),
  Unflatten: on([2, 6], () => new nn.Unflatten(1, [2, 3])),
  // convolutions and patches
  Conv1d: on(signal, () => new nn.Conv1d(3, 2, 3)),
  Conv2d: on(image, () => new nn.Conv2d(2, 2, 3, { stride: 2, padding: 1, groups: 2 })),
  Conv3d: on(volume, () => new nn.Conv3d(2, 1, 3)),
  ConvTranspose1d: on(signal, () => new nn.ConvTranspose1d(3, 2, 3, 2)),
  ConvTranspose2d: on(image, () => new nn.ConvTranspose2d(2, 2, 2)),
  ConvTranspose3d: on([1, 2, 2, 2, 2], () => new nn.ConvTranspose3d(2, 1, 2)),
  Fold: on([1, 8, 4], () => new nn.Fold([3, 3], [2, 2])),
  Unfold: on(image, () => new nn.Unfold([2, 2])),
  // pooling
  AdaptiveAvgPool1d: on(signal, () => new nn.AdaptiveAvgPool1d(4)),
  AdaptiveAvgPool2d: on(image, () => new nn.AdaptiveAvgPool2d([2, 3])),
  AdaptiveAvgPool3d: on(volume, () => new nn.AdaptiveAvgPool3d(2)),
  AdaptiveMaxPool1d: on(signal, () => new nn.AdaptiveMaxPool1d(4)),
  AdaptiveMaxPool2d: on(image, () => new nn.AdaptiveMaxPool2d([2, 3])),
  AdaptiveMaxPool3d: on(volume, () => new nn.AdaptiveMaxPool3d(2)),
  AvgPool1d: on(signal, () => new nn.AvgPool1d(2)),
  AvgPool2d: on(image, () => new nn.AvgPool2d(2, { padding: 1 })),
  AvgPool3d: on(volume, () => new nn.AvgPool3d(2)),
  FractionalMaxPool2d: on(image, () => new nn.FractionalMaxPool2d(2, { outputSize: 3 })),
  FractionalMaxPool3d: on(volume, () => new nn.FractionalMaxPool3d(2, { outputSize: 2 })),
  LPPool1d: on(signal, () => new nn.LPPool1d(2, 2)),
  LPPool2d: on(image, () => new nn.LPPool2d(2, 2)),
  MaxPool1d: on(signal, () => new nn.MaxPool1d(2)),
  MaxPool2d: on(image, () => new nn.MaxPool2d(2)),
  MaxPool3d: on(volume, () => new nn.MaxPool3d(2)),
  MaxUnpool1d: pooled(1),
  MaxUnpool2d: pooled(2),
  MaxUnpool3d: pooled(3),
  // padding
  CircularPad1d: on(signal, () => new nn.CircularPad1d(1)),
  CircularPad2d: on(image, () => new nn.CircularPad2d(1)),
  CircularPad3d: on([1, 1, 2, 2, 2], () => new nn.CircularPad3d(1)),
  ConstantPad1d: on(signal, () => new nn.ConstantPad1d(1, 2)),
  ConstantPad2d: on(image, () => new nn.ConstantPad2d(1, 2)),
  ConstantPad3d: on([1, 1, 2, 2, 2], () => new nn.ConstantPad3d(1, 2)),
  ReflectionPad1d: on(signal, () => new nn.ReflectionPad1d(2)),
  ReflectionPad2d: on(image, () => new nn.ReflectionPad2d(1)),
  ReflectionPad3d: on([1, 1, 2, 2, 2], () => new nn.ReflectionPad3d(1)),
  ReplicationPad1d: on(signal, () => new nn.ReplicationPad1d(2)),
  ReplicationPad2d: on(image, () => new nn.ReplicationPad2d(1)),
  ReplicationPad3d: on([1, 1, 2, 2, 2], () => new nn.ReplicationPad3d(1)),
  ZeroPad1d: on(signal, () => new nn.ZeroPad1d(1)),
  ZeroPad2d: on(image, () => new nn.ZeroPad2d(1)),
  ZeroPad3d: on([1, 1, 2, 2, 2], () => new nn.ZeroPad3d(1)),
  // activations
  CELU: on(line, () => new nn.CELU()),
  ELU: on(line, () => new nn.ELU()),
  GELU: on(line, () => new nn.GELU()),
  GLU: on([2, 4], () => new nn.GLU()),
  Hardshrink: on(line, () => new nn.Hardshrink()),
  Hardsigmoid: on(line, () => new nn.Hardsigmoid()),
  Hardswish: on(line, () => new nn.Hardswish()),
  Hardtanh: on([4, 4], () => new nn.Hardtanh()),
  LeakyReLU: on(line, () => new nn.LeakyReLU()),
  LogSigmoid: on(line, () => new nn.LogSigmoid()),
  LogSoftmax: on(line, () => new nn.LogSoftmax(1)),
  Mish: on(line, () => new nn.Mish()),
  PReLU: on(line, () => new nn.PReLU()),
  RReLU: on(line, () => new nn.RReLU()),
  ReLU: on(line, () => new nn.ReLU()),
  ReLU6: on(line, () => new nn.ReLU6()),
  SELU: on(line, () => new nn.SELU()),
  SiLU: on(line, () => new nn.SiLU()),
  Sigmoid: on(line, () => new nn.Sigmoid()),
  Softmax: on(line, () => new nn.Softmax(1)),
  Softmax2d: on(image, () => new nn.Softmax2d()),
  Softmin: on(line, () => new nn.Softmin(1)),
  Softplus: on(line, () => new nn.Softplus()),
  Softshrink: on([4, 4], () => new nn.Softshrink()),
  Softsign: on(line, () => new nn.Softsign()),
  Tanh: on(line, () => new nn.Tanh()),
  Tanhshrink: on(line, () => new nn.Tanhshrink()),
  Threshold: on([4, 4], () => new nn.Threshold(0.1, 2)),
  // normalization
  BatchNorm1d: on([4, 3], () => new nn.BatchNorm1d(3)),
  BatchNorm2d: on([2, 2, 3, 3], () => new nn.BatchNorm2d(2)),
  BatchNorm3d: on([2, 2, 2, 2, 2], () => new nn.BatchNorm3d(2)),
  CrossMapLRN2d: on([1, 4, 2, 2], () => new nn.CrossMapLRN2d(3)),
  GroupNorm: on([2, 4, 3], () => new nn.GroupNorm(2, 4)),
  InstanceNorm1d: on(signal, () => new nn.InstanceNorm1d(3, { affine: true })),
  InstanceNorm2d: on(image, () => new nn.InstanceNorm2d(2)),
  InstanceNorm3d: on([1, 2, 2, 2, 2], () => new nn.InstanceNorm3d(2, { affine: true, trackRunningStats: true })),
  LayerNorm: on(line, () => new nn.LayerNorm(3)),
  LocalResponseNorm: on([1, 4, 2, 2], () => new nn.LocalResponseNorm(3)),
  RMSNorm: on(line, () => new nn.RMSNorm(3)),
  SyncBatchNorm: on([4, 3], () => new nn.SyncBatchNorm(3)),
  // dropout
  AlphaDropout: on(line, () => new nn.AlphaDropout(0.3)),
  Dropout: on(line, () => new nn.Dropout(0.3)),
  Dropout1d: on(signal, () => new nn.Dropout1d(0.3)),
  Dropout2d: on([2, 4, 2, 2], () => new nn.Dropout2d(0.3)),
  Dropout3d: on([2, 4, 2, 2, 2], () => new nn.Dropout3d(0.3)),
  FeatureAlphaDropout: on([2, 4, 2, 2], () => new nn.FeatureAlphaDropout(0.3)),
  // images
  ChannelShuffle: on([1, 4, 2, 2], () => new nn.ChannelShuffle(2)),
  PixelShuffle: on([1, 4, 2, 2], () => new nn.PixelShuffle(2)),
  PixelUnshuffle: on([1, 1, 4, 4], () => new nn.PixelUnshuffle(2)),
  Upsample: on([1, 1, 3, 3], () => new nn.Upsample({ scaleFactor: 2, mode: 'bicubic' })),
  UpsamplingBilinear2d: on([1, 1, 3, 3], () => new nn.UpsamplingBilinear2d({ scaleFactor: 2 })),
  UpsamplingNearest2d: on([1, 1, 3, 3], () => new nn.UpsamplingNearest2d({ scaleFactor: 2 })),
  // recurrent layers, attention and transformers
  GRU: on([3, 2, 3], () => new nn.GRU(3, 2)),
  GRUCell: on(line, () => new nn.GRUCell(3, 2)),
  LSTM: on([3, 2, 3], () => new nn.LSTM(3, 2, { bidirectional: true })),
  LSTMCell: on(line, () => new nn.LSTMCell(3, 2)),
  MultiheadAttention: of(
    () => new nn.MultiheadAttention(4, 2),
    () => x(2, 1, 4),
    () => x(3, 1, 4),
    () => x(3, 1, 4),
  ),
  RNN: on([3, 2, 3], () => new nn.RNN(3, 2)),
  RNNCell: on(line, () => new nn.RNNCell(3, 2)),
  Transformer: of(
    () => new nn.Transformer(4, 2, 1, 1, 4, 0),
    () => x(2, 1, 4),
    () => x(2, 1, 4),
  ),
  TransformerDecoder: of(
    () => new nn.TransformerDecoder(decoderLayer(), 1),
    () => x(2, 1, 4),
    () => x(2, 1, 4),
  ),
  TransformerDecoderLayer: of(
    decoderLayer,
    () => x(2, 1, 4),
    () => x(2, 1, 4),
  ),
  TransformerEncoder: on([2, 1, 4], () => new nn.TransformerEncoder(encoderLayer(), 1)),
  TransformerEncoderLayer: on([2, 1, 4], encoderLayer),
  // distances and losses
  AdaptiveLogSoftmaxWithLoss: of(
    () => new nn.AdaptiveLogSoftmaxWithLoss(4, 8, [2, 5], { divValue: 2 }),
    () => x(4, 4),
    () => classes(0, 3, 6, 1),
  ),
  BCELoss: of(
    () => new nn.BCELoss(),
    () => share(2, 3),
    () => rand(line, float64),
  ),
  BCEWithLogitsLoss: pair(
    () => new nn.BCEWithLogitsLoss(),
    () => rand(line, float64),
  ),
  CTCLoss: of(
    () => new nn.CTCLoss(),
    () => randn([5, 2, 3], float64).logSoftmax(2).detach().requiresGrad_(),
    () =>
      int([
        [1, 2],
        [2, 1],
      ]),
    () => int([5, 4]),
    () => int([2, 1]),
  ),
  CosineEmbeddingLoss: of(
    () => new nn.CosineEmbeddingLoss(),
    () => x(4, 3),
    () => x(4, 3),
    () => signs(4),
  ),
  CosineSimilarity: pair(
    () => new nn.CosineSimilarity(),
    () => x(...line),
  ),
  CrossEntropyLoss: pair(
    () => new nn.CrossEntropyLoss({ labelSmoothing: 0.1 }),
    () => classes(2, 0),
  ),
  GaussianNLLLoss: of(
    () => new nn.GaussianNLLLoss(),
    () => x(...line),
    () => randn(line, float64),
    () => share(2, 3),
  ),
  HingeEmbeddingLoss: of(
    () => new nn.HingeEmbeddingLoss(),
    () => x(4),
    () => signs(4),
  ),
  HuberLoss: pair(() => new nn.HuberLoss()),
  KLDivLoss: pair(
    () => new nn.KLDivLoss({ reduction: 'batchmean' }),
    () => rand(line, float64),
  ),
  L1Loss: pair(() => new nn.L1Loss()),
  MSELoss: pair(() => new nn.MSELoss()),
  MarginRankingLoss: of(
    () => new nn.MarginRankingLoss(0.5),
    () => x(4),
    () => x(4),
    () => signs(4),
  ),
  MultiLabelMarginLoss: pair(
    () => new nn.MultiLabelMarginLoss(),
    () =>
      tensor(
        [
          [1, -1, 0],
          [0, 2, -1],
        ],
        { dtype: 'int64' },
      ),
  ),
  MultiLabelSoftMarginLoss: pair(
    () => new nn.MultiLabelSoftMarginLoss(),
    () =>
      tensor(
        [
          [1, 0, 1],
          [0, 1, 1],
        ],
        float64,
      ),
  ),
  MultiMarginLoss: pair(
    () => new nn.MultiMarginLoss(),
    () => classes(2, 0),
  ),
  NLLLoss: pair(
    () => new nn.NLLLoss(),
    () => classes(2, 0),
  ),
  PairwiseDistance: pair(
    () => new nn.PairwiseDistance(),
    () => x(...line),
  ),
  PoissonNLLLoss: pair(
    () => new nn.PoissonNLLLoss(),
    () => rand(line, float64),
  ),
  SmoothL1Loss: pair(() => new nn.SmoothL1Loss()),
  SoftMarginLoss: of(
    () => new nn.SoftMarginLoss(),
    () => x(4),
    () => signs(4),
  ),
  TripletMarginLoss: of(
    () => new nn.TripletMarginLoss(),
    () => x(...line),
    () => x(...line),
    () => x(...line),
  ),
  TripletMarginWithDistanceLoss: of(
    () => new nn.TripletMarginWithDistanceLoss(),
    () => x(...line),
    () => x(...line),
    () => x(...line),
  ),
  // of other modules
  Sequential: on(line, () => new nn.Sequential(new nn.Linear(3, 2), new nn.Tanh())),
  // lazy ones
  LazyBatchNorm1d: on([4, 3], () => new nn.LazyBatchNorm1d()),
  LazyBatchNorm2d: on([2, 2, 3, 3], () => new nn.LazyBatchNorm2d()),
  LazyBatchNorm3d: on([2, 2, 2, 2, 2], () => new nn.LazyBatchNorm3d()),
  LazyConv1d: on(signal, () => new nn.LazyConv1d(2, 3)),
  LazyConv2d: on(image, () => new nn.LazyConv2d(2, 3)),
  LazyConv3d: on(volume, () => new nn.LazyConv3d(1, 3)),
  LazyConvTranspose1d: on(signal, () => new nn.LazyConvTranspose1d(2, 3)),
  LazyConvTranspose2d: on(image, () => new nn.LazyConvTranspose2d(1, 2)),
  LazyConvTranspose3d: on([1, 2, 2, 2, 2], () => new nn.LazyConvTranspose3d(1, 2)),
  LazyInstanceNorm1d: on(signal, () => new nn.LazyInstanceNorm1d({ affine: true })),
  LazyInstanceNorm2d: on(image, () => new nn.LazyInstanceNorm2d()),
  LazyInstanceNorm3d: on([1, 2, 2, 2, 2], () => new nn.LazyInstanceNorm3d()),
  LazyLinear: on(line, () => new nn.LazyLinear(2)),
};
