/** @file softmax, its logarithm and their gradients, fused: a workgroup for each row, or one invocation where rows are short or side by side. */
import type { View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { treeText } from '../wgsl/combine.ts';
import { checkDType, literal, loading, storing } from '../wgsl/lower.ts';
import { shader, WORKGROUP, word } from '../wgsl/shader.ts';
import { bind } from './operands.ts';
import { aloneIsBest, checkWords, loopsBeside, loopWords, stepsText, writeLoops } from './places.ts';
import { overRows, type RowText, read, rowsOver, sumText, write } from './rows.ts';

/** Parameter words: rows, their length, offsets and steps of x and out; then the loops over rows. */
const fixedWords = 6;

function shaderText(x: View, out: View, log: boolean, size: number, rank: number, places: readonly number[]): string {
  const value = loading(x.dtype, 'float32')(`b${places[0]}[p0 + i * ${word(4)}]`);
  const each = (text: string): string =>
    `for (var i = ${size === 1 ? '0u' : 'lane'}; i < ${word(1)}; i = i + ${size}u) { ${text} }`;
  const together = (name: string, combine: string): string => (size === 1 ? '' : treeText(name, size, combine));
  const result = log ? `${value} - greatest - shift` : `f_exp(${value} - greatest) / total`;
  const body = `let row = ${size === 1 ? `group * ${WORKGROUP}u + lane` : 'group'};
  if (row >= ${word(0)}) { return; }
  var p0 = ${word(2)};
  var p1 = ${word(3)};
  ${stepsText('row', ['p0', 'p1'], rank, fixedWords)}
  var greatest = ${literal(Number.NEGATIVE_INFINITY, 'float32')};
  ${each(`greatest = f_max(greatest, ${value});`)}
  ${together('greatest', 'f_max')}
  var total = 0.0;
  ${each(`total = total + f_exp(${value} - greatest);`)}
  ${together('total', 'plus')}
  let shift = f_log(total);
  ${each(`b${places[1]}[p1 + i * ${word(5)}] = ${storing('float32', out.dtype)(result)};`)}`;
  const tree = `fn plus(a: f32, b: f32) -> f32 { return a + b; }\nvar<workgroup> tree: array<f32, ${size}>;`;
  const buffers = Math.max(...places) + 1;
  return shader(buffers, body, size === 1 ? '' : tree, size === 1 ? WORKGROUP : size);
}

/** out = softmax(x) along `dim`, or its logarithm, computed in float32. */
export function softmax(commands: Commands, x: View, dim: number, log: boolean, out: View): true {
  if (x.elementCount === 0) return true;
  const length = x.shape[dim]!;
  const rows = x.elementCount / length;
  const loops = loopsBeside(dim, [x, out]);
  const rank = loops.sizes.length;
  const beside = rank > 0 && Math.abs(loops.strides[0]!.at(-1)!) < Math.abs(x.strides[dim]!);
  const size = aloneIsBest(rows, length, beside) ? 1 : length <= 4096 ? 64 : WORKGROUP;
  const { buffers, places, key } = bind([x, out]);
  const program = commands.cached(shaderText, `${x.dtype},${out.dtype},${log},${size},${rank}:${key}`, () => {
    for (const view of [x, out]) checkDType('softmax()', view.dtype);
    checkWords('softmax()', fixedWords + loopWords(rank, 2));
    const text = shaderText(x, out, log, size, rank, places);
    return commands.program(log ? 'logSoftmax' : 'softmax', text, buffers.length);
  });
  commands.dispatch(program, buffers, size === 1 ? Math.ceil(rows / WORKGROUP) : rows, (words, _floats, start) => {
    const fixed = [rows, length, x.offset, out.offset, x.strides[dim]!, out.strides[dim]!];
    for (let i = 0; i < fixed.length; i++) words[start + i] = fixed[i]!;
    writeLoops(words, start + fixedWords, loops);
  });
  return true;
}

/** gradX = y ∘ (grad − Σ grad ∘ y) for y = softmax(x) along `dim`; grad − exp(y) Σ grad for its logarithm. */
export function softmaxBackward(
  commands: Commands,
  memory: Memory,
  grad: View,
  y: View,
  dim: number,
  log: boolean,
  gradX: View,
): true {
  if (y.elementCount === 0) return true;
  const text: RowText = {
    key: String(log),
    lanes: 1,
    declarations: 'fn combine(a: f32, b: f32) -> f32 { return a + b; }',
    item: (b, each) => {
      const g = read(grad.dtype, b, 0, 'q');
      return sumText('item', 'f32', log ? g : `${g} * ${read(y.dtype, b, 1, 'q')}`, each);
    },
    whole: () => '',
    row: () => '',
    element: (b) => {
      const [g, value] = [read(grad.dtype, b, 0, 'q'), read(y.dtype, b, 1, 'q')];
      return write(gradX.dtype, b, 2, 'q', log ? `${g} - f_exp(${value}) * item` : `${value} * (${g} - item)`);
    },
  };
  return overRows(commands, memory, 'softmaxBackward', text, rowsOver(y.shape, [dim], [grad, y, gradX], 3));
}
