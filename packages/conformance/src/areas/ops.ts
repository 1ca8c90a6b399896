/** @file The `ops` area: single calls with results and gradients. Its format is OPS_FORMAT.md beside the goldens. */

import { backward } from '@flambeau/autograd';
import { FlambeauError, isTensor, type Tensor } from '@flambeau/tensor';
import { backendFor, indexResults } from '@flambeau/tensor/internal';
import type { Area, Case, Group, Selection, Source } from '../area.ts';
import { type Built, build, buildTensor } from '../build.ts';
import {
  type Call,
  type Entry,
  type Form,
  findForms,
  findInplaceForm,
  MissingError,
  placeRequired,
  usableKeywords,
} from '../calls.ts';
import {
  compareElements,
  compareMeta,
  comparePlain,
  compareTensor,
  elements,
  exact,
  matchRows,
  opsTolerance,
  pairLeaves,
  reorder,
} from '../compare.ts';
import { decode, type GoldenTensor, isGoldenTensor, tensorsIn } from '../decode.ts';
import { fitToDevice } from '../device.ts';
import { camelCase, camelCaseKeys } from '../names.ts';
import { failed, messageOf, notApplicable, passed, type Verdict } from '../verdict.ts';

export type Post = 'abs' | 'multiset' | 'skip' | 'meta' | null;

/** A case; `args`, `kwargs`, `out` and the gradients encoded as in the file, or decoded. */
export interface GoldenCase {
  readonly id: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly out?: unknown;
  readonly out_fields?: readonly string[];
  readonly cotangents?: readonly unknown[];
  readonly grads?: readonly unknown[];
  readonly post?: readonly Post[];
  readonly mutated?: readonly unknown[];
  readonly inplace_ok?: boolean;
  readonly noncontiguous?: boolean;
  readonly tol?: number;
  readonly unstable?: boolean;
  readonly py_float?: boolean;
  readonly error?: string;
}

interface GoldenFile extends Entry {
  readonly cases: readonly GoldenCase[];
}

interface IndexEntry {
  readonly op: string;
  readonly variant: string;
  readonly file: string;
  readonly tier: string;
}

/** A decoded case with what is needed to run it. */
export interface Run {
  readonly entry: Entry;
  readonly golden: GoldenCase;
  readonly device: string;
  /** Golden input tensors, depth first. */
  readonly inputs: readonly GoldenTensor[];
}

