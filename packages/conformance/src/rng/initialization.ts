/** @file Initialisation of tensors (nn.init) and modules. */
import * as flambeau from 'flambeau';
import { MissingError } from '../calls.ts';
import { exact } from '../compare.ts';
import type { GoldenTensor } from '../decode.ts';
import { camelCaseKeys } from '../names.ts';
import { notApplicable } from '../verdict.ts';
import { type Check, compareDraw, compareNext, torch } from './torch.ts';

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
  readonly expr?: string;
  readonly torchvision_model?: string;
}

export const checkModule: Check<ModuleInit> = async ({ module, expr, torchvision_model: model }) => {
  throw new MissingError(`not implemented: ${module ?? expr ?? `vision model ${model}`}`);
};
