/**
 * @file scatter in a fixed order, the CPU's: positions are sorted stably, so that what goes to one place lies side by side
 * in the order of the index, and one invocation combines it.
 */
import { type DType, type Scalar, Tensor } from '@flambeau/tensor';
import {
  computeDType,
  type Loops,
  mergeStrides,
  type Positions,
  type ScatterMode,
  type View,
} from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { combination, sourceText } from '../wgsl/scatter.ts';
import { shader, WORKGROUP, word } from '../wgsl/shader.ts';
import { indexOffsets } from './indices.ts';
import { bind } from './operands.ts';
import { checkWords, loopWords, product, rowMajor, stepsText, withTemporary, writeLoops } from './places.ts';
import { writeScalar } from './scalars.ts';
import { sort } from './sort.ts';

/** Parameter words: elements, elements of a line, step of out along the dimension, the scalar; then offsets and loops. */
const fixedWords = 4;

/** Loops over lines (out, sorted positions, src) and, for src alone, over the elements of a line. */
interface Walk {
  readonly lines: Loops;
  readonly line: Loops;
}

/** Views: out, sorted positions, their order, and src unless it is a scalar. */
function shaderText(dtype: DType, src: DType | null, mode: ScatterMode, walk: Walk, places: readonly number[]): string {
  const [ranks, rank] = [walk.lines.sizes.length, walk.line.sizes.length];
  const names = src === null ? ['p0', 'p1'] : ['p0', 'p1', 'p3'];
  const loopsAt = fixedWords + places.length;
  const { statements, result } = combination(dtype, mode);
  const [, keys, order, from] = places.map((place) => `b${place}`);
  const element =
    src === null
      ? ''
      : `var q = p3; ${stepsText(`${order}[${word(fixedWords + 2)} + p1 + j]`, ['q'], rank, loopsAt + loopWords(ranks, names.length))}`;
  const body = `let t = group * ${WORKGROUP}u + lane;
  if (t >= ${word(0)}) { return; }
  let k = t % ${word(1)};
  var p0 = ${word(fixedWords)};
  var p1 = 0u;
  ${src === null ? '' : `var p3 = ${word(fixedWords + 3)};`}
  { let number = t / ${word(1)}; ${stepsText('number', names, ranks, loopsAt)} }
  let first = ${word(fixedWords + 1)} + p1;
  let key = ${keys}[first + k];
  if (k > 0u && ${keys}[first + k - 1u] == key) { return; }
  let to = p0 + key * ${word(2)};
  if (to >= arrayLength(&b0)) { return; }
  var seen = b0[to];
  for (var j = k; j < ${word(1)}; j = j + 1u) {
    if (${keys}[first + j] != key) { break; }
    ${element}
    let value = ${sourceText(dtype, src, `${from}[q]`, 3)};
    ${statements}
    seen = ${result};
  }
  b0[to] = seen;`;
  return shader(Math.max(...places) + 1, body);
}

/** As scatter.ts does, with what goes to one place in the order of the index; the last of several assigned wins. */
export function orderedScatter(
  commands: Commands,
  memory: Memory,
  out: View,
  dim: number,
  { view: index, bound }: Positions,
  src: View | Scalar,
  mode: ScatterMode,
): void {
  const dims = index.shape.map((_, d) => d);
  // A line is everything that may go to one place. Lines that have the same positions sort them together.
  const within = dims.filter((d) => d === dim || out.strides[d] === 0);
  const across = dims.filter((d) => !within.includes(d));
  const sorted = across.filter((d) => index.strides[d] !== 0);
  const sizesOf = (list: readonly number[]): number[] => list.map((d) => index.shape[d]!);
  const length = product(sizesOf(within));
  const rows = product(sizesOf(sorted));
  const walk: Walk = {
    lines: mergeStrides(sizesOf(across), [
      across.map((d) => out.strides[d]!),
      rowSteps(across, sorted, sizesOf(sorted), length),
      ...(typeof src === 'object' ? [across.map((d) => src.strides[d]!)] : []),
    ]),
    line: mergeStrides(sizesOf(within), [within.map((d) => (typeof src === 'object' ? src.strides[d]! : 0))]),
  };
  const { device } = out.storage;
  const compact = [...sorted, ...within];
  const strides = compact.map((d) => index.strides[d]!);
  const positions = new Tensor(index.storage, 'int32', sizesOf(compact), strides, index.offset);
  withTemporary(memory, device, rows * length, (keys) =>
    withTemporary(memory, device, rows * length, (ordered) =>
      withTemporary(memory, device, rows * length, (order) => {
        const { size, wrap } = bound ?? { size: 2 ** 31 - 1, wrap: false };
        const term = { index: positions, size, stride: 1, wrap, op: 'scatter', dim };
        indexOffsets(commands, [term], shaped(keys, positions.shape));
        const [from, values, places] = [keys, ordered, order].map((view) => shaped(view, [rows, length]));
        sort(commands, memory, from!, 1, false, values!, places!);
        combine(commands, out, out.strides[dim]!, ordered, order, src, mode, walk, length);
      }),
    ),
  );
}

const shaped = (view: View, shape: readonly number[]): View => new Tensor(view.storage, view.dtype, shape);

/** For each dimension across lines, the step between their sorted positions: 0 where these are the same. */
function rowSteps(
  across: readonly number[],
  sorted: readonly number[],
  sizes: readonly number[],
  length: number,
): number[] {
  const steps = rowMajor(sizes);
  return across.map((d) => (sorted.includes(d) ? steps[sorted.indexOf(d)]! * length : 0));
}

function combine(
  commands: Commands,
  out: View,
  step: number,
  keys: View,
  order: View,
  src: View | Scalar,
  mode: ScatterMode,
  walk: Walk,
  length: number,
): void {
  const source = typeof src === 'object' ? src : null;
  const views = source === null ? [out, keys, order] : [out, keys, order, source];
  const { buffers, places, key } = bind(views);
  const [ranks, rank] = [walk.lines.sizes.length, walk.line.sizes.length];
  const program = commands.cached(shaderText, `${out.dtype},${source?.dtype},${mode},${ranks},${rank}:${key}`, () => {
    checkWords('scatter()', fixedWords + views.length + loopWords(ranks, 3) + loopWords(rank, 1));
    const text = shaderText(out.dtype, source?.dtype ?? null, mode, walk, places);
    return commands.program(`scatter ${mode}`, text, buffers.length);
  });
  const count = product(walk.lines.sizes) * length;
  commands.dispatch(program, buffers, Math.ceil(count / WORKGROUP), (words, floats, start) => {
    words[start] = count;
    words[start + 1] = length;
    words[start + 2] = step;
    if (typeof src !== 'object') writeScalar(words, floats, start + 3, src, computeDType(out.dtype));
    let at = start + fixedWords;
    for (const view of views) words[at++] = view.offset;
    at = writeLoops(words, at, walk.lines);
    if (source !== null) writeLoops(words, at, walk.line);
  });
}
