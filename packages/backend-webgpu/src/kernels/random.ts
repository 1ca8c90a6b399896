/**
 * @file random: draws by Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"), keyed anew for each
 * call by two draws of the generator. The generator's state alone decides the numbers, so seeding, saved states and clones
 * work as ever; but they are other numbers than the CPU's, except for permutations, which are drawn on the host.
 */
import { type DType, type Generator, iinfo, Tensor } from '@flambeau/tensor';
import {
  type Distribution,
  dtypeInfo,
  fillDistribution,
  type Loops,
  mergeLoops,
  type View,
} from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { copyInParts } from '../parts/copy.ts';
import type { Transfer } from '../transfer.ts';
import { checkDType, storing } from '../wgsl/lower.ts';
import { floatWord, intWord, shader, WORKGROUP, word } from '../wgsl/shader.ts';
import { bind } from './operands.ts';
import { checkWords, loopWords, stepsText, writeLoops } from './places.ts';

/** Parameter words: elements, offset, key (two), four numbers of the distribution, number of the first element; then loops. */
const fixedWords = 9;
const firstNumber = 4;

const philox = `fn philox(counter: vec4<u32>, seed: vec2<u32>) -> vec4<u32> {
  var c = counter;
  var k = seed;
  for (var i = 0u; i < 10u; i = i + 1u) {
    c = vec4<u32>(mul_high(0xCD9E8D57u, c.z) ^ c.y ^ k.x, 0xCD9E8D57u * c.z, mul_high(0xD2511F53u, c.x) ^ c.w ^ k.y, 0xD2511F53u * c.x);
    k = k + vec2<u32>(0x9E3779B9u, 0xBB67AE85u);
  }
  return c;
}
// In (0, 1), so that logarithms are finite.
fn open(x: u32) -> f32 { return (f32(x >> 9u) + 0.5) * 1.1920928955078125e-7; }
fn normals(x: vec4<u32>) -> array<f32, 4> {
  let r = sqrt(-2.0 * log(open(x.x)));
  let s = sqrt(-2.0 * log(open(x.z)));
  let a = 6.28318530717959 * (open(x.y) - 0.5);
  let b = 6.28318530717959 * (open(x.w) - 0.5);
  return array<f32, 4>(r * cos(a), r * sin(a), s * cos(b), s * sin(b));
}`;

/** Bits of precision of floating dtypes. */
const precision: Partial<Record<DType, number>> = { float32: 24, float16: 11, bfloat16: 8 };

/** How a distribution is drawn on the device: the value `x` of random bits `bits[e]`, of dtype `as`, and its numbers. */
interface Draw {
  readonly text: string;
  readonly as: DType;
  readonly numbers: readonly number[];
  /** Which of the numbers are integers. */
  readonly integers?: number;
}

const [a, b, c, d] = [0, 1, 2, 3].map((i) => floatWord(firstNumber + i)) as [string, string, string, string];

/** The multiples of a dtype's spacing that bound integers from `low` to before `high`: rounding may not leave the range. */
function roundedBounds(dtype: DType, low: number, high: number): readonly [number, number] {
  const spacing = (x: number): number =>
    2 ** Math.max(0, Math.floor(Math.log2(Math.max(Math.abs(x), 1))) + 1 - precision[dtype]!);
  const [under, over] = [spacing(low), spacing(high - 1)];
  return [Math.ceil(low / under) * under, Math.floor((high - 1) / over) * over];
}

function integers(dtype: DType, low: number, high: number): Draw {
  const range = high - low;
  const fits = low >= -(2 ** 31) && high <= 2 ** 31;
  // Range 2^32 wraps to 0: all words are allowed.
  const offset = `select(x % max(${word(firstNumber + 1)}, 1u), x, ${word(firstNumber + 1)} == 0u)`;
  const drawn = `(${intWord(firstNumber)} + bitcast<i32>(${offset}))`;
  if (precision[dtype] === undefined) return { text: drawn, as: 'int32', numbers: [low, range], integers: 2 };
  const [least, greatest] = roundedBounds(dtype, low, high);
  if (fits) {
    return {
      text: `clamp(f32(${drawn}), ${c}, ${d})`,
      as: 'float32',
      numbers: [low, range, least, greatest],
      integers: 2,
    };
  }
  const text = `clamp(floor(${a} + f32(x >> 8u) * 5.9604644775390625e-8 * ${b}), ${c}, ${d})`;
  return { text, as: 'float32', numbers: [low, range, least, greatest] };
}

