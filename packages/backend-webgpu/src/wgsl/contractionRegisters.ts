/**
 * @file The shader of a contraction in which each invocation keeps a tile of outputs in registers and shares nothing: no
 * workgroup memory, no barriers. Software adapters run it several times as fast as tiles in workgroup memory: a barrier
 * makes them switch between all invocations, and reading workgroup memory costs them as much as reading any other.
 */
import { FAR, NOWHERE, type Pieces, type RegistersMethod } from './contractionPieces.ts';
import { shader, word } from './shader.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Text of the shader. Columns and rows of a tile follow each other. */
export function registersText(pieces: Pieces, method: RegistersMethod): string {
  const { type, at, form } = pieces;
  const { rows, columns } = method;
  const sums = range(rows).flatMap((i) => range(columns).map((j) => `var s${i}_${j} = ${type}(0);`));
  const body = `let unit = group * ${method.size}u + lane;
  if (unit >= ${word(at.units)}) { return; }
  var part = unit;
  let first_column = (part % ${word(at.across)}) * ${columns}u; part = part / ${word(at.across)};
  let first_row = (part % ${word(at.down)}) * ${rows}u; part = part / ${word(at.down)};
  let chunk = part % ${word(at.chunks)}; let batch = part / ${word(at.chunks)};
  ${pieces.batchText('batch')}
  let start = (chunk % ${word(at.parts)}) * ${word(at.chunk)};
  let end = min(start + ${word(at.chunk)}, ${word(at.stepSizes)});
  ${range(rows)
    .map((i) => `let row${i} = p0 + min(first_row + ${i}u, ${word(at.rows)} - 1u) * ${word(at.rowStrides)};`)
    .join('\n  ')}
  ${form.rank > 0 ? columnsText(pieces, columns) : plainColumns(pieces, columns)}
  ${sums.join(' ')}
  ${form.rank > 0 ? tapsText(pieces, rows, columns) : plainSteps(pieces, rows, columns)}
  ${storeText(pieces, rows, columns)}`;
  return shader(form.buffers, body, pieces.declarations(), method.size);
}

const plainColumns = ({ at }: Pieces, columns: number): string =>
  range(columns)
    .map((j) => `let line${j} = p1 + min(first_column + ${j}u, ${word(at.columns)} - 1u) * ${word(at.columnB)};`)
    .join('\n  ');

/** One column after the other: only the first is found by divisions. */
function columnsText(pieces: Pieces, columns: number): string {
  const { at, form } = pieces;
  const digits = range(form.rank + 1);
  const next = [...digits]
    .reverse()
    .map((d) =>
      d === 0 ? 'n0 = n0 + 1u;' : `n${d} = n${d} + 1u; if (n${d} == ${word(at.columnSizes + d)}) { n${d} = 0u;`,
    );
  const step = `${next.join(' ')} ${'}'.repeat(form.rank)}`;
  const lines = [
    `{ ${pieces.digits('first_column', at.columnSizes)} ${digits.map((d) => `n${d} = d${d};`).join(' ')} }`,
  ];
  for (const j of range(columns)) {
    lines.push(`var column${j} = Column(${NOWHERE}, 0u, Position(${FAR}));
  if (first_column + ${j}u < ${word(at.columns)}) { ${digits.map((d) => `let d${d} = n${d};`).join(' ')} ${pieces.columnFromDigits(`column${j}`)} }`);
    if (j < columns - 1) lines.push(step);
  }
  return `${digits.map((d) => `var n${d} = 0u;`).join(' ')}\n  ${lines.join('\n  ')}`;
}

const products = (rows: number, columns: number): string =>
  range(rows)
    .flatMap((i) => range(columns).map((j) => `s${i}_${j} = s${i}_${j} + a${i} * v${j};`))
    .join('\n      ');

