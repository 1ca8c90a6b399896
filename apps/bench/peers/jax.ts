/** @file The workloads in jax-js, jitted, as its README recommends. A call consumes its arguments; `.ref` keeps one. */
import { defaultDevice, getWebGPUDevice, init, jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax';
import type { Run } from '../src/workload.ts';
import { oneHot, type Peer, parameters, shapes, type Values, values } from './peer.ts';

type Tensor = np.Array;
type Loss = (parameters: Tensor[], x: Tensor, y: Tensor) => Tensor;

const tensor = ({ shape, data }: Values): Tensor => np.array(data as never, { shape: [...shape] });
const tensors = (list: readonly Values[]): Tensor[] => list.map(tensor);

const linear = (x: Tensor, w: Tensor, b: Tensor): Tensor => np.dot(x, w.transpose()).add(b);
const conv = (x: Tensor, w: Tensor, b: Tensor, padding: number): Tensor => {
  const channels = b.shape[0]!;
  const sides: [number, number] = [padding, padding];
  return lax.convGeneralDilated(x, w, [1, 1], [sides, sides]).add(b.reshape([1, channels, 1, 1]));
};
const pool = (x: Tensor): Tensor => lax.reduceWindow(x, np.max, [2, 2], [2, 2]);
const crossEntropy = (logits: Tensor, y: Tensor): Tensor => {
  const rows = logits.shape[0]!;
  return np.sum(nn.logSoftmax(logits).mul(y)).mul(-1 / rows);
};

const mnistLoss: Loss = ([w1, b1, w2, b2, w3, b3, w4, b4], x, y) => {
  const a = pool(nn.relu(conv(x, w1!, b1!, 2)));
  const b = pool(nn.relu(conv(a, w2!, b2!, 2)));
  const c = nn.relu(linear(b.reshape([-1, 980]), w3!, b3!));
  return crossEntropy(linear(c, w4!, b4!), y);
};

const cifarLoss: Loss = ([w1, b1, w2, b2, w3, b3, w4, b4, w5, b5], x, y) => {
  const a = pool(nn.relu(conv(x, w1!, b1!, 0)));
  const b = pool(nn.relu(conv(a, w2!, b2!, 0)));
  const c = nn.relu(linear(b.reshape([-1, 400]), w3!, b3!));
  return crossEntropy(linear(nn.relu(linear(c, w4!, b4!)), w5!, b5!), y);
};

const mlpLoss: Loss = ([w1, b1, w2, b2], x, y) =>
  np.sum(np.square(linear(nn.relu(linear(x, w1!, b1!)), w2!, b2!).sub(y)));

/** A jitted step: loss, new parameters and new momentum buffers. */
const sgdStep = (loss: Loss, lr: number, momentum: number) =>
  jit((p: Tensor[], v: Tensor[], x: Tensor, y: Tensor) => {
    const [value, gradients] = valueAndGrad(loss)(
      p.map((t) => t.ref),
      x,
      y,
    ) as [Tensor, Tensor[]];
    if (momentum === 0) return [value, p.map((t, i) => t.sub(gradients[i]!.mul(lr))), []] as const;
    const velocities = v.map((t, i) => t.mul(momentum).add(gradients[i]!));
    return [value, p.map((t, i) => t.sub(velocities[i]!.ref.mul(lr))), velocities] as const;
  });

const zerosLike = (list: readonly Values[]): Tensor[] => list.map(({ shape }) => np.zeros([...shape]));

function trainer(loss: Loss, given: readonly Values[], x: Values, y: Values, lr: number, momentum: number): Run {
  const step = sgdStep(loss, lr, momentum);
  let p = tensors(given);
  let v = momentum === 0 ? [] : zerosLike(given);
  const [input, target] = [tensor(x), tensor(y)];
  return async () => {
    const [value, nextP, nextV] = step(p, v, input.ref, target.ref) as unknown as [Tensor, Tensor[], Tensor[]];
    p = nextP;
    v = nextV;
    return (await value.data())[0];
  };
}

const mlp = (): Run => {
  const step = sgdStep(mlpLoss, 1e-4, 0);
  const [x, y] = [tensor(values(1, [64, 1000])), tensor(values(2, [64, 10]))];
  return async () => {
    let p = tensors(parameters(shapes.mlp));
    let last: Tensor | null = null;
    for (let i = 0; i < 500; i++) {
      last?.dispose();
      [last, p] = step(p, [], x.ref, y.ref) as unknown as [Tensor, Tensor[]];
    }
    for (const t of p) t.dispose();
    return (await last!.data())[0];
  };
};

const cifar = (batch: number) => (): Run =>
  trainer(cifarLoss, parameters(shapes.cifar), values(1, [batch, 3, 32, 32]), oneHot(2, batch, 10), 0.001, 0.9);

export const peer: Peer = {
  async init() {
    if (!(await init('webgpu')).includes('webgpu')) throw new Error('jax-js finds no WebGPU');
    defaultDevice('webgpu');
  },
  settle: () => getWebGPUDevice().queue.onSubmittedWorkDone() as Promise<void>,
  workloads: {
    'train-mlp': mlp,
    'train-cifar-net-b4': cifar(4),
    'train-cifar-net-b64': cifar(64),
    'train-mnist-cnn-b100': () =>
      trainer(mnistLoss, parameters(shapes.mnist), values(1, [100, 1, 28, 28]), oneHot(2, 100, 10), 0.01, 0),
  },
};
