/** @file Recurrent networks: RNN, LSTM, GRU. */
import { cat, empty, functional as F, Parameter, ShapeError, stack, type Tensor, zeros } from '@flambeau/tensor';
import { signature } from '@flambeau/tensor/internal';
import { type Arguments, type Factory, factoryDefaults } from './arguments.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { type Describable, floatText, settings } from './python.ts';
import { type CellKind, type CellState, type CellWeights, cells, runLayer } from './recurrence.ts';
import { PackedSequence } from './utils/rnn.ts';

export interface RecurrentOptions extends Factory {
  /** Layers on top of each other. */
  numLayers?: number | undefined;
  bias?: boolean | undefined;
  /** Inputs and outputs are [N, T, …] instead of [T, N, …]. */
  batchFirst?: boolean | undefined;
  /** Dropout between layers, in training. */
  dropout?: number | undefined;
  /** A second network goes from the end to the start; outputs have both. */
  bidirectional?: boolean | undefined;
}

interface Settings extends Factory {
  inputSize: number;
  hiddenSize: number;
  numLayers: number;
  bias: boolean;
  batchFirst: boolean;
  dropout: number;
  bidirectional: boolean;
  projSize: number;
  nonlinearity: 'tanh' | 'relu';
}

type Optional = [numLayers: number, bias: boolean, batchFirst: boolean, dropout: number, bidirectional: boolean];
type RecurrentArguments<O extends object> = Arguments<
  [inputSize: number, hiddenSize: number],
  Optional,
  { inputSize: number; hiddenSize: number },
  O
>;

const names = ['inputSize', 'hiddenSize', 'numLayers', 'bias', 'batchFirst', 'dropout', 'bidirectional'] as const;
const defaults = {
  numLayers: 1,
  bias: true,
  batchFirst: false,
  dropout: 0,
  bidirectional: false,
  ...factoryDefaults,
} as const;

/** How many times the hidden size a layer's weights have rows. */
const gates: Readonly<Record<CellKind, number>> = { tanh: 1, relu: 1, lstm: 4, gru: 3 };

/** What all recurrent networks have in common. Parameters have PyTorch's names: `weight_ih_l0`, `bias_hh_l1_reverse` … */
abstract class RNNBase extends Module {
  declare weight_ih_l0: Parameter;
  declare weight_hh_l0: Parameter;
  declare bias_ih_l0: Parameter | undefined;
  declare bias_hh_l0: Parameter | undefined;
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  readonly projSize: number;
  protected readonly kind: CellKind;

  constructor(kind: CellKind, s: Settings) {
    super();
    const owner = new.target.name;
    if (!(s.dropout >= 0 && s.dropout <= 1))
      throw new RangeError(`${owner}: dropout must be between 0 and 1, got ${s.dropout}`);
    if (!(s.projSize >= 0 && s.projSize < s.hiddenSize))
      throw new RangeError(`${owner}: projSize must be at least 0 and below hiddenSize, got ${s.projSize}`);
    if (!Number.isInteger(s.numLayers) || s.numLayers < 1)
      throw new RangeError(`${owner}: numLayers must be an integer of at least 1, got ${s.numLayers}`);
    this.kind = kind;
    this.inputSize = s.inputSize;
    this.hiddenSize = s.hiddenSize;
    this.numLayers = s.numLayers;
    this.bias = s.bias;
    this.batchFirst = s.batchFirst;
    this.dropout = s.dropout;
    this.bidirectional = s.bidirectional;
    this.projSize = s.projSize;
    this.makeParameters(s);
    this.resetParameters();
  }

  private get directions(): number {
    return this.bidirectional ? 2 : 1;
  }

  /** Size of the hidden state. */
  private get outputSize(): number {
    return this.projSize || this.hiddenSize;
  }

  private makeParameters({ dtype, device }: Factory): void {
    const rows = gates[this.kind] * this.hiddenSize;
    const add = (name: string, ...shape: number[]): void =>
      this.registerParameter(name, new Parameter(empty(shape, { dtype, device })));
    for (let layer = 0; layer < this.numLayers; layer++) {
      for (let direction = 0; direction < this.directions; direction++) {
        const suffix = suffixOf(layer, direction);
        add(`weight_ih${suffix}`, rows, layer === 0 ? this.inputSize : this.outputSize * this.directions);
        add(`weight_hh${suffix}`, rows, this.outputSize);
        if (this.bias) for (const part of ['bias_ih', 'bias_hh']) add(part + suffix, rows);
        if (this.projSize > 0) add(`weight_hr${suffix}`, this.projSize, this.hiddenSize);
      }
    }
  }

  /** Draws all parameters anew, uniformly from ±1/√hiddenSize. */
  resetParameters(): void {
    const bound = this.hiddenSize > 0 ? 1 / Math.sqrt(this.hiddenSize) : 0;
    for (const parameter of this.parameters()) init.uniform_(parameter, -bound, bound);
  }

