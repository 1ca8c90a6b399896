/** @file The benchmarks' numbers: the same counter hash in every library, so that results can be compared. */
import { fromTypedArray, type nn, noGrad, type Tensor, tensor } from 'flambeau';

/** `n` values uniform in ±scale, from a hash of position and seed. */
export function hashValues(seed: number, n: number, scale = 1): Float32Array {
  const shift = Math.imul(seed, 0x9e3779b1) >>> 0;
  return Float32Array.from({ length: n }, (_, i) => {
    let h = (i + shift) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h = (h ^ (h >>> 16)) >>> 0;
    return ((h / 4294967296) * 2 - 1) * scale;
  });
}

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
  const list = Array.from(hashValues(seed, n), (r) => Math.min(classes - 1, Math.floor(((r + 1) / 2) * classes)));
  return tensor(list, { dtype: 'int32' }).to(device);
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
