/** @file Compiles map kernels: to generated loops over typed arrays, or to interpreted ones. */
import type { Scalar } from '@flambeau/tensor';
import type { MapKernel, View } from '@flambeau/tensor/internal';
import { generate } from './generate.ts';
import { expressionClosure, expressionText } from './lower.ts';
import { dataOf, loading, scalarValue, storing } from './memory.ts';
import { walk } from './walk.ts';

/** `strides` lists the inputs' (empty for scalars), then the outputs'; flat loops need none. */
export type MapFunction = (
  sizes: readonly number[],
  strides: readonly (readonly number[])[],
  inputs: readonly (View | Scalar)[],
  outputs: readonly View[],
) => void;

/**
 * How the inputs and then the outputs move along the innermost loop: `v` by one element, `1` not at all, `n` by any
 * stride, `s` a scalar argument.
 */
export type LoopPattern = string;

/** An argument in memory: its array, position and the variable with its stride along the innermost loop. */
interface Pointer {
  readonly array: string;
  readonly position: string;
  readonly step: string;
  readonly move: string;
  /** Its place in the list of strides. */
  readonly place: number;
}

function pointersOf(kernel: MapKernel, pattern: LoopPattern): { inputs: (Pointer | null)[]; outputs: Pointer[] } {
  const pointer = (letter: string, name: string, i: number, place: number): Pointer => ({
    array: `${letter}${i}`,
    position: `${name}${i}`,
    step: `step_${name}${i}`,
    move: pattern[place]!,
    place,
  });
  return {
    inputs: kernel.inputs.map((input, i) => (input.dtype === null ? null : pointer('x', 'p', i, i))),
    outputs: kernel.outputs.map((_, j) => pointer('y', 'q', j, kernel.inputs.length + j)),
  };
}

/** Source of the body of the outer loops: what does not change along the innermost one, then that loop. */
function innermostText(
  kernel: MapKernel,
  pattern: LoopPattern,
  suffix: string,
  fromZero: boolean,
  trim: string,
): string {
  const { inputs, outputs } = pointersOf(kernel, pattern);
  const index = ({ move, position, step }: Pointer): string => {
    if (move === 'n') return `at_${step}`;
    return fromZero ? 'i' : `${position}${suffix} + i${trim}`;
  };
  const constants: string[] = [];
  const read = (i: number): string => {
    const pointer = inputs[i]!;
    if (pointer === null) return `s${i}`;
    const load = loading(kernel.inputs[i]!.dtype!, kernel.inputs[i]!.as);
    if (pointer.move !== '1') return load.text(`${pointer.array}[${index(pointer)}]`);
    constants.push(`const c${i} = ${load.text(`${pointer.array}[${pointer.position}${suffix}]`)};`);
    return `c${i}`;
  };
  const still = (i: number): boolean => inputs[i] === null || inputs[i]!.move === '1';
  const expressions = kernel.outputs.map((output) => output.expr);
  const { invariants, statements, results, dtypes } = expressionText(
    expressions,
    kernel.inputs,
    kernel.compute,
    read,
    still,
  );
  const stores = kernel.outputs.map(
    (output, j) => `y${j}[${index(outputs[j]!)}] = ${storing(dtypes[j]!, output.dtype).text(results[j]!)};`,
  );
  const strided = [...inputs, ...outputs].filter((pointer) => pointer?.move === 'n') as Pointer[];
  const starts = strided.map(({ step, position }) => `, at_${step} = ${position}${suffix}${trim}`).join('');
  const moves = strided.map(({ step }) => `, at_${step} = at_${step} + ${step}${trim}`).join('');
  return `${[...constants, ...invariants].join(' ')}
    for (let i = 0${starts}; i < n; i++${moves}) { ${[...statements, ...stores].join(' ')} }`;
}

/**
 * Source of a nest of loops. `wide` is for storages of more than 2^31 elements, whose positions do not fit an int32:
 * V8 adds a loop counter to a position much faster when it is told (`| 0`) that the sum does not overflow.
 */
export function generateMap(kernel: MapKernel, rank: number, pattern: LoopPattern, wide: boolean): MapFunction {
  const trim = wide ? '' : ' | 0';
  const pointers = pointersOf(kernel, pattern);
  const all = [...pointers.inputs, ...pointers.outputs].filter((pointer) => pointer !== null);
  const lines = [`const n = sizes[${rank - 1}];`];
  kernel.inputs.forEach((input, i) => {
    if (input.dtype === null) lines.push(`const s${i} = scalarValue(inputs[${i}], '${input.as}');`);
    else lines.push(`const x${i} = dataOf(inputs[${i}]), p${i} = inputs[${i}].offset;`);
  });
  kernel.outputs.forEach((_, j) => {
    lines.push(`const y${j} = dataOf(outputs[${j}]), q${j} = outputs[${j}].offset;`);
  });
  for (const { move, step, place } of all)
    if (move === 'n') lines.push(`const ${step} = strides[${place}][${rank - 1}];`);
  if (rank === 1) {
    // Most tensors start where their storage does, and an index that is the loop counter itself is the fastest.
    const moving = all.filter(({ move }) => move === 'v').map(({ position }) => `${position} === 0`);
    const general = innermostText(kernel, pattern, '', false, trim);
    if (moving.length === 0) lines.push(general);
    else
      lines.push(
        `if (${moving.join(' && ')}) { ${innermostText(kernel, pattern, '', true, trim)} } else { ${general} }`,
      );
    return generate(`(sizes, strides, inputs, outputs) => { ${lines.join('\n')} }`);
  }
  const level = (d: number): string => {
    const suffix = d === 0 ? '' : `_${d - 1}`;
    if (d === rank - 1) return innermostText(kernel, pattern, suffix, false, trim);
    lines.push(`const n${d} = sizes[${d}];`);
    for (const { position, place } of all) lines.push(`const d${position}_${d} = strides[${place}][${d}];`);
    const copies = all.map(({ position }) => `${position}_${d} = ${position}${suffix}`).join(', ');
    const steps = all.map(({ position }) => `${position}_${d} += d${position}_${d}`).join(', ');
    return `for (let k${d} = 0, ${copies}; k${d} < n${d}; k${d}++, ${steps}) { ${level(d + 1)} }`;
  };
  const nest = level(0);
  return generate(`(sizes, strides, inputs, outputs) => { ${lines.join('\n')}\n${nest} }`);
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
    const values: unknown[] = inputs.map((input, i) =>
      typeof input === 'object' ? null : scalarValue(input, kernel.inputs[i]!.as),
    );
    const targets = outputs.map(dataOf);
    const start = [
      ...inputs.map((input) => (typeof input === 'object' ? input.offset : 0)),
      ...outputs.map((out) => out.offset),
    ];
    walk(sizes, strides, start, (positions) => {
      arrays.forEach((array, i) => {
        if (array !== null) values[i] = loads[i]!.run(array[positions[i]!]);
      });
      // All results before any store: an output may be an input as well.
      const results = computes.map(({ run, store }) => store.run(run(values)));
      results.forEach((value, j) => {
        targets[j]![positions[inputs.length + j]!] = value as never;
      });
    });
  };
}
