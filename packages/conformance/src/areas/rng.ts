/** @file The `rng` area: PyTorch's CPU generator bit for bit, in sequences of draws, initialisation and data loading. */
import type { Area, Case, Group, Selection, Source } from '../area.ts';
import { MissingError } from '../calls.ts';
import { decode } from '../decode.ts';
import { checkGain, checkInit, checkModule } from '../rng/initialization.ts';
import { checkLoading } from '../rng/loading.ts';
import { checkSequence, checkState } from '../rng/sequences.ts';
import type { Check } from '../rng/torch.ts';
import { failed, messageOf, notApplicable, type Verdict, verdictOf } from '../verdict.ts';

interface Part {
  readonly name: string;
  readonly file: string;
  /** The list in the file; `cases` unless it says otherwise. */
  readonly list?: string;
  readonly check: Check<never>;
}

const parts: readonly Part[] = [
  { name: 'sequences', file: 'sequences.json', check: checkSequence },
  { name: 'state', file: 'state.json', check: checkState },
  { name: 'nn_init', file: 'nn_init.json', check: checkInit },
  { name: 'calculate_gain', file: 'nn_init.json', list: 'calculate_gain', check: checkGain },
  { name: 'module_init', file: 'module_init.json', check: checkModule },
  { name: 'dataloader', file: 'dataloader.json', check: checkLoading },
];

function* groups(source: Source, { ops, device }: Selection): Iterable<Group> {
  for (const { name, file, list = 'cases', check } of parts) {
    if ((ops !== undefined && !ops.includes(name)) || !source.names.includes(file)) continue;
    const content = JSON.parse(source.read(file)) as Record<string, readonly { id?: string }[]>;
    const toCase = (golden: { id?: string }, i: number): Case => ({
      id: golden.id ?? `${name}/${i}`,
      run: () => run(check, golden, device),
    });
    yield { name, cases: (content[list] ?? []).map(toCase) };
  }
}

async function run(check: Check<never>, golden: unknown, device: string): Promise<Verdict> {
  // The goldens are of PyTorch's CPU generator.
  if (device !== 'cpu') return notApplicable(`the generator of device '${device}' makes other numbers`);
  try {
    const result = await check(decode(golden) as never);
    return typeof result === 'object' && result !== null ? result : verdictOf(result);
  } catch (error) {
    return failed(error instanceof MissingError ? error.message : messageOf(error));
  }
}

export const rngArea: Area = { name: 'rng', groups };
