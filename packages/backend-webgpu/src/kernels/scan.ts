/**
 * @file scan: cumulative sums, products, extremes and log-sum-exps. A row is scanned by one invocation where rows are
 * short or lie side by side, else by a workgroup, tile after tile; few long rows are cut into chunks, whose totals are
 * made first.
 */
import { type DType, Tensor } from '@flambeau/tensor';
import { computeDType, copyKernel, type ScanKind, type View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { type Combiner, combinerOf, itemAt, storeItem, treeText } from '../wgsl/combine.ts';
import { checkDType, loading, storing } from '../wgsl/lower.ts';
import { shader, WORKGROUP, word } from '../wgsl/shader.ts';
import { map } from './map.ts';
import { bind } from './operands.ts';
import {
  aloneIsBest,
  checkWords,
  loopsBeside,
  loopWords,
  part,
  stepsText,
  withTemporary,
  writeLoops,
} from './places.ts';

interface Spec {
  readonly kind: ScanKind;
  readonly from: DType;
  readonly to: DType;
  readonly positions: boolean;
  /** Whether rows go on from the last result of an earlier part. */
  readonly continues: boolean;
}

/** What a dispatch makes: all of a row by one invocation or by a workgroup; chunks' totals; chunks, given the totals. */
type Pass = 'alone' | 'row' | 'totals' | 'chunks';

/** Parameter words: rows, length, chunk, chunks, plane of positions in totals, first position; then offsets, steps and loops. */
const fixedWords = 6;

/** Invocations of a workgroup that scans a row, in groups, and the neighbours that each scans by itself. */
const team = 64;
const subteam = 8;
const each = 8;
const tile = each * team;

const combinerFor = ({ kind, to, positions }: Spec): Combiner =>
  combinerOf(kind, computeDType(to), positions ? 'latest' : null);

/** The item of element `i` of the row. */
function loadText(spec: Spec, buffer: string, step: string): string {
  const compute = computeDType(spec.to);
  return combinerFor(spec).item(
    loading(spec.from, compute)(`${buffer}[p0 + i * ${step}]`),
    compute,
    `(i + ${word(5)})`,
  );
}

/** The item that rows go on from. Views: x, out, positions if wanted, what was before, its position. */
function startText(spec: Spec, buffers: readonly string[]): string {
  if (!spec.continues) return 'nothing()';
  const compute = computeDType(spec.to);
  const v = spec.positions ? 3 : 2;
  return combinerFor(spec).item(
    loading(spec.to, compute)(`${buffers[v]}[p${v}]`),
    compute,
    `${buffers[v + 1]}[p${v + 1}]`,
  );
}

/** Stores `a` as element `i`. */
function storeText(spec: Spec, buffers: readonly string[], stepAt: number): string {
  const combiner = combinerFor(spec);
  const value = storing(combiner.held, spec.to)(combiner.value('a'));
  const text = `${buffers[1]}[p1 + i * ${word(stepAt + 1)}] = ${value};`;
  return spec.positions ? `${text} ${buffers[2]}[p2 + i * ${word(stepAt + 2)}] = ${combiner.position('a')};` : text;
}

function aloneText(start: string, load: string, store: string): string {
  return `var a = ${start};
  for (var i = 0u; i < ${word(1)}; i = i + 1u) {
    a = combine(a, ${load});
    ${store}
  }`;
}

function totalsText(combiner: Combiner, load: string, totals: string): string {
  return `var a = nothing();
  for (var i = begin + lane; i < end; i = i + ${team}u) { a = combine(a, ${load}); }
  ${treeText('a', team)}
  if (lane == 0u) { ${storeItem(combiner, 'a', totals, 'unit', word(4))} }`;
}

/** Scans from `begin` to `end`; each invocation takes some neighbours, whose totals are scanned through `tree`. */
function tilesText(combiner: Combiner, start: string, load: string, store: string, totals: string | null): string {
  const carry =
    totals === null
      ? ''
      : `for (var t = lane; t < chunk; t = t + ${team}u) { carry = combine(carry, ${itemAt(combiner, totals, `(row * ${word(3)} + t)`, word(4))}); }
  ${treeText('carry', team)}`;
  return `var carry = nothing();
  ${carry}
  carry = combine(${start}, carry);
  for (var base = begin; base < end; base = base + ${tile}u) {
    var mine: array<Item, ${each}>;
    var total = nothing();
    for (var k = 0u; k < ${each}u; k = k + 1u) {
      let i = base + lane * ${each}u + k;
      if (i < end) { total = combine(total, ${load}); }
      mine[k] = total;
    }
    tree[lane] = total;
    workgroupBarrier();
    if (lane < ${team / subteam}u) {
      for (var s = lane * ${subteam}u + 1u; s < (lane + 1u) * ${subteam}u; s = s + 1u) { tree[s] = combine(tree[s - 1u], tree[s]); }
    }
    workgroupBarrier();
    var start = carry;
    for (var s = ${subteam - 1}u; s < ${team}u; s = s + ${subteam}u) {
      if (s < lane) { start = combine(start, tree[s]); }
      carry = combine(carry, tree[s]);
    }
    if (lane % ${subteam}u > 0u) { start = combine(start, tree[lane - 1u]); }
    for (var k = 0u; k < ${each}u; k = k + 1u) {
      let i = base + lane * ${each}u + k;
      if (i < end) { let a = combine(start, mine[k]); ${store} }
    }
    workgroupBarrier();
  }`;
}

function shaderText(spec: Spec, pass: Pass, rank: number, places: readonly number[], views: number): string {
  const combiner = combinerFor(spec);
  const buffers = places.map((place) => `b${place}`);
  const results = spec.positions ? 2 : 1;
  const operands = pass === 'totals' ? 1 : 1 + results * (spec.continues ? 2 : 1);
  const stepAt = fixedWords + operands;
  const names = Array.from({ length: operands }, (_, v) => `p${v}`);
  const load = loadText(spec, buffers[0]!, word(stepAt));
  const totals = views > operands ? buffers[operands]! : null;
  const work =
    pass === 'totals'
      ? totalsText(combiner, load, totals!)
      : pass === 'alone'
        ? aloneText(startText(spec, buffers), load, storeText(spec, buffers, stepAt))
        : tilesText(combiner, startText(spec, buffers), load, storeText(spec, buffers, stepAt), totals);
  const body = `let unit = ${pass === 'alone' ? `group * ${WORKGROUP}u + lane` : 'group'};
  if (unit >= ${word(0)} * ${word(3)}) { return; }
  let row = unit / ${word(3)};
  let chunk = unit % ${word(3)};
  let begin = chunk * ${word(2)};
  let end = min(begin + ${word(2)}, ${word(1)});
  ${names.map((name, v) => `var ${name} = ${word(fixedWords + v)};`).join(' ')}
  ${stepsText('row', names, rank, stepAt + operands)}
  ${work}`;
  const tree = pass === 'alone' ? '' : `\nvar<workgroup> tree: array<Item, ${team}>;`;
  return shader(Math.max(...places) + 1, body, combiner.declarations + tree, pass === 'alone' ? WORKGROUP : team);
}

function dispatch(
  commands: Commands,
  spec: Spec,
  pass: Pass,
  dim: number,
  operands: readonly View[],
  totals: View | null,
  chunk: number,
  base: number,
): void {
  const x = operands[0]!;
  const length = x.shape[dim]!;
  const rows = x.elementCount / length;
  const chunks = Math.ceil(length / chunk);
  const loops = loopsBeside(dim, operands);
  const rank = loops.sizes.length;
  const views = totals === null ? operands : [...operands, totals];
  const { buffers, places, key } = bind(views);
  const program = commands.cached(
    shaderText,
    `${spec.kind},${spec.from},${spec.to},${spec.positions},${spec.continues},${pass},${rank}:${key}`,
    () => {
      checkDType('scan', spec.from);
      checkDType('scan', spec.to);
      checkWords('scan', fixedWords + 2 * operands.length + loopWords(rank, operands.length));
      return commands.program(`scan ${spec.kind}`, shaderText(spec, pass, rank, places, views.length), buffers.length);
    },
  );
  const units = rows * chunks;
  const groups = pass === 'alone' ? Math.ceil(units / WORKGROUP) : units;
  commands.dispatch(program, buffers, groups, (words, _floats, start) => {
    const fixed = [rows, length, chunk, chunks, units, base];
    for (let i = 0; i < fixed.length; i++) words[start + i] = fixed[i]!;
    let at = start + fixedWords;
    for (const view of operands) words[at++] = view.offset;
    for (const view of operands) words[at++] = view.strides[dim]!;
    writeLoops(words, at, loops);
  });
}

/** Running reduction of `x` along `dim` into `out`; `indices`: where the latest extreme was. */
export function scan(
  commands: Commands,
  memory: Memory,
  kind: ScanKind,
  x: View,
  dim: number,
  out: View,
  indices: View | null,
): void {
  scanPart(commands, memory, kind, dim, [x, out, indices], [], 0);
}

type Part = readonly [x: View, out: View, indices: View | null];

/** Scans a part of rows from position `base` on; `before`: the results that it goes on from. */
function scanPart(
  commands: Commands,
  memory: Memory,
  kind: ScanKind,
  dim: number,
  [x, out, indices]: Part,
  before: readonly View[],
  base: number,
): void {
  if (x.elementCount === 0) return;
  const positions = indices !== null;
  const spec: Spec = { kind, from: x.dtype, to: out.dtype, positions, continues: before.length > 0 };
  const operands = [...(positions ? [x, out, indices] : [x, out]), ...before];
  const length = x.shape[dim]!;
  const rows = x.elementCount / length;
  const beside = x.strides.some((s, d) => d !== dim && x.shape[d]! > 1 && Math.abs(s) < Math.abs(x.strides[dim]!));
  if (aloneIsBest(rows, length, beside && rows >= 1024 && length <= 4096)) {
    dispatch(commands, spec, 'alone', dim, operands, null, length, base);
    return;
  }
  if (rows >= 64 || length <= 4 * tile) {
    dispatch(commands, spec, 'row', dim, operands, null, length, base);
    return;
  }
  const chunk = Math.max(4 * tile, Math.ceil(length / 512));
  const words = rows * Math.ceil(length / chunk) * (positions ? 2 : 1);
  withTemporary(memory, x.storage.device, words, (totals) => {
    dispatch(commands, spec, 'totals', dim, [x], totals, chunk, base);
    dispatch(commands, spec, 'chunks', dim, operands, totals, chunk, base);
  });
}

/** The same for parts that follow each other along `dim`. */
export function scanParts(
  commands: Commands,
  memory: Memory,
  kind: ScanKind,
  dim: number,
  parts: readonly Part[],
): void {
  const [x, out, indices] = parts[0]!;
  const rows = x.elementCount / x.shape[dim]!;
  withTemporary(memory, x.storage.device, 2 * rows, (words) => {
    const shape = x.shape.with(dim, 1);
    const values = new Tensor(words.storage, out.dtype, shape);
    const kept = indices === null ? [values] : [values, new Tensor(words.storage, 'int32', shape, undefined, rows)];
    let base = 0;
    for (const own of parts) {
      scanPart(commands, memory, kind, dim, own, base === 0 ? [] : kept, base);
      const length = own[0].shape[dim]!;
      base += length;
      const last = own.slice(1).filter((view) => view !== null);
      for (const [i, view] of last.entries())
        map(commands, copyKernel(view.dtype, view.dtype), [part(view, dim, length - 1, 1)], [kept[i]!]);
    }
  });
}
