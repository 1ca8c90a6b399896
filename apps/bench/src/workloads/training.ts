/** @file Training steps of small networks, and an optimizer step. */
import { F, nn, noGrad, optim, type Tensor } from 'flambeau';
import { labels, setParameters, values } from '../data.ts';
import type { Run, Workload, Workloads } from '../workload.ts';
import { residualNet } from './resnet.ts';

class CifarNet extends nn.Module {
  conv1 = new nn.Conv2d(3, 6, 5);
  pool = new nn.MaxPool2d(2, 2);
  conv2 = new nn.Conv2d(6, 16, 5);
  fc1 = new nn.Linear(400, 120);
  fc2 = new nn.Linear(120, 84);
  fc3 = new nn.Linear(84, 10);

  override forward(x: Tensor): Tensor {
    const a = this.pool(F.relu(this.conv1(x)));
    const b = this.pool(F.relu(this.conv2(a))).flatten(1);
    return this.fc3(F.relu(this.fc2(F.relu(this.fc1(b)))));
  }
}

class MnistCNN extends nn.Module {
  conv1 = new nn.Conv2d(1, 10, 5, { padding: 2 });
  conv2 = new nn.Conv2d(10, 20, 5, { padding: 2 });
  fc1 = new nn.Linear(980, 50);
  fc2 = new nn.Linear(50, 10);

  override forward(x: Tensor): Tensor {
    const a = F.maxPool2d(F.relu(this.conv1(x)), 2);
    const b = F.maxPool2d(F.relu(this.conv2(a)), 2);
    return this.fc2(F.relu(this.fc1(b.flatten(1))));
  }
}

/** One step of SGD by cross entropy; the loss is read back each step. */
function trainer(device: string, net: nn.Module, x: Tensor, y: Tensor, lr: number, momentum: number): Run {
  net.to(device);
  const optimizer = new optim.SGD(net.parameters(), { lr, momentum });
  const criterion = new nn.CrossEntropyLoss();
  return () => {
    optimizer.zeroGrad();
    const loss = criterion((net as unknown as (x: Tensor) => Tensor)(x), y);
    loss.backward();
    optimizer.step();
    return device === 'cpu' ? loss.itemSync() : loss.item();
  };
}

const cifarNet =
  (batch: number): Workload =>
  (device) =>
    trainer(
      device,
      setParameters(device, new CifarNet().to(device)),
      values(device, 1, [batch, 3, 32, 32]),
      labels(device, 2, batch, 10),
      0.001,
      0.9,
    );

const mnistNet: Workload = (device) =>
  trainer(
    device,
    setParameters(device, new MnistCNN().to(device)),
    values(device, 1, [100, 1, 28, 28]),
    labels(device, 2, 100, 10),
    0.01,
    0,
  );

/** 500 steps from the same start; the check is the last loss. */
const mlp: Workload = (device) => {
  const net = new nn.Sequential(new nn.Linear(1000, 100), new nn.ReLU(), new nn.Linear(100, 10)).to(device);
  const [x, y] = [values(device, 1, [64, 1000]), values(device, 2, [64, 10])];
  const criterion = new nn.MSELoss({ reduction: 'sum' });
  return () => {
    setParameters(device, net);
    const optimizer = new optim.SGD(net.parameters(), { lr: 1e-4 });
    let loss!: Tensor;
    for (let i = 0; i < 500; i++) {
      loss = criterion(net(x), y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
    }
    return device === 'cpu' ? loss.itemSync() : loss.item();
  };
};

/** All outputs of an LSTM, and the gradients of its four parameters. */
const lstm: Workload = (device) => {
  const net = new nn.LSTM(64, 128).to(device);
  noGrad(() => {
    [...net.parameters()].forEach((p, i) => {
      p.copy_(values(device, 100 + i, p.shape, 1 / Math.sqrt(128)));
    });
  });
  const x = values(device, 1, [50, 32, 64]);
  return () => {
    net.zeroGrad();
    const loss = net(x)[0].pow(2).mean();
    loss.backward();
    return device === 'cpu' ? loss.itemSync() : loss.item();
  };
};

const adam: Workload = (device) => {
  const p = new nn.Parameter(values(device, 1, [1000000]));
  p.grad = values(device, 2, [1000000]);
  const optimizer = new optim.Adam([p], { lr: 1e-3 });
  return () => {
    optimizer.step();
  };
};

const residualTraining: Workload = (device) =>
  trainer(device, residualNet(device, 20), values(device, 1, [64, 3, 32, 32]), labels(device, 2, 64, 10), 0.01, 0.9);

const residualInference =
  (kind: 18 | 20, batch: number, size: number): Workload =>
  (device) => {
    const net = residualNet(device, kind).eval();
    const x = values(device, 1, [batch, 3, size, size]);
    return () => noGrad(() => (device === 'cpu' ? net(x).at(0, 0).itemSync() : net(x).at(0, 0).item()));
  };

export const training: Workloads = {
  'train-mlp': mlp,
  'train-cifar-net-b4': cifarNet(4),
  'train-cifar-net-b64': cifarNet(64),
  'train-mnist-cnn-b100': mnistNet,
  'lstm-fwdbwd': lstm,
  'adam-1m': adam,
  'resnet20-infer-b64': residualInference(20, 64, 32),
  'resnet20-train-b64': residualTraining,
  'resnet18-infer-b1': residualInference(18, 1, 224),
};
