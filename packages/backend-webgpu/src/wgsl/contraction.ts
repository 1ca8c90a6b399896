/**
 * @file Shaders of contractions: out[row, column] = Σ over steps of a[row, step] · b[step, column], for each batch. Plain
 * products and convolutions are both of this form. In a convolution columns and steps are multi-indices, and where b is
 * read depends on the sum of a column's and a step's position: see kernels/contraction.ts for the numbers.
 */
import type { DType } from '@flambeau/tensor/internal';
import { loading, storing, valueType } from './lower.ts';
import { floatWord, intWord, shader, WORKGROUP, word } from './shader.ts';

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
  readonly method: TiledMethod | DotsMethod | { readonly kind: 'finish' };
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

/** Where nothing is: no storage is that large. */
const NOWHERE = '0xffffffffu';
/** A position outside of any window. */
const FAR = '-0x20000000';

/** Pieces of text that all methods share. */
class Pieces {
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
  let p = column.p + step.p;
  if (${rank === 1 ? `p < 0 || p >= ${intWord(at.bounds)}` : `any(p < Position(0)) || any(p >= ${this.vector(at.bounds)})`}) { return ${type}(0); }
  return ${this.load(1, `column.b + step.b + ${this.dims.map((d) => `u32(p${this.component(d)}) * ${word(at.strides + d)}`).join(' + ')}`)};
}`;
    return form.partials ? structures : `${structures}\n${this.putFunction()}`;
  }

  /** `put` stores a sum: scaled, added to what is there, and with the bias, as the form says. */
  putFunction(): string {
    const { form, type, held, at } = this;
    const alpha = type === 'f32' ? floatWord(at.alpha) : intWord(at.alpha);
    return `fn put(place: u32, bias_place: u32, sum: ${type}) {
  var v = sum * ${alpha};
  ${form.accumulate ? `v = v + ${this.load(2, 'place')};` : ''}
  ${form.bias ? `v = v + ${this.load(3, 'bias_place')};` : ''}
  b${form.places[2]}[place] = ${storing(held, form.dtype)('v')};
}`;
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
      lines.push(`let d${d} = rest % ${word(sizes + d)}; rest = rest / ${word(sizes + d)};`);
    lines.push('let d0 = rest;');
    return lines.join(' ');
  }

  position(prefix: string): string {
    return `Position(${this.dims.map((d) => `i32(${prefix}${d + 1})`).join(', ')})`;
  }

  /** Sets the variable `target` to the column number `index`, or to one that is nowhere. */
  columnText(target: string, index: string): string {
    const { form, at } = this;
    const out = this.dims.map((d) => `u32(e${this.component(d)}) * ${word(at.columnOut + d + 1)}`);
    const assign = `${target} = Column(p2 + d0 * ${word(at.columnOut)} + ${out.join(' + ')}, p1 + d0 * ${word(at.columnB)}, d * ${this.vector(at.columnMove)} + ${form.phased ? 'shift' : this.vector(at.shift)});`;
    const there = form.rank === 1 ? `e < ${intWord(at.sizes)}` : `all(e < ${this.vector(at.sizes)})`;
    return `${target} = Column(${NOWHERE}, 0u, Position(${FAR}));
  if (${index} < ${word(at.columns)}) {
    ${this.digits(index, at.columnSizes)}
    let d = ${this.position('d')};
    let e = ${form.phased ? `d * ${this.vector(at.stride)} + first` : 'd'};
    ${form.phased ? `if (${there}) { ${assign} }` : assign}
  }`;
  }

  /** An expression of a step from its digits, with the statements it needs first. */
  stepFromDigits(target: string): string {
    const { form, at } = this;
    const place = this.dims.map((d) => `u32(e${this.component(d)}) * ${word(at.stepA + d + 1)}`);
    const assign = `${target} = Step(d0 * ${word(at.stepA)} + ${place.join(' + ')}, d0 * ${word(at.stepB)}, d * ${this.vector(at.stepMove)});`;
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

  /** The place of an output and that of its bias. */
  biasPlace(row: string, column: string): string {
    const { at, form } = this;
    return form.bias ? `p3 + ${row} * ${word(at.rowStrides + 2)} + ${column} * ${word(at.columnBias)}` : '0u';
  }
}

/** Text of a contraction's shader. */
export function contractionText(form: ContractionForm): string {
  const pieces = new Pieces(form);
  if (form.method.kind === 'tiled') return tiledText(pieces, form.method);
  if (form.method.kind === 'dots') return dotsText(pieces, form.method);
  return finishText(pieces);
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/**
 * A workgroup brings a slice of `DEPTH` steps of its rows and columns to workgroup memory, four of them in a vector, then
 * each invocation adds the outer products of its rows and columns. The four of a vector lie a quarter of the tile apart,
 * so that neighbouring invocations read and write neighbouring elements.
 */
function tiledText(pieces: Pieces, method: TiledMethod): string {
  const { type, at, form } = pieces;
  const tall = method.down * method.rows;
  const wide = method.across * method.columns;
  const [quadsA, quadsB] = [tall / 4, wide / 4];
  // Odd distances between steps spread them over the banks of workgroup memory.
  const [pitchA, pitchB] = [quadsA + 1, quadsB + 1];
  const windowed = form.rank > 0;
  const declarations = `${pieces.declarations()}
