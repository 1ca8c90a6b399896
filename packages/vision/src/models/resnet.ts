/**
 * @file Residual networks. He et al. 2015 (https://arxiv.org/abs/1512.03385), with the stride in the 3 × 3 convolution of a
 * bottleneck as torchvision has it; ResNeXt: Xie et al. 2016; wide ones: Zagoruyko & Komodakis 2016.
 */
import * as nn from '@flambeau/nn';
import type { Tensor } from '@flambeau/tensor';
import { initConvolutions } from './initialize.ts';

export interface ResNetOptions {
  /** Number of scores. */
  numClasses?: number | undefined;
  /** Starts every residual branch at zero (Goyal et al. 2017). */
  zeroInitResidual?: boolean | undefined;
  /** Groups of the 3 × 3 convolutions of bottlenecks. */
  groups?: number | undefined;
  /** Channels of a group where a plain network has 64. */
  widthPerGroup?: number | undefined;
}

interface Shape {
  readonly stride: number;
  readonly groups: number;
  readonly baseWidth: number;
}

const conv = (from: number, to: number, kernel: 1 | 3, stride = 1, groups = 1): nn.Conv2d =>
  new nn.Conv2d(from, to, kernel, { stride, groups, padding: (kernel - 1) / 2, bias: false });

/** Two 3 × 3 convolutions. */
class BasicBlock extends nn.Module {
  static readonly expansion = 1;
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly relu = new nn.ReLU({ inplace: true });
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly downsample: nn.Sequential | null;

  constructor(from: number, planes: number, { stride }: Shape, downsample: nn.Sequential | null) {
    super();
    this.conv1 = conv(from, planes, 3, stride);
    this.bn1 = new nn.BatchNorm2d(planes);
    this.conv2 = conv(planes, planes, 3);
    this.bn2 = new nn.BatchNorm2d(planes);
    this.downsample = downsample;
  }

  get last(): nn.BatchNorm2d {
    return this.bn2;
  }

  override forward(x: Tensor): Tensor {
    const out = this.bn2(this.conv2(this.relu(this.bn1(this.conv1(x)))));
    return this.relu(out.add(this.downsample === null ? x : this.downsample(x)));
  }
}

/** A 3 × 3 convolution between two 1 × 1 ones, the last of which widens four times. */
class Bottleneck extends nn.Module {
  static readonly expansion = 4;
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly conv3: nn.Conv2d;
  readonly bn3: nn.BatchNorm2d;
  readonly relu = new nn.ReLU({ inplace: true });
  readonly downsample: nn.Sequential | null;

  constructor(from: number, planes: number, { stride, groups, baseWidth }: Shape, downsample: nn.Sequential | null) {
    super();
    const width = Math.trunc(planes * (baseWidth / 64)) * groups;
    this.conv1 = conv(from, width, 1);
    this.bn1 = new nn.BatchNorm2d(width);
    this.conv2 = conv(width, width, 3, stride, groups);
    this.bn2 = new nn.BatchNorm2d(width);
    this.conv3 = conv(width, planes * Bottleneck.expansion, 1);
    this.bn3 = new nn.BatchNorm2d(planes * Bottleneck.expansion);
    this.downsample = downsample;
  }

  get last(): nn.BatchNorm2d {
    return this.bn3;
  }

  override forward(x: Tensor): Tensor {
    const narrow = this.relu(this.bn2(this.conv2(this.relu(this.bn1(this.conv1(x))))));
    return this.relu(this.bn3(this.conv3(narrow)).add(this.downsample === null ? x : this.downsample(x)));
  }
}

type Block = typeof BasicBlock | typeof Bottleneck;

