/**
 * @file Attention in one dispatch: a workgroup makes a block of output rows, going over blocks of keys with the running
 * maximum and sum of each row's softmax (Milakov & Gimelshein 2018; Dao et al. 2022), so that no scores are stored.
 */
import { type AttentionSpec, mergeStrides, type View } from '@flambeau/tensor/internal';
import type { Commands, Program } from '../commands.ts';
import { checkDType, literal, loading, storing } from '../wgsl/lower.ts';
import { floatWord, shader, word } from '../wgsl/shader.ts';
import { bind } from './operands.ts';
import { checkWords, loopWords, product, stepsText, writeLoops } from './places.ts';
import { power } from './softmax.ts';

/** Invocations of a workgroup: a square of 8 × 8, each with every eighth row and column of a block. */
const [side, lanes] = [8, 64];

interface Sizes {
  /** Rows and columns of a block of scores. */
  readonly block: number;
  /** Vectors of four that a key and a value take. */
  readonly key: number;
  readonly value: number;
}

/** Bytes of workgroup memory: queries, keys or values (rows one vector longer, so that lanes use different banks), shares, sums and fades. */
const bytesOf = ({ block, key, value }: Sizes): number =>
  16 * block * (key + 1 + Math.max(key, value) + 1) + 4 * block * (block + 2) + 4 * lanes;

/** Larger heads would make long unrolled loops. */
const largestHead = 256;

/** The largest block that fits, not much larger than there are rows; null where none does. */
function sizesFor(bytes: number, rows: number, key: number, value: number): Sizes | null {
  if (Math.max(key, value) > largestHead) return null;
  const vectors = { key: Math.ceil(key / 4), value: Math.ceil(value / 4) };
  for (const block of [32, 16, 8]) {
    const sizes = { block, ...vectors };
    if (bytesOf(sizes) <= bytes && (block === 8 || rows > block / 2)) return sizes;
  }
  return null;
}

/**
 * Parameter words: groups, blocks of rows, rows L, keys S, whether causal, scale, vectors of a key and of a value (which the
 * text knows, but as constants they would invite compilers to unroll long loops); then for each view the steps of a row and
 * of an element and the offset; then loops over the batch.
 */
const fixedWords = 8;
const stepWord = (view: number): string => word(fixedWords + 3 * view);
const elementWord = (view: number): string => word(fixedWords + 3 * view + 1);
const offsetWord = (view: number): string => word(fixedWords + 3 * view + 2);

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** The dtypes and sizes that a text is for. */
interface Form {
  readonly views: readonly View[];
  readonly places: readonly number[];
  readonly sizes: Sizes;
  readonly rank: number;
}

/** Statements that fill workgroup memory with a block's rows of a view from row `first` on, vectors of four, zeros beyond. */
function loadText(
  { views, places }: Form,
  n: number,
  into: string,
  width: number,
  block: number,
  stride: number,
): string {
  const view = views[n]!;
  const [first, limit] = n === 0 ? ['top', word(2)] : ['left', word(3)];
  const place = `p${n} + (${first} + r) * ${stepWord(n)} + e * ${elementWord(n)}`;
  const value = loading(view.dtype, 'float32')(`b${places[n]}[${place}]`);
  return `for (var t = lane; t < ${block}u * ${word(n === 2 ? 7 : 6)}; t = t + ${lanes}u) {
    let r = t / ${width}u;
    let c = t % ${width}u;
    var four = vec4<f32>();
    if (${first} + r < ${limit}) {
      let end = min(c * 4u + 4u, ${view.shape.at(-1)!}u);
      for (var e = c * 4u; e < end; e = e + 1u) { four[e & 3u] = ${value}; }
    }
    ${into}[r * ${stride}u + c] = four${n === 0 ? ` * ${floatWord(5)}` : ''};
  }`;
}

const lowest = literal(Number.NEGATIVE_INFINITY, 'float32');

