/**
 * @file Contractions: matrix products, and convolutions as products whose right matrix is never built. Here is what they
 * are in numbers; contractionPlan.ts says which of the shaders in wgsl/contraction.ts runs.
 */
import type { Loops, View } from '@flambeau/tensor/internal';
import type { Commands, Program } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { contractionText } from '../wgsl/contraction.ts';
import { type ContractionForm, contractionWords, epilogueWord } from '../wgsl/contractionPieces.ts';
import { checkDType, valueType } from '../wgsl/lower.ts';
import { WORKGROUP } from '../wgsl/shader.ts';
import { planFor } from './contractionPlan.ts';
import { type Epilogue, epilogueForm, takesEpilogue, viewsOf, writeEpilogue } from './epilogue.ts';
import { bind } from './operands.ts';
import { checkWords, product, withTemporary, writeLoops } from './places.ts';

/**
 * out[row, column] = alpha · Σ over steps of a[row, step] · b[step, column] (+ out) (+ bias), for each batch. Strides and
 * offsets count elements. Columns and steps have one dimension and those of a window: b is read at position shift +
 * columnMove · column + stepMove · step along each of the latter, and is 0 outside of its bounds.
 */
export interface Contraction {
  readonly name: string;
  readonly a: View;
  readonly b: View;
  readonly out: View;
  readonly bias: View | null;
  readonly rows: number;
  /** Of a, out and bias. */
  readonly rowStrides: readonly [number, number, number];
  readonly columnSizes: readonly number[];
  /** Strides of out, one for each dimension. */
  readonly columnOut: readonly number[];
  /** Strides of b and of the bias along the columns' first dimension. */
  readonly columnB: number;
  readonly columnBias: number;
  readonly stepSizes: readonly number[];
  /** Strides of a, one for each dimension. */
  readonly stepA: readonly number[];
  /** Stride of b along the steps' first dimension. */
  readonly stepB: number;
  /** Whether neighbouring steps, not columns, are neighbours in b. */
  readonly stepsOfB: boolean;
  readonly window: readonly WindowAxis[];
  /** Strides of a, b, out and bias. */
  readonly batch: Loops;
  readonly alpha: number;
  readonly accumulate: boolean;
}

export interface WindowAxis {
  readonly columnMove: number;
  readonly stepMove: number;
  readonly shift: number;
  /** Size and stride of b along it. */
  readonly bound: number;
  readonly stride: number;
  /**
   * Where each remainder of (position + padding) modulo the stride is a batch of its own with its share of the taps:
   * every `tapStep`-th. On all axes or on none.
   */
  readonly phase: PhaseAxis | null;
}

export interface PhaseAxis {
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly taps: number;
  readonly tapStep: number;
  /** Of the output. */
  readonly size: number;
}

export interface ContractionSizes {
  readonly rows: number;
  readonly columns: number;
  readonly steps: number;
  readonly batches: number;
  readonly outputs: number;
}

function sizesOf({ rows, columnSizes, stepSizes, batch, window }: Contraction): ContractionSizes {
  const columns = product(columnSizes);
  const batches = window.reduce((count, { phase }) => count * (phase?.stride ?? 1), product(batch.sizes));
  return { rows, columns, steps: product(stepSizes), batches, outputs: rows * columns * batches };
}

/** Computes a contraction whose output is not empty, once it is known whether the next op is its epilogue. */
export function contract(commands: Commands, memory: Memory, product: Contraction): void {
  checkDType(product.name, product.out.dtype);
  const c = held(product);
  const sizes = sizesOf(c);
  const plan = planFor(c, sizes, commands.software);
  commands.defer(c.name, {
    out: c.out,
    operands: c.bias === null ? [c.a, c.b] : [c.a, c.b, c.bias],
    record(epilogue) {
      // With a factor, compilers may round otherwise than the op on its own does.
      if (epilogue !== null && (c.alpha !== 1 || !takesEpilogue(plan, epilogue))) return false;
      record(commands, memory, { c, sizes, ...plan, epilogue });
      return true;
    },
  });
}

/** The contraction with views that stay as they are: tensors may be disposed of or get another layout. */
function held(c: Contraction): Contraction {
  const copy = (view: View): View => {
    const { storage, dtype, shape, strides, offset, elementCount } = view;
    const contiguous = view.isContiguous();
    return { storage, dtype, shape, strides, offset, elementCount, isContiguous: () => contiguous };
  };
  return { ...c, a: copy(c.a), b: copy(c.b), out: copy(c.out), bias: c.bias && copy(c.bias) };
}

function record(commands: Commands, memory: Memory, pass: Pass): void {
  const { c, sizes, chunks, epilogue } = pass;
  if (chunks === 1) {
    dispatch(commands, pass, null);
    return;
  }
  withTemporary(memory, c.out.storage.device, sizes.outputs * chunks, (partials) => {
    dispatch(commands, { ...pass, epilogue: null }, partials);
    dispatch(commands, { ...pass, method: { kind: 'finish' }, epilogue }, partials);
  });
}

interface Pass {
  readonly c: Contraction;
  readonly sizes: ContractionSizes;
  readonly method: ContractionForm['method'];
  readonly chunks: number;
  readonly parts: number;
  readonly epilogue: Epilogue | null;
}

