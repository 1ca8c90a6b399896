/**
 * @file How reductions and scans combine values. Both keep an `Item`: a value, with its position where positions of
 * extremes are wanted. `combine` does not mind the order of its arguments.
 */
import type { DType } from '@flambeau/tensor';
import { conversion, literal, loading, storing, valueType } from './lower.ts';

export type CombineKind = 'sum' | 'prod' | 'any' | 'all' | 'max' | 'min' | 'logsumexp';

export interface Combiner {
  /** Module-scope text: `Item`, `nothing()` and `combine`. */
  readonly declarations: string;
  /** The dtype of the value in an item: 32 bits wide, so that small integers wrap only in the end. */
  readonly held: DType;
  readonly positions: boolean;
  /** An item of a value of `dtype` at a position. */
  item(value: string, dtype: DType, position: string): string;
  value(item: string): string;
  position(item: string): string;
}

/** Where there is no element there is no position. */
const NOWHERE = '0xffffffffu';

function heldDType(dtype: DType, positions: boolean): DType {
  const type = valueType(dtype);
  if (type === 'bool') return positions ? 'int32' : 'bool';
  return type === 'i32' ? 'int32' : 'float32';
}

function identity(kind: CombineKind, held: DType): string {
  if (held === 'bool') return String(kind === 'prod' || kind === 'all' || kind === 'min');
  const int = held === 'int32';
  switch (kind) {
    case 'max':
      return literal(int ? -(2 ** 31) : Number.NEGATIVE_INFINITY, held);
    case 'min':
      return literal(int ? 2 ** 31 - 1 : Number.POSITIVE_INFINITY, held);
    case 'logsumexp':
      return literal(Number.NEGATIVE_INFINITY, held);
    default:
      return literal(kind === 'prod' ? 1 : 0, held);
  }
}

/** The value of two values. */
function both(kind: CombineKind, held: DType): string {
  if (held === 'bool') return kind === 'prod' || kind === 'all' || kind === 'min' ? 'a && b' : 'a || b';
  if (kind === 'sum') return 'a + b';
  if (kind === 'prod') return 'a * b';
  if (kind === 'logsumexp') return 'log_add_exp(a, b)';
  return `${held === 'float32' ? 'f_' : ''}${kind}(a, b)`;
}

const logAddExp = `fn log_add_exp(a: f32, b: f32) -> f32 {
  if (is_nan(a)) { return a; }
  if (is_nan(b)) { return b; }
  if (a == b) { return select(a + 0.69314718, a, is_inf(a)); }
  let least = min(a, b);
  let greatest = max(a, b);
  if (is_inf(greatest) || greatest - least > 100.0) { return greatest; }
  return greatest + f_log1p(f_exp(least - greatest));
}`;

/** Which of two items counts: NaN before numbers, then the more extreme value, then the first or the latest. */
function choice(kind: CombineKind, held: DType, positions: 'first' | 'latest'): string {
  const sign = kind === 'max' ? '>' : '<';
  const unordered =
    held === 'float32' ? 'if (is_nan(a.v) != is_nan(b.v)) { if (is_nan(a.v)) { return a; } return b; }' : '';
  const equal = held === 'float32' ? 'is_nan(a.v) || a.v == b.v' : 'a.v == b.v';
  return `fn combine(a: Item, b: Item) -> Item {
  if (b.at == ${NOWHERE}) { return a; }
  if (a.at == ${NOWHERE}) { return b; }
  ${unordered}
  if (${equal}) { if (a.at ${positions === 'first' ? '<' : '>'} b.at) { return a; } return b; }
  if (a.v ${sign} b.v) { return a; }
  return b;
}`;
}

/** @param positions which of several equal extremes' positions is wanted, if any is */
export function combinerOf(kind: CombineKind, dtype: DType, positions: 'first' | 'latest' | null): Combiner {
  const held = heldDType(dtype, positions !== null);
  const type = valueType(held);
  const none = identity(kind, held);
  const into = (value: string, from: DType): string => conversion(from, held)(value);
  if (positions !== null) {
    return {
      declarations: `struct Item { v: ${type}, at: u32 }\nfn nothing() -> Item { return Item(${none}, ${NOWHERE}); }\n${choice(kind, held, positions)}`,
      held,
      positions: true,
      item: (value, from, position) => `Item(${into(value, from)}, ${position})`,
      value: (item) => `${item}.v`,
      position: (item) => `${item}.at`,
    };
  }
  const helper = kind === 'logsumexp' ? `\n${logAddExp}` : '';
  return {
    declarations: `alias Item = ${type};\nfn nothing() -> Item { return ${none}; }\nfn combine(a: Item, b: Item) -> Item { return ${both(kind, held)}; }${helper}`,
    held,
    positions: false,
    item: into,
    value: (item) => item,
    position: () => '0u',
  };
}

/** An item that lies in memory as one word, or two that are `plane` words apart. */
export function itemAt(combiner: Combiner, buffer: string, place: string, plane: string): string {
  const value = loading(combiner.held, combiner.held)(`${buffer}[${place}]`);
  return combiner.positions ? `Item(${value}, ${buffer}[${place} + ${plane}])` : value;
}

/** Statements that store an item so. */
export function storeItem(combiner: Combiner, item: string, buffer: string, place: string, plane: string): string {
  const value = `${buffer}[${place}] = ${storing(combiner.held, combiner.held)(combiner.value(item))};`;
  return combiner.positions ? `${value} ${buffer}[${place} + ${plane}] = ${combiner.position(item)};` : value;
}

/**
 * Statements that combine the variable `item` of all invocations of a workgroup, by a function; all get the result.
 * Needs the workgroup array `tree` of `size` items, a square. Two levels take few barriers, which cost the most.
 */
export function treeText(item: string, size: number, combine = 'combine'): string {
  const root = Math.sqrt(size);
  return `tree[lane] = ${item};
  workgroupBarrier();
  if (lane < ${root}u) {
    for (var s = lane + ${root}u; s < ${size}u; s = s + ${root}u) { tree[lane] = ${combine}(tree[lane], tree[s]); }
  }
  workgroupBarrier();
  ${item} = tree[0];
  for (var s = 1u; s < ${root}u; s = s + 1u) { ${item} = ${combine}(${item}, tree[s]); }
  workgroupBarrier();`;
}
