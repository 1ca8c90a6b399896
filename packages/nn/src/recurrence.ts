/** @file Recurrent steps, and one layer of them over a sequence. */
import { cat, functional as F, type Tensor } from '@flambeau/tensor';
import { callPointwise, pointwise, temporaries } from '@flambeau/tensor/internal';

/** The parameters of one layer in one direction. */
export interface CellWeights {
  /** [gates · hidden, input] */
  readonly inputWeight: Tensor;
  /** [gates · hidden, hidden (or projection)] */
  readonly hiddenWeight: Tensor;
  readonly inputBias: Tensor | null;
  readonly hiddenBias: Tensor | null;
  /** [projection, hidden], for LSTMs whose hidden state is projected. */
  readonly projection: Tensor | null;
}

/** What goes from step to step, [B, …] each: the hidden state, and for LSTMs the cell state. */
export type CellState = readonly Tensor[];

/** One step: `projected` is the input's part of the gates, [B, gates · hidden]. */
export type Cell = (projected: Tensor, state: CellState, weights: CellWeights) => CellState;

const tanhStep = pointwise(2, (a, b) => a!.add(b!).tanh(), { name: 'rnnTanh', promotion: 'promote' });
const reluStep = pointwise(2, (a, b) => a!.add(b!).max(0), {
  name: 'rnnRelu',
  promotion: 'promote',
  derivative: (grad, _, y) => [y.le(0).where(0, grad), y.le(0).where(0, grad)],
});
const lstmCell = pointwise(4, (i, f, g, c) => f!.sigmoid().mul(c!).add(i!.sigmoid().mul(g!.tanh())), {
  name: 'lstmCell',
  promotion: 'promote',
});
const lstmHidden = pointwise(2, (o, c) => o!.sigmoid().mul(c!.tanh()), { name: 'lstmHidden', promotion: 'promote' });
/** Inputs: reset, update and candidate, each of the input and of the hidden state; then the hidden state. */
const gruStep = pointwise(
  7,
  (ri, zi, ni, rh, zh, nh, h) => {
    const update = zi!.add(zh!).sigmoid();
    const candidate = ni!.add(ri!.add(rh!).sigmoid().mul(nh!)).tanh();
    return candidate.add(update.mul(h!.sub(candidate)));
  },
  { name: 'gruCell', promotion: 'promote' },
);

const hiddenPart = (h: Tensor, { hiddenWeight, hiddenBias }: CellWeights): Tensor =>
  F.linear(h, hiddenWeight, hiddenBias);

/** The steps of the kinds of recurrent networks. */
export const cells = {
  /** tanh(Wx + b + Uh + c). Elman 1990. */
  tanh: ((projected, [h], weights) => [callPointwise(tanhStep, [projected, hiddenPart(h!, weights)])]) as Cell,
  relu: ((projected, [h], weights) => [callPointwise(reluStep, [projected, hiddenPart(h!, weights)])]) as Cell,
  /** Input gate, forget gate, candidate, output gate. Hochreiter & Schmidhuber 1997. */
  lstm: ((projected, [h, c], weights) => {
    const [i, f, g, o] = projected.add(hiddenPart(h!, weights)).chunk(4, -1) as [Tensor, Tensor, Tensor, Tensor];
    const cell = callPointwise(lstmCell, [i, f, g, c!]);
    const hidden = callPointwise(lstmHidden, [o, cell]);
    return [weights.projection === null ? hidden : F.linear(hidden, weights.projection), cell];
  }) as Cell,
  /** Reset gate, update gate, candidate. Cho et al. 2014. */
  gru: ((projected, [h], weights) => {
    const parts = [...projected.chunk(3, -1), ...hiddenPart(h!, weights).chunk(3, -1)];
    return [callPointwise(gruStep, [...parts, h!])];
  }) as Cell,
} as const;

export type CellKind = keyof typeof cells;

/** The input's part of the gates of all steps at once. */
export const projectInput = (x: Tensor, { inputWeight, inputBias }: CellWeights): Tensor =>
  F.linear(x, inputWeight, inputBias);

const rows = (state: CellState, start: number, count: number): CellState =>
  state[0]!.shape[0] === count && start === 0 ? state : state.map((x) => x.narrow(0, start, count));

const joined = (parts: readonly CellState[]): CellState =>
  parts.length === 1 ? parts[0]! : parts[0]!.map((_, i) => cat(parts.map((part) => part[i]!)));

export interface LayerResult {
  /** [total steps, hidden], as the input was laid out. */
  readonly output: Tensor;
  /** The state after each sequence's last step. */
  readonly state: CellState;
}

/**
 * One layer in one direction. `x` [total, input] has the steps of a batch one after the other: the first
 * `batchSizes[0]` rows are step 0, and so on; the sizes do not grow, because shorter sequences end earlier.
 */
export function runLayer(
  cell: Cell,
  x: Tensor,
  batchSizes: readonly number[],
  initial: CellState,
  weights: CellWeights,
  reverse: boolean,
): LayerResult {
  return temporaries(() => {
    const projected = projectInput(x, weights).split([...batchSizes]);
    return reverse
      ? backwards(cell, projected, batchSizes, initial, weights)
      : forwards(cell, projected, batchSizes, initial, weights);
  });
}

function forwards(
  cell: Cell,
  projected: readonly Tensor[],
  sizes: readonly number[],
  initial: CellState,
  weights: CellWeights,
): LayerResult {
  const outputs: Tensor[] = [];
  const finished: CellState[] = [];
  let state = rows(initial, 0, sizes[0]!);
  for (const [t, size] of sizes.entries()) {
    const before = state[0]!.shape[0]!;
    if (size < before) {
      finished.push(rows(state, size, before - size));
      state = rows(state, 0, size);
    }
    state = cell(projected[t]!, state, weights);
    outputs.push(state[0]!);
  }
  return { output: cat(outputs), state: joined([...finished, state].toReversed()) };
}

function backwards(
  cell: Cell,
  projected: readonly Tensor[],
  sizes: readonly number[],
  initial: CellState,
  weights: CellWeights,
): LayerResult {
  const outputs: Tensor[] = [];
  let state = rows(initial, 0, sizes.at(-1)!);
  for (let t = sizes.length - 1; t >= 0; t--) {
    const before = state[0]!.shape[0]!;
    if (sizes[t]! > before) state = joined([state, rows(initial, before, sizes[t]! - before)]);
    state = cell(projected[t]!, state, weights);
    outputs.unshift(state[0]!);
  }
  return { output: cat(outputs), state };
}
