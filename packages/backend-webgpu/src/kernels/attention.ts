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

/** Bytes of workgroup memory: queries, keys or values (rows one vector longer, so that lanes use different banks), shares, maxima. */
const bytesOf = ({ block, key, value }: Sizes): number =>
  16 * block * (key + 1 + Math.max(key, value) + 1) + 4 * block * (block + 1) + 4 * block * side;

/** The largest block that fits, not much larger than there are rows; null where none does. */
function sizesFor(bytes: number, rows: number, key: number, value: number): Sizes | null {
  const vectors = { key: Math.ceil(key / 4), value: Math.ceil(value / 4) };
  for (const block of [32, 16, 8]) {
    const sizes = { block, ...vectors };
    if (bytesOf(sizes) <= bytes && (block === 8 || rows > block / 2)) return sizes;
  }
  return null;
}

/** The largest size of keys and values that fits into `bytes` of workgroup memory. */
export function largestHead(bytes: number): number {
  let size = 0;
  while (size < 256 && sizesFor(bytes, 1, size + 4, size + 4) !== null) size += 4;
  return size;
}

/** Parameter words: groups, blocks of rows, rows L, keys S, whether causal, scale; a row's and an element's step and the offset of each view. */
const fixedWords = 6;
const stepWord = (view: number): string => word(fixedWords + 3 * view);
const elementWord = (view: number): string => word(fixedWords + 3 * view + 1);
const offsetWord = (view: number): string => word(fixedWords + 3 * view + 2);

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