function plainSteps(pieces: Pieces, rows: number, columns: number): string {
  const { at } = pieces;
  return `var move_a = start * ${word(at.stepA)}; var move_b = start * ${word(at.stepB)};
  for (var k = start; k < end; k = k + 1u) {
      ${range(rows)
        .map((i) => `let a${i} = ${pieces.load(0, `row${i} + move_a`)};`)
        .join('\n      ')}
      ${range(columns)
        .map((j) => `let v${j} = ${pieces.load(1, `line${j} + move_b`)};`)
        .join('\n      ')}
      ${products(rows, columns)}
      move_a = move_a + ${word(at.stepA)}; move_b = move_b + ${word(at.stepB)};
  }`;
}

/** Loops over the window outside, so that positions are compared with bounds once for all of the inner dimension. */
function tapsText(pieces: Pieces, rows: number, columns: number): string {
  const { at, form, type } = pieces;
  const loops = range(form.rank).map((d) =>
    d === 0
      ? 'for (var d1 = start1; d1 < end1; d1 = d1 + 1u) {'
      : `for (var d${d + 1} = 0u; d${d + 1} < ${word(at.stepSizes + d + 1)}; d${d + 1} = d${d + 1} + 1u) {`,
  );
  const bounds = form.rank === 1 ? word(at.bounds) : pieces.unsigned(pieces.vector(at.bounds));
  const inside = (j: number): string => {
    const compared = `${pieces.unsigned(`column${j}.p + step.p`)} < bounds`;
    return form.rank === 1 ? compared : `all(${compared})`;
  };
  return `let start1 = (chunk / ${word(at.parts)}) * ${word(at.chunkOutside)};
  let end1 = min(start1 + ${word(at.chunkOutside)}, ${word(at.stepSizes + 1)});
  let bounds = ${bounds};
  ${loops.join(' ')}
    var step = Step(${NOWHERE}, 0u, Position(${FAR}));
    { let d0 = start; ${pieces.stepFromDigits('step')} }
    if (step.a == ${NOWHERE}) { continue; }
    ${range(columns)
      .map((j) => `let inside${j} = ${inside(j)}; let line${j} = select(0u, column${j}.b + step.b, inside${j});`)
      .join('\n    ')}
    var move_a = step.a; var move_b = 0u;
    for (var k = start; k < end; k = k + 1u) {
      ${range(rows)
        .map((i) => `let a${i} = ${pieces.load(0, `row${i} + move_a`)};`)
        .join('\n      ')}
      ${range(columns)
        .map((j) => `let v${j} = select(${type}(0), ${pieces.load(1, `line${j} + move_b`)}, inside${j});`)
        .join('\n      ')}
      ${products(rows, columns)}
      move_a = move_a + ${word(at.stepA)}; move_b = move_b + ${word(at.stepB)};
    }
  ${'}'.repeat(form.rank)}`;
}

/** Stores row by row; rows move up through the variables of the first, since unrolled text takes long to compile. */
function storeText(pieces: Pieces, rows: number, columns: number): string {
  const { at, form } = pieces;
  const stores = range(columns).map((j) => {
    const value = `s0_${j}`;
    if (form.rank > 0 && !form.partials)
      return `if (column${j}.out != ${NOWHERE}) { put(column${j}.out + m * ${word(at.rowStrides + 1)}, ${pieces.biasPlace('m', '0u')}, ${value}); }`;
    const store = form.partials
      ? pieces.partialText('batch', 'chunk', 'm', 'n', value)
      : `put(p2 + m * ${word(at.rowStrides + 1)} + n * ${word(at.columnOut)}, ${pieces.biasPlace('m', 'n')}, ${value});`;
    return `{ let n = first_column + ${j}u; if (n < ${word(at.columns)}) { ${store} } }`;
  });
  const moves = range(rows - 1).flatMap((i) => range(columns).map((j) => `s${i}_${j} = s${i + 1}_${j};`));
  return `let last = min(first_row + ${rows}u, ${word(at.rows)});
  for (var m = first_row; m < last; m = m + 1u) {
    ${stores.join('\n    ')}
    ${moves.join(' ')}
  }`;
}
