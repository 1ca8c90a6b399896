/** @file The `nn` area: modules with their outputs, gradients, state and text; functions of torch.nn.functional. */
import { backward } from '@flambeau/autograd';
import { isTensor, type Tensor } from '@flambeau/tensor';
import * as flambeau from 'flambeau';
import type { Area, Case, Group, Selection, Source } from '../area.ts';
import { type BuildOptions, build, buildTensor } from '../build.ts';
import { MissingError } from '../calls.ts';
import { compareValue, pairLeaves, type Tolerance } from '../compare.ts';
import { decode, type GoldenModule, type GoldenTensor, isGoldenModule, isGoldenTensor } from '../decode.ts';
import { camelCase, camelCaseKeys } from '../names.ts';
import { compositeModule } from '../nn/composites.ts';
import { checkSequences, type SequenceCase } from '../nn/sequences.ts';
import { failed, messageOf, type Verdict, verdictOf } from '../verdict.ts';

interface ModuleCase {
  readonly id: string;
  readonly module: string;
  readonly dtype: string;
  readonly ctor_args: readonly unknown[];
  readonly ctor_kwargs: Readonly<Record<string, unknown>>;
  readonly repr: string;
  readonly state_dict: unknown;
  readonly train: boolean;
  readonly warmup_inputs?: readonly (readonly unknown[])[];
  readonly inputs: readonly unknown[];
  readonly call_kwargs?: Readonly<Record<string, unknown>>;
  readonly out: unknown;
  readonly cotangents?: readonly (GoldenTensor | null)[];
  readonly input_grads?: readonly (GoldenTensor | null)[];
  readonly call_kwargs_grads?: Readonly<Record<string, GoldenTensor | null>>;
  readonly param_grads?: Readonly<Record<string, GoldenTensor | null>>;
  readonly state_after?: unknown;
}

interface FunctionCase {
  readonly fn: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly out: unknown;
  readonly cotangents?: readonly (GoldenTensor | null)[];
  readonly arg_grads?: readonly (GoldenTensor | null)[];
}

interface CompositeCase {
  readonly expr: string;
  readonly repr: string;
}

type Constructor = new (...args: unknown[]) => flambeau.nn.Module;

function* groups(source: Source, { ops, device }: Selection): Iterable<Group> {
  const wanted = (name: string): boolean => ops === undefined || ops.includes(name);
  const casesOf = (file: string): readonly unknown[] =>
    (JSON.parse(source.read(file)) as { cases: readonly unknown[] }).cases;
  for (const file of [...source.names].sort()) {
    const name = file.replace(/\.json$/, '');
    if (name === 'INDEX' || !wanted(name)) continue;
    const check = checkerOf(name, device);
    yield { name, cases: casesOf(file).map((golden, i) => toCase(`${name}/${i}`, golden, check)) };
  }
}

type Check = (golden: never) => Promise<string | null>;

function checkerOf(name: string, device: string): Check {
  if (name === 'composite_repr') return async (golden: CompositeCase) => checkComposite(golden);
  if (name === 'rnn_utils') return (golden: SequenceCase) => checkSequences(golden, device, compareOutputs);
  if (name === 'functional') return (golden: FunctionCase) => checkFunction(golden, device);
  return (golden: ModuleCase) => checkModule(golden, device);
}

function toCase(id: string, golden: unknown, check: Check): Case {
  const run = async (): Promise<Verdict> => {
    try {
      return verdictOf(await check(decode(golden) as never));
    } catch (error) {
      return failed(error instanceof MissingError ? error.message : messageOf(error));
    }
  };
  return { id, run };
}

/** |got − want| ≤ 1e-5 + 1e-4 |want| for float32, 1e-10 + 1e-9 |want| for float64. */
const toleranceOf = (want: unknown): Tolerance =>
  isGoldenTensor(want) && want.dtype === 'float64' ? { atol: 1e-10, rtol: 1e-9 } : { atol: 1e-5, rtol: 1e-4 };

