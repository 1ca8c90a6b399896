/** @file Single ops: overhead of tiny ones, elementwise, reductions, softmax, layer norm, matrix products. */
import { F, noGrad, type Tensor } from 'flambeau';
import { values } from '../data.ts';
import type { Run, Workload, Workloads } from '../workload.ts';

const quiet =
  (run: () => unknown): Run =>
  () => {
    noGrad(run);
  };

const chain: Workload = (device) => {
  const [a, b] = [values(device, 1, [4]), values(device, 2, [4])];
  return quiet(() => {
    let x = a;
    for (let i = 0; i < 100; i++) x = x.add(b);
  });
};

const chainWithGradient: Workload = (device) => {
  const [a, b] = [values(device, 1, [4]).requiresGrad_(), values(device, 2, [4])];
  return () => {
    a.grad = null;
    let x: Tensor = a;
    for (let i = 0; i < 100; i++) x = x.add(b);
    x.sum().backward();
  };
};

/** One op on a million elements: `a`, `b` [1000, 1000] and `c` [1000]. */
const million =
  (op: (a: Tensor, b: Tensor, c: Tensor) => unknown): Workload =>
  (device) => {
    const [a, b, c] = [values(device, 1, [1000, 1000]), values(device, 2, [1000, 1000]), values(device, 3, [1000])];
    return quiet(() => op(a, b, c));
  };

const sum: Workload = (device) => {
  const a = values(device, 1, [1000, 1000]);
  return () => noGrad(() => (device === 'cpu' ? a.sum().itemSync() : a.sum().item()));
};

const product =
  (n: number): Workload =>
  (device) => {
    const [a, b] = [values(device, 1, [n, n]), values(device, 2, [n, n])];
    return quiet(() => a.matmul(b));
  };

const batchedProduct: Workload = (device) => {
  const [a, b] = [values(device, 1, [16, 256, 64]), values(device, 2, [16, 64, 256])];
  return quiet(() => a.bmm(b));
};

export const ops: Workloads = {
  'op-add4': chain,
  'op-add4-fwdbwd': chainWithGradient,
  'ew-add-1m': million((a, b) => a.add(b)),
  'ew-add-bcast-1m': million((a, _, c) => a.add(c)),
  'ew-relu-1m': million((a) => a.relu()),
  'ew-exp-1m': million((a) => a.exp()),
  'ew-tanh-1m': million((a) => a.tanh()),
  'softmax-1m': million((a) => a.softmax(-1)),
  'sum-1m': sum,
  'layernorm-1m': million((a, _, c) => F.layerNorm(a, [1000], c, c)),
  'transpose-1k': million((a) => a.t().contiguous()),
  'matmul-64': product(64),
  'matmul-256': product(256),
  'matmul-512': product(512),
  'matmul-1024': product(1024),
  'matmul-2048': product(2048),
  'bmm-16x256x64': batchedProduct,
};
