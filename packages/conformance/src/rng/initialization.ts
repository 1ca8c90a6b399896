/** @file Initialisation of tensors (nn.init) and modules. */
import { createHash } from 'node:crypto';
import { models } from '@flambeau/vision';
import * as flambeau from 'flambeau';
import { MissingError } from '../calls.ts';
import { exact } from '../compare.ts';
import type { GoldenTensor } from '../decode.ts';
import { camelCase, camelCaseKeys } from '../names.ts';
import { evaluatePython } from '../python/evaluate.ts';
import { notApplicable } from '../verdict.ts';
import { type Check, compareDraw, compareNext, sameJson, torch } from './torch.ts';

interface Init {
  readonly fn: string;
  readonly size: number[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly out: GoldenTensor;
  readonly rand_after: GoldenTensor;
  readonly bit_exact: boolean;
}

export const checkInit: Check<Init> = async ({ fn, size, kwargs, seed, out, rand_after, bit_exact }) => {
  const initialize = torch(`nn.init.${fn}`);
  torch('manual_seed')(seed);
  // `val` of constant_ has no default, so that it has no name here.
  const { val, ...named } = kwargs;
  const result = initialize(flambeau.empty(size), ...(val === undefined ? [camelCaseKeys(named)] : [val]));
  const tolerance = bit_exact ? exact : { atol: 1e-5, rtol: 1e-5 };
  const difference = (await compareDraw(result, out, tolerance)) ?? (await compareNext(rand_after));
  return difference !== null && !bit_exact
    ? notApplicable('PyTorch does not promise these bits (bit_exact: false)')
    : difference;
};

interface Gain {
  readonly args: readonly unknown[];
  readonly gain: number;
}

export const checkGain: Check<Gain> = async ({ args, gain }) => {
  const got = torch('nn.init.calculate_gain')(...args) as number;
  return Math.abs(got - gain) <= 1e-12 ? null : `got ${got}, expected ${gain}`;
};

interface ModuleInit {
  readonly module?: string;
  readonly ctor_args?: readonly unknown[];
  readonly ctor_kwargs?: Readonly<Record<string, unknown>>;
  readonly expr?: string;
  readonly torchvision_model?: string;
  /** Of a torchvision model: its state, with hashes of the little-endian bytes. */
  readonly entries?: readonly { name: string; shape: number[]; dtype: string; sha256: string }[];
  readonly seed: number;
  readonly state_dict: Readonly<Record<string, GoldenTensor>>;
  readonly rand_after: GoldenTensor;
}

type ModuleClass = new (...args: unknown[]) => flambeau.nn.Module;

function makeModule({ module, ctor_args: args = [], ctor_kwargs: kwargs = {}, expr }: ModuleInit): flambeau.nn.Module {
  if (expr !== undefined) return evaluatePython(expr) as flambeau.nn.Module;
  return new (torch(`nn.${module}`) as unknown as ModuleClass)(...args, camelCaseKeys(kwargs));
}

async function checkVisionModel(name: string, { entries, rand_after }: ModuleInit): Promise<string | null> {
  const make = (models as unknown as Record<string, (() => flambeau.nn.Module) | undefined>)[camelCase(name)];
  if (make === undefined) throw new MissingError(`not implemented: vision model ${name}`);
  const state = make().stateDict();
  const names = sameJson(
    [...state.keys()],
    entries!.map((entry) => entry.name),
  );
  if (names !== null) return `state dict: ${names}`;
  for (const { name, shape, sha256 } of entries!) {
    const tensor = state.get(name)!;
    const described = sameJson([...tensor.shape], shape);
    if (described !== null) return `${name}: ${described}`;
    const { buffer, byteOffset, byteLength } = tensor.detach().contiguous().asTypedArray();
    const hash = createHash('sha256')
      .update(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength))
      .digest('hex');
    if (hash !== sha256) return `${name}: other values`;
  }
  return compareNext(rand_after);
}

export const checkModule: Check<ModuleInit> = async (golden) => {
  torch('manual_seed')(golden.seed);
  if (golden.torchvision_model !== undefined) return checkVisionModel(golden.torchvision_model, golden);
  const state = makeModule(golden).stateDict();
  const names = Object.keys(golden.state_dict);
  const difference = sameJson([...state.keys()], names);
  if (difference !== null) return `state dict: ${difference}`;
  for (const name of names) {
    const difference = await compareDraw(state.get(name), golden.state_dict[name]);
    if (difference !== null) return `${name}: ${difference}`;
  }
  return compareNext(golden.rand_after);
};
