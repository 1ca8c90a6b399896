/**
 * @file The shader of a contraction in which each invocation keeps a tile of outputs in registers and shares nothing: no
 * workgroup memory, no barriers. It is for software adapters: there a barrier makes a core switch between all invocations of
 * a workgroup, workgroup memory is as slow as any other, and in SwiftShader every `if` and every entry of a loop costs as
 * much as twenty loads where many variables live. So the steps are one loop whose body knows no condition, and what lies
 * beyond an edge is computed and stored again with the last row or column.
 */
import type { Pieces, RegistersMethod } from './contractionPieces.ts';
import { floatWord, intWord, shader, word } from './shader.ts';

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
  let start0 = (chunk % ${word(at.parts)}) * ${word(at.chunk)};
  let end0 = min(start0 + ${word(at.chunk)}, ${word(at.stepSizes)});
  ${range(rows)
    .map(
      (i) =>
        `let m${i} = min(first_row + ${i}u, ${word(at.rows)} - 1u); let row${i} = p0 + m${i} * ${word(at.rowStrides)};`,
    )
    .join('\n  ')}
  ${range(columns)
    .map((j) => `let n${j} = min(first_column + ${j}u, ${word(at.columns)} - 1u);`)
    .join(' ')}
  ${form.rank > 0 ? windowColumns(pieces, columns) : plainColumns(pieces, columns)}
  ${sums.join(' ')}
  ${form.rank > 0 ? windowSteps(pieces, rows, columns) : plainSteps(pieces, rows, columns)}
  ${storeText(pieces, rows, columns)}`;
  const position = form.rank > 0 ? `alias Position = ${pieces.positionType};` : '';
  return shader(form.buffers, body, `${position}\n${pieces.epilogueFunction()}`, method.size);
}

const plainColumns = ({ at }: Pieces, columns: number): string =>
  range(columns)
    .map((j) => `let line${j} = p1 + n${j} * ${word(at.columnB)}; let out${j} = p2 + n${j} * ${word(at.columnOut)};`)
    .join('\n  ');

const products = (rows: number, columns: number): string =>
  range(rows)
    .flatMap((i) => range(columns).map((j) => `s${i}_${j} = s${i}_${j} + a${i} * v${j};`))
    .join('\n    ');

function plainSteps(pieces: Pieces, rows: number, columns: number): string {
  const { at } = pieces;
  return `let step_a = ${word(at.stepA)}; let step_b = ${word(at.stepB)};
  var move_a = start0 * step_a; var move_b = start0 * step_b;
  for (var k = start0; k < end0; k = k + 1u) {
    ${range(rows)
      .map((i) => `let a${i} = ${pieces.load(0, `row${i} + move_a`)};`)
      .join('\n    ')}
    ${range(columns)
      .map((j) => `let v${j} = ${pieces.load(1, `line${j} + move_b`)};`)
      .join('\n    ')}
    ${products(rows, columns)}
    move_a = move_a + step_a; move_b = move_b + step_b;
  }`;
}

/** Adds one to the digits `names`, the last first: each goes from `starts` to before `ends`. */
function countUp(names: readonly string[], starts: readonly string[], ends: readonly string[]): string {
  const lines: string[] = [];
  for (let d = names.length - 1; d >= 0; d--) {
    const [name, more] = [names[d]!, d === names.length - 1 ? '1u' : `select(0u, 1u, full${d + 1})`];
    lines.push(`let next${d} = ${name} + ${more};`);
    if (d === 0) lines.push(`${name} = next0;`);
    else lines.push(`let full${d} = next${d} == ${ends[d]!}; ${name} = select(next${d}, ${starts[d]!}, full${d});`);
  }
  return `{ ${lines.join(' ')} }`;
}

/** Where each column is in b and in out, and at which position; only the first is found by divisions. */
function windowColumns(pieces: Pieces, columns: number): string {
  const { at, form } = pieces;
  const digits = range(form.rank + 1);
  const names = digits.map((d) => `c${d}`);
  const lines = [
    `${names.map((name) => `var ${name} = 0u;`).join(' ')} { ${pieces.digits('first_column', at.columnSizes)} ${digits.map((d) => `c${d} = d${d};`).join(' ')} }`,
  ];
  const sizes = digits.map((d) => word(at.columnSizes + d));
  for (const j of range(columns)) {
    const there = form.rank === 1 ? `x${j} < ${intWord(at.sizes)}` : `all(x${j} < ${pieces.vector(at.sizes)})`;
    lines.push(
      `let d${j} = ${pieces.position('c')};`,
      `let x${j} = ${form.phased ? `d${j} * ${pieces.vector(at.stride)} + first` : `d${j}`};`,
      `let at${j} = d${j} * ${pieces.vector(at.columnMove)} + ${form.phased ? 'shift' : pieces.vector(at.shift)};`,
      `let line${j} = p1 + c0 * ${word(at.columnB)} + ${pieces.moved(`at${j}`)};`,
      `let out${j} = p2 + c0 * ${word(at.columnOut)} + ${pieces.dims.map((d) => `u32(x${j}${pieces.component(d)}) * ${word(at.columnOut + d + 1)}`).join(' + ')};`,
    );
    if (form.phased) lines.push(`let there${j} = ${there};`);
    if (j === columns - 1) continue;
    // Beyond the last column the digits stay.
    const before = names.map((name, d) => `let was${d} = ${name};`).join(' ');
    const after = names.map((name, d) => `${name} = select(was${d}, ${name}, n${j + 1} != n${j});`).join(' ');
    lines.push(
      `{ ${before} ${countUp(
        names,
        digits.map(() => '0u'),
        sizes,
      )} ${after} }`,
    );
  }
  return lines.join('\n  ');
}

function windowSteps(pieces: Pieces, rows: number, columns: number): string {
  const { at, form, type } = pieces;
  const digits = range(form.rank + 1);
  const names = digits.map((d) => `t${d}`);
  const scalar = form.rank === 1;
  const all = (text: string): string => (scalar ? text : `all(${text})`);
  const part = (name: string, d: number): string => `${name}${pieces.component(d)}`;
  const placeA = ['t0 * step_a0', ...pieces.dims.map((d) => `u32(${part('tap_at', d)}) * step_a${d + 1}`)].join(' + ');
  const placeB = ['t0 * step_b', ...pieces.dims.map((d) => `u32(${part('moved', d)}) * stride${d}`)].join(' + ');
  const masked = (value: string, condition: string): string => `select(${type}(0), ${value}, ${condition})`;
  return `let start1 = (chunk / ${word(at.parts)}) * ${word(at.chunkOutside)};
  let end1 = min(start1 + ${word(at.chunkOutside)}, ${word(at.stepSizes + 1)});
  ${digits.map((d) => `let step_a${d} = ${word(at.stepA + d)}; let size${d} = ${d === 0 ? 'end0' : d === 1 ? 'end1' : word(at.stepSizes + d)};`).join(' ')}
  ${pieces.dims.map((d) => `let stride${d} = ${word(at.strides + d)};`).join(' ')}
  let step_b = ${word(at.stepB)}; let step_move = ${pieces.vector(at.stepMove)};
  let bounds = ${scalar ? word(at.bounds) : pieces.unsigned(pieces.vector(at.bounds))};
  ${form.phased ? `let tap_step = ${pieces.vector(at.tapStep)}; let taps = ${pieces.vector(at.taps)};` : ''}
  ${names.map((name, d) => `var ${name} = ${d < 2 ? `start${d}` : '0u'};`).join(' ')}
  // Empty chunks have no steps.
  let steps = max(0, i32(end0) - i32(start0)) * max(0, i32(end1) - i32(start1))${digits
    .slice(2)
    .map((d) => ` * i32(size${d})`)
    .join('')};
  for (var k = 0; k < steps; k = k + 1) {
    let tap_number = ${pieces.position('t')};
    let tap_at = ${form.phased ? 'tap_number * tap_step + tap' : 'tap_number'};
    let moved = tap_number * step_move;
    let move_a = ${placeA};
    let move_b = ${placeB};
    ${form.phased ? `let reached = ${all('tap_at < taps')};` : ''}
    ${range(rows)
      .map((i) => {
        const a = pieces.load(0, `row${i} + move_a`);
        return `let a${i} = ${form.phased ? masked(a, 'reached') : a};`;
      })
      .join('\n    ')}
    ${range(columns)
      .map((j) => {
        const inside = all(`${pieces.unsigned(`at${j} + moved`)} < bounds`);
        return `let in${j} = ${form.phased ? `reached && ${inside}` : inside}; let v${j} = ${masked(pieces.load(1, `select(0u, line${j} + move_b, in${j})`), `in${j}`)};`;
      })
      .join('\n    ')}
    ${products(rows, columns)}
    ${countUp(
      names,
      ['', 'start1', ...digits.slice(2).map(() => '0u')],
      digits.map((d) => `size${d}`),
    )}
  }`;
}

/** Stores all sums. Rows and columns beyond an edge repeat the last one, which must not be added to an output twice. */
function storeText(pieces: Pieces, rows: number, columns: number): string {
  const { at, form, type } = pieces;
  const alpha = type === 'f32' ? floatWord(at.alpha) : intWord(at.alpha);
  const biasAlong = form.rank > 0 ? range(rows) : range(columns);
  const biases = biasAlong.map((i) => {
    const place = form.rank > 0 ? `p3 + m${i} * ${word(at.rowStrides + 2)}` : `p3 + n${i} * ${word(at.columnBias)}`;
    return `let bias${i} = ${pieces.load(3, place)};`;
  });
  const stores = range(rows).flatMap((i) =>
    range(columns).map((j) => {
      const sum = `s${i}_${j}`;
      if (form.partials) return pieces.partialText('batch', 'chunk', `m${i}`, `n${j}`, sum);
      const place = `out${j} + m${i} * ${word(at.rowStrides + 1)}`;
      const before = form.accumulate ? ` + ${pieces.load(2, place)}` : '';
      const bias = form.bias ? ` + bias${form.rank > 0 ? i : j}` : '';
      const store = pieces.storeText(place, `(${sum} * ${alpha}${before}${bias})`);
      const conditions = [
        ...(form.phased ? [`there${j}`] : []),
        ...(form.accumulate ? [`m${i} == first_row + ${i}u && n${j} == first_column + ${j}u`] : []),
      ];
      return conditions.length === 0 ? store : `if (${conditions.join(' && ')}) { ${store} }`;
    }),
  );
  return `${form.bias && !form.partials ? biases.join(' ') : ''}
  ${stores.join('\n  ')}`;
}
