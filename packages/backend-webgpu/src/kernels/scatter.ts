/**
 * @file scatter: elements to where an index says, along one dimension. Several that go to one place are combined by
 * compare-exchange on its word, in no fixed order: floating sums may differ in the last bits from run to run, and of
 * several assigned ones any may stay. Where many short lines are scattered, one invocation takes each line, in order.
 */
import type { DType, Scalar } from '@flambeau/tensor';
import {
  call,
  computeDType,
  inputs,
  type Loops,
  mergeStrides,
  type ScatterMode,
  type View,
} from '@flambeau/tensor/internal';
import type { Commands, Program } from '../commands.ts';
import { checkDType, expressionText, loading, storing, valueType } from '../wgsl/lower.ts';
import { floatWord, intWord, shader, WORKGROUP, word } from '../wgsl/shader.ts';
import { bind } from './operands.ts';
import { checkWords, loopWords, stepsText, writeLoops } from './places.ts';
import { writeScalar } from './scalars.ts';

/** Parameter words: lines, their length, steps of out (far), index, src and out's line, the scalar; then offsets, loops. */
const fixedWords = 6;

/** How places are written: `plain` is for places that nobody else writes at the same time. */
type Way = 'plain' | 'atomic';

/** Statements that put `value` (of the computation dtype) at place `to` of the output's buffer. */
function putText(dtype: DType, mode: ScatterMode, way: Way): string {
  const compute = computeDType(dtype);
  const store = storing(compute, dtype);
  if (mode === 'assign')
    return way === 'plain' ? `b0[to] = ${store('value')};` : `atomicStore(&b0[to], ${store('value')});`;
  const [old, next] = inputs(2);
  const operand = { dtype: null, as: compute };
  const { statements, results, dtypes } = expressionText([call(mode, old!, next!)], [operand, operand], compute, (i) =>
    i === 0 ? loading(dtype, compute)('seen') : 'value',
  );
  const combined = storing(dtypes[0]!, dtype)(results[0]!);
  if (way === 'plain') return `let seen = b0[to]; ${statements} b0[to] = ${combined};`;
  return `var seen = atomicLoad(&b0[to]);
    loop {
      ${statements}
      let tried = atomicCompareExchangeWeak(&b0[to], seen, ${combined});
      if (tried.exchanged) { break; }
      seen = tried.old_value;
    }`;
}

function scalarText(as: DType): string {
  const type = valueType(as);
  return type === 'bool' ? `(${word(5)} != 0u)` : type === 'f32' ? floatWord(5) : intWord(5);
}

/** Views: out, index, and src unless it is a scalar. */
function shaderText(
  dtype: DType,
  src: DType | null,
  mode: ScatterMode,
  way: Way,
  rank: number,
  places: readonly number[],
): string {
  const names = places.map((_, v) => `p${v}`);
  const compute = computeDType(dtype);
  const read = (v: number, place: string): string =>
    way === 'atomic' && places[v] === 0 ? `atomicLoad(&b0[${place}])` : `b${places[v]}[${place}]`;
  const value = src === null ? scalarText(compute) : loading(src, compute)(read(2, `p2 + i * ${word(4)}`));
  const body = `let line = group * ${WORKGROUP}u + lane;
  if (line >= ${word(0)}) { return; }
  ${names.map((name, v) => `var ${name} = ${word(fixedWords + v)};`).join(' ')}
  ${stepsText('line', names, rank, fixedWords + names.length)}
  for (var i = 0u; i < ${word(1)}; i = i + 1u) {
    let to = p0 + ${read(1, `p1 + i * ${word(3)}`)} * ${word(2)};
    let value = ${value};
    ${putText(dtype, mode, way)}
  }`;
  const text = shader(Math.max(...places) + 1, body);
  return way === 'plain' ? text : text.replace('b0: array<u32>', 'b0: array<atomic<u32>>');
}

const programs = new Map<string, Program>();

/** Lines shorter than this go to one invocation if there are enough of them. */
const shortLine = 64;
const manyLines = 4096;

/** out[index[i][j][k]][j][k] op= src[i][j][k] for dim 0, and so on. `index` is int32, in range. */
export function scatter(
  commands: Commands,
  out: View,
  dim: number,
  index: View,
  src: View | Scalar,
  mode: ScatterMode,
): void {
  if (index.elementCount === 0) return;
  checkDType('scatter()', out.dtype);
  const source = typeof src === 'object' ? src : null;
  const length = index.shape[dim]!;
  const byLine = length === 1 || (length <= shortLine && index.elementCount / length >= manyLines);
  const views = source === null ? [out, index] : [out, index, source];
  const dims = index.shape.map((_, d) => d).filter((d) => !byLine || d !== dim);
  const loops: Loops = mergeStrides(
    dims.map((d) => index.shape[d]!),
    views.map((view, v) => dims.map((d) => (v === 0 && d === dim ? 0 : view.strides[d]!))),
  );
  const rank = loops.sizes.length;
  const { buffers, places, key } = bind(views);
  const way: Way = byLine || (mode === 'assign' && !places.slice(1).includes(0)) ? 'plain' : 'atomic';
  const cacheKey = `${commands.id}:${out.dtype},${source?.dtype},${mode},${way},${rank}:${key}`;
  let program = programs.get(cacheKey);
  if (program === undefined) {
    checkWords('scatter()', fixedWords + views.length + loopWords(rank, views.length));
    const text = shaderText(out.dtype, source?.dtype ?? null, mode, way, rank, places);
    program = commands.program(`scatter ${mode}`, text, buffers.length);
    programs.set(cacheKey, program);
  }
  const lines = byLine ? index.elementCount / length : index.elementCount;
  commands.dispatch(program, buffers, Math.ceil(lines / WORKGROUP), (words, floats, start) => {
    words[start] = lines;
    words[start + 1] = byLine ? length : 1;
    words[start + 2] = out.strides[dim]!;
    words[start + 3] = byLine ? index.strides[dim]! : 0;
    words[start + 4] = byLine && source !== null ? source.strides[dim]! : 0;
    if (typeof src !== 'object') writeScalar(words, floats, start + 5, src, computeDType(out.dtype));
    let at = start + fixedWords;
    for (const view of views) words[at++] = view.offset;
    writeLoops(words, at, loops);
  });
}