  /** Nothing to do here: for PyTorch's sake, which lays parameters out for its own kernels. */
  flattenParameters(): void {}

  private weights(layer: number, direction: number): CellWeights {
    const suffix = suffixOf(layer, direction);
    const get = (name: string): Tensor | null => (Reflect.get(this, name + suffix) as Tensor | undefined) ?? null;
    return {
      inputWeight: get('weight_ih')!,
      hiddenWeight: get('weight_hh')!,
      inputBias: get('bias_ih'),
      hiddenBias: get('bias_hh'),
      projection: get('weight_hr'),
    };
  }

  /**
   * All layers over steps laid out one after the other, `x` [total, input]. `initial` and the returned state are
   * [layers · directions, N, …].
   */
  private runLayers(
    x: Tensor,
    batchSizes: readonly number[],
    initial: CellState,
  ): { output: Tensor; state: CellState } {
    const cell = cells[this.kind];
    const last: CellState[] = [];
    let output = x;
    for (let layer = 0; layer < this.numLayers; layer++) {
      const input = layer > 0 && this.dropout > 0 ? F.dropout(output, this.dropout, this.training) : output;
      const results = Array.from({ length: this.directions }, (_, direction) => {
        const place = layer * this.directions + direction;
        const start = initial.map((state) => state.select(0, place));
        return runLayer(cell, input, batchSizes, start, this.weights(layer, direction), direction === 1);
      });
      last.push(...results.map(({ state }) => state));
      output =
        results.length === 1
          ? results[0]!.output
          : cat(
              results.map((result) => result.output),
              -1,
            );
    }
    return { output, state: last[0]!.map((_, i) => stack(last.map((state) => state[i]!))) };
  }

  /** Zeros for a start without a given state. */
  private zeroState(x: Tensor, count: number): CellState {
    const make = (size: number): Tensor =>
      zeros([this.numLayers * this.directions, count, size], { dtype: x.dtype, device: x.device });
    return this.kind === 'lstm' ? [make(this.outputSize), make(this.hiddenSize)] : [make(this.outputSize)];
  }

  private checkState(state: CellState, count: number): void {
    for (const [i, x] of state.entries()) {
      const expected = [this.numLayers * this.directions, count, i === 0 ? this.outputSize : this.hiddenSize];
      if (x.shape.join() !== expected.join()) {
        throw new ShapeError(
          `${this.constructor.name}: the state must have shape [${expected.join(', ')}], got [${x.shape.join(', ')}]`,
        );
      }
    }
  }

  protected runPacked(input: PackedSequence, given: CellState | null): [PackedSequence, CellState] {
    const sizes = input.sizes();
    this.checkInput(input.data, 2);
    const { sortedIndices: sorted, unsortedIndices: unsorted } = input;
    const initial = given ?? this.zeroState(input.data, sizes[0]!);
    this.checkState(initial, sizes[0]!);
    const start = sorted === null || given === null ? initial : initial.map((x) => x.indexSelect(1, sorted));
    const { output, state } = this.runLayers(input.data, sizes, start);
    return [input.with(output), unsorted === null ? state : state.map((x) => x.indexSelect(1, unsorted))];
  }

  protected runPadded(input: Tensor, given: CellState | null): [Tensor, CellState] {
    const batched = input.ndim === 3;
    this.checkInput(input, batched ? 3 : 2);
    const major = !batched ? input.unsqueeze(1) : this.batchFirst ? input.transpose(0, 1) : input;
    const [steps, count] = major.shape as readonly [number, number, number];
    const initial = given === null ? this.zeroState(input, count) : batched ? given : given.map((x) => x.unsqueeze(1));
    this.checkState(initial, count);
    if (steps === 0) throw new ShapeError(`${this.constructor.name}: the sequence has no steps`);
    const { output, state } = this.runLayers(
      major.reshape([steps * count, this.inputSize]),
      new Array<number>(steps).fill(count),
      initial,
    );
    const laidOut = output.view([steps, count, output.shape[1]!]);
    if (!batched) return [laidOut.squeeze(1), state.map((x) => x.squeeze(1))];
    return [this.batchFirst ? laidOut.transpose(0, 1) : laidOut, state];
  }

  private checkInput(input: Tensor, ndim: number): void {
    if (input.ndim === ndim && input.shape.at(-1) === this.inputSize) return;
    throw new ShapeError(
      `${this.constructor.name}: expected an input [T, N, ${this.inputSize}] (or without N), got shape [${input.shape.join(', ')}]`,
    );
  }

