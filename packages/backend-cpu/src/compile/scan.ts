/** @file Compiles scans (running reductions along one dimension): to generated loops, or to interpreted ones. */
import type { DType, TypedArray } from '@flambeau/tensor';
import { computeDType, type ScanKind } from '@flambeau/tensor/internal';
import { accumulatorArray, combinerOf, literal, rowLength } from './combine.ts';
import type { Lowered } from './functions.ts';
import { generate } from './generate.ts';
import { loading, storing } from './memory.ts';
import { walk } from './walk.ts';

export interface ScanSpec {
  readonly kind: ScanKind;
  readonly from: DType;
  readonly to: DType;
  /** Whether positions of extremes are wanted. */
  readonly indices: boolean;
}

/** The operands' arrays: x, out and perhaps indices. `strides` and `steps` (along the scanned dimension) are theirs. */
export type ScanFunction = (
  arrays: readonly TypedArray[],
  offsets: readonly number[],
  sizes: readonly number[],
  strides: readonly (readonly number[])[],
  length: number,
  steps: readonly number[],
) => void;

/** Of equal extremes the latest counts, and after a NaN only NaNs do. */
const latest: Record<'max' | 'min', Lowered> = {
  max: { text: (a, b) => `${b} !== ${b} || ${b} >= ${a}`, run: (a, b) => Number.isNaN(b) || b >= a },
  min: { text: (a, b) => `${b} !== ${b} || ${b} <= ${a}`, run: (a, b) => Number.isNaN(b) || b <= a },
};

function parts(spec: ScanSpec) {
  const compute = computeDType(spec.to);
  const { identity, combine } = combinerOf(spec.kind, compute);
  return { compute, identity, combine, load: loading(spec.from, compute), store: storing(compute, spec.to) };
}

/** The statement that takes element `v` into accumulator `a`, whose value so far is `b`, and its position into `at`. */
function updateText(spec: ScanSpec, a: string, at: string, position: string): string {
  const { combine } = parts(spec);
  if (combine !== null) return `${a} = ${combine.text('b', 'v')};`;
  const test = latest[spec.kind as 'max' | 'min'].text('b', 'v');
  return `if (${test}) { ${a} = v; ${spec.indices ? `${at} = ${position};` : ''} }`;
}

function setupText(spec: ScanSpec, rank: number): string {
  const names = spec.indices ? ['x', 'y', 'z'] : ['x', 'y'];
  const lines = names.map(
    (name, v) => `const ${name} = arrays[${v}], p${name} = offsets[${v}], s${name} = steps[${v}];`,
  );
  for (let d = 0; d < rank; d++) {
    lines.push(`const n${d} = sizes[${d}];`, ...names.map((name, v) => `const d${name}${d} = strides[${v}][${d}];`));
  }
  return lines.join('\n');
}

function openLoops(spec: ScanSpec, rank: number): { text: string; suffix: string } {
  const names = spec.indices ? ['x', 'y', 'z'] : ['x', 'y'];
  let [text, suffix] = ['', ''];
  for (let d = 0; d < rank; d++) {
    const copies = names.map((name) => `p${name}_${d} = p${name}${suffix}`).join(', ');
    const moves = names.map((name) => `p${name}_${d} += d${name}${d}`).join(', ');
    text += `for (let i${d} = 0, ${copies}; i${d} < n${d}; i${d}++, ${moves}) {\n`;
    suffix = `_${d}`;
  }
  return { text, suffix };
}

const parameters = '(arrays, offsets, sizes, strides, length, steps)';

/** The innermost loop runs along the scanned dimension. */
export function generateAlong(spec: ScanSpec, rank: number): ScanFunction {
  const { identity, load, store } = parts(spec);
  const { text, suffix } = openLoops(spec, rank);
  const update = updateText(spec, 'a', 'at', 'j');
  return generate(`${parameters} => {
    ${setupText(spec, rank)}
    ${text}
    let a = ${literal(identity)}; let at = 0;
    for (let j = 0; j < length; j++) {
      const v = ${load.text(`x[px${suffix} + j * sx]`)}, b = a;
      ${update}
      y[py${suffix} + j * sy] = ${store.text('a')};
      ${spec.indices ? `z[pz${suffix} + j * sz] = at;` : ''}
    }
    ${'}'.repeat(rank)}
  }`);
}

/** The innermost loop runs along the last other dimension, with a row of accumulators: for scans across rows. */
export function generateAcross(spec: ScanSpec, rank: number): ScanFunction {
  const { compute, identity, load, store } = parts(spec);
  const { text, suffix } = openLoops(spec, rank - 1);
  const last = rank - 1;
  const bool = compute === 'bool';
  const update = updateText(spec, 'a[j]', 'at[j]', 'i');
  const read = bool ? '(a[j] !== 0)' : 'a[j]';
  return generate(`${parameters} => {
    ${setupText(spec, rank)}
    const a = new ${accumulatorArray(compute)}(Math.min(n${last}, ${rowLength}));
    const at = new Int32Array(${spec.indices ? 'a.length' : 0});
    ${text}
    for (let start = 0; start < n${last}; start += ${rowLength}) {
      const width = Math.min(${rowLength}, n${last} - start);
      a.fill(${bool ? Number(identity) : literal(identity)});
      at.fill(0);
      for (let i = 0; i < length; i++) {
        const fx = px${suffix} + i * sx + start * dx${last}, fy = py${suffix} + i * sy + start * dy${last};
        ${spec.indices ? `const fz = pz${suffix} + i * sz + start * dz${last};` : ''}
        for (let j = 0; j < width; j++) {
          const v = ${load.text(`x[fx + j * dx${last}]`)}, b = ${read};
          ${update}
          y[fy + j * dy${last}] = ${store.text(read)};
          ${spec.indices ? `z[fz + j * dz${last}] = at[j];` : ''}
        }
      }
    }
    ${'}'.repeat(rank - 1)}
  }`);
}

/** Any loops, interpreted: for places without code generation. */
export function interpretScan(spec: ScanSpec): ScanFunction {
  const { identity, combine, load, store } = parts(spec);
  return (arrays, offsets, sizes, strides, length, steps) => {
    const [x, y, z] = arrays as [TypedArray, TypedArray, TypedArray | undefined];
    walk(sizes, strides, offsets, (positions) => {
      let total: unknown = identity;
      let at = 0;
      for (let j = 0; j < length; j++) {
        const value = load.run(x[positions[0]! + j * steps[0]!]);
        if (combine !== null) total = combine.run(total, value);
        else if (latest[spec.kind as 'max' | 'min'].run(total, value)) [total, at] = [value, j];
        y[positions[1]! + j * steps[1]!] = store.run(total) as never;
        if (z !== undefined) z[positions[2]! + j * steps[2]!] = at;
      }
    });
  };
}
