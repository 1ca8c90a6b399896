/** @file The residual networks of the benchmarks: CIFAR's ResNet-20 and the standard ResNet-18. */
import { F, nn, noGrad, type Tensor } from 'flambeau';
import { values } from '../data.ts';

const convNorm = (
  cin: number,
  cout: number,
  kernel: number,
  stride: number,
  padding: number,
): nn.Module & ((x: Tensor) => Tensor) =>
  new nn.Sequential(new nn.Conv2d(cin, cout, kernel, { stride, padding, bias: false }), new nn.BatchNorm2d(cout));

class Block extends nn.Module {
  c1: ReturnType<typeof convNorm>;
  c2: ReturnType<typeof convNorm>;
  sc: ReturnType<typeof convNorm> | null;

  constructor(cin: number, cout: number, stride: number) {
    super();
    this.c1 = convNorm(cin, cout, 3, stride, 1);
    this.c2 = convNorm(cout, cout, 3, 1, 1);
    this.sc = stride !== 1 || cin !== cout ? convNorm(cin, cout, 1, stride, 0) : null;
  }

  override forward(x: Tensor): Tensor {
    const shortcut = this.sc === null ? x : this.sc(x);
    return F.relu(this.c2(F.relu(this.c1(x))).add(shortcut));
  }
}

class ResidualNet extends nn.Module {
  stem: ReturnType<typeof convNorm>;
  blocks: nn.ModuleList;
  fc: nn.Linear;
  #pools: boolean;

  constructor(kind: 18 | 20) {
    super();
    const stages =
      kind === 20
        ? [
            [16, 3, 1],
            [32, 3, 2],
            [64, 3, 2],
          ]
        : [
            [64, 2, 1],
            [128, 2, 2],
            [256, 2, 2],
            [512, 2, 2],
          ];
    this.#pools = kind === 18;
    let channels = kind === 20 ? 16 : 64;
    this.stem = kind === 20 ? convNorm(3, 16, 3, 1, 1) : convNorm(3, 64, 7, 2, 3);
    const blocks: Block[] = [];
    for (const [width, depth, stride] of stages as [number, number, number][]) {
      for (let b = 0; b < depth; b++) {
        blocks.push(new Block(channels, width, b === 0 ? stride : 1));
        channels = width;
      }
    }
    this.blocks = new nn.ModuleList(blocks);
    this.fc = new nn.Linear(channels, kind === 20 ? 10 : 1000);
  }

  override forward(x: Tensor): Tensor {
    let h = F.relu(this.stem(x));
    if (this.#pools) h = F.maxPool2d(h, 3, 2, 1);
    for (const block of this.blocks as Iterable<nn.Module>) h = (block as Block)(h);
    return this.fc(h.mean([2, 3]));
  }
}

/** The network with the benchmark's weights: convolution i from seed 100 + i, the last layer from seed 300. */
export function residualNet(device: string, kind: 18 | 20): ResidualNet {
  const net = new ResidualNet(kind).to(device);
  let i = 0;
  noGrad(() => {
    for (const module of net.modules()) {
      if (!(module instanceof nn.Conv2d)) continue;
      const fan = module.weight.shape.slice(1).reduce((a, b) => a * b, 1);
      module.weight.copy_(values(device, 100 + i++, module.weight.shape, Math.sqrt(6 / fan)));
    }
    net.fc.weight.copy_(values(device, 300, net.fc.weight.shape, 1 / Math.sqrt(net.fc.weight.shape[1]!)));
    net.fc.bias!.zero_();
  });
  return net;
}