/** What becomes of the score at `row` and `col`: nothing where the key may not be looked at. */
function maskText({ views, places }: Form): string {
  const mask = views[4];
  const hidden = `if (col >= ${word(3)} || (${word(4)} == 1u && col > row)) { score = ${lowest}; }`;
  if (mask === undefined) return hidden;
  const value = `b${places[4]}[p4 + row * ${stepWord(4)} + col * ${elementWord(4)}]`;
  const masked =
    mask.dtype === 'bool'
      ? `if (!${loading('bool', 'bool')(value)}) { score = ${lowest}; }`
      : `score = score + ${loading(mask.dtype, 'float32')(value)};`;
  return `${hidden} else if (row < ${word(2)}) { ${masked} }`;
}

/**
 * Statements that make shares of a block's scores. Several lanes take a row: `most` is its greatest score so far, `sum` what
 * this lane's shares add up to. `fades` is by how much earlier shares of a row shrink.
 */
function softmaxText(form: Form): string {
  const { block } = form.sizes;
  const team = lanes / block;
  const columns = (text: string): string => `for (var c = member; c < ${block}u; c = c + ${team}u) { ${text} }`;
  const share = `shares[own * ${block + 1}u + c]`;
  return `var peak = most;
    ${columns(`var score = ${share}; let row = top + own; let col = left + c; ${maskText(form)} ${share} = score; peak = f_max(peak, score);`)}
    parts[lane] = peak;
    workgroupBarrier();
    for (var t = 0u; t < ${team}u; t = t + 1u) { peak = f_max(peak, parts[own * ${team}u + t]); }
    var fade = 1.0;
    if (peak != most) { fade = power(most - peak); }
    most = peak;
    sum = sum * fade;
    if (member == 0u) { fades[own] = fade; }
    ${columns(`var part = 0.0; if (peak != ${lowest}) { part = power(${share} - peak); } sum = sum + part; ${share} = part;`)}`;
}

