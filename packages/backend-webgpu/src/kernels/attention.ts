/**
 * @file Attention in one dispatch: a workgroup makes a block of output rows, going over blocks of keys with the running
 * maximum and sum of each row's softmax (Milakov & Gimelshein 2018; Dao et al. 2022), so that no scores are stored.
 */
import type { AttentionSpec, View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import { storing } from '../wgsl/lower.ts';
import { backwardSizes } from './attentionBackward.ts';
import {
  blockMemory,
  blocksShader,
  causal,
  column,
  dotsText,
  each,
  elementOf,
  type Form,
  keysWord,
  lanes,
  loadText,
  lowest,
  maskText,
  mixText,
  overBlocks,
  own,
  ownOf,
  pairs,
  pitch,
  row,
  rowsWord,
  type Sizes,
  share,
  sharesMemory,
  sizesFor,
  storeText,
  sumsText,
} from './attentionPieces.ts';
import { product } from './places.ts';

/** Bytes of workgroup memory: queries, keys or values, shares, sums and fades. */
const bytesOf = ({ block, key, value }: Sizes): number =>
  16 * block * (pitch(key) + pitch(key, value)) + 4 * block * (block + 2) + 4 * lanes;

/**
 * Statements that make shares of a block's scores. Several lanes take a row: `most` is its greatest score so far, `sum` what
 * this lane's shares add up to. `fades` is by how much earlier shares of a row shrink.
 */
function softmaxText(form: Form): string {
  const { block } = form.sizes;
  const team = lanes / block;
  const columns = (text: string): string => `for (var c = member; c < ${block}u; c = c + ${team}u) { ${text} }`;
  const place = share(form, 'mine', 'c');
  return `var peak = most;
    ${columns(`var score = ${place}; let row = top + mine; let col = left + c; ${maskText(form)} ${place} = score; peak = f_max(peak, score);`)}
    parts[lane] = peak;
    workgroupBarrier();
    for (var t = 0u; t < ${team}u; t = t + 1u) { peak = f_max(peak, parts[mine * ${team}u + t]); }
    var fade = 1.0;
    if (f_ne(peak, most)) { fade = f_exp(most - peak); }
    most = peak;
    sum = sum * fade;
    if (member == 0u) { fades[mine] = fade; }
    ${columns(`var part = 0.0; if (f_ne(peak, ${lowest})) { part = f_exp(${place} - peak); } sum = sum + part; ${place} = part;`)}`;
}

function shaderText(form: Form): string {
  const { names, sizes } = form;
  const { block, key, value } = sizes;
  const team = lanes / block;
  const queries = { name: 'queries', stride: pitch(key) };
  const keys = { name: 'keys', stride: pitch(key, value) };
  const [mine, columns] = [own(form), ownOf(value)];
  const logSumExp = !names.has('logSumExp')
    ? ''
    : `if (member == 0u && top + mine < ${rowsWord}) { ${elementOf(form, 'logSumExp', 'top + mine', '0u')} = ${storing('float32', 'float32')('most + f_log(total(mine))')}; }`;
  const body = `let mine = lane / ${team}u;
  let member = lane % ${team}u;
  ${loadText(form, 'query', 'top', queries.name, queries.stride)}
  var most = ${lowest};
  var sum = 0.0;
  ${sumsText(form, 'o', value)}
  let stop = select(${keysWord}, min(${keysWord}, top + ${block}u), ${causal});
  for (var left = 0u; left < stop; left = left + ${block}u) {
    ${loadText(form, 'key', 'left', keys.name, keys.stride)}
    workgroupBarrier();
    ${dotsText(form, 's', queries, keys, 'key')}
    ${pairs(mine, mine, (i, j) => `${share(form, row(i), column(j))} = s${i}_${j};`)}
    workgroupBarrier();
    ${loadText(form, 'value', 'left', keys.name, keys.stride)}
    ${softmaxText(form)}
    workgroupBarrier();
    ${each(mine, (i) => `let f${i} = fades[${row(i)}]; ${each(columns, (c) => `o${i}_${c} = o${i}_${c} * f${i};`)}`)}
    let many = min(${block}u, stop - left);
    ${mixText(form, 'o', 'many', keys, value)}
    workgroupBarrier();
  }
  parts[lane] = sum;
  workgroupBarrier();
  ${each(mine, (i) => `let t${i} = total(${row(i)});`)}
  ${storeText(form, 'out', 'top', keys, (i, c) => `o${i}_${c} / t${i}`)}
  ${logSumExp}`;
  const declarations = `${blockMemory(form, queries)}
${blockMemory(form, keys)}
${sharesMemory(form)}
var<workgroup> parts: array<f32, ${lanes}>;
var<workgroup> fades: array<f32, ${block}>;
fn total(row: u32) -> f32 {
  var total = 0.0;
  for (var t = 0u; t < ${team}u; t = t + 1u) { total = total + parts[row * ${team}u + t]; }
  return total;
}`;
  return blocksShader(form, 'top', body, declarations);
}

/**
 * On software adapters, which compute products in registers several times as fast as in workgroup memory, recorded attention is
 * composed as long as its weights take no more bytes than this.
 */
const mostWeights = 64 * 2 ** 20;

/** The blocks; null where the composition is to be taken. Recorded attention also needs kernels for its gradients. */
function planned(
  commands: Commands,
  bytes: number,
  { shape }: View,
  [keys, valueSize]: readonly [number, number],
  recorded: boolean,
): Sizes | null {
  const [rows, size] = shape.slice(-2) as [number, number];
  if (recorded) {
    if (backwardSizes(bytes, rows, size, valueSize) === null) return null;
    if (commands.software && 4 * product(shape.slice(0, -1)) * keys <= mostWeights) return null;
  }
  return sizesFor(bytes, rows, size, valueSize, bytesOf);
}

/** See Fused.attention in the contract. */
export function attention(
  commands: Commands,
  bytes: number,
  query: View,
  key: View,
  value: View,
  mask: View | null,
  spec: AttentionSpec,
  out: View,
  logSumExp: View | null,
): boolean {
  const sizes = planned(commands, bytes, query, value.shape.slice(-2) as [number, number], logSumExp !== null);
  if (sizes === null) return false;
  const operands = [
    ['query', query],
    ['key', key],
    ['value', value],
    ['out', out],
    ['mask', mask],
    ['logSumExp', logSumExp],
  ] as const;
  overBlocks(commands, 'attention', operands, sizes, spec, query.shape.at(-2)!, shaderText);
  return true;
}
