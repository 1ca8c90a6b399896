/**
 * @file How the call of a golden `ops` entry is written here. Most entries are found by name (names.ts); this file has
 * the rest: Python's operators and properties, and arguments that have another form or none.
 */
import { getDefaultDevice, isTensor, type Tensor } from '@flambeau/tensor';
import { backendFor } from '@flambeau/tensor/internal';
import { findFunction, findMethod, lastName } from './names.ts';

/** What an entry file says about its op. */
export interface Entry {
  readonly op: string;
  readonly variant: string;
  readonly tier: string;
  readonly function: boolean;
  readonly method: boolean;
  readonly inplace_form?: 'method_' | 'inplace=True';
  readonly property?: boolean;
}

export type Call = (args: readonly unknown[], options: Readonly<Record<string, unknown>>) => unknown;

export interface Form {
  readonly name: string;
  readonly call: Call;
  /** Overwrites its first argument. */
  readonly inplace: boolean;
}

/** Python keywords that say where or how memory lies, which has no counterpart here, and a generator that is None. */
const dropped = new Set(['layout', 'memory_format', 'pin_memory', 'generator']);

/** Keyword arguments without those that have no form here. */
export function usableKeywords(kwargs: Readonly<Record<string, unknown>>, device: string): Record<string, unknown> {
  const kept = Object.entries(kwargs).filter(([key, value]) => !dropped.has(key) && value !== undefined);
  return Object.fromEntries(kept.map(([key, value]) => [key, key === 'device' ? device : value]));
}

/**
 * Arguments without a default may be given by name in Python; here they are positional. Names by op, after the tensors
 * that always come first.
 */
const requiredByName: readonly (readonly [op: RegExp, first: number, names: readonly string[]])[] = [
  [/^nn\.functional\.(max|avg|lp)_pool\dd$/, 1, ['kernel_size']],
  [/^nn\.functional\.max_unpool\dd$/, 2, ['kernel_size']],
  [/^nn\.functional\.conv(_transpose)?\dd$/, 1, ['weight']],
];

/** A call with such arguments put in their places. */
export function placeRequired(
  op: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): [args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>] {
  const entry = requiredByName.find(([pattern]) => pattern.test(op));
  const [name] = entry?.[2].filter((candidate) => Object.hasOwn(kwargs, candidate)) ?? [];
  if (entry === undefined || name === undefined || args.length !== entry[1]) return [args, kwargs];
  const { [name]: value, ...rest } = kwargs;
  return [[...args, value], rest];
}

const withOptions = (args: readonly unknown[], options: Readonly<Record<string, unknown>>): unknown[] =>
  Object.keys(options).length === 0 ? [...args] : [...args, options];

const functionCall = (op: string): Call | undefined => {
  const found = findFunction(op);
  return found && ((args, options) => found(...withOptions(args, options)));
};

/** Calls a method that must exist: `findForms` has asked for it. */
function callMethod(name: string, self: unknown, ...args: unknown[]): unknown {
  const found = findMethod(self, name);
  if (found === undefined) throw new MissingError(`there is no method ${name}()`);
  return found(...args);
}

/** What the goldens ask for does not exist here. */
export class MissingError extends Error {
  override name = 'MissingError';
}

/** `other op self`, where Python found nothing in `other`: a method of `other` if it is a tensor. */
const reflected =
  (name: string, scalar: Call): Call =>
  ([self, other], options) =>
    isTensor(other) ? callMethod(name, other, self) : scalar([self, other], options);

const commutative = (name: string): Call => reflected(name, ([self, other]) => callMethod(name, self, other));

const ofFunction =
  (op: string): Call =>
  ([self, other]) => {
    const found = findFunction(op);
    if (found === undefined) throw new MissingError(`there is no function ${lastName(op)}()`);
    return found(other, self);
  };

const property =
  (name: string): Call =>
  ([self]) => {
    const value = (self as Record<string, unknown>)[name];
    if (value === undefined) throw new MissingError(`there is no property ${name}`);
    return value;
  };

/** As data, Python's integers are int64, or int32 on devices that have no int64: `full([2], 3)`. */
const fullOfData: Adaptation = ([size, value], options, call) => {
  if (!Number.isSafeInteger(value)) return call([size, value], options);
  return backendFor(getDefaultDevice()).dtypes.has('int64')
    ? call([size, BigInt(value as number)], options)
    : call([size, value], { ...options, dtype: options.dtype ?? 'int32' });
};

/** aten's slice(self, dim, start, end, step), which Python writes as an index. */
const slice: Call = ([self, dim = 0, start, end, step = 1]) => {
  const x = self as Tensor;
  const axis = (dim as number) < 0 ? (dim as number) + x.ndim : (dim as number);
  return callMethod('at', x, ...Array.from({ length: axis }, () => ':'), `${start ?? ''}:${end ?? ''}:${step}`);
};

