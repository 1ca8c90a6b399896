/**
 * @file sort: elements are ranked inside blocks by counting, then blocks are merged two by two, each element finding its
 * place by binary search in the other one. What moves are pairs of a key and a position; keys are unsigned integers in
 * the order of the values, so that all dtypes share the sorting. Nothing waits for anything else, and it is stable.
 */
import type { DType } from '@flambeau/tensor';
import type { View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { checkDType, loading, valueType } from '../wgsl/lower.ts';
import { shader, WORKGROUP, word } from '../wgsl/shader.ts';
import { bind } from './operands.ts';
import { checkWords, loopsBeside, loopWords, stepsText, withTemporary, writeLoops } from './places.ts';

/** Rows up to this are ranked at once; longer ones in shorter blocks, which are merged. */
export const shortRow = 64;
const block = 32;

/** Parameter words: elements, row length, width of sorted blocks, descending; then offsets, steps and loops of views. */
const fixedWords = 4;

/** The key of a memory word; NaN is greatest, and -0 equals 0. */
function keyText(dtype: DType): string {
  const type = valueType(dtype);
  const key = (text: string): string =>
    `fn key_of(x: u32) -> u32 { let k = ascending_key(x); return select(k, ~k, ${word(3)} == 1u); }\n${text}`;
  if (type === 'bool') return key('fn ascending_key(x: u32) -> u32 { return x; }');
  if (type === 'i32') return key('fn ascending_key(x: u32) -> u32 { return x ^ 0x80000000u; }');
  return key(`fn ascending_key(x: u32) -> u32 {
  let v = ${loading(dtype, 'float32')('x')};
  if (is_nan(v)) { return 0xffffffffu; }
  let b = bitcast<u32>(v);
  if (b == 0x80000000u) { return b; }
  return select(b ^ 0x80000000u, ~b, (b >> 31u) == 1u);
}`);
}

/** What a pass reads and writes: the views (x, values, indices), or pairs in planes, all keys before all positions. */
interface Pass {
  readonly views: readonly View[];
  readonly from: View | null;
  readonly to: View | null;
}

/** Statements that store position `at` (whose key is `key`) as element `place` of the row. */
function storeText(names: readonly string[], to: string | null): string {
  if (to !== null) return `${to}[start + place] = key; ${to}[start + place + ${word(0)}] = at;`;
  const step = (v: number): string => word(fixedWords + 3 + v);
  return `${names[1]}[p1 + place * ${step(1)}] = ${names[0]}[p0 + at * ${step(0)}];
  ${names[2]}[p2 + place * ${step(2)}] = at;`;
}

/** Ranks element `i` among those of its block. */
function rankText(x: string, views: number): string {
  const source = (i: string): string => `key_of(${x}[p0 + ${i} * ${word(fixedWords + views)}])`;
  return `let at = i;
  let key = ${source('i')};
  let first = i / ${word(2)} * ${word(2)};
  let stop = min(first + ${word(2)}, ${word(1)});
  var place = first;
  for (var j = first; j < stop; j = j + 1u) {
    let other = ${source('j')};
    if (other < key || (other == key && j < i)) { place = place + 1u; }
  }`;
}

/** Finds where element `i` goes when its block and the one beside it are merged. Of equal keys the left one comes first. */
const mergeText = (pairs: string): string => `let key = ${pairs}[start + i];
  let at = ${pairs}[start + i + ${word(0)}];
  let side = i / ${word(2)};
  let right = (side & 1u) == 1u;
  let mine = side * ${word(2)};
  let other = min((side ^ 1u) * ${word(2)}, ${word(1)});
  var low = other;
  var high = min(other + ${word(2)}, ${word(1)});
  while (low < high) {
    let middle = (low + high) / 2u;
    let seen = ${pairs}[start + middle];
    if (seen < key || (right && seen == key)) { low = middle + 1u; } else { high = middle; }
  }
  let place = min(mine, other) + (i - mine) + (low - other);`;

function shaderText(pass: Pass, dtype: DType, rank: number, places: readonly number[]): string {
  const buffers = places.map((place) => `b${place}`);
  const count = pass.views.length;
  const names = pass.views.map((_, v) => `p${v}`);
  const from = pass.from === null ? null : buffers[count]!;
  const to = pass.to === null ? null : buffers.at(-1)!;
  const body = `let t = group * ${WORKGROUP}u + lane;
  if (t >= ${word(0)}) { return; }
  let row = t / ${word(1)};
  let i = t % ${word(1)};
  let start = t - i;
  ${names.map((name, v) => `var ${name} = ${word(fixedWords + v)};`).join(' ')}
  ${count > 0 ? stepsText('row', names, rank, fixedWords + 2 * count) : ''}
  ${from === null ? rankText(buffers[0]!, count) : mergeText(from)}
  ${storeText(buffers, to)}`;
  return shader(Math.max(...places) + 1, body, from === null ? keyText(dtype) : '');
}

function dispatch(commands: Commands, pass: Pass, x: View, dim: number, width: number, descending: boolean): void {
  const { views } = pass;
  const loops = views.length === 0 ? { sizes: [], strides: [] } : loopsBeside(dim, views);
  const rank = loops.sizes.length;
  const pairs = [pass.from, pass.to].filter((view) => view !== null);
  const { buffers, places, key } = bind([...views, ...pairs]);
  const program = commands.cached(
    shaderText,
    `${x.dtype},${views.length},${pass.from === null},${pass.to === null},${rank}:${key}`,
    () => {
      checkWords('sort()', fixedWords + 2 * views.length + loopWords(rank, views.length));
      return commands.program('sort', shaderText(pass, x.dtype, rank, places), buffers.length);
    },
  );
  commands.dispatch(program, buffers, Math.ceil(x.elementCount / WORKGROUP), (words, _floats, start) => {
    const fixed = [x.elementCount, x.shape[dim]!, width, descending ? 1 : 0];
    for (let i = 0; i < fixed.length; i++) words[start + i] = fixed[i]!;
    let at = start + fixedWords;
    for (const view of views) words[at++] = view.offset;
    for (const view of views) words[at++] = view.strides[dim]!;
    writeLoops(words, at, loops);
  });
}

/** Sorted values of `x` along `dim` and their positions (int32). Equal values keep their order; NaN counts as greatest. */
export function sort(
  commands: Commands,
  memory: Memory,
  x: View,
  dim: number,
  descending: boolean,
  values: View,
  indices: View,
): void {
  const count = x.elementCount;
  if (count === 0) return;
  checkDType('sort()', x.dtype);
  const length = x.shape[dim]!;
  const views = [x, values, indices];
  if (length <= shortRow) {
    dispatch(commands, { views, from: null, to: null }, x, dim, length, descending);
    return;
  }
  const { device } = x.storage;
  withTemporary(memory, device, 2 * count, (one) =>
    withTemporary(memory, device, 2 * count, (two) => {
      dispatch(commands, { views: [x], from: null, to: one }, x, dim, block, descending);
      let [from, to] = [one, two];
      for (let width = block; width < length; width *= 2) {
        const last = 2 * width >= length;
        const pass = last ? { views, from, to: null } : { views: [], from, to };
        dispatch(commands, pass, x, dim, width, descending);
        [from, to] = [to, from];
      }
    }),
  );
}