/** The first difference of a nested result, or null. Positions may be int32. */
async function compareOutputs(what: string, got: unknown, want: unknown): Promise<string | null> {
  for (const [g, w] of pairLeaves(got, want)) {
    const difference = await compareValue(g, w, { tolerance: toleranceOf(w), narrowIntegers: true });
    if (difference !== null) return `${what}: ${difference}`;
  }
  return null;
}

/** An entry for each argument; nested ones give one for each of their tensors. */
const gradientLeaves = (args: readonly unknown[]): unknown[] =>
  args.flatMap((arg) =>
    Array.isArray(arg) && arg.some(isTensor)
      ? gradientLeaves(arg)
      : Array.isArray(arg) && arg.some(Array.isArray)
        ? gradientLeaves(arg)
        : [arg],
  );

async function compareGradients(
  what: string,
  tensors: readonly unknown[],
  wants: readonly unknown[],
): Promise<string | null> {
  const flat = wants.flat(Number.POSITIVE_INFINITY) as (GoldenTensor | null)[];
  for (const [i, want] of flat.entries()) {
    const leaf = tensors[i];
    const grad = isTensor(leaf) ? leaf.grad : null;
    // Where nothing depends on a tensor, PyTorch has sometimes no gradient and sometimes zeros.
    if (grad === null && (want === null || want.data.every((value) => Number(value) === 0))) continue;
    const difference = await compareOutputs(`${what} ${i}`, grad, want);
    if (difference !== null) return difference;
  }
  return null;
}

function moduleClass(name: string): Constructor {
  const found = (flambeau.nn as unknown as Record<string, Constructor | undefined>)[name];
  if (found === undefined) throw new MissingError(`not implemented: nn.${name}`);
  return found;
}

/** A module from PyTorch's constructor arguments; modules among them are made first. */
function construct(
  name: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
  options: BuildOptions,
): flambeau.nn.Module {
  const made = (value: unknown): unknown => {
    if (isGoldenModule(value)) return fromGolden(value, options);
    return Array.isArray(value)
      ? value.map(made)
      : isGoldenTensor(value)
        ? buildTensor(value, options)
        : build(value, options).value;
  };
  const named = Object.fromEntries(Object.entries(camelCaseKeys(kwargs)).map(([key, value]) => [key, made(value)]));
  return new (moduleClass(name))(...args.map(made), ...(Object.keys(named).length === 0 ? [] : [named]));
}

const fromGolden = ({ module, args, kwargs }: GoldenModule, options: BuildOptions): flambeau.nn.Module =>
  construct(module, args, kwargs, options);

/** The entries of a golden dictionary, whatever its keys looked like. */
const entriesOf = (golden: unknown): [string, unknown][] =>
  (golden instanceof Map ? [...golden] : Object.entries(golden as object)) as [string, unknown][];

/**
 * The inputs, with one tensor for those that were one in PyTorch: same values and same gradient, which is the sum over
 * all places. So self-attention was called.
 */
function sameInputs({ inputs, input_grads: grads = [] }: ModuleCase, built: readonly unknown[]): unknown[] {
  const textOf = (i: number): string | undefined => {
    const [input, grad] = [inputs[i], grads[i]];
    return isGoldenTensor(input) && isGoldenTensor(grad) ? `${input.shape}:${input.data}:${grad.data}` : undefined;
  };
  const texts = inputs.map((_, i) => textOf(i));
  return built.map((value, i) => (texts[i] === undefined ? value : built[texts.indexOf(texts[i])]));
}