/** PyTorch 1.13 has the function under a private name, with `need_attn_weights` before `is_causal`. */
const attention: Call = ([query, key, value, attnMask = null, dropoutP = 0, , isCausal = false], options) => {
  const found = findFunction('nn.functional.scaled_dot_product_attention_with_weights');
  if (found === undefined) throw new MissingError('there is no function F.scaledDotProductAttentionWithWeights()');
  const { needAttnWeights: _, ...given } = options;
  return found(query, key, value, { attnMask, dropoutP, isCausal, ...given });
};

/** Changes arguments before a function found by name gets them. */
type Adaptation = (args: readonly unknown[], options: Readonly<Record<string, unknown>>, call: Call) => unknown;

/** Entries by op, or by op and variant, whose call is not simply their name. */
const special: Record<string, Call> = {
  __getitem__: ([self, index]) => callMethod('at', self, ...(index as unknown[])),
  __radd__: commutative('add'),
  __rmul__: commutative('mul'),
  __rand__: commutative('bitwiseAnd'),
  __ror__: commutative('bitwiseOr'),
  __rxor__: commutative('bitwiseXor'),
  __rsub__: reflected('sub', ([self, other]) => callMethod('rsub', self, other)),
  __rdiv__: reflected('div', ([self, other]) => callMethod('mul', callMethod('reciprocal', self), other)),
  // Python makes a new tensor of `other` here, so no gradient reaches it.
  __rpow__: ([self, other], options) =>
    reflected('pow', ofFunction('pow'))([self, isTensor(other) ? other.detach() : other], options),
  __rmod__: reflected('remainder', ofFunction('remainder')),
  __rmatmul__: ([self, other]) => callMethod('matmul', other, self),
  T: property('T'),
  H: property('H'),
  mT: property('mT'),
  mH: property('mH'),
  slice,
  zero_: ([self]) => callMethod('zero_', (self as Tensor).clone()),
  resize_: ([self, ...sizes]) => callMethod('resize_', (self as Tensor).clone(), ...sizes),
  resize_as_: ([self, other]) => callMethod('resizeAs_', (self as Tensor).clone(), other),
  'nn.functional._scaled_dot_product_attention': attention,
};

const adapted: Record<string, Adaptation> = {
  full: fullOfData,
  // Python's booleans are integers.
  arange: (args, options, call) =>
    call(
      args.map((arg) => (typeof arg === 'boolean' ? Number(arg) : arg)),
      options,
    ),
  'linalg.lstsq.grad_oriented': (args, options, call) => (call(args, options) as unknown[])[0],
  'linalg.pinv.singular': ([a, b], options, call) => call([(a as Tensor).matmul((b as Tensor).mT)], options),
};

const keyOf = (entry: Entry): string => (entry.variant === '' ? entry.op : `${entry.op}.${entry.variant}`);

/**
 * The ways to call an entry: as a function, and as a method where the first argument is a tensor.
 * @throws MissingError when one that PyTorch has does not exist here.
 */
export function findForms(entry: Entry, self: unknown): Form[] {
  const own = Object.hasOwn(special, entry.op) ? special[entry.op] : undefined;
  if (own !== undefined) return isTensor(self) ? [{ name: entry.op, call: own, inplace: false }] : [];
  const forms: Form[] = [];
  if (entry.function) {
    const call = functionCall(entry.op);
    if (call === undefined) throw new MissingError(`not implemented: there is no function ${entry.op}`);
    const adapt = adapted[keyOf(entry)] ?? adapted[entry.op];
    forms.push({
      name: 'function',
      call: adapt ? (args, options) => adapt(args, options, call) : call,
      inplace: false,
    });
  }
  if (entry.method && isTensor(self)) {
    const name = lastName(entry.op);
    if (findMethod(self, name) === undefined) throw new MissingError(`not implemented: there is no method ${name}()`);
    forms.push({
      name: 'method',
      call: ([x, ...rest], options) => callMethod(name, x, ...withOptions(rest, options)),
      inplace: false,
    });
  }
  return forms;
}

/** The in-place form of an entry. @throws MissingError when it does not exist here. */
export function findInplaceForm(entry: Entry, self: unknown): Form {
  if (entry.inplace_form === 'inplace=True') {
    const call = functionCall(entry.op);
    if (call === undefined) throw new MissingError(`not implemented: there is no function ${entry.op}`);
    return { name: 'in-place', call: (args, options) => call(args, { ...options, inplace: true }), inplace: true };
  }
  const name = `${lastName(entry.op)}_`;
  if (findMethod(self, name) === undefined) throw new MissingError(`not implemented: there is no method ${name}()`);
  return {
    name: 'in-place',
    call: ([x, ...rest], options) => callMethod(name, x, ...withOptions(rest, options)),
    inplace: true,
  };
}
