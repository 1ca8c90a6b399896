/** @file Averages of models: the state dict after each update. */
import * as flambeau from 'flambeau';
import { buildTensor } from '../build.ts';
import type { GoldenTensor } from '../decode.ts';
import { compareNested } from './optimizers.ts';

interface AverageCase {
  readonly ema_decay: number | null;
  readonly model_state_dicts: readonly Readonly<Record<string, GoldenTensor>>[];
  readonly averaged_state_dicts: readonly unknown[];
}

/** The models are linear layers. */
export async function checkAverage(golden: AverageCase, device: string): Promise<string | null> {
  const { AveragedModel } = flambeau.optim.swaUtils;
  const [out, inputs] = golden.model_state_dicts[0]!.weight!.shape as readonly [number, number];
  const model = new flambeau.nn.Linear(inputs, out, { device });
  const decay = golden.ema_decay;
  const average = new AveragedModel(model, {
    avgFn: decay === null ? null : (mean, parameter) => mean.mul(decay).add(parameter.mul(1 - decay)),
  });
  for (const [i, state] of golden.model_state_dicts.entries()) {
    const tensors = Object.entries(state).map(([name, value]) => [
      name,
      buildTensor(value, { device, detached: true }),
    ]);
    model.loadStateDict(Object.fromEntries(tensors) as Record<string, flambeau.Tensor>);
    average.updateParameters(model);
    const averaged = average.stateDict();
    // The counter stays on the CPU, in int64.
    if (device !== 'cpu') averaged.set('n_averaged', averaged.get('n_averaged')!.to('int32'));
    const difference = await compareNested(`after ${i + 1} updates`, averaged, golden.averaged_state_dicts[i]);
    if (difference !== null) return difference;
  }
  return null;
}
