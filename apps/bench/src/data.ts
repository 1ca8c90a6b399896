/** @file The benchmarks' numbers as tensors. */
import { fromTypedArray, type nn, noGrad, type Tensor, tensor } from 'flambeau';
import { hashLabels, hashValues } from './hash.ts';

/** A tensor of such values on `device`. */
export function values(device: string, seed: number, shape: readonly number[], scale = 1): Tensor {
  return fromTypedArray(
    hashValues(
      seed,
      shape.reduce((a, b) => a * b, 1),
      scale,
    ),
    shape,
  ).to(device);
}

/** `n` class labels. */
export function labels(device: string, seed: number, n: number, classes: number): Tensor {
  return tensor(hashLabels(seed, n, classes), { dtype: 'int32' }).to(device);
}

/** Fills parameter i of a network with values of seed 100 + i, scaled by the fan-in of the last matrix. */
export function setParameters<Net extends nn.Module>(device: string, net: Net): Net {
  let fan = 1;
  noGrad(() => {
    [...net.parameters()].forEach((p, i) => {
      if (p.ndim > 1) fan = p.shape.slice(1).reduce((a, b) => a * b, 1);
      p.copy_(values(device, 100 + i, p.shape, 1 / Math.sqrt(fan)));
    });
  });
  return net;
}
