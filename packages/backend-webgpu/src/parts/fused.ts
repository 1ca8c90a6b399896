/** @file How fused kernels are cut. Where they cannot be, what they do is composed of other kernels, which can. */
import type { Fused, View } from '@flambeau/tensor/internal';
import { type Axis, type CallsOf, over } from './calls.ts';

type Required<K extends keyof Fused> = CallsOf<Pick<Fused, K>>;

export const softmaxCalls = (fused: Fused): Required<'softmax' | 'softmaxBackward'> => ({
  softmax(x, dim, log, out) {
    const views = [x, out];
    const axes = over(x.shape, views, (d) => d !== dim);
    return { op: 'softmax', views, axes, run: ([own]) => fused.softmax(own![0]!, dim, log, own![1]!) };
  },
  softmaxBackward(grad, y, dim, log, gradX) {
    const views = [grad, y, gradX];
    return {
      op: 'softmaxBackward',
      views,
      axes: over(y.shape, views, (d) => d !== dim),
      run: ([own]) => fused.softmaxBackward(own![0]!, own![1]!, dim, log, own![2]!),
    };
  },
});

export const normalizationCalls = (fused: Fused): Required<'normalization' | 'normalizationBackward'> => ({
  normalization(x, weight, bias, spec, out, mean, rstd, running) {
    const views = [x, weight, bias, out, mean, rstd, running?.mean ?? null, running?.variance ?? null];
    return {
      op: 'normalization',
      views,
      axes: over(x.shape, views, (d) => !spec.dims.includes(d)),
      run([own]) {
        const [x, weight, bias, out, mean, rstd, runningMean, variance] = own!;
        const statistics = running && { ...running, mean: runningMean!, variance: variance! };
        return fused.normalization(x!, weight!, bias!, spec, out!, mean!, rstd!, statistics);
      },
    };
  },
  normalizationBackward(grad, x, weight, mean, rstd, dims, shared, gradients) {
    const views = [grad, x, weight, mean, rstd, gradients.x, gradients.weight, gradients.bias];
    const sums = gradients.weight !== null || gradients.bias !== null ? shared : [];
    return {
      op: 'normalizationBackward',
      views,
      axes: over(x.shape, views, (d) => !dims.includes(d) && !sums.includes(d)),
      run([own]) {
        const [grad, x, weight, mean, rstd, ...results] = own!;
        const ownGradients = { x: results[0]!, weight: results[1]!, bias: results[2]! };
        return fused.normalizationBackward(grad!, x!, weight!, mean!, rstd!, dims, shared, ownGradients);
      },
    };
  },
});

/** The dimensions of a batch, of `count` views. */
const batchAxes = (out: View, count: number): Axis[] =>
  Array.from({ length: out.shape.length - 2 }, (_, d) => new Array<number>(count).fill(d));

export const attentionCalls = (fused: Fused): Required<'attention'> => ({
  attention(query, key, value, mask, spec, out, logSumExp) {
    const rows = out.shape.length - 2;
    // Causal rows count from the first. Gradients are by whole samples.
    const byRows = !spec.isCausal && logSumExp === null;
    return {
      op: 'attention',
      views: [query, key, value, mask, out, logSumExp],
      axes: byRows ? [...batchAxes(out, 6), [rows, -1, -1, rows, rows, -1]] : batchAxes(out, 6),
      run: ([own]) => fused.attention(own![0]!, own![1]!, own![2]!, own![3]!, spec, own![4]!, own![5]!),
    };
  },
});

export const attentionBackwardCalls = (fused: Fused): Required<'attentionBackward'> => ({
  attentionBackward(grad, query, key, value, mask, out, logSumExp, spec, gradients) {
    const results = [gradients.query, gradients.key, gradients.value];
    return {
      op: 'attentionBackward',
      views: [grad, query, key, value, mask, out, logSumExp, ...results],
      axes: batchAxes(out, 10),
      run([own]) {
        const [grad, query, key, value, mask, out, logSumExp, ...results] = own!;
        const ownGradients = { query: results[0]!, key: results[1]!, value: results[2]! };
        fused.attentionBackward(grad!, query!, key!, value!, mask!, out!, logSumExp!, spec, ownGradients);
      },
    };
  },
});

/** The dimension of a target that is the dimension `d` of classes' scores. */
const ofTarget = (d: number, dim: number): number => (d < dim ? d : d - 1);

export const classLossCalls = (fused: Fused): Required<'nllLoss' | 'nllLossBackward'> => ({
  nllLoss(x, target, weight, spec, out, total) {
    const others = x.shape.map((_, d) => d).filter((d) => d !== spec.dim);
    const axes = others.map((d): Axis => [d, ofTarget(d, spec.dim), -1, ofTarget(d, spec.dim), -1]);
    return {
      op: 'nllLoss',
      views: [x, target, weight, out, total],
      axes: spec.reduction === 'none' ? axes : [],
      run: ([own]) => fused.nllLoss(own![0]!, own![1]!, own![2]!, spec, own![3]!, own![4]!),
    };
  },
  nllLossBackward(grad, target, weight, total, spec, gradX) {
    const others = gradX.shape.map((_, d) => d).filter((d) => d !== spec.dim);
    return {
      op: 'nllLossBackward',
      views: [grad, target, weight, total, gradX],
      axes: others.map((d): Axis => {
        const own = ofTarget(d, spec.dim);
        return [spec.reduction === 'none' ? own : -1, own, -1, -1, d];
      }),
      run: ([own]) => fused.nllLossBackward(own![0]!, own![1]!, own![2]!, own![3]!, spec, own![4]!),
    };
  },
});
