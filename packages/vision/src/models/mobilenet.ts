/** @file MobileNetV2. Sandler et al. 2018 (https://arxiv.org/abs/1801.04381). */
import * as nn from '@flambeau/nn';
import { functional as F, type Tensor } from '@flambeau/tensor';
import { initConvolutions } from './initialize.ts';

export interface MobileNetV2Options {
  /** Number of scores. */
  numClasses?: number | undefined;
  /** Factor of all numbers of channels. */
  widthMult?: number | undefined;
  /** Numbers of channels are multiples of this. */
  roundNearest?: number | undefined;
  /** Share of the features that is dropped before the scores in training. */
  dropout?: number | undefined;
}

/** Widening, channels, number of blocks and first stride of each stage. */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** The multiple of `divisor` nearest to `value`, but not more than a tenth below it. */
function divisible(value: number, divisor: number): number {
  const near = Math.max(divisor, Math.floor((value + divisor / 2) / divisor) * divisor);
  return near < 0.9 * value ? near + divisor : near;
}

const convolution = (from: number, to: number, kernel: number, stride: number, groups = 1): nn.Sequential =>
  new nn.Sequential(
    new nn.Conv2d(from, to, kernel, { stride, groups, padding: (kernel - 1) / 2, bias: false }),
    new nn.BatchNorm2d(to),
    new nn.ReLU6({ inplace: true }),
  );

/** Widens, convolves each channel for itself, and narrows; the input is added where sizes allow. */
class InvertedResidual extends nn.Module {
  readonly conv: nn.Sequential;
  readonly useResConnect: boolean;

  constructor(from: number, to: number, stride: number, widening: number) {
    super();
    const hidden = Math.round(from * widening);
    const parts: nn.Module[] = widening === 1 ? [] : [convolution(from, hidden, 1, 1)];
    parts.push(convolution(hidden, hidden, 3, stride, hidden));
    parts.push(new nn.Conv2d(hidden, to, 1, { bias: false }), new nn.BatchNorm2d(to));
    this.conv = new nn.Sequential(...parts);
    this.useResConnect = stride === 1 && from === to;
  }

  override forward(x: Tensor): Tensor {
    const out = this.conv(x);
    return this.useResConnect ? x.add(out) : out;
  }
}

/** Images [N, 3, H, W] → scores [N, numClasses]. Parts have torchvision's names. */
export class MobileNetV2 extends nn.Module {
  readonly features: nn.Sequential;
  readonly classifier: nn.Sequential;

  constructor(options: MobileNetV2Options = {}) {
    super();
    const { numClasses = 1000, widthMult = 1, roundNearest = 8, dropout = 0.2 } = options;
    let from = divisible(32 * widthMult, roundNearest);
    const last = divisible(1280 * Math.max(1, widthMult), roundNearest);
    const features: nn.Module[] = [convolution(3, from, 3, 2)];
    for (const [widening, channels, count, first] of stages) {
      const to = divisible(channels * widthMult, roundNearest);
      for (let i = 0; i < count; i++) {
        features.push(new InvertedResidual(from, to, i === 0 ? first : 1, widening));
        from = to;
      }
    }
    features.push(convolution(from, last, 1, 1));
    this.features = new nn.Sequential(...features);
    const scores = new nn.Linear(last, numClasses);
    this.classifier = new nn.Sequential(new nn.Dropout(dropout), scores);
    initConvolutions(this);
    nn.init.normal_(scores.weight, 0, 0.01);
    nn.init.zeros_(scores.bias!);
  }

  override forward(x: Tensor): Tensor {
    return this.classifier(F.adaptiveAvgPool2d(this.features(x), 1).flatten(1));
  }
}

/** MobileNetV2 for ImageNet's 1000 classes, or `{ numClasses }`; weights are drawn at random. */
export const mobilenetV2 = (options: MobileNetV2Options = {}): MobileNetV2 => new MobileNetV2(options);
