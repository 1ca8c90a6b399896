/** @file The workloads in TensorFlow.js on its WebGPU backend: `tf.tidy`, core ops, channels last. */
import '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Run } from '../src/workload.ts';
import { oneHot, type Peer, parameters, permuted, shapes, type Values, values } from './peer.ts';

const tensor = ({ shape, data }: Values): tf.Tensor => tf.tensor(data, [...shape] as [number]);
const variable = (given: Values): tf.Variable => tf.variable(tensor(given));

/** Weights of a convolution, [out, in, height, width], in the order of TensorFlow. */
const filters = (w: Values): Values => permuted(w, [2, 3, 1, 0]);
/** Weights of the layer after flattening, whose input is channels last here: `channels` planes of `side` × `side`. */
const flattened = (w: Values, channels: number, side: number): Values => {
  const rows = w.shape[0]!;
  const moved = permuted({ shape: [rows, channels, side, side], data: w.data }, [0, 2, 3, 1]);
  return { shape: w.shape, data: moved.data };
};

const linear = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Tensor2D =>
  tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D, false, true), b);
const conv = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor, padding: number): tf.Tensor4D =>
  tf.add(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, padding), b);
const pool = (x: tf.Tensor): tf.Tensor4D => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid');
const crossEntropy = (logits: tf.Tensor, y: tf.Tensor): tf.Scalar =>
  tf.losses.softmaxCrossEntropy(y, logits) as tf.Scalar;

type Loss = (p: readonly tf.Tensor[], x: tf.Tensor, y: tf.Tensor) => tf.Scalar;

const mnistLoss: Loss = ([w1, b1, w2, b2, w3, b3, w4, b4], x, y) => {
  const a = pool(tf.relu(conv(x, w1!, b1!, 2)));
  const b = pool(tf.relu(conv(a, w2!, b2!, 2)));
  const c = tf.relu(linear(tf.reshape(b, [-1, 980]), w3!, b3!));
  return crossEntropy(linear(c, w4!, b4!), y);
};

const cifarLoss: Loss = ([w1, b1, w2, b2, w3, b3, w4, b4, w5, b5], x, y) => {
  const a = pool(tf.relu(conv(x, w1!, b1!, 0)));
  const b = pool(tf.relu(conv(a, w2!, b2!, 0)));
  const c = tf.relu(linear(tf.reshape(b, [-1, 400]), w3!, b3!));
  return crossEntropy(linear(tf.relu(linear(c, w4!, b4!)), w5!, b5!), y);
};

const mlpLoss: Loss = ([w1, b1, w2, b2], x, y) =>
  tf.sum(tf.squaredDifference(linear(tf.relu(linear(x, w1!, b1!)), w2!, b2!), y));

function trainer(loss: Loss, p: tf.Variable[], x: Values, y: Values, optimizer: tf.Optimizer): Run {
  const [input, target] = [tensor(x), tensor(y)];
  return async () => {
    const value = tf.tidy(() => optimizer.minimize(() => loss(p, input, target), true, p)!);
    const [number] = await value.data();
    value.dispose();
    return number;
  };
}

const mlp = (): Run => {
  const given = parameters(shapes.mlp);
  const [x, y] = [tensor(values(1, [64, 1000])), tensor(values(2, [64, 10]))];
  return async () => {
    const p = given.map(variable);
    const optimizer = tf.train.sgd(1e-4);
    let last: tf.Scalar | null = null;
    for (let i = 0; i < 500; i++) {
      last?.dispose();
      last = tf.tidy(() => optimizer.minimize(() => mlpLoss(p, x, y), true, p)!);
    }
    const [number] = await last!.data();
    last!.dispose();
    for (const t of p) t.dispose();
    optimizer.dispose();
    return number;
  };
};

const cifar = (batch: number) => (): Run => {
  const p = parameters(shapes.cifar);
  const all = p.map((w, i) => (w.shape.length === 4 ? filters(w) : i === 4 ? flattened(w, 16, 5) : w)).map(variable);
  const x = permuted(values(1, [batch, 3, 32, 32]), [0, 2, 3, 1]);
  return trainer(cifarLoss, all, x, oneHot(2, batch, 10), tf.train.momentum(0.001, 0.9));
};

const mnist = (): Run => {
  const p = parameters(shapes.mnist);
  const all = p.map((w, i) => (w.shape.length === 4 ? filters(w) : i === 4 ? flattened(w, 20, 7) : w)).map(variable);
  const x = permuted(values(1, [100, 1, 28, 28]), [0, 2, 3, 1]);
  return trainer(mnistLoss, all, x, oneHot(2, 100, 10), tf.train.sgd(0.01));
};

export const peer: Peer = {
  async init() {
    if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs finds no WebGPU');
  },
  settle: () => (tf.backend() as unknown as { device: GPUDevice }).device.queue.onSubmittedWorkDone() as Promise<void>,
  workloads: {
    'train-mlp': mlp,
    'train-cifar-net-b4': cifar(4),
    'train-cifar-net-b64': cifar(64),
    'train-mnist-cnn-b100': mnist,
  },
};
