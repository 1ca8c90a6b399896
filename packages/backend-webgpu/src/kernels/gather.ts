/** @file gather: elements from where an index says, along one dimension. */
import { mergeStrides, type Positions, type View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import { checkDType } from '../wgsl/lower.ts';
import { shader, WORKGROUP, word } from '../wgsl/shader.ts';
import { boundWords, insideText } from './indices.ts';
import { bind } from './operands.ts';
import { checkWords, loopWords, stepsText, writeLoops } from './places.ts';

/** Parameter words: elements, offsets of x, index and out, step of x along the dimension, the bound; then loops. */
const fixedWords = 7;

function shaderText(rank: number, places: readonly number[]): string {
  const names = ['p0', 'p1', 'p2'];
  return shader(
    Math.max(...places) + 1,
    `let t = group * ${WORKGROUP}u + lane;
  if (t >= ${word(0)}) { return; }
  ${names.map((name, v) => `var ${name} = ${word(1 + v)};`).join(' ')}
  ${stepsText('t', names, rank, fixedWords)}
  let at = p0 + ${insideText(`b${places[1]}[p1]`, 5)} * ${word(4)};
  if (at < arrayLength(&b${places[0]})) { b${places[2]}[p2] = b${places[0]}[at]; }`,
  );
}

/**
 * out[i][j][k] = x[index[i][j][k]][j][k] for dim 0, and so on. Where x is seen through a window, elements beyond that are left
 * out.
 */
export function gather(commands: Commands, x: View, dim: number, { view: index, bound }: Positions, out: View): void {
  if (index.elementCount === 0) return;
  checkDType('gather()', x.dtype);
  const loops = mergeStrides(index.shape, [x.strides.map((s, d) => (d === dim ? 0 : s)), index.strides, out.strides]);
  const rank = loops.sizes.length;
  const { buffers, places, key } = bind([x, index, out]);
  const program = commands.cached(shaderText, `${rank}:${key}`, () => {
    checkWords('gather()', fixedWords + loopWords(rank, 3));
    return commands.program('gather', shaderText(rank, places), buffers.length);
  });
  commands.dispatch(program, buffers, Math.ceil(index.elementCount / WORKGROUP), (words, _floats, start) => {
    const fixed = [index.elementCount, x.offset, index.offset, out.offset, x.strides[dim]!, ...boundWords(bound)];
    for (let i = 0; i < fixed.length; i++) words[start + i] = fixed[i]!;
    writeLoops(words, start + fixedWords, loops);
  });
}
