/** @file Turns index tensors into positions. */
import { type IndexBound, type IndexTerm, type Loops, mergeLoops, type View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import { checkDType } from '../wgsl/lower.ts';
import { intWord, shader, WORKGROUP, word } from '../wgsl/shader.ts';
import { bind } from './operands.ts';
import { checkWords, loopWords, stepsText, writeLoops } from './places.ts';

/** Words of a bound: the size, and what is added to negative indices. */
export const boundWords = (bound: IndexBound | null): [size: number, wrap: number] =>
  bound === null ? [2 ** 31 - 1, 0] : [bound.size, bound.wrap ? bound.size : 0];

/** The position for the index in memory word `index`, kept inside the bound at parameter word `at`. */
export const insideText = (index: string, at: number): string =>
  `inside(bitcast<i32>(${index}), ${intWord(at)}, ${intWord(at + 1)})`;

/** Parameter words: elements, offsets of index and out, the bound, stride, whether to add; then loops. */
const fixedWords = 7;

function shaderText(rank: number, places: readonly number[]): string {
  return shader(
    Math.max(...places) + 1,
    `let t = group * ${WORKGROUP}u + lane;
  if (t >= ${word(0)}) { return; }
  var p0 = ${word(1)};
  var p1 = ${word(2)};
  ${stepsText('t', ['p0', 'p1'], rank, fixedWords)}
  let place = ${insideText(`b${places[0]}[p0]`, 3)} * ${word(5)};
  b${places[1]}[p1] = select(place, b${places[1]}[p1] + place, ${word(6)} == 1u);`,
  );
}

function addTerm(commands: Commands, { index, size, stride, wrap, op }: IndexTerm, out: View, adds: boolean): void {
  checkDType(`${op}()`, index.dtype);
  const loops: Loops = mergeLoops(out.shape, [index, out]);
  const rank = loops.sizes.length;
  const { buffers, places, key } = bind([index, out]);
  const program = commands.cached(shaderText, `${rank}:${key}`, () => {
    checkWords(`${op}()`, fixedWords + loopWords(rank, 2));
    return commands.program('indexOffsets', shaderText(rank, places), buffers.length);
  });
  commands.dispatch(program, buffers, Math.ceil(out.elementCount / WORKGROUP), (words, _floats, start) => {
    const fixed = [out.elementCount, index.offset, out.offset, ...boundWords({ size, wrap }), stride, adds ? 1 : 0];
    for (let i = 0; i < fixed.length; i++) words[start + i] = fixed[i]!;
    writeLoops(words, start + fixedWords, loops);
  });
}

/** out = Σ stride · index over the terms. The device cannot throw: an index out of range counts as the nearest in range. */
export function indexOffsets(commands: Commands, terms: readonly IndexTerm[], out: View): void {
  if (out.elementCount === 0) return;
  for (const [k, term] of terms.entries()) addTerm(commands, term, out, k > 0);
}