function shaderText(views: readonly View[], places: readonly number[], sizes: Sizes, rank: number): string {
  const { block, key, value } = sizes;
  const [q, k, v, out, mask] = views as readonly [View, View, View, View, View | undefined];
  const micro = block / side;
  const columns = Math.ceil(value / side);
  const [I, J, C] = [times(micro, String), times(micro, String), times(columns, String)];
  const stride = Math.max(key, value) + 1;
  const element = (view: View, n: number, row: string, e: string): string =>
    loading(view.dtype, 'float32')(`b${places[n]}[p${n} + ${row} * ${stepWord(n)} + ${e} * ${elementWord(n)}]`);
  const load = (
    view: View,
    n: number,
    into: string,
    width: number,
    first: string,
    limit: string,
    size: number,
    factor = '',
  ): string =>
    `for (var t = lane; t < ${block * width}u; t = t + ${lanes}u) {
    let r = t / ${width}u;
    let c = t % ${width}u;
    var x = vec4<f32>();
    if (${first} + r < ${limit}) {
      ${times(4, (e) => `${4 * width > size && e > (size - 1) % 4 ? `if (c < ${width - 1}u) ` : ''}{ x[${e}] = ${element(view, n, `(${first} + r)`, `(c * 4u + ${e}u)`)}; }`).join('\n      ')}
    }
    ${into}[r * ${into === 'queries' ? key + 1 : stride}u + c] = x${factor};
  }`;
  const lowest = literal(Number.NEGATIVE_INFINITY, 'float32');
  const [headSize, valueSize] = [q.shape.at(-1)!, v.shape.at(-1)!];
  const row = (i: string): string => `(y + ${side * Number(i)}u)`;
  const column = (j: string): string => `(x + ${side * Number(j)}u)`;
  const score = (i: string, j: string): string => `{ let row = top + ${row(i)}; let col = left + ${column(j)};
      if (col >= ${word(3)} || (${word(4)} == 1u && col > row)) { s${i}_${j} = ${lowest}; }
      ${mask === undefined ? '' : `else if (row < ${word(2)}) { ${mask.dtype === 'bool' ? `if (!${loading('bool', 'bool')(maskAt())}) { s${i}_${j} = ${lowest}; }` : `s${i}_${j} = s${i}_${j} + ${loading(mask.dtype, 'float32')(maskAt())};`} }`} }`;
  const maskAt = (): string => `b${places[4]}[p4 + row * ${stepWord(4)} + col * ${elementWord(4)}]`;
  const each = (list: readonly string[], text: (i: string) => string): string => list.map(text).join('\n    ');
  const both = (text: (i: string, j: string) => string): string => each(I, (i) => each(J, (j) => text(i, j)));
  const shares = (i: string): string => `{
      var most = m${i};
      for (var t = 0u; t < ${side}u; t = t + 1u) { most = f_max(most, parts[${row(i)} * ${side}u + t]); }
      var fade = 1.0;
      if (most != m${i}) { fade = power(m${i} - most); }
      m${i} = most;
      l${i} = l${i} * fade;
      ${each(C, (c) => `o${i}_${c} = o${i}_${c} * fade;`)}
      ${each(J, (j) => `{ var share = 0.0; if (most != ${lowest}) { share = power(s${i}_${j} - most); } l${i} = l${i} + share; shares[${row(i)} * ${block + 1}u + ${column(j)}] = share; }`)}
    }`;
  const body = `if (group >= ${word(0)}) { return; }
  let batch = group / ${word(1)};
  let top = (group % ${word(1)}) * ${block}u;
  let y = lane / ${side}u;
  let x = lane % ${side}u;
  ${views.map((_, n) => `var p${n} = ${offsetWord(n)};`).join(' ')}
  ${stepsText(
    'batch',
    views.map((_, n) => `p${n}`),
    rank,
    fixedWords + 3 * views.length,
  )}
  ${load(q, 0, 'queries', key, 'top', word(2), headSize, ` * ${floatWord(5)}`)}
  ${each(I, (i) => `var m${i} = ${lowest}; var l${i} = 0.0; ${each(C, (c) => `var o${i}_${c} = vec4<f32>();`)}`)}
  let stop = select(${word(3)}, min(${word(3)}, top + ${block}u), ${word(4)} == 1u);
  for (var left = 0u; left < stop; left = left + ${block}u) {
    ${load(k, 1, 'keys', key, 'left', word(3), headSize)}
    workgroupBarrier();
    ${both((i, j) => `var s${i}_${j} = 0.0;`)}
    for (var e = 0u; e < ${key}u; e = e + 1u) {
      ${each(I, (i) => `let q${i} = queries[${row(i)} * ${key + 1}u + e];`)}
      ${each(J, (j) => `let k${j} = keys[${column(j)} * ${stride}u + e];`)}
      ${both((i, j) => `s${i}_${j} = s${i}_${j} + dot(q${i}, k${j});`)}
    }
    ${both(score)}
    ${each(I, (i) => `parts[${row(i)} * ${side}u + x] = ${J.slice(1).reduce((most, j) => `f_max(${most}, s${i}_${j})`, `s${i}_0`)};`)}
    workgroupBarrier();
    ${load(v, 2, 'keys', value, 'left', word(3), valueSize)}
    ${each(I, shares)}
    workgroupBarrier();
    let many = min(${block}u, stop - left);
    for (var j = 0u; j < many; j = j + 1u) {
      ${each(C, (c) => `var v${c} = vec4<f32>(); if (${column(c)} < ${value}u) { v${c} = keys[j * ${stride}u + ${column(c)}]; }`)}
      ${each(I, (i) => `let w${i} = shares[${row(i)} * ${block + 1}u + j]; ${each(C, (c) => `o${i}_${c} = o${i}_${c} + w${i} * v${c};`)}`)}
    }
    workgroupBarrier();
  }
  ${each(I, (i) => `parts[${row(i)} * ${side}u + x] = l${i};`)}
  workgroupBarrier();
  ${each(
    I,
    (i) => `if (top + ${row(i)} < ${word(2)}) {
    var total = 0.0;
    for (var t = 0u; t < ${side}u; t = t + 1u) { total = total + parts[${row(i)} * ${side}u + t]; }
    ${each(C, (c) => times(4, (e) => `{ let at = ${column(c)} * 4u + ${e}u; if (at < ${valueSize}u) { b${places[3]}[p3 + (top + ${row(i)}) * ${stepWord(3)} + at * ${elementWord(3)}] = ${storing('float32', out.dtype)(`o${i}_${c}[${e}] / total`)}; } }`).join('\n    '))}
  }`,
  )}`;
  const declarations = `${power}
var<workgroup> queries: array<vec4<f32>, ${block * (key + 1)}>;
var<workgroup> keys: array<vec4<f32>, ${block * stride}>;
var<workgroup> shares: array<f32, ${block * (block + 1)}>;
var<workgroup> parts: array<f32, ${block * side}>;`;
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
): void {
  const views = mask === null ? [query, key, value, out] : [query, key, value, out, mask];
  const batch = query.shape.slice(0, -2);
  const loops = mergeStrides(
    batch,
    views.map((view) => view.strides.slice(0, -2)),
  );
  const [rows, size] = query.shape.slice(-2) as [number, number];
  const [count, valueSize] = value.shape.slice(-2) as [number, number];
  const sizes = sizesFor(bytes, rows, size, valueSize)!;
  const rank = loops.sizes.length;
  const { buffers, places, key: binding } = bind(views);
  const dtypes = views.map((view) => view.dtype).join();
  const cacheKey = `${commands.id}:${dtypes},${size},${valueSize},${sizes.block},${rank}:${binding}`;
  let program = programs.get(cacheKey);
  if (program === undefined) {
    for (const view of views) checkDType('scaledDotProductAttention()', view.dtype);
    checkWords('scaledDotProductAttention()', fixedWords + 3 * views.length + loopWords(rank, views.length));
    program = commands.program('attention', shaderText(views, places, sizes, rank), buffers.length);
    programs.set(cacheKey, program);
  }
  const blocks = Math.ceil(rows / sizes.block);
  const groups = blocks * product(batch);
  commands.dispatch(program, buffers, groups, (words, floats, start) => {
    const fixed = [groups, blocks, rows, count, isCausal ? 1 : 0];
    for (let i = 0; i < fixed.length; i++) words[start + i] = fixed[i]!;
    floats[start + 5] = scale;
    let at = start + fixedWords;
    for (const view of views) {
      words[at++] = view.strides.at(-2)!;
      words[at++] = view.strides.at(-1)!;
      words[at++] = view.offset;
    }
    writeLoops(words, at, loops);
  });
}
