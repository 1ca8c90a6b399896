import '@flambeau/backend-cpu';
import { fromTypedArray, ones, Tensor, tensor } from '@flambeau/tensor';

const x = tensor([
  [1, 5, 3],
  [7, 3, NaN],
]);
const p = (t: any) =>
  console.log(JSON.stringify(Array.isArray(t) ? [...t].map((v) => v.toArraySync()) : t.toArraySync()));
p(x.sum());
p(x.sum(1));
p(x.sum(0, true));
p(x.nansum(1));
p(x.max());
p(x.max(1));
p(x.argmax(0));
p(x.amin([0, 1]));
p(x.prod(0));
p(x.mean({ dim: 0 }));
p(x.any());
p(x.countNonzero());
p(x.all(1));
p(x.aminmax());
p(tensor([0, Math.log(3)]).softmax(0));
p(
  tensor([
    [0, Math.log(3)],
    [1, 1],
  ]).logSoftmax(0),
);
console.log(x.max(1).indices.dtype, x.sum({ dtype: 'float64' }).dtype);
const N = 1_000_000;
const big = fromTypedArray(
  new Float32Array(N).map(() => Math.random() - 0.5),
  [1000, 1000],
);
const bench = (n: string, f: () => unknown) => {
  for (let i = 0; i < 20; i++) f();
  const t = performance.now();
  for (let i = 0; i < 30; i++) f();
  console.log(n, ((performance.now() - t) / 30).toFixed(3));
};
bench('sum', () => big.sum());
bench('sum1', () => big.sum(1));
bench('sum0', () => big.sum(0));
bench('mean0', () => big.mean(0));
bench('max', () => big.max());
bench('max1', () => big.max(1));
bench('max0', () => big.max(0));
bench('argmax1', () => big.argmax(1));
bench('softmax', () => big.softmax(1));
bench('softmax0', () => big.softmax(0));
bench('logSoftmax', () => big.logSoftmax(1));
const nchw = fromTypedArray(new Float32Array(32 * 64 * 32 * 32), [32, 64, 32, 32]);
bench('nchw 2M', () => nchw.sum([0, 2, 3]));
const small = tensor([1, 2, 3, 4]);
{
  for (let i = 0; i < 1e5; i++) small.sum();
  const t = performance.now();
  for (let i = 0; i < 1e5; i++) small.sum();
  console.log('small sum us', (performance.now() - t) / 100);
}
