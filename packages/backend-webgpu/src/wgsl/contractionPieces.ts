/**
 * @file What the shaders of contractions have in common: parameter words, how a column's and a step's number become
 * places and positions, how a batch is found, and how a result is stored.
 */
import type { DType } from '@flambeau/tensor';
import { type EpilogueForm, epilogueFunction } from './epilogue.ts';
import { loading, storing, valueType } from './lower.ts';
import { floatWord, intWord, word } from './shader.ts';

/** A tile of outputs for each workgroup: `down` × `across` invocations with `rows` × `columns` outputs each. */
export interface TiledMethod {
  readonly kind: 'tiled';
  readonly down: number;
  readonly across: number;
  /** Multiples of 4. */
  readonly rows: number;
  readonly columns: number;
  /** Whether neighbours in memory are neighbouring steps, not rows (of a) or columns (of b). */
  readonly stepsOfA: boolean;
  readonly stepsOfB: boolean;
}

/** `outputs` results for each workgroup, each the work of `lanes` invocations that share its steps. */
export interface DotsMethod {
  readonly kind: 'dots';
  readonly outputs: number;
  readonly lanes: number;
}

/** A tile of `rows` × `columns` outputs for each invocation; `size` of them are a workgroup. */
export interface RegistersMethod {
  readonly kind: 'registers';
  readonly rows: number;
  readonly columns: number;
  readonly size: number;
}

/** All that the text of a shader depends on. */
export interface ContractionForm {
  readonly dtype: DType;
  /** Dimensions of the sliding window; 0 for plain products. */
  readonly rank: number;
  readonly batchRank: number;
  /** Whether outputs of one remainder modulo the stride are a batch of their own (gradient of a strided convolution). */
  readonly phased: boolean;
  readonly bias: boolean;
  readonly accumulate: boolean;
  readonly partials: boolean;
  readonly method: TiledMethod | DotsMethod | RegistersMethod | { readonly kind: 'finish' };
  readonly epilogue: EpilogueForm | null;
  /** Numbers of the buffers of a, b, out and bias (or another of them), and of partial sums. */
  readonly places: readonly number[];
  readonly buffers: number;
}

/** Invocations of a workgroup; there are barriers, so that few are good. */
export const TEAM = 64;
/** Steps that a tile takes at once. */
export const DEPTH = 16;

/** Parameter words by name; lists have one word for each dimension. */
export function contractionWords(rank: number, phased: boolean) {
  let next = 0;
  const take = (count: number): number => {
    next += count;
    return next - count;
  };
  return {
    groups: take(1),
    rows: take(1),
    columns: take(1),
    steps: take(1),
    /** Tiles down and across; of dots, outputs and blocks of them. */
    down: take(1),
    across: take(1),
    chunks: take(1),
    chunk: take(1),
    /** Of tiles in registers: invocations, chunks along the inner steps, and steps of the first outer dimension in a chunk. */
    units: take(1),
    parts: take(1),
    chunkOutside: take(1),
    /** Of a, b, out and bias. */
    offsets: take(4),
    rowStrides: take(3),
    alpha: take(1),
    columnB: take(1),
    columnBias: take(1),
    stepB: take(1),
    outputs: take(1),
    columnSizes: take(rank + 1),
    columnOut: take(rank + 1),
    stepSizes: take(rank + 1),
    stepA: take(rank + 1),
    columnMove: take(rank),
    stepMove: take(rank),
    shift: take(rank),
    bounds: take(rank),
    strides: take(rank),
    stride: take(phased ? rank : 0),
    padding: take(phased ? rank : 0),
    dilation: take(phased ? rank : 0),
    taps: take(phased ? rank : 0),
    tapStep: take(phased ? rank : 0),
    sizes: take(phased ? rank : 0),
    batch: next,
  };
}

/** The first parameter word of the epilogue, after the loops over batches. */
export const epilogueWord = ({ rank, phased, batchRank }: ContractionForm): number =>
  contractionWords(rank, phased).batch + batchRank * 5;

/** Where nothing is: no storage is that large. */
export const NOWHERE = '0xffffffffu';
/** A position outside of any window. */
export const FAR = '-0x20000000';

/** Pieces of text that all methods share. */
export class Pieces {
  readonly form: ContractionForm;
  readonly at: ReturnType<typeof contractionWords>;
  /** The dtype of sums and the WGSL type of it. */
  readonly held: DType;
  readonly type: 'f32' | 'i32';
  readonly dims: number[];

  constructor(form: ContractionForm) {
    this.form = form;
    this.at = contractionWords(form.rank, form.phased);
    this.type = valueType(form.dtype) === 'f32' ? 'f32' : 'i32';
    this.held = this.type === 'f32' ? 'float32' : 'int32';
    this.dims = Array.from({ length: form.rank }, (_, d) => d);
  }