/** JSON says 2.0 where Python had a float and 2 where it had an integer; the parsed number no longer does. */
function markFloats(text: string): GoldenFile {
  const mark = (_: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' && Number.isInteger(value) && /[.eE]/.test(context?.source ?? '')
      ? { $float: value }
      : value;
  return JSON.parse(text, mark as (key: string, value: unknown) => unknown) as GoldenFile;
}

type Runner = (entry: Entry, golden: GoldenCase, device: string) => Promise<Verdict>;

/** The ops that a selection asks for, with the cases that `accepts`, each to be run by `runner`. */
export function* opsGroups(
  source: Source,
  selection: Selection,
  runner: Runner,
  accepts: (golden: GoldenCase) => boolean = () => true,
): Iterable<Group> {
  const { index } = JSON.parse(source.read('INDEX.json')) as { index: readonly IndexEntry[] };
  for (const { op, variant, file, tier } of index) {
    const name = variant === '' ? op : `${op}.${variant}`;
    if (selection.tiers !== undefined && !selection.tiers.includes(tier)) continue;
    if (selection.ops !== undefined && ![op, name, camelCase(op)].some((n) => selection.ops!.includes(n))) continue;
    const text = source.read(file);
    const entry = JSON.parse(text) as GoldenFile;
    const marked = entry.cases.some((c) => c.py_float) ? markFloats(text).cases : entry.cases;
    const cases = entry.cases.flatMap((golden, i): Case[] => {
      if (!accepts(golden)) return [];
      const call = golden.py_float ? marked[i]! : golden;
      const run = () => runner(entry, { ...golden, args: call.args, kwargs: call.kwargs }, selection.device);
      return [{ id: golden.id, run }];
    });
    yield { name, cases };
  }
}

/** A case with its values decoded, as far as the device can have them; else why not. */
export function decoded(entry: Entry, encoded: GoldenCase, device: string): Run | string {
  const fitted = fitToDevice(decode(encoded) as GoldenCase, device);
  if ('lacking' in fitted) return fitted.lacking;
  if (entry.op === 'long' && !backendFor(device).dtypes.has('int64')) return `device '${device}' has no int64`;
  const golden = fitted.value;
  return { entry, golden, device, inputs: tensorsIn([golden.args, golden.kwargs]) };
}

async function runCase(entry: Entry, encoded: GoldenCase, device: string): Promise<Verdict> {
  const run = decoded(entry, encoded, device);
  if (typeof run === 'string') return notApplicable(run);
  const { golden } = run;
  try {
    return golden.error === undefined ? await runForms(run) : await runError(run);
  } catch (error) {
    return failed(error instanceof MissingError ? error.message : messageOf(error));
  }
}

/** The call's arguments, fresh: a tuple that belongs to one call. */
export function prepare(
  { entry, golden, device }: Run,
  detached = false,
): Built & { args: unknown[]; options: Record<string, unknown> } {
  const floatsAsTensors = golden.py_float === true && entry.op !== 'arange';
  const built = build([golden.args, usableKeywords(golden.kwargs, device)], {
    device,
    noncontiguous: golden.noncontiguous,
    detached,
    floatsAsTensors,
  });
  const [given, named] = built.value as [unknown[], Record<string, unknown>];
  const [values, keywords] = placeRequired(entry.op, given, named);
  const options = camelCaseKeys(usableKeywords(keywords, device));
  // A range of numbers that JavaScript cannot know to be floats is asked for by dtype.
  if (golden.py_float && entry.op === 'arange') options.dtype ??= 'float32';
  return { ...built, args: trimmed(values), options };
}

/** Without trailing arguments that have no form here. */
function trimmed(values: readonly unknown[]): unknown[] {
  const list = [...values];
  while (list.length > 0 && list.at(-1) === undefined) list.pop();
  return list;
}

async function runForms(run: Run): Promise<Verdict> {
  const [self] = prepare(run).args;
  for (const form of findForms(run.entry, self)) {
    const difference = await runForm(run, form);
    if (difference !== null) return failed(difference);
  }
  if (!run.golden.inplace_ok) return passed;
  const form = findInplaceForm(run.entry, self);
  const difference = await runForm(run, form);
  return difference === null ? passed : failed(difference);
}

/** One way of calling: the first difference, with the form's name in front, or null. */
async function runForm(run: Run, form: Form): Promise<string | null> {
  try {
    const difference = await compareForm(run, form);
    return difference === null ? null : `${form.name}: ${difference}`;
  } catch (error) {
    if (error instanceof MissingError) throw error;
    return `${form.name}: ${messageOf(error)}`;
  }
}

/** Results, what else was written, and gradients. */
async function compareForm(run: Run, form: Form): Promise<string | null> {
  const { golden } = run;
  const { args, options, tensors } = prepare(run);
  // A leaf that requires gradients may not be changed in place; PyTorch's tests take a copy as well.
  const callArgs = form.inplace ? [(args[0] as Tensor).clone(), ...args.slice(1)] : args;
  const result = await call(form.call, callArgs, options);
  if (form.inplace && result !== callArgs[0]) return 'the result is not the tensor itself';
  let leaves: (readonly [unknown, unknown])[];
  try {
    leaves = pairLeaves(result, golden.out);
  } catch (error) {
    return (error as Error).message;
  }
  return (
    compareFields(result, golden.out_fields) ??
    (await compareOutputs(run, leaves)) ??
    (await compareInputs(run, tensors)) ??
    (golden.cotangents === undefined ? null : await compareGradients(run, leaves, tensors))
  );
}

/** Calls; an op that reads data to know its shape may return a promise. */
async function call(
  form: Call,
  args: readonly unknown[],
  options: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  return await form(args, options);
}

/** Named results are also properties of the list. */
function compareFields(result: unknown, fields: readonly string[] | undefined): string | null {
  for (const [i, field] of (fields ?? []).entries()) {
    const name = camelCase(field);
    if ((result as Record<string, unknown>)[name] !== (result as unknown[])[i])
      return `result ${i} is not its property '${name}'`;
  }
  return null;
}

function narrowIntegers({ entry, inputs, golden: { kwargs } }: Run): boolean {
  const dot = entry.op.lastIndexOf('.') + 1;
  const mark = indexResults[entry.op.slice(0, dot) + camelCase(entry.op.slice(dot))];
  if (mark === 'creation') return kwargs.dtype === undefined || kwargs.dtype === null;
  if (mark === 'count') return kwargs.dtype === undefined && !inputs.some((tensor) => tensor.dtype === 'int64');
  return mark === 'index';
}

async function compareOutputs(run: Run, leaves: readonly (readonly [unknown, unknown])[]): Promise<string | null> {
  const { golden } = run;
  const narrow = narrowIntegers(run);
  let position = -1;
  for (const [got, want] of leaves) {
    if (!isGoldenTensor(want)) {
      const difference = comparePlain(got, want, opsTolerance('float64', golden.tol));
      if (difference !== null) return difference;
      continue;
    }
    position++;
    const post = golden.post?.[position] ?? null;
    if (post === 'skip') continue;
    // Of complex numbers known up to their phase, the golden has the real absolute values.
    const shown = post === 'abs' && isTensor(got) ? got.detach().abs() : got;
    const meta = compareMeta(shown, want, narrow);
    const difference =
      meta ??
      (golden.unstable || post === 'meta' ? null : await compareOutput(shown as Tensor, want, post, golden.tol));
    if (difference !== null) return leaves.length > 1 ? `result ${position}: ${difference}` : difference;
  }
  return null;
}

async function compareOutput(
  got: Tensor,
  want: GoldenTensor,
  post: Post,
  tol: number | undefined,
): Promise<string | null> {
  const tolerance = opsTolerance(want.dtype, tol);
  const values = await got.detach().toTypedArray();
  const target = post === 'multiset' ? reorder(want, matchRows(values, want)) : want;
  return compareElements(values, elements(want.dtype, target.data), tolerance);
}

/** Inputs have the values they had, but for those that the op is to change. */
async function compareInputs({ golden, inputs }: Run, tensors: readonly Tensor[]): Promise<string | null> {
  for (const [i, tensor] of tensors.entries()) {
    const after = golden.mutated?.[i];
    const want = isGoldenTensor(after) ? after : inputs[i]!;
    const tolerance = isGoldenTensor(after) ? opsTolerance(want.dtype, golden.tol) : exact;
    const difference = await compareTensor(tensor, want, { tolerance });
    if (difference !== null) return `input ${i} after the call: ${difference}`;
  }
  return null;
}

async function compareGradients(
  run: Run,
  leaves: readonly (readonly [unknown, unknown])[],
  tensors: readonly Tensor[],
): Promise<string | null> {
  const { golden, device } = run;
  const roots: Tensor[] = [];
  const cotangents: Tensor[] = [];
  const outputs = leaves.filter(([, want]) => isGoldenTensor(want)) as (readonly [Tensor | null, GoldenTensor])[];
  for (const [i, [output, want]] of outputs.entries()) {
    const cotangent = golden.cotangents![i];
    if (!isGoldenTensor(cotangent) || output === null || !output.requiresGrad) continue;
    const post = golden.post?.[i];
    const placed =
      post === 'multiset' ? reorder(cotangent, matchRows(await output.detach().toTypedArray(), want)) : cotangent;
    roots.push(post === 'abs' ? output.abs() : output);
    cotangents.push(buildTensor(placed, { device, noncontiguous: golden.noncontiguous }));
  }
  if (roots.length > 0) backward(roots, cotangents);
  for (const [i, want] of golden.grads!.entries()) {
    const difference = await compareGradient(tensors[i]!.grad, want, golden);
    if (difference !== null) return `gradient of input ${i}: ${difference}`;
  }
  return null;
}

async function compareGradient(grad: Tensor | null, want: unknown, golden: GoldenCase): Promise<string | null> {
  if (!isGoldenTensor(want)) {
    // PyTorch says "none" where nothing reached the input; zeros say the same.
    const reached = grad !== null && (await grad.toTypedArray()).some((value) => Number(value) !== 0);
    return reached ? 'got one, expected none' : null;
  }
  if (grad === null) return want.data.some((value) => Number(value) !== 0) ? 'got none' : null;
  return compareTensor(grad, want, {
    tolerance: opsTolerance(want.dtype, golden.tol),
    metaOnly: golden.unstable === true,
  });
}

/** Messages of the engine's own errors: they are accidents, not refusals. */
const accidents =
  /^Cannot (read|set|destructure|convert|mix)|is not a function|is not iterable|is not a constructor|^Invalid (typed )?array length|^Maximum call stack|^offset is out of bounds|to a BigInt/;

const refuses = (error: unknown): boolean =>
  error instanceof FlambeauError ||
  ((error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) &&
    !accidents.test(error.message));

/** The call must fail with an error of the public kinds, and leave its inputs alone. */
async function runError(run: Run): Promise<Verdict> {
  // Numbers have no such methods in JavaScript either.
  const forms = findForms(run.entry, prepare(run).args[0]);
  if (forms.length === 0) return notApplicable('asks a number for a method');
  for (const form of forms) {
    const { args, options, tensors } = prepare(run);
    try {
      // Some devices only notice while they compute, and tell when values are read.
      const results = [await call(form.call, args, options)].flat(Infinity);
      for (const result of results) if (isTensor(result)) await result.detach().toTypedArray();
    } catch (error) {
      if (error instanceof MissingError) throw error;
      if (!refuses(error)) return failed(`${form.name}: failed by accident: ${messageOf(error)}`);
      const changed = await compareInputs(run, tensors);
      if (changed !== null) return failed(`${form.name}: ${changed}`);
      continue;
    }
    return failed(`${form.name}: expected an error (PyTorch: ${run.golden.error!.split('\n')[0]}), got a result`);
  }
  return passed;
}

export const opsArea: Area = { name: 'ops', groups: (source, selection) => opsGroups(source, selection, runCase) };