function dispatch(commands: Commands, pass: Pass, partials: View | null): void {
  const { c, method, epilogue } = pass;
  const finish = method.kind === 'finish';
  const first = partials !== null && !finish;
  const named = [finish ? null : c.a, finish ? null : c.b, first ? null : c.out, first ? null : c.bias, partials];
  const joined = epilogue === null ? [] : viewsOf(epilogue);
  const { buffers, places } = bind([...named.filter((view) => view !== null), ...joined]);
  const form: ContractionForm = {
    dtype: c.out.dtype,
    rank: c.window.length,
    batchRank: c.batch.sizes.length,
    phased: c.window.some(({ phase }) => phase !== null),
    bias: !first && c.bias !== null,
    accumulate: !first && c.accumulate,
    partials: first,
    method,
    places: placesOf(named, places),
    epilogue: epilogue === null ? null : epilogueForm(epilogue, places.slice(places.length - joined.length)),
    buffers: buffers.length,
  };
  commands.dispatch(programFor(commands, c.name, form), buffers, groupsOf(pass), (words, floats, start) =>
    writeParameters(pass, form, words, floats, start),
  );
}

/** The buffer of each view; any for views that are not there. */
function placesOf(views: readonly (View | null)[], places: readonly number[]): number[] {
  let next = 0;
  return views.map((view) => (view === null ? 0 : places[next++]!));
}

function programFor(commands: Commands, name: string, form: ContractionForm): Program {
  const { dtype, rank, batchRank, phased, bias, accumulate, partials, method, places, epilogue } = form;
  const how = method.kind === 'finish' ? 'finish' : Object.values(method).join();
  const key = `${dtype},${rank},${batchRank},${phased},${bias},${accumulate},${partials},${how}:${places.join('')}`;
  const joined = epilogue === null ? '' : `:${epilogue.inputs}:${epilogue.output}`;
  // What depends on an op's kernel goes with it.
  return commands.cached(epilogue?.kernel ?? contractionText, key + joined, () => {
    checkWords(name, epilogueWord(form) + (epilogue === null ? 0 : epilogue.inputs.length + 1));
    const label = epilogue === null ? name : `${name} with ${epilogue.kernel.name}`;
    return commands.program(label, contractionText(form), form.buffers);
  });
}

/** Tiles down and across; for dots, outputs and blocks of them. */
function gridOf({ method, sizes }: Pass): [number, number] {
  if (method.kind === 'registers')
    return [Math.ceil(sizes.rows / method.rows), Math.ceil(sizes.columns / method.columns)];
  if (method.kind !== 'tiled')
    return [sizes.outputs, Math.ceil(sizes.outputs / (method.kind === 'dots' ? method.outputs : WORKGROUP))];
  return [
    Math.ceil(sizes.rows / (method.down * method.rows)),
    Math.ceil(sizes.columns / (method.across * method.columns)),
  ];
}

function groupsOf(pass: Pass): number {
  const { method, sizes, chunks } = pass;
  const [down, across] = gridOf(pass);
  if (method.kind === 'finish') return across;
  if (method.kind === 'dots') return across * chunks;
  const tiles = down * across * chunks * sizes.batches;
  return method.kind === 'tiled' ? tiles : Math.ceil(tiles / method.size);
}

function writeParameters(
  pass: Pass,
  form: ContractionForm,
  words: Uint32Array,
  floats: Float32Array,
  start: number,
): void {
  const { c, sizes, chunks } = pass;
  const at = contractionWords(form.rank, form.phased);
  const put = (place: number, value: number): void => {
    words[start + place] = value;
  };
  const putAll = (place: number, values: readonly number[]): void => {
    for (let i = 0; i < values.length; i++) words[start + place + i] = values[i]!;
  };
  const [down, across] = gridOf(pass);
  put(at.groups, groupsOf(pass));
  put(at.rows, sizes.rows);
  put(at.columns, sizes.columns);
  put(at.steps, sizes.steps);
  put(at.down, down);
  put(at.across, across);
  put(at.chunks, chunks);
  if (pass.method.kind === 'registers') {
    put(at.units, down * across * chunks * sizes.batches);
    put(at.parts, pass.parts);
    put(at.chunk, Math.ceil(c.stepSizes[0]! / pass.parts));
    put(at.chunkOutside, Math.ceil((c.stepSizes[1] ?? 1) / (chunks / pass.parts)));
  } else put(at.chunk, Math.ceil(sizes.steps / chunks));
  putAll(at.offsets, [c.a.offset, c.b.offset, c.out.offset, c.bias?.offset ?? 0]);
  putAll(at.rowStrides, c.rowStrides);
  if (valueType(form.dtype) === 'f32') floats[start + at.alpha] = c.alpha;
  else put(at.alpha, c.alpha);
  put(at.columnB, c.columnB);
  put(at.columnBias, c.columnBias);
  put(at.stepB, c.stepB);
  put(at.outputs, sizes.outputs);
  putAll(at.columnSizes, c.columnSizes);
  putAll(at.columnOut, c.columnOut);
  putAll(at.stepSizes, c.stepSizes);
  putAll(at.stepA, c.stepA);
  c.window.forEach((axis, d) => {
    put(at.columnMove + d, axis.columnMove);
    put(at.stepMove + d, axis.stepMove);
    put(at.shift + d, axis.shift);
    put(at.bounds + d, axis.bound);
    put(at.strides + d, axis.stride);
    if (axis.phase === null) return;
    put(at.stride + d, axis.phase.stride);
    put(at.padding + d, axis.phase.padding);
    put(at.dilation + d, axis.phase.dilation);
    put(at.taps + d, axis.phase.taps);
    put(at.tapStep + d, axis.phase.tapStep);
    put(at.sizes + d, axis.phase.size);
  });
  const next = writeLoops(words, start + at.batch, c.batch);
  if (pass.epilogue !== null) writeEpilogue(pass.epilogue, c.out, words, floats, next);
}