function shaderText(form: Form): string {
  const { views, places, sizes, rank } = form;
  const { block, key, value } = sizes;
  const micro = block / side;
  const stride = Math.max(key, value) + 1;
  const [rows, columns] = [times(micro, (i) => i), times(Math.ceil(value / side), (c) => c)];
  const each = (list: readonly number[], text: (i: number) => string): string => list.map(text).join(' ');
  const both = (list: readonly number[], text: (i: number, j: number) => string): string =>
    each(rows, (i) => each(list, (j) => text(i, j)));
  const row = (i: number): string => `(y + ${side * i}u)`;
  const column = (j: number): string => `(x + ${side * j}u)`;
  const team = lanes / block;
  const out = views[3]!;
  const stored = storing('float32', out.dtype)('four[e & 3u]');
  const body = `if (group >= ${word(0)}) { return; }
  let batch = group / ${word(1)};
  let top = (group % ${word(1)}) * ${block}u;
  let y = lane / ${side}u;
  let x = lane % ${side}u;
  let own = lane / ${team}u;
  let member = lane % ${team}u;
  ${views.map((_, n) => `var p${n} = ${offsetWord(n)};`).join(' ')}
  ${stepsText(
    'batch',
    views.map((_, n) => `p${n}`),
    rank,
    fixedWords + 3 * views.length,
  )}
  ${loadText(form, 0, 'queries', key, block, key + 1)}
  var most = ${lowest};
  var sum = 0.0;
  ${both(columns, (i, c) => `var o${i}_${c} = vec4<f32>();`)}
  let stop = select(${word(3)}, min(${word(3)}, top + ${block}u), ${word(4)} == 1u);
  for (var left = 0u; left < stop; left = left + ${block}u) {
    ${loadText(form, 1, 'keys', key, block, stride)}
    workgroupBarrier();
    ${both(rows, (i, j) => `var s${i}_${j} = 0.0;`)}
    for (var e = 0u; e < ${word(6)}; e = e + 1u) {
      ${each(rows, (i) => `let q${i} = queries[${row(i)} * ${key + 1}u + e]; let k${i} = keys[${column(i)} * ${stride}u + e];`)}
      ${both(rows, (i, j) => `s${i}_${j} = s${i}_${j} + dot(q${i}, k${j});`)}
    }
    ${both(rows, (i, j) => `shares[${row(i)} * ${block + 1}u + ${column(j)}] = s${i}_${j};`)}
    workgroupBarrier();
    ${loadText(form, 2, 'keys', value, block, stride)}
    ${softmaxText(form)}
    workgroupBarrier();
    ${each(rows, (i) => `let f${i} = fades[${row(i)}]; ${each(columns, (c) => `o${i}_${c} = o${i}_${c} * f${i};`)}`)}
    let many = min(${block}u, stop - left);
    for (var j = 0u; j < many; j = j + 1u) {
      ${each(columns, (c) => `let v${c} = keys[j * ${stride}u + min(${column(c)}, ${value - 1}u)];`)}
      ${each(rows, (i) => `let w${i} = shares[${row(i)} * ${block + 1}u + j];`)}
      ${both(columns, (i, c) => `o${i}_${c} = o${i}_${c} + w${i} * v${c};`)}
    }
    workgroupBarrier();
  }
  parts[lane] = sum;
  workgroupBarrier();
  ${both(columns, (i, c) => `store(p3, o${i}_${c}, ${row(i)}, top + ${row(i)}, ${column(c)} * 4u);`)}`;
  const declarations = `${power}
var<workgroup> queries: array<vec4<f32>, ${block * (key + 1)}>;
var<workgroup> keys: array<vec4<f32>, ${block * stride}>;
var<workgroup> shares: array<f32, ${block * (block + 1)}>;
var<workgroup> parts: array<f32, ${lanes}>;
var<workgroup> fades: array<f32, ${block}>;
fn store(p: u32, values: vec4<f32>, own: u32, row: u32, first: u32) {
  if (row >= ${word(2)}) { return; }
  var total = 0.0;
  for (var t = 0u; t < ${team}u; t = t + 1u) { total = total + parts[own * ${team}u + t]; }
  var four = values / total;
  let end = min(first + 4u, ${out.shape.at(-1)!}u);
  for (var e = first; e < end; e = e + 1u) { b${places[3]}[p + row * ${stepWord(3)} + e * ${elementWord(3)}] = ${stored}; }
}`;
  return shader(Math.max(...places) + 1, body, declarations, lanes);
}

const programs = new Map<string, Program>();

/** See Fused.attention in the contract. */
export function attention(
  commands: Commands,
  bytes: number,
  query: View,
  key: View,
  value: View,
  mask: View | null,
  { scale, isCausal }: AttentionSpec,
  out: View,
): boolean {
  const [rows, size] = query.shape.slice(-2) as [number, number];
  const [count, valueSize] = value.shape.slice(-2) as [number, number];
  const sizes = sizesFor(bytes, rows, size, valueSize);
  if (sizes === null) return false;
  const views = mask === null ? [query, key, value, out] : [query, key, value, out, mask];
  const batch = query.shape.slice(0, -2);
  const loops = mergeStrides(
    batch,
    views.map((view) => view.strides.slice(0, -2)),
  );
  const rank = loops.sizes.length;
  const { buffers, places, key: binding } = bind(views);
  const dtypes = views.map((view) => view.dtype).join();
  const cacheKey = `${commands.id}:${dtypes},${size},${valueSize},${sizes.block},${rank}:${binding}`;
  let program = programs.get(cacheKey);
  if (program === undefined) {
    for (const view of views) checkDType('scaledDotProductAttention()', view.dtype);
    checkWords('scaledDotProductAttention()', fixedWords + 3 * views.length + loopWords(rank, views.length));
    program = commands.program('attention', shaderText({ views, places, sizes, rank }), buffers.length);
    programs.set(cacheKey, program);
  }
  const blocks = Math.ceil(rows / sizes.block);
  const groups = blocks * product(batch);
  commands.dispatch(program, buffers, groups, (words, floats, start) => {
    const fixed = [groups, blocks, rows, count, isCausal ? 1 : 0];
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
  return true;
}
