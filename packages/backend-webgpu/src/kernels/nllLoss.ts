/** @file The negative log likelihood of classes and its gradient, fused. */
import type { ClassSpec, View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { loading } from '../wgsl/lower.ts';
import { viewed } from './places.ts';
import { type Buffers, indexWord, numbered, overRows, type RowText, read, rowsOver, sumText, write } from './rows.ts';

/** A view's first element, for kernels that go on from there themselves. */
const first = (x: View): View => viewed(x, [], []);

/** `x` at the first index of `dim`, without that dimension. */
const without = (x: View, dim: number): View => viewed(x, x.shape.toSpliced(dim, 1), x.strides.toSpliced(dim, 1));

/** `x` with a dimension of size 1 at `dim`. */
const withOne = (x: View, dim: number): View => viewed(x, x.shape.toSpliced(dim, 0, 1), x.strides.toSpliced(dim, 0, 0));

/** Integer arguments: number of classes, step of x between them, step of the weights, ignoreIndex. */
const [classes, classStep, weightStep, ignored] = [0, 1, 2, 3].map((i) => indexWord(i)) as [
  string,
  string,
  string,
  string,
];
const argumentsOf = (x: View, weight: View | null, { dim, ignoreIndex }: ClassSpec): number[] => [
  x.shape[dim]!,
  x.strides[dim]!,
  weight?.strides[0] ?? 0,
  ignoreIndex,
];

/**
 * Statements for a target: `label` is its class, kept inside because the device cannot throw, and `factor` what it counts:
 * nothing where it is ignored.
 */
function targetText(
  target: string,
  weight: { readonly buffer: string; readonly view: View; at: string } | null,
): string {
  const own =
    weight === null
      ? '1.0'
      : loading(weight.view.dtype, 'float32')(`${weight.buffer}[${weight.at} + u32(label) * ${weightStep}]`);
  return `let given = bitcast<i32>(${target});
    let label = clamp(given, 0, bitcast<i32>(${classes}) - 1);
    let counts = given != bitcast<i32>(${ignored});
    var factor = 0.0;
    if (counts) { factor = ${own}; }`;
}

/** See Fused.nllLoss in the contract. */
export function nllLoss(
  commands: Commands,
  memory: Memory,
  x: View,
  target: View,
  weight: View | null,
  spec: ClassSpec,
  out: View,
  total: View | null,
): true {
  const names = numbered([
    ['target', target],
    ['x', without(x, spec.dim)],
    ['weight', weight === null ? null : first(weight)],
    ['out', out],
    ['total', total],
  ]);
  const reduced = spec.reduction !== 'none';
  const place = reduced ? 'q' : 'p';
  const at = (name: 'target' | 'x'): string => `${place}${names.at(name)}`;
  // The loss stays out of a product with 0 where a target is ignored: it might be infinite.
  const loss = (b: Buffers): string => {
    const weights = weight && { buffer: b(names.at('weight')), view: weight, at: `p${names.at('weight')}` };
    const value = loading(x.dtype, 'float32')(`${b(names.at('x'))}[${at('x')} + u32(label) * ${classStep}]`);
    return `${targetText(`${b(names.at('target'))}[${at('target')}]`, weights)}
    var loss = 0.0;
    if (counts) { loss = -${value} * factor; }`;
  };
  const text: RowText = {
    key: `${names.key},${spec.reduction}`,
    lanes: reduced ? 2 : 0,
    declarations: reduced ? 'fn combine(a: Item, b: Item) -> Item { return a + b; }' : '',
    item: (b, each) => sumText('item', 'Item', 'Item(loss, factor)', each, loss(b)),
    whole: () => '',
    row: (b) => {
      if (!reduced) return `${loss(b)} ${write(out.dtype, b, names.at('out'), 'p', 'loss')}`;
      const value = spec.reduction === 'mean' ? 'item.x / item.y' : 'item.x';
      const sum = total === null ? '' : write(total.dtype, b, names.at('total'), 'p', 'item.y');
      return `${write(out.dtype, b, names.at('out'), 'p', value)} ${sum}`;
    },
    element: null,
  };
  const over = reduced ? target.shape.map((_, d) => d) : [];
  const rows = rowsOver(target.shape, over, names.views, reduced ? 2 : 0);
  return overRows(commands, memory, 'nllLoss', text, rows, { ints: argumentsOf(x, weight, spec) });
}

/** See Fused.nllLossBackward in the contract. */
export function nllLossBackward(
  commands: Commands,
  memory: Memory,
  grad: View,
  target: View,
  weight: View | null,
  total: View | null,
  spec: ClassSpec,
  gradX: View,
): true {
  const { dim, reduction } = spec;
  const names = numbered([
    ['gradX', gradX],
    ['grad', reduction === 'none' ? withOne(grad, dim) : first(grad)],
    ['target', withOne(target, dim)],
    ['weight', weight === null ? null : first(weight)],
    ['total', total === null ? null : first(total)],
  ]);
  const text: RowText = {
    key: `${names.key},${reduction}`,
    lanes: 0,
    declarations: '',
    item: () => '',
    whole: (b) => {
      const weights = weight && { buffer: b(names.at('weight')), view: weight, at: `p${names.at('weight')}` };
      const divided = total === null ? '' : ` / ${read(total.dtype, b, names.at('total'), 'p')}`;
      // Where nothing counts the total is 0, and yet the gradient is 0, not NaN.
      return `${targetText(`${b(names.at('target'))}[p${names.at('target')}]`, weights)}
  var slope = 0.0;
  if (factor != 0.0) { slope = -${read(grad.dtype, b, names.at('grad'), 'p')} * factor${divided}; }`;
    },
    row: () => '',
    element: (b) => write(gradX.dtype, b, names.at('gradX'), 'q', 'select(0.0, slope, i == u32(label))'),
  };
  const rows = rowsOver(gradX.shape, [dim], names.views, 1);
  return overRows(commands, memory, 'nllLossBackward', text, rows, { ints: argumentsOf(gradX, weight, spec) });
}