/** Images [N, 3, H, W] → scores [N, numClasses]. Parts have torchvision's names. */
export class ResNet extends nn.Module {
  readonly conv1: nn.Conv2d;
  readonly bn1 = new nn.BatchNorm2d(64);
  readonly relu = new nn.ReLU({ inplace: true });
  readonly maxpool = new nn.MaxPool2d(3, { stride: 2, padding: 1 });
  readonly layer1: nn.Sequential;
  readonly layer2: nn.Sequential;
  readonly layer3: nn.Sequential;
  readonly layer4: nn.Sequential;
  readonly avgpool = new nn.AdaptiveAvgPool2d(1);
  readonly fc: nn.Linear;

  /** @param layers numbers of blocks in the four stages */
  constructor(block: 'basic' | 'bottleneck', layers: readonly number[], options: ResNetOptions = {}) {
    super();
    const { numClasses = 1000, zeroInitResidual = false, groups = 1, widthPerGroup = 64 } = options;
    const kind = block === 'basic' ? BasicBlock : Bottleneck;
    this.conv1 = new nn.Conv2d(3, 64, 7, { stride: 2, padding: 3, bias: false });
    let from = 64;
    const stage = (place: number): nn.Sequential => {
      const planes = 64 * 2 ** place;
      const shape = { stride: place === 0 ? 1 : 2, groups, baseWidth: widthPerGroup };
      const made = makeStage(kind, from, planes, layers[place]!, shape);
      from = planes * kind.expansion;
      return made;
    };
    this.layer1 = stage(0);
    this.layer2 = stage(1);
    this.layer3 = stage(2);
    this.layer4 = stage(3);
    this.fc = new nn.Linear(from, numClasses);
    initConvolutions(this);
    if (!zeroInitResidual) return;
    for (const module of this.modules())
      if (module instanceof BasicBlock || module instanceof Bottleneck) nn.init.zeros_(module.last.weight!);
  }

  override forward(x: Tensor): Tensor {
    const stem = this.maxpool(this.relu(this.bn1(this.conv1(x))));
    const features = this.layer4(this.layer3(this.layer2(this.layer1(stem))));
    return this.fc(this.avgpool(features).flatten(1));
  }
}

/** The blocks of a stage, of which the first changes size. Made in torchvision's order, which decides the random draws. */
function makeStage(kind: Block, from: number, planes: number, count: number, shape: Shape): nn.Sequential {
  const to = planes * kind.expansion;
  const downsample =
    shape.stride === 1 && from === to
      ? null
      : new nn.Sequential(conv(from, to, 1, shape.stride), new nn.BatchNorm2d(to));
  const blocks = [new kind(from, planes, shape, downsample)];
  for (let i = 1; i < count; i++) blocks.push(new kind(to, planes, { ...shape, stride: 1 }, null));
  return new nn.Sequential(...(blocks as nn.Module[]));
}

const maker =
  (block: 'basic' | 'bottleneck', layers: readonly number[], fixed: ResNetOptions = {}) =>
  (options: ResNetOptions = {}): ResNet =>
    new ResNet(block, layers, { ...fixed, ...options });

/** ResNet-18 for ImageNet's 1000 classes, or `{ numClasses }`; weights are drawn at random. */
export const resnet18 = maker('basic', [2, 2, 2, 2]);
export const resnet34 = maker('basic', [3, 4, 6, 3]);
export const resnet50 = maker('bottleneck', [3, 4, 6, 3]);
export const resnet101 = maker('bottleneck', [3, 4, 23, 3]);
export const resnet152 = maker('bottleneck', [3, 8, 36, 3]);
export const resnext5032x4d = maker('bottleneck', [3, 4, 6, 3], { groups: 32, widthPerGroup: 4 });
export const resnext10132x8d = maker('bottleneck', [3, 4, 23, 3], { groups: 32, widthPerGroup: 8 });
export const resnext10164x4d = maker('bottleneck', [3, 4, 23, 3], { groups: 64, widthPerGroup: 4 });
export const wideResnet502 = maker('bottleneck', [3, 4, 6, 3], { widthPerGroup: 128 });
export const wideResnet1012 = maker('bottleneck', [3, 4, 23, 3], { widthPerGroup: 128 });
