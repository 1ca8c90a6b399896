/** @file Running statistics of batch normalizations for averaged parameters. */
import { isTensor, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing, untracked } from '@flambeau/tensor/internal';

/** What `updateBn` needs of a model; every nn.Module has it. */
export interface Normalized {
  (...input: never[]): unknown;
  training: boolean;
  modules(): readonly object[];
  train(mode?: boolean): unknown;
}

/** A batch normalization with running statistics. */
interface BatchNorm {
  momentum: number | null;
  readonly num_batches_tracked: Tensor;
  resetRunningStats(): void;
}

const isBatchNorm = (module: object): module is BatchNorm => {
  const { num_batches_tracked: count, momentum, resetRunningStats } = module as Partial<BatchNorm>;
  return isTensor(count) && momentum !== undefined && typeof resetRunningStats === 'function';
};

/** The first tensor of a batch, which the model is called with. */
const inputOf = (batch: unknown): unknown => (Array.isArray(batch) ? batch[0] : batch);

const parse = signature<{ device: string | null }>('updateBn', ['device'], { device: null });

/**
 * Computes the running statistics of all batch normalizations anew, as means over all batches: averaged parameters have
 * other activations than those that were trained.
 *
 * ```ts
 * await swaUtils.updateBn(loader, average);
 * ```
 * @param loader gives batches: tensors, or lists of which the first is the model's input.
 * @param model a module, or an AveragedModel. Its mode and momenta are as before afterwards.
 */
export async function updateBn(
  loader: Iterable<unknown> | AsyncIterable<unknown>,
  model: Normalized | { readonly module: Normalized },
  ...args: Trailing<[device: string | null], { device?: string | null | undefined }>
): Promise<void> {
  const { device } = parse(args);
  const net = 'module' in model ? model.module : model;
  const norms = net.modules().filter(isBatchNorm);
  if (norms.length === 0) return;
  const momenta = norms.map(({ momentum }) => momentum);
  const { training } = net;
  net.train();
  try {
    for (const norm of norms) {
      norm.resetRunningStats();
      norm.momentum = null;
    }
    for await (const batch of loader) {
      const input = inputOf(batch);
      const moved = device !== null && isTensor(input) ? input.to(device) : input;
      untracked(() => net(moved as never));
    }
  } finally {
    for (const [i, norm] of norms.entries()) norm.momentum = momenta[i]!;
    net.train(training);
  }
}