  override extraRepr(): string {
    const entries: Record<string, Describable> = {};
    if (this.projSize !== 0) entries.proj_size = this.projSize;
    if (this.numLayers !== 1) entries.num_layers = this.numLayers;
    if (!this.bias) entries.bias = false;
    if (this.batchFirst) entries.batch_first = true;
    if (this.dropout !== 0) entries.dropout = floatText(this.dropout);
    if (this.bidirectional) entries.bidirectional = true;
    const more = settings(entries);
    return `${this.inputSize}, ${this.hiddenSize}${more === '' ? '' : `, ${more}`}`;
  }
}

const suffixOf = (layer: number, direction: number): string => `_l${layer}${direction === 1 ? '_reverse' : ''}`;

/** A network whose state is one tensor. */
abstract class SingleState extends RNNBase {
  protected run(input: Tensor | PackedSequence, hx: Tensor | null): [Tensor | PackedSequence, Tensor] {
    const given = hx === null ? null : [hx];
    const [output, state] =
      input instanceof PackedSequence ? this.runPacked(input, given) : this.runPadded(input, given);
    return [output, state[0]!];
  }
}

export interface RNN {
  (input: PackedSequence, hx?: Tensor | null): [output: PackedSequence, hidden: Tensor];
  (input: Tensor, hx?: Tensor | null): [output: Tensor, hidden: Tensor];
}

/**
 * Elman's recurrent network, h ← tanh(W x + b + U h + c).
 *
 * Input [T, N, inputSize], or [T, inputSize], or a PackedSequence; state [numLayers · directions, N, hiddenSize].
 * Returns [output, state].
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface adds how the callable takes packed sequences.
export class RNN extends SingleState {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(...args: RecurrentArguments<RecurrentOptions & { nonlinearity?: 'tanh' | 'relu' | undefined }>) {
    const parse = signature<Omit<Settings, 'projSize'>>('RNN', names, { ...defaults, nonlinearity: 'tanh' });
    const given = parse(args);
    if (given.nonlinearity !== 'tanh' && given.nonlinearity !== 'relu')
      throw new RangeError(`RNN: nonlinearity must be 'tanh' or 'relu', got '${String(given.nonlinearity)}'`);
    super(given.nonlinearity, { ...given, projSize: 0 });
    this.nonlinearity = given.nonlinearity;
  }

  forward(input: Tensor, hx?: Tensor | null): [output: Tensor, hidden: Tensor] {
    return this.run(input, hx ?? null) as [Tensor, Tensor];
  }
}

export interface GRU {
  (input: PackedSequence, hx?: Tensor | null): [output: PackedSequence, hidden: Tensor];
  (input: Tensor, hx?: Tensor | null): [output: Tensor, hidden: Tensor];
}

/** Gated recurrent units. Shapes as {@link RNN}'s. Cho et al. 2014. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface adds how the callable takes packed sequences.
export class GRU extends SingleState {
  constructor(...args: RecurrentArguments<RecurrentOptions>) {
    const given = signature<Omit<Settings, 'projSize' | 'nonlinearity'>>('GRU', names, defaults)(args);
    super('gru', { ...given, projSize: 0, nonlinearity: 'tanh' });
  }

  forward(input: Tensor, hx?: Tensor | null): [output: Tensor, hidden: Tensor] {
    return this.run(input, hx ?? null) as [Tensor, Tensor];
  }
}

/** Hidden state and cell state. */
export type LSTMState = readonly [hidden: Tensor, cell: Tensor];

export interface LSTM {
  (input: PackedSequence, hx?: LSTMState | null): [output: PackedSequence, state: [hidden: Tensor, cell: Tensor]];
  (input: Tensor, hx?: LSTMState | null): [output: Tensor, state: [hidden: Tensor, cell: Tensor]];
}

/**
 * Long short-term memory. Input and output as {@link RNN}'s; the state is a pair. With `projSize` the hidden state is
 * projected to that size. Hochreiter & Schmidhuber 1997.
 *
 * ```ts
 * const lstm = new LSTM(10, 20, { numLayers: 2 });
 * const [output, [h, c]] = lstm(randn(5, 3, 10)); // [5, 3, 20], [2, 3, 20] twice
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface adds how the callable takes packed sequences.
export class LSTM extends RNNBase {
  constructor(...args: RecurrentArguments<RecurrentOptions & { projSize?: number | undefined }>) {
    const given = signature<Omit<Settings, 'nonlinearity'>>('LSTM', names, { ...defaults, projSize: 0 })(args);
    super('lstm', { ...given, nonlinearity: 'tanh' });
  }

  forward(input: Tensor, hx?: LSTMState | null): [output: Tensor, state: [hidden: Tensor, cell: Tensor]] {
    const [output, state] =
      (input as Tensor | PackedSequence) instanceof PackedSequence
        ? this.runPacked(input as unknown as PackedSequence, hx ?? null)
        : this.runPadded(input, hx ?? null);
    return [output as Tensor, [state[0]!, state[1]!]];
  }
}
