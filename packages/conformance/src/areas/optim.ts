/** @file The `optim` area: optimizers step by step, their state and text; schedulers; gradient clipping; averages of models. */
import type { Area, Case, Group, Selection, Source } from '../area.ts';
import { MissingError } from '../calls.ts';
import { decode } from '../decode.ts';
import { fitToDevice } from '../device.ts';
import { checkClipping } from '../optim/clipping.ts';
import { checkLbfgs, checkOptimizer } from '../optim/optimizers.ts';
import { checkScheduler } from '../optim/schedulers.ts';
import { checkAverage } from '../optim/swa.ts';
import { failed, messageOf, notApplicable, type Verdict, verdictOf } from '../verdict.ts';

/** Says what differs, or null. */
export type Check = (golden: never, device: string) => Promise<string | null>;

interface Part {
  readonly file: string;
  readonly check: Check;
  /** The field that names a case's group. */
  readonly name: string;
}

const parts: readonly Part[] = [
  { file: 'optimizers.json', name: 'optimizer', check: checkOptimizer },
  { file: 'lbfgs.json', name: 'LBFGS', check: checkLbfgs },
  { file: 'schedulers.json', name: 'scheduler', check: checkScheduler },
  { file: 'clip_grad.json', name: 'fn', check: checkClipping },
  { file: 'swa.json', name: 'fn', check: checkAverage },
];

function* groups(source: Source, { ops, device }: Selection): Iterable<Group> {
  for (const { file, name, check } of parts) {
    if (!source.names.includes(file)) continue;
    const { cases } = JSON.parse(source.read(file)) as { cases: readonly Readonly<Record<string, string>>[] };
    const grouped = new Map<string, Readonly<Record<string, string>>[]>();
    for (const golden of cases) {
      const group = golden[name] ?? name;
      grouped.set(group, [...(grouped.get(group) ?? []), golden]);
    }
    for (const [group, list] of grouped) {
      if (ops !== undefined && !ops.includes(group)) continue;
      yield {
        name: group,
        cases: list.map(
          (golden, i): Case => ({ id: golden.id ?? `${group}/${i}`, run: () => run(check, golden, device) }),
        ),
      };
    }
  }
}

async function run(check: Check, golden: unknown, device: string): Promise<Verdict> {
  try {
    const fitted = fitToDevice(decode(golden), device);
    return 'lacking' in fitted ? notApplicable(fitted.lacking) : verdictOf(await check(fitted.value as never, device));
  } catch (error) {
    return failed(error instanceof MissingError ? error.message : messageOf(error));
  }
}

export const optimArea: Area = { name: 'optim', groups };