  get positionType(): string {
    return this.form.rank === 1 ? 'i32' : `vec${this.form.rank}<i32>`;
  }

  /** A vector of parameter words, or a scalar for one dimension. */
  vector(start: number): string {
    return `Position(${this.dims.map((d) => intWord(start + d)).join(', ')})`;
  }

  load(view: number, place: string): string {
    const { places, dtype } = this.form;
    return loading(dtype, this.held)(`b${places[view]}[${place}]`);
  }

  /** Structures, and the functions that read b and store a result. */
  declarations(): string {
    const { form, type, at } = this;
    const { rank } = form;
    const structures =
      rank === 0
        ? ''
        : `alias Position = ${this.positionType};
struct Column { out: u32, b: u32, p: Position }
struct Step { a: u32, b: u32, p: Position }
fn b_at(column: Column, step: Step) -> ${type} {
  let p = ${this.unsigned('column.p + step.p')};
  if (${rank === 1 ? `p < ${word(at.bounds)}` : `all(p < ${this.unsigned(this.vector(at.bounds))})`}) { return ${this.load(1, 'column.b + step.b')}; }
  return ${type}(0);
}`;
    return form.partials ? structures : `${structures}\n${this.epilogueFunction()}\n${this.putFunction()}`;
  }

  epilogueFunction(): string {
    const { epilogue, dtype, places } = this.form;
    return epilogue === null ? '' : epilogueFunction(epilogue, { dtype, buffer: places[2]! }, epilogueWord(this.form));
  }

  /** Stores `value`, a result, and what the epilogue makes of it. */
  storeText(place: string, value: string): string {
    const { epilogue, dtype, places } = this.form;
    const store = `b${places[2]}[${place}] =`;
    const stored = storing(this.held, dtype)(value);
    if (epilogue === null) return `${store} ${stored};`;
    return `{ let stored = ${stored}; ${epilogue.output === 'result' ? '' : `${store} stored;`} epilogue(${place}, stored); }`;
  }

  /** `put` stores a sum: scaled, added to what is there, and with the bias, as the form says. */
  putFunction(): string {
    const { form, type, at } = this;
    const alpha = type === 'f32' ? floatWord(at.alpha) : intWord(at.alpha);
    return `fn put(place: u32, bias_place: u32, sum: ${type}) {
  var v = sum * ${alpha};
  ${form.accumulate ? `v = v + ${this.load(2, 'place')};` : ''}
  ${form.bias ? `v = v + ${this.load(3, 'bias_place')};` : ''}
  ${this.storeText('place', 'v')}
}`;
  }

  /** Negative positions become large ones, so that one comparison does. */
  unsigned(position: string): string {
    const { rank } = this.form;
    return `bitcast<${rank === 1 ? 'u32' : `vec${rank}<u32>`}>(${position})`;
  }

  /** What a position `p` moves in b; negative terms wrap around. */
  moved(p: string): string {
    return this.dims.map((d) => `u32(${p}${this.component(d)}) * ${word(this.at.strides + d)}`).join(' + ');
  }

  component(d: number): string {
    return this.form.rank === 1 ? '' : `[${d}]`;
  }

  /** Declares `p0` … `p3`, the places of a, b, out and bias for batch `index`, and a phase's numbers. */
  batchText(index: string): string {
    const { form, at } = this;
    const { batchRank } = form;
    const lines = [0, 1, 2, 3].map((v) => `var p${v} = ${word(at.offsets + v)};`);
    if (batchRank + (form.phased ? 1 : 0) > 0) lines.push(`var outer = ${index};`);
    if (form.phased) lines.push(this.phaseText());
    for (let d = batchRank - 1; d >= 0; d--) {
      const size = word(at.batch + d);
      const along = d > 0 ? `outer % ${size}` : 'outer';
      const moves = [0, 1, 2, 3].map((v) => `p${v} = p${v} + along * ${word(at.batch + batchRank * (1 + v) + d)};`);
      lines.push(`{ let along = ${along}; ${moves.join(' ')} }${d > 0 ? ` outer = outer / ${size};` : ''}`);
    }
    return lines.join('\n  ');
  }

