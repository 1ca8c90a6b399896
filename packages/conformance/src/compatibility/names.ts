/** @file PyTorch's public names, and what each is called here, asked of the code itself. */
import { readFileSync } from 'node:fs';
import * as flambeau from 'flambeau';
import { camelCase } from '../names.ts';

/** A public name of PyTorch 1.13, in one of its namespaces. */
export interface Name {
  /** 'torch', 'Tensor', 'nn.functional' … */
  readonly namespace: string;
  readonly name: string;
  /** Where it is found here, null where it is not. */
  readonly here: string | null;
}

/** Where a namespace is found in the `flambeau` package. */
const places: Readonly<Record<string, readonly [path: string, place: object]>> = {
  torch: ['', flambeau],
  Tensor: ['x.', flambeau.zeros(1)],
  nn: ['nn.', flambeau.nn],
  'nn.Module': ['net.', new flambeau.nn.Identity()],
  'nn.functional': ['F.', flambeau.F],
  'nn.init': ['nn.init.', flambeau.nn.init],
  'nn.utils': ['nn.utils.', flambeau.nn.utils],
  optim: ['optim.', flambeau.optim],
  'optim.lr_scheduler': ['optim.lrScheduler.', flambeau.optim.lrScheduler],
  autograd: ['autograd.', flambeau.autograd],
  'utils.data': ['data.', flambeau.data],
};

/** Names that are others here, where JavaScript has its own word for the thing. */
const renamed: Readonly<Record<string, string>> = {
  'torch.from_numpy': 'fromTypedArray',
  'Tensor.numpy': 'asTypedArray',
  'Tensor.tolist': 'toArray',
};

function placeOf(namespace: string): readonly [path: string, place: object] {
  const known = places[namespace];
  if (known !== undefined) return known;
  const inside = (flambeau as Record<string, unknown>)[namespace];
  return [`${namespace}.`, typeof inside === 'object' && inside !== null ? inside : {}];
}

/** Our name of PyTorch's, with its path: `nn.utils.clipGradNorm_`. Null when there is no such thing. */
export function here(namespace: string, name: string): string | null {
  const [path, place] = placeOf(namespace);
  const words = renamed[`${namespace}.${name}`]?.split('.') ?? name.split('.').map(camelCase);
  let holder: unknown = place;
  for (const word of words.slice(0, -1)) holder = (holder as Record<string, unknown> | undefined)?.[word];
  return has(holder, words.at(-1)!) ? path + words.join('.') : null;
}

/** Whether a thing has a property of its own kind, not one that every object or function has. */
function has(holder: unknown, word: string): boolean {
  if ((typeof holder !== 'object' && typeof holder !== 'function') || holder === null || !(word in holder))
    return false;
  for (let owner: object | null = holder; owner !== null; owner = Object.getPrototypeOf(owner) as object | null)
    if (Object.hasOwn(owner, word)) return owner !== Object.prototype && owner !== Function.prototype;
  return false;
}

/** All names, namespace by namespace, as the code has them now. */
export function allNames(): Name[] {
  const text = readFileSync(new URL('./names.json', import.meta.url), 'utf8');
  const namespaces = JSON.parse(text) as Readonly<Record<string, string>>;
  return Object.entries(namespaces).flatMap(([namespace, list]) =>
    list.split(' ').map((name) => ({ namespace, name, here: here(namespace, name) })),
  );
}
