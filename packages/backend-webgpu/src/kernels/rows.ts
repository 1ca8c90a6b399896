/**
 * @file Kernels over rows: something is made of all elements of a row (its sum, its statistics), then something of each
 * element with that. A row is done by one workgroup, or by one invocation where rows are short or lie side by side. Few
 * long rows are cut into chunks, in two dispatches: the chunks' items, then everything else.
 */
import type { DType } from '@flambeau/tensor';
import { broadcastStrides, type Loops, mergeStrides, type View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { treeText } from '../wgsl/combine.ts';
import { checkDType, loading, storing } from '../wgsl/lower.ts';
import { floatWord, shader, WORKGROUP, word } from '../wgsl/shader.ts';
import { bind } from './operands.ts';
import { aloneIsBest, checkWords, loopWords, product, stepsText, withTemporary, writeLoops } from './places.ts';

/**
 * What a kernel does, in WGSL. `b(v)` is the buffer of view `v`; `p0`, `p1` … are the places of a row's first elements and,
 * inside of elements' text, `q0`, `q1` … those of the element, for the views that vary along a row.
 */
export interface RowText {
  /** Tells apart what has different text for the same views. */
  readonly key: string;
  /** How many f32 an item is made of; 0 when nothing is made of a row's elements. */
  readonly lanes: 0 | 1 | 2 | 3;
  /** `fn combine(a: Item, b: Item) -> Item`, for which `Item()` is neutral, and other functions. */
  readonly declarations: string;
  /** Statements that leave the item of the elements, of which there are `mine` (f32), in `item`. */
  item(b: Buffers, each: Each): string;
  /** Statements with the whole row's `item`, before the next two. */
  whole(b: Buffers): string;
  /** What one invocation does for the row. */
  row(b: Buffers): string;
  /** What is done for each element, or null. */
  readonly element: ((b: Buffers) => string) | null;
}

/** The name of the buffer of a view. */
export type Buffers = (view: number) => string;

/** Scalar arguments of a kernel. */
export interface RowScalars {
  readonly floats?: readonly number[];
  readonly ints?: readonly number[];
}

interface Pass {
  readonly stage: 'all' | 'items' | 'rest';
  readonly size: number;
  readonly chunk: number;
  readonly chunks: number;
}

export interface Rows {
  readonly views: readonly View[];
  /** How many of the views, the first ones, vary along a row. */
  readonly along: number;
  readonly kept: Loops;
  readonly reduced: Loops;
  readonly count: number;
  readonly length: number;
  /** Whether rows that follow each other lie side by side. */
  readonly beside: boolean;
}

/** Rows over the dimensions `over` of `shape`, to which all views broadcast; the first view has that shape. */
export function rowsOver(
  shape: readonly number[],
  over: readonly number[],
  views: readonly View[],
  along: number,
): Rows {
  const strides = views.map((view) => broadcastStrides(view.shape, view.strides, shape));
  const lead = strides[0]!;
  const byStride = (a: number, b: number): number => Math.abs(lead[b]!) - Math.abs(lead[a]!);
  const loops = (dims: number[], of: readonly (readonly number[])[]): Loops => {
    dims.sort(byStride);
    return mergeStrides(
      dims.map((d) => shape[d]!),
      of.map((s) => dims.map((d) => s[d]!)),
    );
  };
  const kept = loops(
    shape.map((_, d) => d).filter((d) => !over.includes(d)),
    strides,
  );
  const reduced = loops([...over], strides.slice(0, along));
  const beside = Math.abs(kept.strides[0]!.at(-1) ?? 0) < Math.abs(reduced.strides[0]?.at(-1) ?? 0);
  return { views, along, kept, reduced, count: product(kept.sizes), length: product(reduced.sizes), beside };
}

/** Parameter words: units, rows, length, chunk, chunks; then scalars, offsets, loops over rows, loops along them. */
const fixedWords = 5;

/** Additions in a row; sums of sums keep rounding errors small. */
const run = 64;

/** The argument number `i` of a kernel, of the floats, or of the integers where there are `floats` of those before. */
export const scalarWord = (i: number): string => floatWord(fixedWords + i);
export const indexWord = (i: number, floats = 0): string => word(fixedWords + floats + i);
/** The length of a row. */
export const lengthWord = word(2);

/**
 * A loop of an invocation over its elements of a row, with `i` as their number; with `around`, statements that go before and
 * after every 64 of them.
 */
export type Each = (text: string, around?: readonly [before: string, after: string]) => string;

function elementsText(size: number, text: string, around: readonly [string, string] | undefined): string {
  const first = size === 1 ? 'begin' : 'begin + lane';
  if (around === undefined) return `for (var i = ${first}; i < end; i = i + ${size}u) { ${text} }`;
  return `for (var i = ${first}; i < end;) {
    ${around[0]}
    let stop = min(i + ${run * size}u, end);
    for (; i < stop; i = i + ${size}u) { ${text} }
    ${around[1]}
  }`;
}

/** Statements that sum `term`, of type `type` and after `before`, over a row's elements into the new variable `name`. */
export function sumText(name: string, type: string, term: string, each: Each, before = ''): string {
  const sum = each(`${before} part = part + ${term};`, [`var part = ${type}();`, `${name} = ${name} + part;`]);
  return `var ${name} = ${type}();\n  ${sum}`;
}

function shaderText(text: RowText, rows: Rows, pass: Pass, scalars: number, bound: readonly number[]): string {
  const { views, along, kept, reduced } = rows;
  const { stage, size } = pass;
  const buffer: Buffers = (v) => `b${bound[v]}`;
  const partials = `b${bound[views.length]}`;
  const p = views.map((_, v) => `p${v}`);
  const q = p.slice(0, along).map((_, v) => `q${v}`);
  const offsets = fixedWords + scalars;
  const keptAt = offsets + views.length;
  const reducedAt = keptAt + loopWords(kept.sizes.length, views.length);
  const places = `${q.map((name, v) => `var ${name} = p${v};`).join(' ')}
    ${stepsText('i', q, reduced.sizes.length, reducedAt)}`;
  const each: Each = (body, around) => elementsText(size, `${places}\n    ${body}`, around);
  const { lanes } = text;
  const words = Array.from({ length: lanes }, (_, j) => j);
  const joined = size > 1 && lanes > 0;
  const partialAt = (index: string, j: number): string => `${partials}[(${index}) * ${lanes}u + ${j}u]`;
  const gathered =
    stage === 'rest'
      ? `var item = Item();
  for (var c = ${size === 1 ? '0u' : 'lane'}; c < ${word(4)}; c = c + ${size}u) {
    item = combine(item, Item(${words.map((j) => `bitcast<f32>(${partialAt(`c * ${word(1)} + row`, j)})`).join(', ')}));
  }`
      : lanes === 0
        ? ''
        : text.item(buffer, each);
  const first = size === 1 ? '' : 'lane == 0u';
  const when = (conditions: readonly string[], body: string): string =>
    conditions.length === 0 ? body : `if (${conditions.join(' && ')}) { ${body} }`;
  const stored = words
    .map((j) => `${partialAt('unit', j)} = bitcast<u32>(item${lanes === 1 ? '' : `[${j}]`});`)
    .join(' ');
  const rest = `${text.whole(buffer)}
  ${when(['chunk == 0u', first].filter(Boolean), text.row(buffer))}
  ${text.element === null ? '' : each(text.element(buffer))}`;
  const body = `let unit = ${size === 1 ? `group * ${WORKGROUP}u + lane` : 'group'};
  if (unit >= ${word(0)}) { return; }
  let chunk = unit / ${word(1)};
  let row = unit % ${word(1)};
  let begin = chunk * ${word(3)};
  let end = max(begin, min(begin + ${word(3)}, ${word(2)}));
  let mine = f32(${size === 1 ? 'end - begin' : `(max(end - begin, lane) - lane + ${size - 1}u) / ${size}u`});
  ${p.map((name, v) => `var ${name} = ${word(offsets + v)};`).join(' ')}
  ${stepsText('row', p, kept.sizes.length, keptAt)}
  ${gathered}
  ${joined ? treeText('item', size) : ''}
  ${stage === 'items' ? when([first].filter(Boolean), stored) : rest}`;
  const tree = joined ? `\nvar<workgroup> tree: array<Item, ${size}>;` : '';
  const buffers = Math.max(...bound) + 1;
  const alias = lanes === 0 ? '' : `alias Item = ${lanes === 1 ? 'f32' : `vec${lanes}<f32>`};\n`;
  return shader(buffers, body, alias + text.declarations + tree, size === 1 ? WORKGROUP : size);
}

function dispatch(
  commands: Commands,
  op: string,
  text: RowText,
  rows: Rows,
  pass: Pass,
  { floats = [], ints = [] }: RowScalars,
  partials: View | null,
): void {
  const { views, kept, reduced, along, count } = rows;
  const { buffers, places, key } = bind(partials === null ? views : [...views, partials]);
  const ranks = `${kept.sizes.length},${reduced.sizes.length}`;
  const scalars = floats.length + ints.length;
  const dtypes = views.map((view) => view.dtype).join();
  const program = commands.cached(
    overRows,
    `${op},${text.key},${pass.stage},${pass.size},${ranks},${dtypes}:${key}`,
    () => {
      for (const view of views) checkDType(`${op}()`, view.dtype);
      const loops = loopWords(kept.sizes.length, views.length) + loopWords(reduced.sizes.length, along);
      checkWords(`${op}()`, fixedWords + scalars + views.length + loops);
      return commands.program(op, shaderText(text, rows, pass, scalars, places), buffers.length);
    },
  );
  const units = count * (pass.stage !== 'items' && text.element === null ? 1 : pass.chunks);
  const groups = pass.size === 1 ? Math.ceil(units / WORKGROUP) : units;
  commands.dispatch(program, buffers, groups, (words, floatWords, start) => {
    const fixed = [units, count, rows.length, pass.chunk, pass.chunks];
    for (let i = 0; i < fixed.length; i++) words[start + i] = fixed[i]!;
    let at = start + fixedWords;
    for (const scalar of floats) floatWords[at++] = scalar;
    for (const scalar of ints) words[at++] = scalar;
    for (const view of views) words[at++] = view.offset;
    at = writeLoops(words, at, kept);
    writeLoops(words, at, reduced);
  });
}

/** Invocations of a workgroup that does one row. */
const team = 64;

/** Into how many chunks rows are cut so that the device has enough to do. */
function chunksFor({ count, length }: Rows, size: number): number {
  if (size === 1) return length < 256 ? 1 : Math.min(Math.ceil(length / 128), Math.ceil(32768 / count));
  return count >= 512 || length <= 4096 ? 1 : Math.min(64, Math.ceil(length / 2048));
}

/** Runs a kernel over rows. `scalars` are its arguments. */
export function overRows(
  commands: Commands,
  memory: Memory,
  op: string,
  text: RowText,
  rows: Rows,
  scalars: RowScalars = {},
): true {
  const { count, length } = rows;
  const size = aloneIsBest(count, length, rows.beside) ? 1 : team;
  const chunks = chunksFor(rows, size);
  const pass = { size, chunk: Math.ceil(length / chunks), chunks };
  if (chunks === 1 || text.lanes === 0) {
    dispatch(commands, op, text, rows, { ...pass, stage: 'all' }, scalars, null);
    return true;
  }
  withTemporary(memory, rows.views[0]!.storage.device, count * chunks * text.lanes, (partials) => {
    dispatch(commands, op, text, rows, { ...pass, stage: 'items' }, scalars, partials);
    dispatch(commands, op, text, rows, { ...pass, stage: 'rest' }, scalars, partials);
  });
  return true;
}

/** The numbers of views by name, in the order in which they are bound; absent ones are left out. */
export function numbered<Name extends string>(views: readonly (readonly [Name, View | null])[]) {
  const present = views.filter((entry): entry is readonly [Name, View] => entry[1] !== null);
  const number = new Map(present.map(([name], i) => [name, i]));
  return {
    views: present.map(([, view]) => view),
    key: present.map(([name]) => name).join(),
    has: (name: Name): boolean => number.has(name),
    at: (name: Name): number => number.get(name)!,
  };
}

/** The value at the place of a view's row (`p`) or element (`q`), as f32. */
export const read = (dtype: DType, b: Buffers, v: number, place: 'p' | 'q'): string =>
  loading(dtype, 'float32')(`${b(v)}[${place}${v}]`);

/** A statement that stores an f32 there. */
export const write = (dtype: DType, b: Buffers, v: number, place: 'p' | 'q', value: string): string =>
  `${b(v)}[${place}${v}] = ${storing('float32', dtype)(value)};`;
