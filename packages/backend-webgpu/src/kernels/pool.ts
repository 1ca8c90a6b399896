/** @file Max and average pooling over one to three spatial dimensions, for views [N, C, ...] of any strides. */
import type { AvgPoolSpec, DType, MaxPoolSpec, View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import { checkDType, literal, loading, storing, valueType } from '../wgsl/lower.ts';
import { intWord, shader, WORKGROUP, word } from '../wgsl/shader.ts';
import { bind } from './operands.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Words of a dispatch: its invocations, offsets of views, lists with one entry for each dimension, and single numbers. */
interface Parameters {
  readonly count: number;
  readonly views: readonly View[];
  readonly lists: readonly (readonly number[])[];
}

/** @param text the shader, given the numbers of the views' buffers; it depends on `key` only */
function run(
  commands: Commands,
  name: string,
  key: string,
  { count, views, lists }: Parameters,
  text: (places: readonly number[], buffers: number) => string,
): void {
  const { buffers, places, key: placesKey } = bind(views);
  const program = commands.cached(run, `${name},${key}:${placesKey}`, () => {
    for (const view of views) checkDType(name, view.dtype);
    return commands.program(name, text(places, buffers.length), buffers.length);
  });
  commands.dispatch(program, buffers, Math.ceil(count / WORKGROUP), (words, _floats, start) => {
    let at = start;
    words[at++] = count;
    for (const view of views) words[at++] = view.offset;
    for (const list of lists) for (const value of list) words[at++] = value;
  });
}

/** Words of `lists` after the count and `views` offsets, each of them `sizes[i]` long. */
function placesOfLists(views: number, sizes: readonly number[]): number[] {
  let next = 1 + views;
  return sizes.map((size) => {
    next += size;
    return next - size;
  });
}

/** Splits `i` into `i0` (image), `i1` (channel), `i2`, … by sizes at word `sizes`, and ends invocations beyond the last. */
function digitsText(rank: number, sizes: number): string {
  const lines = [`let i = group * ${WORKGROUP}u + lane;`, `if (i >= ${word(0)}) { return; }`, 'var rest = i;'];
  for (let d = rank + 1; d > 0; d--) {
    lines.push(
      `let q${d} = rest / ${word(sizes + d)}; let i${d} = i32(rest - q${d} * ${word(sizes + d)}); rest = q${d};`,
    );
  }
  lines.push('let i0 = i32(rest);');
  return lines.join('\n  ');
}

/** The place of the element with the digits `names`, in the view number `view` with strides at word `strides`. */
const placeText = (view: number, strides: number, names: readonly string[]): string =>
  [word(1 + view), ...names.map((name, d) => `u32(${name}) * ${word(strides + d)}`)].join(' + ');

const digitNames = (rank: number): string[] => range(rank + 2).map((d) => `i${d}`);

/**
 * Maxima over windows, and the position of each in its input plane (int32): that of the first maximum, or of the last
 * NaN, which wins. A window that dilation leaves without any input gives -Infinity and position -1.
 */
export function maxPool(commands: Commands, x: View, out: View, indices: View, spec: MaxPoolSpec): void {
  if (out.elementCount === 0) return;
  const rank = spec.kernel.length;
  const { kernel, stride, padding, dilation } = spec;
  const lists = [
    out.shape,
    x.strides,
    out.strides,
    indices.strides,
    x.shape.slice(2),
    kernel,
    stride,
    padding,
    dilation,
  ];
  run(
    commands,
    'maxPool',
    `${x.dtype},${rank}`,
    { count: out.elementCount, views: [x, out, indices], lists },
    (places, buffers) => {
      const at = placesOfLists(
        3,
        lists.map((list) => list.length),
      );
      const [sizes, xStrides, outStrides, indexStrides, bounds, kernels, strides, paddings, dilations] = at as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      return shader(buffers, maxPoolText());

      function maxPoolText(): string {
        const float = valueType(x.dtype) === 'f32';
        const held: DType = float ? 'float32' : 'int32';
        const load = loading(x.dtype, held);
        const position = range(rank).map((d) => `x${d}`);
        const plane = position.reduce(
          (text, name, d) => (d === 0 ? name : `(${text}) * ${intWord(bounds + d)} + ${name}`),
          '',
        );
        const greater = float ? 'is_nan(v) | ((v > best) & !is_nan(best))' : '(v > best)';
        const value = load(
          `b${places[0]}[${placeText(0, xStrides, ['i0', 'i1', ...range(rank).map((d) => `max(0, min(x${d}, ${intWord(bounds + d)} - 1))`)])}]`,
        );
        const inside = range(rank).map((d) => `(x${d} >= 0) & (x${d} < ${intWord(bounds + d)})`);
        const positions = range(rank).map(
          (d) =>
            `let x${d} = i${d + 2} * ${intWord(strides + d)} - ${intWord(paddings + d)} + t${d} * ${intWord(dilations + d)};`,
        );
        const next = range(rank)
          .reverse()
          .map((d) => {
            const more = `let n${d} = t${d} + ${d === rank - 1 ? '1' : `select(0, 1, full${d + 1})`};`;
            const wrap = `let full${d} = n${d} == ${intWord(kernels + d)}; t${d} = select(n${d}, 0, full${d});`;
            return d === 0 ? `${more} t0 = n0;` : `${more} ${wrap}`;
          });
        // One loop without conditions: software adapters take long for an entry of another loop, or for an if.
        return `${digitsText(rank, sizes)}
  var best = ${literal(float ? Number.NEGATIVE_INFINITY : 0, held)};
  var at = -1;
  ${range(rank)
    .map((d) => `var t${d} = 0;`)
    .join(' ')}
  let taps = ${range(rank)
    .map((d) => intWord(kernels + d))
    .join(' * ')};
  for (var k = 0; k < taps; k = k + 1) {
    ${positions.join('\n    ')}
    let v = ${value};
    let better = ${inside.join(' & ')} & ((at < 0) | ${greater});
    best = select(best, v, better);
    at = select(at, ${plane}, better);
    ${next.join(' ')}
  }
  b${places[1]}[${placeText(1, outStrides, digitNames(rank))}] = ${storing(held, x.dtype)('best')};
  b${places[2]}[${placeText(2, indexStrides, digitNames(rank))}] = bitcast<u32>(at);`;
      }
    },
  );
}

/**
 * Loops over the windows `o0`, `o1`, … that the position `i2`, `i3`, … of an input may lie in: from the first that
 * reaches it to the last that starts at or before it. The arguments are words of the lists.
 */
function windowsAround(rank: number, reach: number, strides: number, paddings: number, sizes: number): string {
  const loops = range(rank).map((d) => {
    const [far, stride, padding] = [intWord(reach + d), intWord(strides + d), intWord(paddings + d)];
    return `let y${d} = i${d + 2} + ${padding};
  let last${d} = min(y${d} / ${stride}, ${intWord(sizes + d)} - 1);
  for (var o${d} = max(0, (y${d} - ${far} + ${stride}) / ${stride}); o${d} <= last${d}; o${d} = o${d} + 1) {`;
  });
  return loops.join('\n  ');
}

/**
 * gradX [N, C, ...] = for each position the sum of the gradients whose maximum it was, in the order of the windows. Half
 * precision is summed in float32.
 */
export function maxPoolBackward(commands: Commands, grad: View, indices: View, gradX: View, spec: MaxPoolSpec): void {
  if (gradX.elementCount === 0) return;
  const rank = spec.kernel.length;
  const reach = spec.kernel.map((kernel, d) => spec.dilation[d]! * (kernel - 1) + 1);
  const views = [gradX, grad, indices];
  const lists = [gradX.shape, ...views.map(({ strides }) => strides), grad.shape.slice(2), reach, spec.stride];
  lists.push(spec.padding);
  const parameters = { count: gradX.elementCount, views, lists };
  run(commands, 'maxPoolInput', `${grad.dtype},${gradX.dtype},${rank}`, parameters, (places, buffers) => {
    const at = placesOfLists(
      3,
      lists.map((list) => list.length),
    ) as [number, number, number, number, number, number, number, number];
    const [sizes, xStrides, gradStrides, indexStrides, outputs, reachAt, strides, paddings] = at;
    const held = heldFor(grad.dtype);
    const names = ['i0', 'i1', ...range(rank).map((d) => `o${d}`)];
    const plane = range(rank).reduce((text, d) => `(${text}) * ${intWord(sizes + 2 + d)} + i${d + 2}`, '0');
    const position = `bitcast<i32>(b${places[2]}[${placeText(2, indexStrides, names)}])`;
    const value = loading(grad.dtype, held)(`b${places[1]}[${placeText(1, gradStrides, names)}]`);
    return shader(
      buffers,
      `${digitsText(rank, sizes)}
  let here = ${plane};
  var sum = ${valueType(held)}(0);
  ${windowsAround(rank, reachAt, strides, paddings, outputs)}
    if (${position} == here) { sum = sum + ${value}; }
  ${'}'.repeat(rank)}
  b${places[0]}[${placeText(0, xStrides, digitNames(rank))}] = ${storing(held, gradX.dtype)('sum')};`,
    );
  });
}

/** What windows' sums are divided by: words of the numbers it depends on. */
interface Divisor {
  readonly rank: number;
  readonly bounds: number;
  readonly kernels: number;
  readonly strides: number;
  readonly paddings: number;
  /** The word of the divisor that replaces the count. */
  readonly override: number;
  readonly countPadding: boolean;
  readonly overridden: boolean;
}

/** Declares for window number `o`d along each dimension where it starts and ends, inside of the input. */
function windowText({ rank, bounds, kernels, strides, paddings }: Divisor, o: (d: number) => string): string {
  return range(rank)
    .map(
      (d) => `let first${d} = ${o(d)} * ${intWord(strides + d)} - ${intWord(paddings + d)};
    let from${d} = max(first${d}, 0); let to${d} = min(first${d} + ${intWord(kernels + d)}, ${intWord(bounds + d)});`,
    )
    .join('\n    ');
}

/** After {@link windowText}: the number of elements that count. A window without inputs sums to 0 and has any divisor. */
function divisorText({ rank, bounds, kernels, paddings, override, countPadding, overridden }: Divisor): string {
  if (overridden) return intWord(override);
  const counts = range(rank).map((d) =>
    countPadding
      ? `(min(first${d} + ${intWord(kernels + d)}, ${intWord(bounds + d)} + ${intWord(paddings + d)}) - first${d})`
      : `max(0, to${d} - from${d})`,
  );
  return `max(1, ${counts.join(' * ')})`;
}

/** The text that both directions share, and the words of their lists. */
function averaging(spec: AvgPoolSpec, x: View, y: View) {
  const { kernel, stride, padding, divisorOverride } = spec;
  const lists = [
    [],
    x.strides,
    y.strides,
    x.shape.slice(2),
    y.shape.slice(2),
    kernel,
    stride,
    padding,
    [divisorOverride ?? 0],
  ];
  return lists as readonly (readonly number[])[];
}

function divisorOf(spec: AvgPoolSpec, at: readonly number[]): Divisor {
  const [, , , bounds, , kernels, strides, paddings, override] = at as number[];
  return {
    rank: spec.kernel.length,
    bounds: bounds!,
    kernels: kernels!,
    strides: strides!,
    paddings: paddings!,
    override: override!,
    countPadding: spec.countIncludePad,
    overridden: spec.divisorOverride !== null,
  };
}

const heldFor = (dtype: DType): DType => (valueType(dtype) === 'f32' ? 'float32' : 'int32');
const keyOf = (dtype: DType, spec: AvgPoolSpec): string =>
  `${dtype},${spec.kernel.length},${spec.countIncludePad},${spec.divisorOverride !== null}`;

/**
 * Averages over windows. Padding adds zeros, which count unless `countIncludePad` is false; `divisorOverride` replaces
 * the count. Integers are divided towards zero.
 */
export function avgPool(commands: Commands, x: View, out: View, spec: AvgPoolSpec): void {
  if (out.elementCount === 0) return;
  const lists = [out.shape, ...averaging(spec, x, out).slice(1)];
  const rank = spec.kernel.length;
  run(
    commands,
    'avgPool',
    keyOf(x.dtype, spec),
    { count: out.elementCount, views: [x, out], lists },
    (places, buffers) => {
      const at = placesOfLists(
        2,
        lists.map((list) => list.length),
      );
      const divisor = divisorOf(spec, at);
      const held = heldFor(x.dtype);
      const type = valueType(held);
      const position = range(rank).map((d) => `x${d}`);
      const loops = range(rank).map((d) => `for (var x${d} = from${d}; x${d} < to${d}; x${d} = x${d} + 1) {`);
      const value = loading(x.dtype, held)(`b${places[0]}[${placeText(0, at[1]!, ['i0', 'i1', ...position])}]`);
      return shader(
        buffers,
        `${digitsText(rank, at[0]!)}
    ${windowText(divisor, (d) => `i${d + 2}`)}
  var sum = ${type}(0);
  ${loops.join(' ')} sum = sum + ${value}; ${'}'.repeat(rank)}
  let average = sum / ${type}(${divisorText(divisor)});
  b${places[1]}[${placeText(1, at[2]!, digitNames(rank))}] = ${storing(held, out.dtype)('average')};`,
      );
    },
  );
}

/** gradX = every gradient, divided as in the forward pass, summed over the windows that an input is in. */
export function avgPoolBackward(commands: Commands, grad: View, gradX: View, spec: AvgPoolSpec): void {
  if (gradX.elementCount === 0) return;
  const lists = [gradX.shape, ...averaging(spec, gradX, grad).slice(1)];
  const rank = spec.kernel.length;
  const parameters = { count: gradX.elementCount, views: [gradX, grad], lists };
  run(commands, 'avgPoolInput', keyOf(grad.dtype, spec), parameters, (places, buffers) => {
    const at = placesOfLists(
      2,
      lists.map((list) => list.length),
    );
    const divisor = divisorOf(spec, at);
    const held = heldFor(grad.dtype);
    const type = valueType(held);
    const names = ['i0', 'i1', ...range(rank).map((d) => `o${d}`)];
    const value = loading(grad.dtype, held)(`b${places[1]}[${placeText(1, at[2]!, names)}]`);
    return shader(
      buffers,
      `${digitsText(rank, at[0]!)}
  var sum = ${type}(0);
  ${windowsAround(rank, divisor.kernels, divisor.strides, divisor.paddings, at[4]!)}
    ${windowText(divisor, (d) => `o${d}`)}
    sum = sum + ${value} / ${type}(${divisorText(divisor)});
  ${'}'.repeat(rank)}
  b${places[0]}[${placeText(0, at[1]!, digitNames(rank))}] = ${storing(held, gradX.dtype)('sum')};`,
    );
  });
}
