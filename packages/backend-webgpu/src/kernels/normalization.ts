/** @file Normalization and its gradients, fused: every row is read by one dispatch, or by two where few rows are long. */
import type { NormalizationGradients, NormalizationSpec, RunningStatistics, View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import type { Memory } from '../memory.ts';
import {
  type Buffers,
  lengthWord,
  numbered,
  overRows,
  type RowText,
  read,
  rowsOver,
  scalarWord,
  sumText,
  write,
} from './rows.ts';

/**
 * Items are (count, mean, Σ (x − mean)²), combined after Chan, Golub & LeVeque 1979: as exact as two passes, and no
 * invocation has to know the others' mean.
 */
const chan = `fn combine(a: Item, b: Item) -> Item {
  if (a.x == 0.0) { return b; }
  if (b.x == 0.0) { return a; }
  let n = a.x + b.x;
  let d = b.y - a.y;
  return Item(n, (a.x * a.y + b.x * b.y) / n, a.z + b.z + d * d * (a.x * b.x / n));
}`;

/** See Fused.normalization in the contract. */
export function normalization(
  commands: Commands,
  memory: Memory,
  x: View,
  weight: View | null,
  bias: View | null,
  { dims, eps }: NormalizationSpec,
  out: View,
  mean: View,
  rstd: View,
  running: RunningStatistics | null,
): true {
  const names = numbered([
    ['x', x],
    ['out', out],
    ['weight', weight],
    ['bias', bias],
    ['mean', mean],
    ['rstd', rstd],
    ['runningMean', running?.mean ?? null],
    ['runningVar', running?.variance ?? null],
  ]);
  const { dtype } = x;
  const input = (b: Buffers, name: 'x' | 'weight' | 'bias'): string => read(dtype, b, names.at(name), 'q');
  const output = (b: Buffers, name: 'mean' | 'rstd', value: string): string =>
    write(dtype, b, names.at(name), 'p', value);
  const moved = (b: Buffers, name: 'runningMean' | 'runningVar', value: string): string =>
    names.has(name)
      ? write(dtype, b, names.at(name), 'p', `${read(dtype, b, names.at(name), 'p')} * ${scalarWord(1)} + ${value}`)
      : '';
  const text: RowText = {
    key: names.key,
    lanes: 3,
    declarations: chan,
    item: (b, each) => `${sumText('total', 'f32', input(b, 'x'), each)}
  let own = total / mine;
  ${sumText('squares', 'f32', '(value - own) * (value - own)', each, `let value = ${input(b, 'x')};`)}
  var item = Item();
  if (mine > 0.0) { item = Item(mine, own, squares); }`,
    whole: () => `let mean = item.y;
  let rstd = 1.0 / sqrt(item.z / item.x + ${scalarWord(0)});`,
    row: (b) => `${output(b, 'mean', 'mean')} ${output(b, 'rstd', 'rstd')}
    ${moved(b, 'runningMean', `mean * ${scalarWord(2)}`)} ${moved(b, 'runningVar', `item.z / item.x * ${scalarWord(3)}`)}`,
    element: (b) => {
      const scaled = `(${input(b, 'x')} - mean) * rstd${names.has('weight') ? ` * ${input(b, 'weight')}` : ''}`;
      const value = names.has('bias') ? `${scaled} + ${input(b, 'bias')}` : scaled;
      return write(out.dtype, b, names.at('out'), 'q', value);
    },
  };
  const along = 2 + (weight === null ? 0 : 1) + (bias === null ? 0 : 1);
  const rows = rowsOver(x.shape, dims, names.views, along);
  const momentum = running?.momentum ?? 0;
  const unbiased = rows.length / (rows.length - 1);
  return overRows(commands, memory, 'normalization', text, rows, {
    floats: [eps, 1 - momentum, momentum, momentum * unbiased],
  });
}

const plus = 'fn combine(a: Item, b: Item) -> Item { return a + b; }';

/** Σ g and Σ g (x − mean) along the rows of `dims`; of them ∂L/∂x, and the parameters' gradients where these have the same rows. */
function byRows(
  commands: Commands,
  memory: Memory,
  grad: View,
  x: View,
  [weight, mean, rstd]: readonly [View | null, View, View],
  dims: readonly number[],
  { x: gradX, weight: gradWeight, bias: gradBias }: NormalizationGradients,
): void {
  const names = numbered([
    ['grad', grad],
    ['x', x],
    ['gradX', gradX],
    ['weight', weight],
    ['mean', mean],
    ['rstd', rstd],
    ['gradWeight', gradWeight],
    ['gradBias', gradBias],
  ]);
  const { dtype } = x;
  // A weight that is the same for a whole row stays out of the sums, which are then the parameters' gradients.
  const constant = gradWeight !== null || gradBias !== null;
  const element = (b: Buffers, name: 'grad' | 'x'): string => read(dtype, b, names.at(name), 'q');
  const factor = (b: Buffers, place: 'p' | 'q'): string =>
    names.has('weight') ? read(dtype, b, names.at('weight'), place) : '1.0';
  const stored = (b: Buffers, name: 'gradWeight' | 'gradBias', value: string): string =>
    names.has(name) ? write(dtype, b, names.at(name), 'p', value) : '';
  const statistic = (b: Buffers, name: 'mean' | 'rstd'): string => read(dtype, b, names.at(name), 'p');
  const text: RowText = {
    key: `${names.key},${constant}`,
    lanes: 2,
    declarations: plus,
    item: (b, each) => {
      const g = constant ? element(b, 'grad') : `${element(b, 'grad')} * ${factor(b, 'q')}`;
      return `let center = ${statistic(b, 'mean')};
  ${sumText('item', 'vec2<f32>', `(${g}) * vec2(1.0, ${element(b, 'x')} - center)`, each)}`;
    },
    whole: (b) => `let mean = ${statistic(b, 'mean')};
  let rstd = ${statistic(b, 'rstd')};
  let sums = item${constant ? ` * ${factor(b, 'p')}` : ''} / f32(${lengthWord});`,
    row: (b) => `${stored(b, 'gradWeight', 'item.y * rstd')} ${stored(b, 'gradBias', 'item.x')}`,
    element:
      gradX === null
        ? null
        : (b) => {
            const g = `${element(b, 'grad')} * ${factor(b, 'q')}`;
            const value = `(${g} - sums.x - (${element(b, 'x')} - mean) * rstd * rstd * sums.y) * rstd`;
            return write(gradX.dtype, b, names.at('gradX'), 'q', value);
          },
  };
  const along = 2 + (gradX === null ? 0 : 1) + (weight === null ? 0 : 1);
  overRows(commands, memory, 'normalizationBackward', text, rowsOver(x.shape, dims, names.views, along));
}

/** The parameters' gradients, sums along `shared` where every element has a mean and rstd of its own. */
function byParameters(
  commands: Commands,
  memory: Memory,
  grad: View,
  x: View,
  mean: View,
  rstd: View,
  shared: readonly number[],
  { weight: gradWeight, bias: gradBias }: NormalizationGradients,
): void {
  const names = numbered([
    ['grad', grad],
    ['x', x],
    ['mean', mean],
    ['rstd', rstd],
    ['gradWeight', gradWeight],
    ['gradBias', gradBias],
  ]);
  const { dtype } = x;
  const value = (b: Buffers, name: 'grad' | 'x' | 'mean' | 'rstd'): string => read(dtype, b, names.at(name), 'q');
  const stored = (b: Buffers, name: 'gradWeight' | 'gradBias', sum: string): string =>
    names.has(name) ? write(dtype, b, names.at(name), 'p', sum) : '';
  const text: RowText = {
    key: names.key,
    lanes: 2,
    declarations: plus,
    item: (b, each) =>
      sumText(
        'item',
        'vec2<f32>',
        `${value(b, 'grad')} * vec2(1.0, (${value(b, 'x')} - ${value(b, 'mean')}) * ${value(b, 'rstd')})`,
        each,
      ),
    whole: () => '',
    row: (b) => `${stored(b, 'gradWeight', 'item.y')} ${stored(b, 'gradBias', 'item.x')}`,
    element: null,
  };
  overRows(commands, memory, 'normalizationBackward', text, rowsOver(x.shape, shared, names.views, 4));
}

/** See Fused.normalizationBackward in the contract. */
export function normalizationBackward(
  commands: Commands,
  memory: Memory,
  grad: View,
  x: View,
  weight: View | null,
  mean: View,
  rstd: View,
  dims: readonly number[],
  shared: readonly number[],
  gradients: NormalizationGradients,
): true {
  const parameters = gradients.weight !== null || gradients.bias !== null;
  const together = dims.length === shared.length && dims.every((d, i) => d === shared[i]);
  if (gradients.x !== null || (parameters && together)) {
    const own = together ? gradients : { x: gradients.x, weight: null, bias: null };
    byRows(commands, memory, grad, x, [weight, mean, rstd], dims, own);
  }
  if (parameters && !together) byParameters(commands, memory, grad, x, mean, rstd, shared, gradients);
  return true;
}