  /**
   * A phase is a remainder r of (position + padding) modulo the stride along each dimension: its first position, the
   * first tap that reaches it (every `tapStep`-th does), and the shift of what they read. No tap may reach it.
   */
  phaseText(): string {
    const { at } = this;
    const lines = ['var first: Position; var tap: Position; var shift: Position;'];
    for (const d of [...this.dims].reverse()) {
      const [stride, padding, dilation, taps] = [at.stride, at.padding, at.dilation, at.taps].map((start) =>
        intWord(start + d),
      );
      const c = this.component(d);
      lines.push(`{
    let r = i32(outer) % ${stride}; outer = outer / ${word(at.stride + d)};
    var t = 0;
    while (t < ${taps} && (t * ${dilation} - r) % ${stride} != 0) { t = t + 1; }
    let f = (r + ${stride} - ${padding} % ${stride}) % ${stride};
    first${c} = f; tap${c} = t; shift${c} = (f + ${padding} - t * ${dilation}) / ${stride};
  }`);
    }
    return lines.join('\n  ');
  }

  /** Splits `index` into digits `d0` (the outermost), `d1`, … by sizes at word `sizes`. */
  digits(index: string, sizes: number): string {
    const { rank } = this.form;
    const lines = [`var rest = ${index};`];
    for (let d = rank; d > 0; d--)
      lines.push(`let q${d} = rest / ${word(sizes + d)}; let d${d} = rest - q${d} * ${word(sizes + d)}; rest = q${d};`);
    lines.push('let d0 = rest;');
    return lines.join(' ');
  }

  position(prefix: string): string {
    return `Position(${this.dims.map((d) => `i32(${prefix}${d + 1})`).join(', ')})`;
  }

  /** Sets the variable `target` to the column number `index`, or to one that is nowhere. */
  columnText(target: string, index: string): string {
    return `${target} = Column(${NOWHERE}, 0u, Position(${FAR}));
  if (${index} < ${word(this.at.columns)}) {
    ${this.digits(index, this.at.columnSizes)}
    ${this.columnFromDigits(target)}
  }`;
  }

  /** Sets the variable `target` to the column with digits `d0`, … if it is there. */
  columnFromDigits(target: string): string {
    const { form, at } = this;
    const out = this.dims.map((d) => `u32(e${this.component(d)}) * ${word(at.columnOut + d + 1)}`);
    const assign = `let p = d * ${this.vector(at.columnMove)} + ${form.phased ? 'shift' : this.vector(at.shift)};
    ${target} = Column(p2 + d0 * ${word(at.columnOut)} + ${out.join(' + ')}, p1 + d0 * ${word(at.columnB)} + ${this.moved('p')}, p);`;
    const there = form.rank === 1 ? `e < ${intWord(at.sizes)}` : `all(e < ${this.vector(at.sizes)})`;
    return `let d = ${this.position('d')};
    let e = ${form.phased ? `d * ${this.vector(at.stride)} + first` : 'd'};
    ${form.phased ? `if (${there}) { ${assign} }` : assign}`;
  }

  /** Sets the variable `target` to the step with digits `d0`, … if it is there. */
  stepFromDigits(target: string): string {
    const { form, at } = this;
    const place = this.dims.map((d) => `u32(e${this.component(d)}) * ${word(at.stepA + d + 1)}`);
    const assign = `let p = d * ${this.vector(at.stepMove)};
    ${target} = Step(d0 * ${word(at.stepA)} + ${place.join(' + ')}, d0 * ${word(at.stepB)} + ${this.moved('p')}, p);`;
    const there = form.rank === 1 ? `e < ${intWord(at.taps)}` : `all(e < ${this.vector(at.taps)})`;
    return `let d = ${this.position('d')};
    let e = ${form.phased ? `d * ${this.vector(at.tapStep)} + tap` : 'd'};
    ${form.phased ? `if (${there}) { ${assign} }` : assign}`;
  }

  /** Sets the variable `target` to step number `index`, or to one that is nowhere. */
  stepText(target: string, index: string, end: string): string {
    return `${target} = Step(${NOWHERE}, 0u, Position(${FAR}));
  if (${index} < ${end}) {
    ${this.digits(index, this.at.stepSizes)}
    ${this.stepFromDigits(target)}
  }`;
  }

  /** Stores a partial sum: chunk by chunk, in each batch by batch, row-major. */
  partialText(batch: string, chunk: string, row: string, column: string, value: string): string {
    const { form, at, held } = this;
    const place = `${chunk} * ${word(at.outputs)} + (${batch} * ${word(at.rows)} + ${row}) * ${word(at.columns)} + ${column}`;
    return `b${form.places[4]}[${place}] = ${storing(held, held)(value)};`;
  }

  /** The place of an output and that of its bias. */
  biasPlace(row: string, column: string): string {
    const { at, form } = this;
    return form.bias ? `p3 + ${row} * ${word(at.rowStrides + 2)} + ${column} * ${word(at.columnBias)}` : '0u';
  }
}
