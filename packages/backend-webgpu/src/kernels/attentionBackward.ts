/**
 * @file The gradients of attention (Dao et al. 2022). Weights are computed again from the scores and each row's log Σ exp. A row's
 * gradient by its scores is weights ∘ (grad × valueᵀ − δ), where δ = Σ grad ∘ out; so one dispatch makes the δ, one goes over
 * blocks of queries and one over blocks of keys. Nothing is added up by atomics, so results are the same in every run.
 */
import { Tensor } from '@flambeau/tensor';
import type { AttentionGradients, AttentionSpec, View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { loading } from '../wgsl/lower.ts';
import {
  blockMemory,
  blocksShader,
  causal,
  column,
  dotsText,
  elementOf,
  type Form,
  keysWord,
  type Loaded,
  lanes,
  loadText,
  maskText,
  mixText,
  overBlocks,
  own,
  pairs,
  pitch,
  row,
  rowsWord,
  type Sizes,
  scaleWord,
  share,
  sharesMemory,
  side,
  sizesFor,
  storeText,
  sumsText,
} from './attentionPieces.ts';
import { product, rowMajor, withTemporary } from './places.ts';
import { overRows, type RowText, read, rowsOver, sumText, write } from './rows.ts';

/** Bytes of workgroup memory: two blocks that stay, one that is loaded again and again, shares, and rows' statistics. */
const bytesOf = ({ block, key, value }: Sizes): number =>
  16 * block * (pitch(key) + pitch(value) + pitch(key, value)) + 4 * block * (block + 1) + 8 * block;

/** The blocks of `rows` rows; null where attention has no gradient kernels, and so may not be recorded by its own. */
export const backwardSizes = (bytes: number, rows: number, key: number, value: number): Sizes | null =>
  sizesFor(bytes, rows, key, value, bytesOf);

/** The three blocks in workgroup memory. */
const memoryOf = ({ sizes: { key, value } }: Form) => ({
  first: { name: 'first', stride: pitch(key) },
  second: { name: 'second', stride: pitch(value) },
  passing: { name: 'passing', stride: pitch(key, value) },
});

/** Statements that load the statistics of a block's rows. */
function statisticsText(form: Form): string {
  const at = (element: string): string =>
    loading('float32', 'float32')(elementOf(form, 'statistics', 'top + t', element));
  return `for (var t = lane; t < ${form.sizes.block}u; t = t + ${lanes}u) {
    if (top + t < ${rowsWord}) { statistics[t] = vec2(${at('0u')}, ${at('1u')}); }
  }`;
}

/**
 * Statements that turn an invocation's scores `s` + `i_j` into weights in shared memory. `r` and `c` are the places in the
 * block; which of them counts rows depends on the kernel. In a loop, since masks and powers are long texts.
 */
function weightsText(form: Form, rowPlace: 'r' | 'c'): string {
  const { block } = form.sizes;
  const mine = own(form);
  const columnPlace = rowPlace === 'r' ? 'c' : 'r';
  const place = share(form, 'r', 'c');
  return `${pairs(mine, mine, (i, j) => `${share(form, row(i), column(j))} = s${i}_${j};`)}
    for (var r = y; r < ${block}u; r = r + ${side}u) {
      for (var c = x; c < ${block}u; c = c + ${side}u) {
        var score = ${place};
        let row = top + ${rowPlace};
        let col = left + ${columnPlace};
        ${maskText(form)}
        ${place} = f_exp(score - statistics[${rowPlace}].x);
      }
    }`;
}

/** Statements that make gradients by scores of the weights, given those by weights, `d` + `i_j`. */
const slopesText = (form: Form, rowPlace: 'r' | 'c'): string =>
  pairs(own(form), own(form), (i, j) => {
    const place = share(form, row(i), column(j));
    return `${place} = ${place} * (d${i}_${j} - statistics[${rowPlace === 'r' ? row(i) : column(j)}].y);`;
  });

const declarationsOf = (
  form: Form,
  blocks: readonly Loaded[],
): string => `${blocks.map((block) => blockMemory(form, block)).join('\n')}
${sharesMemory(form)}
var<workgroup> statistics: array<vec2<f32>, ${form.sizes.block}>;`;

/** gradQuery = scale · (gradients by scores) × key, for a block of queries. */
function queryText(form: Form): string {
  const { block, key } = form.sizes;
  const { first: queries, second: grads, passing } = memoryOf(form);
  const body = `${loadText(form, 'query', 'top', queries.name, queries.stride)}
  ${loadText(form, 'grad', 'top', grads.name, grads.stride)}
  ${statisticsText(form)}
  ${sumsText(form, 'o', key)}
  let stop = select(${keysWord}, min(${keysWord}, top + ${block}u), ${causal});
  for (var left = 0u; left < stop; left = left + ${block}u) {
    ${loadText(form, 'value', 'left', passing.name, passing.stride)}
    workgroupBarrier();
    ${dotsText(form, 'd', grads, passing, 'value')}
    workgroupBarrier();
    ${loadText(form, 'key', 'left', passing.name, passing.stride)}
    workgroupBarrier();
    ${dotsText(form, 's', queries, passing, 'key')}
    ${weightsText(form, 'r')}
    ${slopesText(form, 'r')}
    workgroupBarrier();
    let many = min(${block}u, stop - left);
    ${mixText(form, 'o', 'many', passing, key)}
    workgroupBarrier();
  }
  ${storeText(form, 'gradQuery', 'top', passing, (i, c) => `o${i}_${c} * ${scaleWord}`)}`;
  return blocksShader(form, 'top', body, declarationsOf(form, [queries, grads, passing]));
}

/**
 * gradValue = weightsᵀ × grad and gradKey = (gradients by scores)ᵀ × scaled queries, for a block of keys. Shares lie transposed:
 * a row for each key.
 */
function keyText(form: Form): string {
  const { names, sizes } = form;
  const { block, key, value } = sizes;
  const { first: keys, second: values, passing } = memoryOf(form);
  const when = (name: 'gradKey' | 'gradValue', text: () => string): string => (names.has(name) ? text() : '');
  const load = (name: 'query' | 'grad'): string => loadText(form, name, 'top', passing.name, passing.stride);
  const body = `${loadText(form, 'key', 'left', keys.name, keys.stride)}
  ${when('gradKey', () => `${loadText(form, 'value', 'left', values.name, values.stride)} ${sumsText(form, 'k', key)}`)}
  ${when('gradValue', () => sumsText(form, 'v', value))}
  for (var top = select(0u, left, ${causal}); top < ${rowsWord}; top = top + ${block}u) {
    let many = min(${block}u, ${rowsWord} - top);
    ${load('query')}
    ${statisticsText(form)}
    workgroupBarrier();
    ${dotsText(form, 's', keys, passing, 'key')}
    ${weightsText(form, 'c')}
    workgroupBarrier();
    ${load('grad')}
    workgroupBarrier();
    ${when('gradValue', () => mixText(form, 'v', 'many', passing, value))}
    ${when(
      'gradKey',
      () => `${dotsText(form, 'd', values, passing, 'value')}
    workgroupBarrier();
    ${slopesText(form, 'c')}
    ${load('query')}
    workgroupBarrier();
    ${mixText(form, 'k', 'many', passing, key)}`,
    )}
    workgroupBarrier();
  }
  ${when('gradKey', () => storeText(form, 'gradKey', 'left', passing, (i, c) => `k${i}_${c}`))}
  ${names.has('gradKey') && names.has('gradValue') ? 'workgroupBarrier();' : ''}
  ${when('gradValue', () => storeText(form, 'gradValue', 'left', passing, (i, c) => `v${i}_${c}`))}`;
  const blocks = names.has('gradKey') ? [keys, values, passing] : [keys, passing];
  return blocksShader(form, 'left', body, declarationsOf(form, blocks));
}

/**
 * Writes log Σ exp and δ of each row, side by side: devices bind a limited number of buffers to a kernel, and so the next two
 * need one for both, and none for `out`.
 */
function writeStatistics(commands: Commands, memory: Memory, grad: View, out: View, logSumExp: View, to: View): void {
  const text: RowText = {
    key: '',
    lanes: 1,
    declarations: 'fn combine(a: f32, b: f32) -> f32 { return a + b; }',
    item: (b, each) => sumText('item', 'f32', `${read(grad.dtype, b, 0, 'q')} * ${read(out.dtype, b, 1, 'q')}`, each),
    whole: () => '',
    row: (b) =>
      `${write('float32', b, 3, 'p', read(logSumExp.dtype, b, 2, 'p'))} ${b(3)}[p3 + 1u] = bitcast<u32>(item);`,
    element: null,
  };
  const rows = rowsOver(out.shape, [out.shape.length - 1], [grad, out, logSumExp, to], 2);
  overRows(commands, memory, 'attentionBackward', text, rows);
}

/** See Fused.attentionBackward in the contract. */
export function attentionBackward(
  commands: Commands,
  memory: Memory,
  bytes: number,
  grad: View,
  query: View,
  key: View,
  value: View,
  mask: View | null,
  out: View,
  logSumExp: View,
  spec: AttentionSpec,
  { query: gradQuery, key: gradKey, value: gradValue }: AttentionGradients,
): void {
  const [rows, size] = query.shape.slice(-2) as [number, number];
  const [keys, valueSize] = value.shape.slice(-2) as [number, number];
  const shape = logSumExp.shape;
  withTemporary(memory, out.storage.device, 2 * product(shape), (words) => {
    const strides = rowMajor([...shape.slice(0, -1), 2]);
    const statistics = new Tensor(words.storage, 'float32', shape, strides);
    writeStatistics(commands, memory, grad, out, logSumExp, statistics);
    const inputs = [
      ['query', query],
      ['key', key],
      ['value', value],
      ['grad', grad],
      ['statistics', statistics],
      ['mask', mask],
    ] as const;
    const sizes = (count: number): Sizes => backwardSizes(bytes, count, size, valueSize)!;
    if (gradQuery !== null) {
      const operands = [...inputs, ['gradQuery', gradQuery]] as const;
      overBlocks(commands, 'attentionBackward', operands, sizes(rows), spec, rows, queryText);
    }
    if (gradKey !== null || gradValue !== null) {
      const operands = [...inputs, ['gradKey', gradKey], ['gradValue', gradValue]] as const;
      overBlocks(commands, 'attentionBackward', operands, sizes(keys), spec, keys, keyText);
    }
  });
}
