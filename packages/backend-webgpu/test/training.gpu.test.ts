/** The same training on both devices gives the same losses. */
import * as nn from '@flambeau/nn';
import * as optim from '@flambeau/optim';
import { AutogradError, functional as F, manualSeed, randint, randn, type Tensor, tensor } from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { device, open } from './compare.ts';

beforeAll(open);

const STEPS = 30;

interface Task {
  readonly make: () => nn.Module & ((x: Tensor) => Tensor);
  readonly optimizer: (parameters: Tensor[]) => optim.Optimizer;
  /** Of one batch. */
  readonly shape: readonly number[];
  readonly classes: number;
}

/** The tutorial's network, smaller. */
const mlp: Task = {
  make: () =>
    new nn.Sequential(
      new nn.Flatten(),
      new nn.Linear(64, 32),
      new nn.ReLU(),
      new nn.Linear(32, 32),
      new nn.ReLU(),
      new nn.Linear(32, 10),
    ),
  optimizer: (parameters) => new optim.SGD(parameters, { lr: 0.1 }),
  shape: [16, 1, 8, 8],
  classes: 10,
};

/** MNIST's convolutional network with fewer channels, on smaller images. */
const cnn: Task = {
  make: () =>
    new nn.Sequential(
      new nn.Conv2d(1, 4, 3),
      new nn.ReLU(),
      new nn.Conv2d(4, 8, 3),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(8 * 6 * 6, 16),
      new nn.ReLU(),
      new nn.Linear(16, 10),
      new nn.LogSoftmax(1),
    ),
  optimizer: (parameters) => new optim.Adadelta(parameters, { lr: 1 }),
  shape: [4, 1, 16, 16],
  classes: 10,
};

class Block extends nn.Module {
  conv1: nn.Conv2d;
  bn1: nn.BatchNorm2d;
  conv2: nn.Conv2d;
  bn2: nn.BatchNorm2d;
  downsample: nn.Sequential<[nn.Conv2d, nn.BatchNorm2d]> | null;

  constructor(from: number, to: number, stride: number) {
    super();
    this.conv1 = new nn.Conv2d(from, to, 3, { stride, padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(to);
    this.conv2 = new nn.Conv2d(to, to, 3, { padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(to);
    this.downsample =
      stride === 1
        ? null
        : new nn.Sequential(new nn.Conv2d(from, to, 1, { stride, bias: false }), new nn.BatchNorm2d(to));
  }

  override forward(x: Tensor): Tensor {
    const inner = this.bn2(this.conv2(F.relu(this.bn1(this.conv1(x)))));
    return F.relu(inner.add(this.downsample === null ? x : this.downsample(x)));
  }
}

const resnet: Task = {
  make: () =>
    new nn.Sequential(
      new nn.Conv2d(3, 4, 3, { padding: 1, bias: false }),
      new nn.BatchNorm2d(4),
      new nn.ReLU(),
      new Block(4, 4, 1),
      new Block(4, 8, 2),
      new nn.AdaptiveAvgPool2d(1),
      new nn.Flatten(),
      new nn.Linear(8, 5),
    ),
  optimizer: (parameters) => new optim.SGD(parameters, { lr: 0.05, momentum: 0.9, weightDecay: 1e-4 }),
  shape: [4, 3, 8, 8],
  classes: 5,
};

/** Losses of some epochs over four batches. What is random is drawn on the CPU, since devices draw other numbers. */
async function train({ make, optimizer, shape, classes }: Task, on: string): Promise<number[]> {
  manualSeed(7);
  const net = make().to(on);
  const batches = Array.from({ length: 4 }, () => [
    randn([...shape]).to(on),
    randint(0, classes, [shape[0]!], { dtype: 'int32' }).to(on),
  ]) as [Tensor, Tensor][];
  const criterion = new nn.CrossEntropyLoss();
  const optim = optimizer([...net.parameters()]);
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const [x, y] = batches[step % batches.length]!;
    optim.zeroGrad();
    const loss = criterion(net(x), y);
    loss.backward();
    optim.step();
    losses.push(await loss.item());
  }
  return losses;
}

describe('training on the GPU', () => {
  it.each([
    ['the MLP of the tutorial', mlp],
    ["MNIST's CNN", cnn],
    ['a small ResNet', resnet],
  ])('%s loses as on the CPU', { timeout: 180_000 }, async (_, task) => {
    const [cpu, gpu] = [await train(task, 'cpu'), await train(task, device)];
    cpu.forEach((loss, i) => {
      expect(Math.abs(gpu[i]! / loss - 1), `step ${i + 1}: ${gpu[i]} on the GPU, ${loss} on the CPU`).toBeLessThan(
        1e-3,
      );
    });
    expect(gpu.at(-1)).toBeLessThan(gpu[1]!);
  });

  it('knows overwritten values there too', () => {
    const x = tensor([1, 2], { requiresGrad: true }).to(device);
    const y = x.mul(2);
    const z = y.mul(y);
    y.add_(1);
    expect(() => z.sum().backward()).toThrow(AutogradError);
  });
});