async function checkModule(golden: ModuleCase, device: string): Promise<string | null> {
  const options = { device };
  const net = construct(golden.module, golden.ctor_args, golden.ctor_kwargs, options).to(golden.dtype);
  const text = String(net);
  if (text !== golden.repr) return `repr: got ${JSON.stringify(text)}, expected ${JSON.stringify(golden.repr)}`;
  net.loadStateDict(
    new Map(
      entriesOf(golden.state_dict).map(([key, value]) => [
        key,
        buildTensor(value as GoldenTensor, { device: 'cpu', detached: true }),
      ]),
    ),
  );
  net.to(device);
  net.train(golden.train);
  for (const warmup of golden.warmup_inputs ?? []) net(...(build(warmup, options).value as never[]));
  const inputs = sameInputs(golden, build(golden.inputs, options).value as unknown[]);
  const keywords = build(golden.call_kwargs ?? {}, options);
  const named = camelCaseKeys(keywords.value as Record<string, unknown>);
  const out = net(...([...inputs, ...(Object.keys(named).length === 0 ? [] : [named])] as never[]));
  return (
    (await compareOutputs('out', out, golden.out)) ??
    (await checkState(net, golden)) ??
    (await checkBackward(out, golden)) ??
    (await compareGradients('gradient of input', gradientLeaves(inputs), golden.input_grads ?? [])) ??
    (await compareGradients(
      'gradient of keyword',
      Object.values(keywords.value as object),
      Object.values(golden.call_kwargs_grads ?? {}),
    )) ??
    (await checkParameters(net, golden))
  );
}

/** Goes back from the outputs; null when there is nothing to differentiate. */
async function checkBackward(
  out: unknown,
  { cotangents, out: want }: { cotangents?: readonly (GoldenTensor | null)[]; out: unknown },
): Promise<null> {
  if (cotangents === undefined) return null;
  const leaves = pairLeaves(out, want).flatMap(([got]) => (isTensor(got) ? [got] : []));
  const pairs = leaves.flatMap((leaf, i): [Tensor, Tensor][] => {
    const cotangent = cotangents[i];
    return cotangent ? [[leaf, buildTensor(cotangent, { device: leaf.device, detached: true })]] : [];
  });
  if (pairs.length > 0)
    backward(
      pairs.map(([leaf]) => leaf),
      pairs.map(([, cotangent]) => cotangent),
    );
  return null;
}

async function checkParameters(
  net: flambeau.nn.Module,
  { param_grads: wants = {} }: ModuleCase,
): Promise<string | null> {
  const parameters = new Map(net.namedParameters());
  for (const [name, want] of entriesOf(wants)) {
    const parameter = parameters.get(name);
    if (parameter === undefined) return `there is no parameter ${name}`;
    const difference = await compareGradients(`gradient of ${name}`, [parameter], [want as GoldenTensor | null]);
    if (difference !== null) return difference;
  }
  return null;
}

async function checkState(
  net: flambeau.nn.Module,
  { state_after: after, state_dict: before }: ModuleCase,
): Promise<string | null> {
  if (after === undefined) return null;
  const state = net.stateDict();
  const wants = entriesOf(after === 'unchanged' ? before : after);
  const [names, expected] = [[...state.keys()].join(), wants.map(([name]) => name).join()];
  if (names !== expected) return `state dict: got ${names}, expected ${expected}`;
  for (const [name, want] of wants) {
    const difference = await compareOutputs(`state ${name}`, state.get(name), want);
    if (difference !== null) return difference;
  }
  return null;
}

async function checkFunction(golden: FunctionCase, device: string): Promise<string | null> {
  const name = camelCase(golden.fn);
  const fn = (flambeau.F as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>)[name];
  if (fn === undefined) throw new MissingError(`not implemented: F.${name}`);
  const built = build([golden.args, golden.kwargs], { device });
  const [args, kwargs] = built.value as [unknown[], Record<string, unknown>];
  const named = camelCaseKeys(kwargs);
  const out = fn(...args, ...(Object.keys(named).length === 0 ? [] : [named]));
  return (
    (await compareOutputs('out', out, golden.out)) ??
    (await checkBackward(out, golden)) ??
    (await compareGradients(
      'gradient of argument',
      gradientLeaves(args),
      (golden.arg_grads ?? []).flat() as (GoldenTensor | null)[],
    ))
  );
}

function checkComposite({ expr, repr }: CompositeCase): string | null {
  const text = String(compositeModule(expr));
  return text === repr ? null : `got ${JSON.stringify(text)}, expected ${JSON.stringify(repr)}`;
}

export const nnArea: Area = { name: 'nn', groups };
