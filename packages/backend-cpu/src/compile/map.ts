/** @file Compiles map kernels: to generated loops over typed arrays, or to interpreted ones. */
import type { MapKernel, Scalar, View } from '@flambeau/tensor';
import { generate } from './generate.ts';
import { expressionClosure, expressionText } from './lower.ts';
import { dataOf, loading, scalarValue, storing } from './memory.ts';

export type MapFunction = (
  sizes: readonly number[],
  strides: readonly (readonly number[])[],
  inputs: readonly (View | Scalar)[],
  outputs: readonly View[],
) => void;

/**
 * How each input is read in a flat loop: `v` element by element, `1` one element for all.
 * Null stands for a nest of loops with strides.
 */
export type FlatPattern = string | null;

/** Source of one input's set-up: its array and first position, or its value where it is the same throughout. */
function prologueText(kernel: MapKernel, pattern: FlatPattern): string[] {
  return kernel.inputs.map((input, i) => {
    if (input.dtype === null) return `const s${i} = scalarValue(inputs[${i}], '${input.as}');`;
    const array = `const x${i} = dataOf(inputs[${i}]); let p${i} = inputs[${i}].offset;`;
    return pattern?.[i] === '1' ? `${array} const s${i} = ${loading(input.dtype, input.as).text(`x${i}[p${i}]`)};` : array;
  });
}

/** The statements that compute one element; positions are `p<i>` for inputs and `q<j>` for outputs, plus `shift`. */
function elementText(kernel: MapKernel, pattern: FlatPattern, depth: string, shift: string): string {
  const read = (i: number): string => {
    const input = kernel.inputs[i]!;
    if (input.dtype === null || pattern?.[i] === '1') return `s${i}`;
    return loading(input.dtype, input.as).text(`x${i}[p${i}${depth}${shift}]`);
  };
  const { statements, results, dtypes } = expressionText(kernel.outputs.map((o) => o.expr), kernel.inputs, kernel.compute, read);
  const stores = kernel.outputs.map((output, j) => `y${j}[q${j}${depth}${shift}] = ${storing(dtypes[j]!, output.dtype).text(results[j]!)};`);
  return [...statements, ...stores].join(' ');
}

/** One loop over all elements: every view is contiguous or a single element. */
export function generateFlat(kernel: MapKernel, pattern: string): MapFunction {
  const outputs = kernel.outputs.map((_, j) => `const y${j} = dataOf(outputs[${j}]); let q${j} = outputs[${j}].offset;`);
  return generate(`(sizes, strides, inputs, outputs) => {
    const n = sizes[0];
    ${prologueText(kernel, pattern).join('\n')}
    ${outputs.join('\n')}
    for (let i = 0; i < n; i++) { ${elementText(kernel, pattern, '', ' + i')} }
  }`);
}

/** A nest of `rank` loops; `strides` lists the inputs' (empty for scalars), then the outputs'. */
export function generateNest(kernel: MapKernel, rank: number): MapFunction {
  const pointers: { name: string; place: number }[] = [];
  kernel.inputs.forEach((input, i) => {
    if (input.dtype !== null) pointers.push({ name: `p${i}`, place: i });
  });
  kernel.outputs.forEach((_, j) => pointers.push({ name: `q${j}`, place: kernel.inputs.length + j }));
  const lines: string[] = [];
  for (let d = 0; d < rank; d++) {
    lines.push(`const n${d} = sizes[${d}];`);
    for (const { name, place } of pointers) lines.push(`const d${name}_${d} = strides[${place}][${d}];`);
  }
  lines.push(...prologueText(kernel, null));
  lines.push(...kernel.outputs.map((_, j) => `const y${j} = dataOf(outputs[${j}]); let q${j} = outputs[${j}].offset;`));
  const level = (d: number): string => {
    const suffix = d === 0 ? '' : `_${d - 1}`;
    if (d === rank) return elementText(kernel, null, suffix, '');
    const copies = pointers.map(({ name }) => `${name}_${d} = ${name}${suffix}`).join(', ');
    const steps = pointers.map(({ name }) => `${name}_${d} += d${name}_${d}`).join(', ');
    return `for (let i${d} = 0, ${copies}; i${d} < n${d}; i${d}++, ${steps}) { ${level(d + 1)} }`;
  };
  return generate(`(sizes, strides, inputs, outputs) => { ${lines.join('\n')}\n${level(0)} }`);
}

/** Any number of loops, interpreted: for places without code generation. */
export function interpretMap(kernel: MapKernel): MapFunction {
  const loads = kernel.inputs.map((input) => (input.dtype === null ? null : loading(input.dtype, input.as)));
  const computes = kernel.outputs.map((output) => {
    const { run, dtype } = expressionClosure(output.expr, kernel.inputs, kernel.compute);
    return { run, store: storing(dtype, output.dtype) };
  });
  return (sizes, strides, inputs, outputs) => {
    const arrays = inputs.map((input) => (typeof input === 'object' ? dataOf(input) : null));
    const values: unknown[] = inputs.map((input, i) => (typeof input === 'object' ? null : scalarValue(input, kernel.inputs[i]!.as)));
    const targets = outputs.map(dataOf);
    const element = (positions: readonly number[]): void => {
      arrays.forEach((array, i) => {
        if (array !== null) values[i] = loads[i]!.run(array[positions[i]!]);
      });
      const results = computes.map(({ run, store }) => store.run(run(values)));
      results.forEach((value, j) => {
        targets[j]![positions[inputs.length + j]!] = value as never;
      });
    };
    const walk = (d: number, positions: readonly number[]): void => {
      if (d === sizes.length) return element(positions);
      const current = [...positions];
      for (let i = 0; i < sizes[d]!; i++) {
        walk(d + 1, current);
        for (let v = 0; v < current.length; v++) current[v]! += strides[v]![d] ?? 0;
      }
    };
    walk(0, [...inputs.map((input) => (typeof input === 'object' ? input.offset : 0)), ...outputs.map((out) => out.offset)]);
  };
}
