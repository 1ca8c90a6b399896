/** @file Convolution, pooling and batch norm, forward and with gradients. */
import { F, noGrad, ones, type Tensor, zeros } from 'flambeau';
import { values } from '../data.ts';
import type { Workload, Workloads } from '../workload.ts';

type Inputs = readonly Tensor[];

const forward =
  (op: (...inputs: Tensor[]) => Tensor, inputs: (device: string) => Inputs): Workload =>
  (device) => {
    const given = inputs(device);
    return () => {
      noGrad(() => op(...given));
    };
  };

/** Forward, then the gradients of all inputs from a given output gradient. */
const forwardBackward =
  (op: (...inputs: Tensor[]) => Tensor, inputs: (device: string) => Inputs): Workload =>
  (device) => {
    const given = inputs(device).map((x) => x.requiresGrad_());
    const grad = values(device, 9, op(...given).shape);
    return () => {
      for (const x of given) x.grad = null;
      op(...given).backward(grad);
    };
  };

function convolution(
  name: string,
  x: number[],
  w: number[],
  options: { stride?: number; padding: number; groups?: number },
): Workloads {
  const op = (input: Tensor, weight: Tensor): Tensor => F.conv2d(input, weight, options);
  const inputs = (device: string): Inputs => [
    values(device, 1, x),
    values(device, 2, w, 1 / Math.sqrt(w[1]! * w[2]! * w[3]!)),
  ];
  return { [`${name}-fwd`]: forward(op as never, inputs), [`${name}-fwdbwd`]: forwardBackward(op as never, inputs) };
}

const images = (device: string): Inputs => [values(device, 1, [8, 64, 56, 56])];
const normalized = (device: string): Inputs => [...images(device), ones(64, { device }), zeros(64, { device })];
const pool = (x: Tensor): Tensor => F.maxPool2d(x, 2);
const batchNorm = (x: Tensor, weight: Tensor, bias: Tensor): Tensor => F.batchNorm(x, null, null, weight, bias, true);

export const layers: Workloads = {
  ...convolution('conv-56', [8, 64, 56, 56], [64, 64, 3, 3], { padding: 1 }),
  ...convolution('conv-stem', [1, 3, 224, 224], [64, 3, 7, 7], { stride: 2, padding: 3 }),
  ...convolution('conv-mnist', [100, 1, 28, 28], [10, 1, 5, 5], { padding: 2 }),
  ...convolution('dwconv-56', [8, 32, 56, 56], [32, 1, 3, 3], { padding: 1, groups: 32 }),
  'maxpool-fwd': forward(pool as never, images),
  'maxpool-fwdbwd': forwardBackward(pool as never, images),
  'batchnorm-fwdbwd': forwardBackward(batchNorm as never, normalized),
};
