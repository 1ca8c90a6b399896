/**
 * @file Shaders of contractions: out[row, column] = Σ over steps of a[row, step] · b[step, column], for each batch. Plain
 * products and convolutions are both of this form. In a convolution columns and steps are multi-indices, and where b is
 * read depends on the sum of a column's and a step's position: see kernels/contraction.ts for the numbers.
 */
import {
  type ContractionForm,
  DEPTH,
  type DotsMethod,
  FAR,
  NOWHERE,
  Pieces,
  TEAM,
  type TiledMethod,
} from './contractionPieces.ts';
import { registersText } from './contractionRegisters.ts';
import { loading } from './lower.ts';
import { shader, WORKGROUP, word } from './shader.ts';

/** Text of a contraction's shader. */
export function contractionText(form: ContractionForm): string {
  const pieces = new Pieces(form);
  if (form.method.kind === 'tiled') return tiledText(pieces, form.method);
  if (form.method.kind === 'registers') return registersText(pieces, form.method);
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

/**
 * Stores an invocation's outputs row by row. Rows move up through the variables of the first: unrolled, this would take
 * long to compile, and elements of an array by a variable index are slow.
 */
function storeTile(pieces: Pieces, method: TiledMethod, quadsA: number, quadsB: number): string {
  const { at, form } = pieces;
  const stores = range(method.columns).map((c) => {
    const value = `c0_${c >> 2}[${c & 3}]`;
    const inTile = `x + ${(c >> 2) * method.across + (c & 3) * quadsB}u`;
    if (form.rank > 0 && !form.partials) {
      return `{ let place = columns[${inTile}].out; if (place != ${NOWHERE}) { put(place + m * ${word(at.rowStrides + 1)}, ${pieces.biasPlace('m', '0u')}, ${value}); } }`;
    }
    const store = form.partials
      ? pieces.partialText('batch', 'chunk', 'm', 'n', value)
      : `put(p2 + m * ${word(at.rowStrides + 1)} + n * ${word(at.columnOut)}, ${pieces.biasPlace('m', 'n')}, ${value});`;
    return `{ let n = first_column + ${inTile}; if (n < ${word(at.columns)}) { ${store} } }`;
  });
  const moves = range(method.rows - 1).flatMap((i) =>
    range(method.columns / 4).map((j) => `c${i}_${j} = c${i + 1}_${j};`),
  );
  return `for (var i = 0u; i < ${method.rows}u; i = i + 1u) {
    let m = first_row + y + (i / 4u) * ${method.down}u + (i % 4u) * ${quadsA}u;
    if (m < ${word(at.rows)}) {
      ${stores.join('\n      ')}
    }
    ${moves.join(' ')}
  }`;
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
  if (share == 0u && number < ${word(at.outputs)}) { ${form.partials ? pieces.partialText('batch', 'chunk', 'm', 'n', 'sum') : putText(pieces, 'sum')} }`;
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
