/** @file How the work of a contraction is laid out on the device. The figures are rules of thumb for GPUs of any size. */
import { type DotsMethod, type RegistersMethod, TEAM, type TiledMethod } from '../wgsl/contractionPieces.ts';
import type { Contraction, ContractionSizes } from './contraction.ts';

export interface Plan {
  readonly method: TiledMethod | DotsMethod | RegistersMethod;
  /** Steps are cut into this many chunks, whose sums a second dispatch adds. */
  readonly chunks: number;
  /** Of these, how many along the innermost steps; of tiles in registers only. */
  readonly parts: number;
}

/** Invocations down and across, and outputs that each of them has down and across. */
const tiles = [
  { down: 8, across: 8, rows: 8, columns: 8 },
  { down: 8, across: 8, rows: 4, columns: 8 },
  { down: 8, across: 8, rows: 4, columns: 4 },
  { down: 4, across: 16, rows: 4, columns: 8 },
  { down: 16, across: 4, rows: 8, columns: 4 },
] as const;

/** What reading an element costs, in multiplications: from workgroup memory, from a matrix, through a window. */
const CLOSE = 2;
const FAR = 4;
const WINDOW = 8;

/** Workgroups that keep a device busy. */
const BUSY = 64;
/** Steps that a chunk of them has at least: of tiles, and of outputs on their own. */
const TILE_CHUNK = 128;
const DOT_CHUNK = 4096;

/** A plan with the work of a step, in multiplications; a device without enough to do counts as working. */
interface Candidate extends Plan {
  readonly work: number;
}

export function planFor(c: Contraction, sizes: ContractionSizes, software: boolean): Plan {
  if (software) return registers(c, sizes);
  const candidates = [dots(c, sizes), ...tiles.map((tile) => tiled(c, sizes, tile))];
  return candidates.reduce((best, candidate) => (candidate.work < best.work ? candidate : best));
}

/** Into how many chunks steps are cut. */
const chunksFor = (groups: number, steps: number, least: number): number =>
  groups >= BUSY ? 1 : Math.max(1, Math.min(Math.ceil(BUSY / groups), Math.floor(steps / least)));

const farOf = ({ window }: Contraction): number => (window.length > 0 ? WINDOW : FAR);

const stepsOfA = ({ stepA, rowStrides }: Contraction): boolean => stepA.at(-1) === 1 || rowStrides[0] !== 1;

/** A tile counts whole, also what is outside of the output. */
function tiled(
  c: Contraction,
  { rows, columns, steps, batches }: ContractionSizes,
  tile: (typeof tiles)[number],
): Candidate {
  const [tall, wide] = [tile.down * tile.rows, tile.across * tile.columns];
  const cost = tall * wide + CLOSE * TEAM * (tile.rows + tile.columns) + farOf(c) * (tall + wide);
  const groups = Math.ceil(rows / tall) * Math.ceil(columns / wide) * batches;
  const chunks = chunksFor(groups, steps, TILE_CHUNK);
  const work = groups * cost * Math.max(1, BUSY / (groups * chunks));
  return { method: { kind: 'tiled', ...tile, stepsOfA: stepsOfA(c), stepsOfB: c.stepsOfB }, chunks, parts: 1, work };
}

/** Several invocations share an output where steps lie side by side, or where outputs are few. */
function dots(c: Contraction, { rows, columns, steps, outputs }: ContractionSizes): Candidate {
  const sideBySide = columns >= rows ? c.stepsOfB : stepsOfA(c);
  const most = Math.min(steps / 4, TEAM, sideBySide ? TEAM : (BUSY * 2 * TEAM) / outputs);
  const lanes = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, most))));
  const groups = Math.ceil((outputs * lanes) / TEAM);
  const chunks = lanes === 1 ? 1 : chunksFor(groups, steps, DOT_CHUNK);
  const work = outputs * (1 + 2 * farOf(c)) * Math.max(1, BUSY / (groups * chunks));
  return { method: { kind: 'dots', outputs: TEAM / lanes, lanes }, chunks, parts: 1, work };
}

/** Outputs of a tile in registers at most, and rows or columns of it. */
const TILE = 96;
const SIDE = 16;
/** What a row or a column, and a column seen through a window, cost in a step, in multiplications of SwiftShader. */
const LINE = 10;
const WINDOW_LINE = 14;
/** Invocations that keep a processor's cores busy, and multiplications that a chunk has at least. */
const UNITS = 512;
const CHUNK_WORK = 4096;

const evenly = (count: number, most: number): number => Math.ceil(count / Math.ceil(count / most));

/** The tile with the least work: a large one needs few loads, but must not reach far beyond the edges. */
function registerTile(rows: number, columns: number, column: number): { rows: number; columns: number } {
  let best = { rows: 1, columns: 1 };
  let least = Number.POSITIVE_INFINITY;
  for (let most = Math.min(rows, SIDE); most > 0; most--) {
    const tall = evenly(rows, most);
    const wide = evenly(columns, Math.min(columns, SIDE, Math.floor(TILE / tall)));
    const work = Math.ceil(rows / tall) * Math.ceil(columns / wide) * (LINE * tall + column * wide + tall * wide);
    if (work < least) [best, least] = [{ rows: tall, columns: wide }, work];
  }
  return best;
}

/** Tiles in registers, for adapters that are software; in chunks where they are few. */
function registers({ stepSizes, window }: Contraction, { rows, columns, steps, batches }: ContractionSizes): Plan {
  const tile = registerTile(rows, columns, window.length > 0 ? WINDOW_LINE : LINE);
  const units = Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns) * batches;
  const wanted = Math.min(UNITS / units, (steps * tile.rows * tile.columns) / CHUNK_WORK);
  const split = (size: number, count: number): number => Math.max(1, Math.min(size, Math.floor(count)));
  const even = (size: number, count: number): number => (size === 0 ? 1 : evenly(size, count));
  const [inner, outer] = [stepSizes[0]!, stepSizes[1] ?? 1];
  const parts = even(inner, split(inner / 8, wanted));
  const chunks = parts * even(outer, split(outer, wanted / parts));
  return { method: { kind: 'registers', ...tile, size: 16 }, chunks, parts };
}
