/** @file The `repr` area: printing, to the character. */
import * as flambeau from 'flambeau';
import type { Area, Case, Group, Selection, Source } from '../area.ts';
import { buildTensor } from '../build.ts';
import { MissingError } from '../calls.ts';
import { decode, type GoldenTensor } from '../decode.ts';
import { fitToDevice } from '../device.ts';
import { camelCaseKeys } from '../names.ts';
import { evaluatePython } from '../python/evaluate.ts';
import { failed, messageOf, notApplicable, passed, type Verdict } from '../verdict.ts';

interface TensorCase {
  readonly id: string;
  readonly expr: string | null;
  readonly printoptions: Readonly<Record<string, unknown>>;
  readonly tensor: unknown;
  readonly requires_grad: boolean;
  readonly grad_fn: string | null;
  readonly is_parameter: boolean;
  readonly str: string;
}

type DecodedCase = Omit<TensorCase, 'tensor'> & { readonly tensor: GoldenTensor };

interface MiscCase {
  readonly expr: string;
  readonly str: string;
}

const casesOf = <T>(source: Source, file: string): readonly T[] =>
  (JSON.parse(source.read(file)) as { cases: readonly T[] }).cases;

function* groups(source: Source, selection: Selection): Iterable<Group> {
  const wanted = (name: string): boolean => selection.ops === undefined || selection.ops.includes(name);
  if (wanted('tensors')) {
    const run = (golden: TensorCase): Case => ({
      id: golden.id,
      run: async () => guarded(() => checkTensor(golden, selection.device)),
    });
    yield { name: 'tensors', cases: casesOf<TensorCase>(source, 'tensors.json').map(run) };
  }
  if (wanted('misc')) {
    const run = (golden: MiscCase, i: number): Case => ({
      id: `misc/${i}`,
      run: async () => guarded(() => printValue(golden, selection.device)),
    });
    yield { name: 'misc', cases: casesOf<MiscCase>(source, 'misc.json').map(run) };
  }
}

async function guarded(run: () => Verdict | Promise<Verdict>): Promise<Verdict> {
  try {
    return await run();
  } catch (error) {
    return failed(error instanceof MissingError ? error.message : messageOf(error));
  }
}

/** Elsewhere the text names the device, and int32 stands for int64. Where lines break depends on both. */
const sameElsewhere = (got: string, want: string): Verdict => {
  const plain = (text: string): string =>
    text.replace(/,\s*(device='[^']*'|dtype=torch\.int(?:32|64))/g, '').replace(/,\s+(?=\w+=)/g, ', ');
  return same(plain(got), plain(want));
};

const same = (got: string, want: string): Verdict =>
  got === want ? passed : failed(`got ${JSON.stringify(got)}, expected ${JSON.stringify(want)}`);

/** A tensor with a history has to be made as PyTorch made it; for others the values will do. */
function makeTensor(golden: DecodedCase, device: string): flambeau.Tensor {
  if (golden.grad_fn !== null && golden.expr !== null) {
    // Signs of zeros may depend on initial weights. With this seed they are PyTorch's.
    flambeau.manualSeed(0);
    return evaluatePython(golden.expr) as flambeau.Tensor;
  }
  const plain = buildTensor(golden.tensor, { device, detached: true });
  if (golden.is_parameter) return new flambeau.Parameter(plain, { requiresGrad: golden.requires_grad });
  return golden.requires_grad ? plain.requiresGrad_() : plain;
}

async function checkTensor(encoded: TensorCase, device: string): Promise<Verdict> {
  if (device !== 'cpu' && encoded.grad_fn !== null)
    return notApplicable('tensors with a history are made by expressions in int64, with weights that the CPU draws');
  const fitted = fitToDevice({ ...encoded, tensor: decode(encoded.tensor) as GoldenTensor }, device);
  return 'lacking' in fitted ? notApplicable(fitted.lacking) : printTensor(fitted.value, device);
}

async function printTensor(golden: DecodedCase, device: string): Promise<Verdict> {
  const tensor = makeTensor(golden, device);
  flambeau.setPrintoptions({ profile: 'default', sciMode: null });
  flambeau.setPrintoptions(camelCaseKeys(golden.printoptions));
  try {
    return device === 'cpu' ? same(String(tensor), golden.str) : sameElsewhere(await tensor.toText(), golden.str);
  } finally {
    flambeau.setPrintoptions({ profile: 'default', sciMode: null });
  }
}

/** What is a string, a list or a record here prints as JavaScript prints those. */
const hostValues = /^torch\.(?:\w+|ones\(2\)\.shape|Size\(.*\)|device\(.*\))$|^[[{]/;

/** Index results are int32 here and say so; PyTorch's int64 is not mentioned. */
const withoutInt32 = (text: string): string => text.replaceAll(', dtype=torch.int32', '');

function printValue(golden: MiscCase, device: string): Verdict {
  if (hostValues.test(golden.expr))
    return notApplicable('dtypes, devices, sizes and containers are plain JavaScript values');
  if (device !== 'cpu') return notApplicable('what prints at once names other devices instead of values');
  const text = String(evaluatePython(golden.expr));
  return same(golden.str.startsWith('torch.return_types') ? withoutInt32(text) : text, golden.str);
}

export const reprArea: Area = { name: 'repr', groups };
