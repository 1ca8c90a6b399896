/**
 * @file What attention's kernels are made of. A workgroup of 8 × 8 invocations goes over blocks of scores: rows of queries
 * against rows of keys, both in workgroup memory. Each invocation has every eighth row and column of a block.
 */
import { type AttentionSpec, mergeStrides, type View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import { checkDType, literal, loading, storing } from '../wgsl/lower.ts';
import { floatWord, shader, word } from '../wgsl/shader.ts';
import { bind } from './operands.ts';
import { checkWords, loopWords, product, stepsText, writeLoops } from './places.ts';
import { numbered } from './rows.ts';

/** Invocations of a workgroup, in a square. */
export const [side, lanes] = [8, 64];

/** Larger heads would make long unrolled loops. */
const largestHead = 256;

export interface Sizes {
  /** Rows and columns of a block of scores. */
  readonly block: number;
  /** Vectors of four that a key and a value take. */
  readonly key: number;
  readonly value: number;
}

/**
 * The largest block that fits in `bytes` of workgroup memory, not much larger than there are rows; null where none does.
 * @param key numbers that a key has, and `value` a value
 * @param bytesOf bytes of workgroup memory that a kernel takes
 */
export function sizesFor(
  bytes: number,
  rows: number,
  key: number,
  value: number,
  bytesOf: (sizes: Sizes) => number,
): Sizes | null {
  if (Math.max(key, value) > largestHead) return null;
  const vectors = { key: Math.ceil(key / 4), value: Math.ceil(value / 4) };
  for (const block of [32, 16, 8]) {
    const sizes = { block, ...vectors };
    if (bytesOf(sizes) <= bytes && (block === 8 || rows > block / 2)) return sizes;
  }
  return null;
}

/** What kernels read and write. `statistics` are a row's log Σ exp of its scores and Σ grad ∘ out, side by side. */
export type Name =
  | 'query'
  | 'key'
  | 'value'
  | 'mask'
  | 'out'
  | 'logSumExp'
  | 'grad'
  | 'statistics'
  | 'gradQuery'
  | 'gradKey'
  | 'gradValue';

type Names = ReturnType<typeof numbered<Name>>;

/** The views and sizes that a text is for. */
export interface Form {
  readonly names: Names;
  readonly places: readonly number[];
  readonly sizes: Sizes;
  readonly rank: number;
}

/**
 * Parameter words: groups, blocks that a batch has, rows L, keys S, whether causal, scale, vectors of a key and of a value (which the
 * text knows, but as constants they would invite compilers to unroll long loops); then for each view the steps of a row and
 * of an element and the offset; then loops over the batch.
 */
const fixedWords = 8;
export const [rowsWord, keysWord, causal, scaleWord] = [word(2), word(3), `${word(4)} == 1u`, floatWord(5)] as const;
const stepWord = (view: number): string => word(fixedWords + 3 * view);
const elementWord = (view: number): string => word(fixedWords + 3 * view + 1);
const offsetWord = (view: number): string => word(fixedWords + 3 * view + 2);

export const lowest = literal(Number.NEGATIVE_INFINITY, 'float32');

const times = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The numbers of an invocation's rows (and columns) of a block, and of its columns of `vectors` vectors. */
export const own = ({ sizes }: Form): number[] => times(sizes.block / side);
export const ownOf = (vectors: number): number[] => times(Math.ceil(vectors / side));

/** Text for each number, and for each pair. */
export const each = (list: readonly number[], text: (i: number) => string): string => list.map(text).join(' ');
export const pairs = (
  rows: readonly number[],
  columns: readonly number[],
  text: (i: number, j: number) => string,
): string => each(rows, (i) => each(columns, (j) => text(i, j)));

/** An invocation's row and column number `i`. */
export const row = (i: number): string => `(y + ${side * i}u)`;
export const column = (i: number): string => `(x + ${side * i}u)`;

/** The element at `row` and `column` of what a block of scores becomes. */
export const share = ({ sizes }: Form, row: string, column: string): string =>
  `shares[${row} * ${sizes.block + 1}u + ${column}]`;

/** Where a view's element of a row lies. */
export const elementOf = ({ names, places }: Form, name: Name, row: string, element: string): string => {
  const n = names.at(name);
  return `b${places[n]}[p${n} + (${row}) * ${stepWord(n)} + (${element}) * ${elementWord(n)}]`;
};

/** Vectors of four that rows of blocks in workgroup memory lie apart: one more than they have, so that lanes use different banks. */
export const pitch = (...vectors: readonly number[]): number => Math.max(...vectors) + 1;

type Block = 'query' | 'grad' | 'key' | 'value';
type Result = 'out' | 'gradQuery' | 'gradKey' | 'gradValue';

/** Of a view that blocks are loaded of or stored to: how many rows it has, and how many vectors a row. */
const extents = {
  query: [rowsWord, 'key'],
  gradQuery: [rowsWord, 'key'],
  grad: [rowsWord, 'value'],
  out: [rowsWord, 'value'],
  key: [keysWord, 'key'],
  gradKey: [keysWord, 'key'],
  value: [keysWord, 'value'],
  gradValue: [keysWord, 'value'],
} as const;
const vectorsWord = { key: word(6), value: word(7) };

/** Statements that fill workgroup memory with a block's rows of a view from row `first` on, vectors of four, zeros beyond; queries are scaled. */
export function loadText(form: Form, name: Block, first: string, into: string, stride: number): string {
  const { names, sizes } = form;
  const [limit, kind] = extents[name];
  const width = sizes[kind];
  const view = names.views[names.at(name)]!;
  const value = loading(view.dtype, 'float32')(elementOf(form, name, `${first} + r`, 'e'));
  return `for (var t = lane; t < ${sizes.block}u * ${vectorsWord[kind]}; t = t + ${lanes}u) {
    let r = t / ${width}u;
    let c = t % ${width}u;
    var four = vec4<f32>();
    if (${first} + r < ${limit}) {
      let end = min(c * 4u + 4u, ${view.shape.at(-1)!}u);
      for (var e = c * 4u; e < end; e = e + 1u) { four[e & 3u] = ${value}; }
    }
    ${into}[r * ${stride}u + c] = four${name === 'query' ? ` * ${scaleWord}` : ''};
  }`;
}

/** A block in workgroup memory. */
export interface Loaded {
  readonly name: string;
  readonly stride: number;
}

/** Statements that make `sum` + `i_j` the products of an invocation's rows of `a` with its rows (as columns) of `b`. */
export function dotsText(form: Form, sum: string, a: Loaded, b: Loaded, kind: 'key' | 'value'): string {
  const mine = own(form);
  return `${pairs(mine, mine, (i, j) => `var ${sum}${i}_${j} = 0.0;`)}
    for (var e = 0u; e < ${vectorsWord[kind]}; e = e + 1u) {
      ${each(mine, (i) => `let l${i} = ${a.name}[${row(i)} * ${a.stride}u + e]; let r${i} = ${b.name}[${column(i)} * ${b.stride}u + e];`)}
      ${pairs(mine, mine, (i, j) => `${sum}${i}_${j} = ${sum}${i}_${j} + dot(l${i}, r${j});`)}
    }`;
}

/** Statements that add to `sum` + `i_c` the products of an invocation's rows of shares with its columns of the first `many` rows of a block. */
export function mixText(form: Form, sum: string, many: string, of: Loaded, vectors: number): string {
  const [mine, columns] = [own(form), ownOf(vectors)];
  return `for (var j = 0u; j < ${many}; j = j + 1u) {
      ${each(columns, (c) => `let v${c} = ${of.name}[j * ${of.stride}u + min(${column(c)}, ${vectors - 1}u)];`)}
      ${each(mine, (i) => `let w${i} = ${share(form, row(i), 'j')};`)}
      ${pairs(mine, columns, (i, c) => `${sum}${i}_${c} = ${sum}${i}_${c} + w${i} * v${c};`)}
    }`;
}

/** Declarations of what {@link mixText} adds to. */
export const sumsText = (form: Form, sum: string, vectors: number): string =>
  pairs(own(form), ownOf(vectors), (i, c) => `var ${sum}${i}_${c} = vec4<f32>();`);

/** What becomes of the score at `row` and `col`: nothing where the key may not be looked at. */
export function maskText(form: Form): string {
  const hidden = `if (col >= ${keysWord} || (${causal} && col > row)) { score = ${lowest}; }`;
  if (!form.names.has('mask')) return hidden;
  const { dtype } = form.names.views[form.names.at('mask')]!;
  const value = elementOf(form, 'mask', 'row', 'col');
  const masked =
    dtype === 'bool'
      ? `if (!${loading('bool', 'bool')(value)}) { score = ${lowest}; }`
      : `score = score + ${loading(dtype, 'float32')(value)};`;
  return `${hidden} else if (row < ${rowsWord}) { ${masked} }`;
}

/**
 * Statements that store an invocation's sums, of which `value` gives number `i`, `c`, as a block's rows of a view from row `first`
 * on: by way of workgroup memory that is free, as one loop is a shorter text than a loop for each sum.
 */
export function storeText(
  form: Form,
  name: Result,
  first: string,
  through: Loaded,
  value: (i: number, c: number) => string,
): string {
  const { names, sizes } = form;
  const [limit, kind] = extents[name];
  const width = sizes[kind];
  const { dtype, shape } = names.views[names.at(name)]!;
  const inside = (c: number, text: string): string =>
    side * (c + 1) <= width ? text : `if (${column(c)} < ${width}u) { ${text} }`;
  return `${pairs(own(form), ownOf(width), (i, c) => inside(c, `${through.name}[${row(i)} * ${through.stride}u + ${column(c)}] = ${value(i, c)};`))}
  workgroupBarrier();
  for (var t = lane; t < ${sizes.block}u * ${vectorsWord[kind]}; t = t + ${lanes}u) {
    let r = t / ${width}u;
    let c = t % ${width}u;
    if (${first} + r < ${limit}) {
      let four = ${through.name}[r * ${through.stride}u + c];
      let end = min(c * 4u + 4u, ${shape.at(-1)!}u);
      for (var e = c * 4u; e < end; e = e + 1u) { ${elementOf(form, name, `${first} + r`, 'e')} = ${storing('float32', dtype)('four[e & 3u]')}; }
    }
  }`;
}

/** A whole shader. `first` is the first row of the group's block, `y` and `x` are the invocation's place in the square. */
export function blocksShader(form: Form, first: string, body: string, declarations: string): string {
  const { names, places, sizes, rank } = form;
  const start = `if (group >= ${word(0)}) { return; }
  let batch = group / ${word(1)};
  let ${first} = (group % ${word(1)}) * ${sizes.block}u;
  let y = lane / ${side}u;
  let x = lane % ${side}u;
  ${names.views.map((_, n) => `var p${n} = ${offsetWord(n)};`).join(' ')}
  ${stepsText(
    'batch',
    names.views.map((_, n) => `p${n}`),
    rank,
    fixedWords + 3 * names.views.length,
  )}`;
  return shader(Math.max(...places) + 1, `${start}\n  ${body}`, declarations, lanes);
}

/** Declares a block in workgroup memory. */
export const blockMemory = ({ sizes }: Form, { name, stride }: Loaded): string =>
  `var<workgroup> ${name}: array<vec4<f32>, ${sizes.block * stride}>;`;
export const sharesMemory = ({ sizes }: Form): string =>
  `var<workgroup> shares: array<f32, ${sizes.block * (sizes.block + 1)}>;`;

/** Runs a kernel: a workgroup for each block of `count` rows or keys, and for each batch. */
export function overBlocks(
  commands: Commands,
  op: string,
  operands: readonly (readonly [Name, View | null])[],
  sizes: Sizes,
  { scale, isCausal }: AttentionSpec,
  count: number,
  text: (form: Form) => string,
): void {
  const names = numbered(operands);
  const { views } = names;
  const [query, value] = [views[names.at('query')]!, views[names.at('value')]!];
  const batch = query.shape.slice(0, -2);
  const loops = mergeStrides(
    batch,
    views.map((view) => view.strides.slice(0, -2)),
  );
  const rank = loops.sizes.length;
  const { buffers, places, key } = bind(views);
  const dtypes = views.map((view) => view.dtype).join();
  const heads = `${query.shape.at(-1)},${value.shape.at(-1)}`;
  const program = commands.cached(
    overBlocks,
    `${op},${names.key},${dtypes},${heads},${sizes.block},${rank}:${key}`,
    () => {
      for (const view of views) checkDType('scaledDotProductAttention()', view.dtype);
      checkWords('scaledDotProductAttention()', fixedWords + 3 * views.length + loopWords(rank, views.length));
      return commands.program(op, text({ names, places, sizes, rank }), buffers.length);
    },
  );
  const blocks = Math.ceil(count / sizes.block);
  const groups = blocks * product(batch);
  commands.dispatch(program, buffers, groups, (words, floats, start) => {
    const fixed = [groups, blocks, query.shape.at(-2)!, value.shape.at(-2)!, isCausal ? 1 : 0];
    for (let i = 0; i < fixed.length; i++) words[start + i] = fixed[i]!;
    floats[start + 5] = scale;
    words[start + 6] = sizes.key;
    words[start + 7] = sizes.value;
    let at = start + fixedWords;
    for (const view of views) {
      words[at++] = view.strides.at(-2)!;
      words[at++] = view.strides.at(-1)!;
      words[at++] = view.offset;
    }
    writeLoops(words, at, loops);
  });
}
