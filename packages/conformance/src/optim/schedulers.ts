/** @file Schedulers: learning rates and momenta after every step, and the state dict at the end. */
import * as flambeau from 'flambeau';
import { MissingError } from '../calls.ts';
import { comparePlain } from '../compare.ts';
import { camelCaseKeys } from '../names.ts';
import { compareNested, optimizerClass } from './optimizers.ts';

interface Spec {
  readonly scheduler: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
}

interface SchedulerCase extends Spec {
  readonly optimizer: string;
  readonly optimizer_kwargs: Readonly<Record<string, unknown>>;
  readonly group_lrs: readonly number[];
  readonly preset_initial_lr?: number;
  readonly step_args?: readonly number[];
  readonly metrics?: readonly number[];
  readonly num_bad_epochs?: readonly number[];
  readonly lr_seq: readonly (readonly number[])[];
  readonly momentum_seq?: readonly (readonly number[])[];
  readonly last_lr_final?: readonly number[];
  readonly initial_lr?: readonly number[];
  readonly state_dict?: unknown;
}

interface AnyScheduler {
  step(argument?: number): void;
  getLastLr(): readonly number[];
  stateDict(): Record<string, unknown>;
  loadStateDict(state: unknown): void;
  readonly numBadEpochs?: number;
}

type Group = flambeau.optim.ParamGroup & { momentum?: number; betas?: readonly number[] };

/** The expressions are valid in Python and JavaScript. */
const lambda = (source: unknown): unknown =>
  Array.isArray(source) ? source.map(lambda) : new Function('epoch', `return ${String(source)}`);

function makeScheduler({ scheduler, kwargs }: Spec, optimizer: flambeau.optim.Optimizer): AnyScheduler {
  const found = (
    flambeau.optim.lrScheduler as unknown as Record<string, (new (...args: unknown[]) => AnyScheduler) | undefined>
  )[scheduler];
  if (found === undefined) throw new MissingError(`not implemented: optim.lrScheduler.${scheduler}`);
  const { schedulers, lrLambda, ...options } = camelCaseKeys(kwargs);
  if (lrLambda !== undefined) options.lrLambda = lambda(lrLambda);
  const parts = (schedulers as readonly Spec[] | undefined)?.map((part) => makeScheduler(part, optimizer));
  if (scheduler === 'ChainedScheduler') return new found(parts);
  if (parts !== undefined) options.schedulers = parts;
  return new found(optimizer, options);
}

const closeTo = (got: readonly number[], want: readonly number[]): string | null => {
  for (const [i, value] of want.entries()) {
    const difference = comparePlain(got[i], value, { atol: 1e-18, rtol: 1e-12 });
    if (difference !== null) return difference;
  }
  return null;
};

export async function checkScheduler(golden: SchedulerCase): Promise<string | null> {
  const groups = golden.group_lrs.map((lr) => ({ params: [flambeau.zeros(1).requiresGrad_()], lr }));
  const optimizer = new (optimizerClass(golden.optimizer))(groups, camelCaseKeys(golden.optimizer_kwargs));
  const list = optimizer.paramGroups as Group[];
  if (golden.preset_initial_lr !== undefined) for (const group of list) group.initialLr = golden.preset_initial_lr;
  const scheduler = makeScheduler(golden, optimizer);
  for (const [t, lrs] of golden.lr_seq.entries()) {
    if (t > 0) {
      optimizer.step();
      const argument = golden.step_args?.[t - 1] ?? golden.metrics?.[t - 1];
      if (argument === undefined) scheduler.step();
      else scheduler.step(argument);
      const bad = golden.num_bad_epochs?.[t - 1];
      if (bad !== undefined && scheduler.numBadEpochs !== bad)
        return `after ${t} steps: got ${scheduler.numBadEpochs} bad epochs, expected ${bad}`;
    }
    const momenta = golden.momentum_seq?.[t];
    const difference =
      closeTo(
        list.map(({ lr }) => lr),
        lrs,
      ) ??
      (momenta === undefined
        ? null
        : closeTo(
            list.map((group) => group.momentum ?? group.betas![0]!),
            momenta,
          ));
    if (difference !== null) return `after ${t} steps: ${difference}`;
  }
  return checkEnd(golden, scheduler, list);
}

async function checkEnd(
  golden: SchedulerCase,
  scheduler: AnyScheduler,
  groups: readonly Group[],
): Promise<string | null> {
  // The goldens leave out nested schedulers.
  const { _schedulers: _, ...state } = scheduler.stateDict();
  return (
    (golden.last_lr_final === undefined ? null : closeTo(scheduler.getLastLr(), golden.last_lr_final)) ??
    (golden.initial_lr === undefined
      ? null
      : closeTo(
          groups.map(({ initialLr }) => initialLr!),
          golden.initial_lr,
        )) ??
    (golden.state_dict === undefined || golden.state_dict === null
      ? null
      : await compareNested('state', state, golden.state_dict))
  );
}
