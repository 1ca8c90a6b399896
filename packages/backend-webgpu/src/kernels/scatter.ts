/**
 * @file scatter: elements to where an index says, along one dimension. Several that go to one place are combined by
 * compare-exchange on its word, in no fixed order: floating sums may differ in the last bits from run to run, and of
 * several assigned ones any may stay. Where many short lines are scattered, one invocation takes each line, in order; and
 * where deterministic algorithms are asked for, orderedScatter.ts takes over.
 */
import type { DType, Scalar } from '@flambeau/tensor';
import {
  computeDType,
  type Loops,
  mergeStrides,
  type Positions,
  type ScatterMode,
  state,
  type View,
} from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { checkDType, valueType } from '../wgsl/lower.ts';
import { combination, sourceText } from '../wgsl/scatter.ts';
import { shader, WORKGROUP, word } from '../wgsl/shader.ts';
import { boundWords, insideText } from './indices.ts';
import { bind } from './operands.ts';
import { orderedScatter } from './orderedScatter.ts';
import { checkWords, loopWords, stepsText, writeLoops } from './places.ts';
import { writeScalar } from './scalars.ts';

/** Parameter words: lines, their length, steps of out, index and src along them, the scalar, the bound; then offsets, loops. */
const fixedWords = 8;

/** How places are written: `plain` is for places that nobody else writes at the same time. */
type Way = 'plain' | 'atomic';

/** Statements that put `value` (of the computation dtype) at place `to` of the output's buffer. */
function putText(dtype: DType, mode: ScatterMode, way: Way): string {
  const { statements, result } = combination(dtype, mode);
  if (mode === 'assign') return way === 'plain' ? `b0[to] = ${result};` : `atomicStore(&b0[to], ${result});`;
  if (way === 'plain') return `let seen = b0[to]; ${statements} b0[to] = ${result};`;
  return `var seen = atomicLoad(&b0[to]);
    loop {
      ${statements}
      let tried = atomicCompareExchangeWeak(&b0[to], seen, ${result});
      if (tried.exchanged) { break; }
      seen = tried.old_value;
    }`;
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
  const read = (v: number, place: string): string =>
    way === 'atomic' && places[v] === 0 ? `atomicLoad(&b0[${place}])` : `b${places[v]}[${place}]`;
  const value = sourceText(dtype, src, read(2, `p2 + i * ${word(4)}`), 5);
  const body = `let line = group * ${WORKGROUP}u + lane;
  if (line >= ${word(0)}) { return; }
  ${names.map((name, v) => `var ${name} = ${word(fixedWords + v)};`).join(' ')}
  ${stepsText('line', names, rank, fixedWords + names.length)}
  for (var i = 0u; i < ${word(1)}; i = i + 1u) {
    let to = p0 + ${insideText(read(1, `p1 + i * ${word(3)}`), 6)} * ${word(2)};
    if (to >= arrayLength(&b0)) { continue; }
    let value = ${value};
    ${putText(dtype, mode, way)}
  }`;
  return shader(Math.max(...places) + 1, body, '', WORKGROUP, way === 'plain' ? null : 0);
}

/** Lines shorter than this go to one invocation if there are enough of them. */
const shortLine = 64;
const manyLines = 4096;

/** Whether the order of what goes to one place can be seen in the result. */
function orderMatters(out: View, src: View | Scalar, mode: ScatterMode): boolean {
  if (mode === 'assign') return typeof src === 'object';
  return valueType(out.dtype) === 'f32';
}

/**
 * out[index[i][j][k]][j][k] op= src[i][j][k] for dim 0, and so on. Where out is seen through a window, elements beyond that are
 * left out.
 */
export function scatter(
  commands: Commands,
  memory: Memory,
  out: View,
  dim: number,
  { view: index, bound }: Positions,
  src: View | Scalar,
  mode: ScatterMode,
): void {
  if (index.elementCount === 0) return;
  checkDType('scatter()', out.dtype);
  const source = typeof src === 'object' ? src : null;
  const length = index.shape[dim]!;
  // Indexing by several indices gives views whose lines share places.
  const apart = index.shape.every((n, d) => d === dim || n === 1 || out.strides[d] !== 0);
  const byLine = apart && (length === 1 || (length <= shortLine && index.elementCount / length >= manyLines));
  if (!byLine && state.deterministic && orderMatters(out, src, mode)) {
    orderedScatter(commands, memory, out, dim, { view: index, bound }, src, mode);
    return;
  }
  const views = source === null ? [out, index] : [out, index, source];
  const dims = index.shape.map((_, d) => d).filter((d) => !byLine || d !== dim);
  const loops: Loops = mergeStrides(
    dims.map((d) => index.shape[d]!),
    views.map((view, v) => dims.map((d) => (v === 0 && d === dim ? 0 : view.strides[d]!))),
  );
  const rank = loops.sizes.length;
  const { buffers, places, key } = bind(views);
  const way: Way = byLine || (mode === 'assign' && !places.slice(1).includes(0)) ? 'plain' : 'atomic';
  const program = commands.cached(shaderText, `${out.dtype},${source?.dtype},${mode},${way},${rank}:${key}`, () => {
    checkWords('scatter()', fixedWords + views.length + loopWords(rank, views.length));
    const text = shaderText(out.dtype, source?.dtype ?? null, mode, way, rank, places);
    return commands.program(`scatter ${mode}`, text, buffers.length);
  });
  const lines = byLine ? index.elementCount / length : index.elementCount;
  commands.dispatch(program, buffers, Math.ceil(lines / WORKGROUP), (words, floats, start) => {
    words[start] = lines;
    words[start + 1] = byLine ? length : 1;
    words[start + 2] = out.strides[dim]!;
    words[start + 3] = byLine ? index.strides[dim]! : 0;
    words[start + 4] = byLine && source !== null ? source.strides[dim]! : 0;
    if (typeof src !== 'object') writeScalar(words, floats, start + 5, src, computeDType(out.dtype));
    [words[start + 6], words[start + 7]] = boundWords(bound);
    let at = start + fixedWords;
    for (const view of views) words[at++] = view.offset;
    writeLoops(words, at, loops);
  });
}
