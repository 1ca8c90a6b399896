/** @file Which arguments each kernel fills: should its work fail, using them throws. */
import type { Backend, Fused, Routines, View } from '@flambeau/tensor/internal';
import type { Commands } from './commands.ts';
import { memoryOf } from './memory.ts';

type Kernels = Pick<
  Backend,
  | 'map'
  | 'reduce'
  | 'scan'
  | 'sort'
  | 'indexOffsets'
  | 'gather'
  | 'scatter'
  | 'matmul'
  | 'conv'
  | 'convBackwardInput'
  | 'convBackwardWeight'
  | 'maxPool'
  | 'maxPoolBackward'
  | 'avgPool'
  | 'avgPoolBackward'
  | 'random'
>;
type Results<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => unknown ? (...args: A) => Views : never;
};
type Views = readonly (View | null)[];

const ofKernels: Results<Kernels> = {
  map: (_kernel, _inputs, outputs) => outputs,
  reduce: (_kernel, _inputs, _dims, output) => [output],
  scan: (_kind, _x, _dim, out, indices) => [out, indices],
  sort: (_x, _dim, _descending, values, indices) => [values, indices],
  indexOffsets: (_terms, out) => [out],
  gather: (_x, _dim, _index, out) => [out],
  scatter: (out) => [out],
  matmul: (_a, _b, out) => [out],
  conv: (_x, _w, _bias, out) => [out],
  convBackwardInput: (_grad, _w, gradX) => [gradX],
  convBackwardWeight: (_grad, _x, gradW) => [gradW],
  maxPool: (_x, out, indices) => [out, indices],
  maxPoolBackward: (_grad, _indices, gradX) => [gradX],
  avgPool: (_x, out) => [out],
  avgPoolBackward: (_grad, gradX) => [gradX],
  random: (_distribution, out) => [out],
};

const ofFused: Results<Fused> = {
  softmax: (_x, _dim, _log, out) => [out],
  softmaxBackward: (_grad, _y, _dim, _log, gradX) => [gradX],
  normalization: (_x, _weight, _bias, _spec, out, mean, rstd, running) => [
    out,
    mean,
    rstd,
    running?.mean ?? null,
    running?.variance ?? null,
  ],
  normalizationBackward: (_grad, _x, _weight, _mean, _rstd, _dims, _shared, { x, weight, bias }) => [x, weight, bias],
  attention: (_query, _key, _value, _mask, _spec, out, logSumExp) => [out, logSumExp],
  attentionBackward: (_grad, _query, _key, _value, _mask, _out, _logSumExp, _spec, { query, key, value }) => [
    query,
    key,
    value,
  ],
  nllLoss: (_x, _target, _weight, _spec, out, total) => [out, total],
  nllLossBackward: (_grad, _target, _weight, _total, _spec, gradX) => [gradX],
};

const ofRoutines: Results<Pick<Routines, 'ctcLoss' | 'ctcLossGradient'>> = {
  ctcLoss: (_x, _samples, losses, alpha) => [losses, alpha],
  ctcLossGradient: (_grad, _x, _losses, _alpha, _samples, _zeroInfinity, out) => [out],
};

type Call = (...args: unknown[]) => unknown;

/** Kernels that mark what they fill with the work that fills it. */
function marking<T extends object>(commands: Commands, kernels: T, results: object): T {
  const present = Object.entries(results).filter(([name]) => name in kernels);
  const marked = present.map(([name, of]) => {
    const kernel = kernels[name as keyof T] as Call;
    const resultsOf = of as (...args: unknown[]) => Views;
    const call: Call = (...args) => {
      const result = kernel(...args);
      for (const view of resultsOf(...args)) if (view !== null) memoryOf(view.storage).work = commands.work;
      return result;
    };
    return [name, call];
  });
  return { ...kernels, ...Object.fromEntries(marked) };
}

export const markingResults = (commands: Commands, backend: Backend): Backend => ({
  ...marking(commands, backend, ofKernels),
  fused: marking(commands, backend.fused, ofFused),
  routines: marking(commands, backend.routines, ofRoutines),
});