function drawFor(distribution: Exclude<Distribution, { kind: 'randperm' }>, dtype: DType): Draw {
  const bits = precision[dtype] ?? 24;
  const unit = `(f32(x >> ${32 - bits}u) * ${2 ** -bits})`;
  const real = (text: string, ...numbers: number[]): Draw => ({ text, as: 'float32', numbers });
  switch (distribution.kind) {
    case 'uniform':
      return real(`fma(${unit}, ${b}, ${a})`, distribution.from, distribution.to - distribution.from);
    case 'normal':
      return real(`fma(normal[e], ${b}, ${a})`, distribution.mean, distribution.std);
    case 'logNormal':
      return real(`exp(fma(normal[e], ${b}, ${a}))`, distribution.mean, distribution.std);
    case 'cauchy':
      return real(`(${a} + ${b} * tan(3.14159265358979 * (open(x) - 0.5)))`, distribution.median, distribution.sigma);
    case 'exponential':
      return real(`(-log(open(x)) / ${a})`, distribution.lambd);
    case 'geometric':
      return real(`max(ceil(log(open(x)) / ${a}), 1.0)`, Math.log1p(-distribution.p));
    case 'bernoulli':
      return { text: `(f32(x >> 8u) * 5.9604644775390625e-8 < ${a})`, as: 'bool', numbers: [distribution.p] };
    case 'randint':
      return integers(dtype, Number(distribution.low), Number(distribution.high));
    case 'random':
      return integers(
        dtype,
        0,
        dtype === 'bool' ? 2 : 1 + (precision[dtype] === undefined ? Number(iinfo(dtype).max) : 2 ** bits),
      );
  }
}

function shaderText(draw: Draw, dtype: DType, rank: number): string {
  return shader(
    1,
    `let end = ${word(8)} + ${word(0)};
  let block = ${word(8)} / 4u + group * ${WORKGROUP}u + lane;
  if (block * 4u >= end) { return; }
  let drawn = philox(vec4<u32>(block, 0u, 0u, 0u), vec2<u32>(${word(2)}, ${word(3)}));
  var bits4 = array<u32, 4>(drawn.x, drawn.y, drawn.z, drawn.w);
  ${draw.text.includes('normal[') ? 'var normal = normals(drawn);' : ''}
  for (var e = 0u; e < 4u; e = e + 1u) {
    let t = block * 4u + e;
    if (t >= end) { return; }
    if (t < ${word(8)}) { continue; }
    let own = t - ${word(8)};
    let x = bits4[e];
    var p0 = ${word(1)};
    ${stepsText('own', ['p0'], rank, fixedWords)}
    b0[p0] = ${storing(draw.as, dtype)(draw.text)};
  }`,
    philox,
  );
}

/** A permutation, drawn as on the CPU. */
function permute(
  commands: Commands,
  memory: Memory,
  transfer: Transfer,
  distribution: Distribution,
  out: View,
  generator: Generator,
): void {
  const { dtype, elementCount: count } = out;
  const order = new (dtypeInfo(dtype).array)(count);
  fillDistribution(distribution, generator, order, 0, count, dtype, true);
  const uploaded = new Tensor(transfer.upload(out.storage.device, dtype, order), dtype, out.shape);
  copyInParts(commands, memory, uploaded, out);
  memory.dispose(uploaded.storage);
}

/** Fills `out`; the numbers belong to places in its shape, however it lies in memory. */
export function random(
  commands: Commands,
  memory: Memory,
  transfer: Transfer,
  distribution: Distribution,
  out: View,
  generator: Generator,
): void {
  checkDType('random', out.dtype);
  if (distribution.kind === 'randperm') {
    permute(commands, memory, transfer, distribution, out, generator);
    return;
  }
  draw(commands, distribution, [out], generator);
}

/** Fills parts that follow each other row-major with the numbers that the whole would have. */
export function draw(
  commands: Commands,
  distribution: Exclude<Distribution, { kind: 'randperm' }>,
  parts: readonly View[],
  generator: Generator,
): void {
  const { dtype } = parts[0]!;
  checkDType('random', dtype);
  // Drawing nothing on the host checks the parameters.
  fillDistribution(distribution, generator, new (dtypeInfo(dtype).array)(0), 0, 0, dtype, true);
  if (parts[0]!.elementCount === 0) return;
  const key = [generator.engine.u32(), generator.engine.u32()] as const;
  const drawn = drawFor(distribution, dtype);
  let first = 0;
  for (const part of parts) {
    drawPart(commands, distribution.kind, drawn, key, part, first);
    first += part.elementCount;
  }
}

function drawPart(
  commands: Commands,
  kind: string,
  drawn: Draw,
  key: readonly [number, number],
  out: View,
  first: number,
): void {
  const { dtype, elementCount: count } = out;
  const loops: Loops = mergeLoops(out.shape, [out]);
  const rank = loops.sizes.length;
  const program = commands.cached(shaderText, `${dtype},${rank}:${drawn.text}`, () => {
    checkWords('random', fixedWords + loopWords(rank, 1));
    return commands.program(`random ${kind}`, shaderText(drawn, dtype, rank), 1);
  });
  const blocks = Math.ceil((first + count) / 4) - Math.floor(first / 4);
  commands.dispatch(program, bind([out]).buffers, Math.ceil(blocks / WORKGROUP), (words, floats, start) => {
    words[start] = count;
    words[start + 1] = out.offset;
    words[start + 2] = key[0];
    words[start + 3] = key[1];
    drawn.numbers.forEach((value, i) => {
      const at = start + firstNumber + i;
      if (i < (drawn.integers ?? 0)) words[at] = value;
      else floats[at] = value;
    });
    words[start + 8] = first;
    writeLoops(words, start + fixedWords, loops);
  });
}
