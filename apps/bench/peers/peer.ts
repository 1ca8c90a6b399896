/** @file What a peer offers to the runner, and the numbers that all of them start from. */
import { hashLabels, hashValues } from '../src/hash.ts';
import type { Run } from '../src/workload.ts';

export interface Peer {
  /** Opens the device. */
  init(): Promise<void>;
  /** Waits until the device has done everything; null where a run itself waits for its result. */
  readonly settle: (() => Promise<void>) | null;
  readonly workloads: Readonly<Record<string, () => Run | Promise<Run>>>;
}

/** Values of PyTorch's shape, row-major. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const values = (seed: number, shape: readonly number[], scale = 1): Values => ({
  shape,
  data: hashValues(seed, product(shape), scale),
});

/** Parameter i from seed 100 + i, scaled by the fan-in of the last matrix before it. */
export function parameters(shapes: readonly (readonly number[])[]): Values[] {
  let fan = 1;
  return shapes.map((shape, i) => {
    if (shape.length > 1) fan = product(shape.slice(1));
    return values(100 + i, shape, 1 / Math.sqrt(fan));
  });
}

/** One row for each label, 1 in its column. */
export function oneHot(seed: number, n: number, classes: number): Values {
  const data = new Float32Array(n * classes);
  hashLabels(seed, n, classes).forEach((label, i) => {
    data[i * classes + label] = 1;
  });
  return { shape: [n, classes], data };
}

/** Row-major values with dimensions in another order, e.g. [0, 2, 3, 1] from channels first to channels last. */
export function permuted({ shape, data }: Values, order: readonly number[]): Values {
  const strides = shape.map((_, d) => product(shape.slice(d + 1)));
  const outShape = order.map((d) => shape[d]!);
  const out = new Float32Array(data.length);
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < out.length; i++) {
    let at = 0;
    for (let d = 0; d < order.length; d++) at += index[d]! * strides[order[d]!]!;
    out[i] = data[at]!;
    for (let d = order.length - 1; d >= 0 && ++index[d]! === outShape[d]; d--) index[d] = 0;
  }
  return { shape: outShape, data: out };
}

/** Shapes of the tutorial networks' parameters. */
export const shapes = {
  mlp: [[100, 1000], [100], [10, 100], [10]],
  mnist: [[10, 1, 5, 5], [10], [20, 10, 5, 5], [20], [50, 980], [50], [10, 50], [10]],
  cifar: [[6, 3, 5, 5], [6], [16, 6, 5, 5], [16], [120, 400], [120], [84, 120], [84], [10, 84], [10]],
} as const;