var<workgroup> tile_a: array<vec4<${type}>, ${pitchA * DEPTH}>;
var<workgroup> tile_b: array<vec4<${type}>, ${pitchB * DEPTH}>;
${windowed ? `var<workgroup> columns: array<Column, ${wide}>;\nvar<workgroup> steps: array<Step, ${DEPTH}>;` : ''}`;
  const stepsAhead = (first: string): string =>
    windowed
      ? `if (lane < ${DEPTH}u) { var s: Step; ${pieces.stepText('s', `(${first} + lane)`, 'end')} steps[lane] = s; }`
      : '';
  const body = `if (group >= ${word(at.groups)}) { return; }
  var unit = group;
  let first_column = (unit % ${word(at.across)}) * ${wide}u; unit = unit / ${word(at.across)};
  let first_row = (unit % ${word(at.down)}) * ${tall}u; unit = unit / ${word(at.down)};
  let chunk = unit % ${word(at.chunks)}; let batch = unit / ${word(at.chunks)};
  ${pieces.batchText('batch')}
  var k = chunk * ${word(at.chunk)};
  let end = min(k + ${word(at.chunk)}, ${word(at.steps)});
  ${windowed ? `for (var i = lane; i < ${wide}u; i = i + ${TEAM}u) { var c: Column; let number = first_column + i; ${pieces.columnText('c', 'number')} columns[i] = c; }` : ''}
  ${stepsAhead('k')}
  ${windowed ? 'workgroupBarrier();' : ''}
  let x = lane % ${method.across}u;
  let y = lane / ${method.across}u;
  ${range(method.rows)
    .flatMap((i) => range(method.columns / 4).map((j) => `var c${i}_${j} = vec4<${type}>();`))
    .join(' ')}
  for (; k < end; k = k + ${DEPTH}u) {
    ${loadA(pieces, quadsA, pitchA, method.stepsOfA)}
    ${loadB(pieces, quadsB, pitchB, method.stepsOfB)}
    workgroupBarrier();
    ${stepsAhead(`k + ${DEPTH}u`)}
    for (var s = 0u; s < ${DEPTH}u; s = s + 1u) {
      ${range(method.rows / 4)
        .map((i) => `let a${i} = tile_a[s * ${pitchA}u + y + ${i * method.down}u];`)
        .join(' ')}
      ${range(method.columns / 4)
        .map((j) => `let b${j}_ = tile_b[s * ${pitchB}u + x + ${j * method.across}u];`)
        .join(' ')}
      ${range(method.rows)
        .flatMap((i) =>
          range(method.columns / 4).map((j) => `c${i}_${j} = c${i}_${j} + a${i >> 2}[${i & 3}] * b${j}_;`),
        )
        .join('\n      ')}
    }
    workgroupBarrier();
  }
  ${storeTile(pieces, method, quadsA, quadsB)}`;
  return shader(form.buffers, body, declarations, TEAM);
}

/** A loop over the quads that an invocation brings: `q` is the quad's number, `s` that of its step in the slice. */
function quadsText(quads: number, along: boolean, load: string): string {
  const [quad, step] = along ? [`f / ${DEPTH}u`, `f % ${DEPTH}u`] : [`f % ${quads}u`, `f / ${quads}u`];
  return `for (var f = lane; f < ${quads * DEPTH}u; f = f + ${TEAM}u) {
      let q = ${quad}; let s = ${step};
      ${load}
    }`;
}

function loadA(pieces: Pieces, quads: number, pitch: number, along: boolean): string {
  const { at, form, type } = pieces;
  const [there, step] =
    form.rank > 0 ? [`steps[s].a != ${NOWHERE}`, 'steps[s].a'] : ['k + s < end', `(k + s) * ${word(at.stepA)}`];
  const row = (j: number): string => `min(first_row + q + ${j * quads}u, ${word(at.rows)} - 1u)`;
  const values = range(4).map((j) => pieces.load(0, `step + ${row(j)} * ${word(at.rowStrides)}`));
  return quadsText(
    quads,
    along,
    `var v = vec4<${type}>(); if (${there}) { let step = p0 + ${step}; v = vec4<${type}>(${values.join(', ')}); } tile_a[s * ${pitch}u + q] = v;`,
  );
}

function loadB(pieces: Pieces, quads: number, pitch: number, along: boolean): string {
  const { at, form, type } = pieces;
  if (form.rank > 0) {
    const values = range(4).map((j) => `b_at(columns[q + ${j * quads}u], step)`);
    return quadsText(
      quads,
      along,
      `let step = steps[s]; tile_b[s * ${pitch}u + q] = vec4<${type}>(${values.join(', ')});`,
    );
  }
  const column = (j: number): string => `min(first_column + q + ${j * quads}u, ${word(at.columns)} - 1u)`;
  const values = range(4).map((j) => pieces.load(1, `step + ${column(j)} * ${word(at.columnB)}`));
  return quadsText(
    quads,
    along,
    `var v = vec4<${type}>(); if (k + s < end) { let step = p1 + (k + s) * ${word(at.stepB)}; v = vec4<${type}>(${values.join(', ')}); } tile_b[s * ${pitch}u + q] = v;`,
  );
}

/** Stores an invocation's outputs: one after another, since unrolled they take long to compile. */
function storeTile(pieces: Pieces, method: TiledMethod, quadsA: number, quadsB: number): string {
  const { at, form, type } = pieces;
  const across = method.columns / 4;
  const sums = range(method.rows).flatMap((i) => range(across).map((j) => `c${i}_${j}`));
  const inTile = `x + (j / 4u) * ${method.across}u + (j % 4u) * ${quadsB}u`;
  const value = `sums[i * ${across}u + j / 4u][j % 4u]`;
  const store = form.partials
    ? `if (n < ${word(at.columns)}) { ${partialText(pieces, 'batch', 'chunk', 'm', 'n', value)} }`
    : form.rank > 0
      ? `let place = columns[${inTile}].out; if (place != ${NOWHERE}) { put(place + m * ${word(at.rowStrides + 1)}, ${pieces.biasPlace('m', '0u')}, ${value}); }`
      : `if (n < ${word(at.columns)}) { put(p2 + m * ${word(at.rowStrides + 1)} + n * ${word(at.columnOut)}, ${pieces.biasPlace('m', 'n')}, ${value}); }`;
  return `var sums = array<vec4<${type}>, ${sums.length}>(${sums.join(', ')});
  for (var i = 0u; i < ${method.rows}u; i = i + 1u) {
    let m = first_row + y + (i / 4u) * ${method.down}u + (i % 4u) * ${quadsA}u;
    if (m >= ${word(at.rows)}) { continue; }
    for (var j = 0u; j < ${method.columns}u; j = j + 1u) {
      let n = first_column + ${inTile};
      ${store}
    }
  }`;
}

/** Stores a partial sum: chunk by chunk, in each batch by batch, row-major. */
function partialText(
  { form, at, held }: Pieces,
  batch: string,
  chunk: string,
  row: string,
  column: string,
  value: string,
): string {
  const place = `${chunk} * ${word(at.outputs)} + (${batch} * ${word(at.rows)} + ${row}) * ${word(at.columns)} + ${column}`;
  return `b${form.places[4]}[${place}] = ${storing(held, held)(value)};`;
}

/** From output number `e`: `m`, `n`, `batch`, the batch's places, and the column. */
function outputText(pieces: Pieces): string {
  const { at, form } = pieces;
  return `let n = e % ${word(at.columns)};
  let m = (e / ${word(at.columns)}) % ${word(at.rows)};
  let batch = e / ${word(at.columns)} / ${word(at.rows)};
  ${pieces.batchText('batch')}
  ${form.rank > 0 ? `var column: Column; ${pieces.columnText('column', 'n')}` : ''}`;
}

/** Stores the result of output `m`, `n`. */
function putText(pieces: Pieces, value: string): string {
  const { at, form } = pieces;
  const row = `m * ${word(at.rowStrides + 1)}`;
  if (form.rank === 0) return `put(p2 + ${row} + n * ${word(at.columnOut)}, ${pieces.biasPlace('m', 'n')}, ${value});`;
  return `if (column.out != ${NOWHERE}) { put(column.out + ${row}, ${pieces.biasPlace('m', '0u')}, ${value}); }`;
}

/** Each output by a few invocations, or one. Nothing is shared between outputs. */
function dotsText(pieces: Pieces, { outputs, lanes }: DotsMethod): string {
  const { at, form, type } = pieces;
  const declarations = `${pieces.declarations()}\n${lanes > 1 ? `var<workgroup> sums: array<${type}, ${outputs * lanes}>;` : ''}`;
  const tree = `sums[lane] = sum;
  workgroupBarrier();
  for (var s = ${(outputs * lanes) / 2}u; s >= ${outputs}u; s = s >> 1u) {
    if (lane < s) { sums[lane] = sums[lane] + sums[lane + s]; }
    workgroupBarrier();
  }
  sum = sums[lane];`;
  const body = `if (group >= ${word(at.groups)}) { return; }
  let chunk = group / ${word(at.across)};
  let number = (group % ${word(at.across)}) * ${outputs}u + lane % ${outputs}u;
  let e = min(number, ${word(at.outputs)} - 1u);
  let share = lane / ${outputs}u;
  ${outputText(pieces)}
  let start = chunk * ${word(at.chunk)};
  let end = min(start + ${word(at.chunk)}, ${word(at.steps)});
  var sum = ${type}(0);
  let row = p0 + m * ${word(at.rowStrides)};
  ${form.rank === 0 ? plainSteps(pieces, lanes) : lanes > 1 ? dividedSteps(pieces, lanes) : nestedSteps(pieces)}
  ${lanes > 1 ? tree : ''}
  if (share == 0u && number < ${word(at.outputs)}) { ${form.partials ? partialText(pieces, 'batch', 'chunk', 'm', 'n', 'sum') : putText(pieces, 'sum')} }`;
  return shader(form.buffers, body, declarations, outputs * lanes);
}

function plainSteps(pieces: Pieces, lanes: number): string {
  const { at } = pieces;
  const a = pieces.load(0, `row + k * ${word(at.stepA)}`);
  const b = pieces.load(1, `line + k * ${word(at.stepB)}`);
  return `let line = p1 + n * ${word(at.columnB)};
  for (var k = start + share; k < end; k = k + ${lanes}u) { sum = sum + ${a} * ${b}; }`;
}

function dividedSteps(pieces: Pieces, lanes: number): string {
  return `for (var k = start + share; k < end; k = k + ${lanes}u) {
    var step: Step; ${pieces.stepText('step', 'k', 'end')}
    if (step.a != ${NOWHERE}) { sum = sum + ${pieces.load(0, 'row + step.a')} * b_at(column, step); }
  }`;
}

/** One loop for each dimension of the steps: no divisions. */
function nestedSteps(pieces: Pieces): string {
  const { at, form } = pieces;
  const loops = range(form.rank + 1).map(
    (d) => `for (var d${d} = 0u; d${d} < ${word(at.stepSizes + d)}; d${d} = d${d} + 1u) {`,
  );
  return `${loops.join(' ')}
    var step = Step(${NOWHERE}, 0u, Position(${FAR}));
    ${pieces.stepFromDigits('step')}
    if (step.a != ${NOWHERE}) { sum = sum + ${pieces.load(0, 'row + step.a')} * b_at(column, step); }
  ${'}'.repeat(form.rank + 1)}`;
}

/** Adds up the chunks' partial sums. */
function finishText(pieces: Pieces): string {
  const { at, form, held, type } = pieces;
  const partial = loading(held, held)(`b${form.places[4]}[c * ${word(at.outputs)} + e]`);
  const body = `let e = group * ${WORKGROUP}u + lane;
  if (e >= ${word(at.outputs)}) { return; }
  ${outputText(pieces)}
  var sum = ${type}(0);
  for (var c = 0u; c < ${word(at.chunks)}; c = c + 1u) { sum = sum + ${partial}; }
  ${putText(pieces, 'sum')}`;
  return shader(form.buffers, body, pieces.declarations());
}
