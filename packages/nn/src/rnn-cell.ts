/** @file Single steps of recurrent networks. */
import { empty, Parameter, ShapeError, type Tensor, zeros } from '@flambeau/tensor';
import { signature } from '@flambeau/tensor/internal';
import { type Arguments, type Factory, factoryDefaults } from './arguments.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { type CellKind, type CellState, cells, projectInput } from './recurrence.ts';
import type { LSTMState } from './rnn.ts';

export interface CellOptions extends Factory {
  bias?: boolean | undefined;
}

interface Settings extends Factory {
  inputSize: number;
  hiddenSize: number;
  bias: boolean;
}

type CellArguments<O extends object> = Arguments<
  [inputSize: number, hiddenSize: number],
  [bias: boolean],
  { inputSize: number; hiddenSize: number },
  O
>;

const names = ['inputSize', 'hiddenSize', 'bias'] as const;
const defaults = { bias: true, ...factoryDefaults } as const;

abstract class RNNCellBase extends Module {
  weight_ih: Parameter;
  weight_hh: Parameter;
  bias_ih: Parameter | null;
  bias_hh: Parameter | null;
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly bias: boolean;

  constructor(gates: number, { inputSize, hiddenSize, bias, dtype, device }: Settings) {
    super();
    const make = (...shape: number[]): Parameter => new Parameter(empty(shape, { dtype, device }));
    const rows = gates * hiddenSize;
    this.weight_ih = make(rows, inputSize);
    this.weight_hh = make(rows, hiddenSize);
    this.bias_ih = bias ? make(rows) : null;
    this.bias_hh = bias ? make(rows) : null;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.bias = bias;
    this.resetParameters();
  }

  /** Draws all parameters anew, uniformly from ±1/√hiddenSize. */
  resetParameters(): void {
    const bound = this.hiddenSize > 0 ? 1 / Math.sqrt(this.hiddenSize) : 0;
    for (const parameter of this.parameters()) init.uniform_(parameter, -bound, bound);
  }

  /** One step from a state, by default zeros. `count`: tensors of the state. */
  protected run(kind: CellKind, input: Tensor, given: CellState | null, count: number): CellState {
    const single = input.ndim === 1;
    if ((input.ndim !== 1 && input.ndim !== 2) || input.shape.at(-1) !== this.inputSize) {
      throw new ShapeError(
        `${this.constructor.name}: expected an input [N, ${this.inputSize}] or [${this.inputSize}], got shape [${input.shape.join(', ')}]`,
      );
    }
    const x = single ? input.unsqueeze(0) : input;
    const shape = [x.shape[0]!, this.hiddenSize];
    const start = given ?? Array.from({ length: count }, () => zeros(shape, { dtype: x.dtype, device: x.device }));
    const state = single && given !== null ? start.map((h) => h.unsqueeze(0)) : start;
    for (const h of state) {
      if (h.shape.join() !== shape.join())
        throw new ShapeError(
          `${this.constructor.name}: the state must have shape [${shape.join(', ')}], got [${h.shape.join(', ')}]`,
        );
    }
    const weights = {
      inputWeight: this.weight_ih,
      hiddenWeight: this.weight_hh,
      inputBias: this.bias_ih,
      hiddenBias: this.bias_hh,
      projection: null,
    };
    const next = cells[kind](projectInput(x, weights), state, weights);
    return single ? next.map((h) => h.squeeze(0)) : next;
  }

  override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.bias ? '' : ', bias=False'}`;
  }
}

/** One step of an {@link RNN}: input [N, inputSize], state [N, hiddenSize]. */
export class RNNCell extends RNNCellBase {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(
    ...args: Arguments<
      [inputSize: number, hiddenSize: number],
      [bias: boolean, nonlinearity: 'tanh' | 'relu'],
      { inputSize: number; hiddenSize: number },
      CellOptions & { nonlinearity?: 'tanh' | 'relu' | undefined }
    >
  ) {
    const parse = signature<Settings & { nonlinearity: 'tanh' | 'relu' }>('RNNCell', [...names, 'nonlinearity'], {
      ...defaults,
      nonlinearity: 'tanh',
    });
    const given = parse(args);
    if (given.nonlinearity !== 'tanh' && given.nonlinearity !== 'relu')
      throw new RangeError(`RNNCell: nonlinearity must be 'tanh' or 'relu', got '${String(given.nonlinearity)}'`);
    super(1, given);
    this.nonlinearity = given.nonlinearity;
  }

  forward(input: Tensor, hx?: Tensor | null): Tensor {
    return this.run(this.nonlinearity, input, hx ? [hx] : null, 1)[0]!;
  }

  override extraRepr(): string {
    return super.extraRepr() + (this.nonlinearity === 'tanh' ? '' : `, nonlinearity=${this.nonlinearity}`);
  }
}

/** One step of a {@link GRU}: input [N, inputSize], state [N, hiddenSize]. */
export class GRUCell extends RNNCellBase {
  constructor(...args: CellArguments<CellOptions>) {
    super(3, signature<Settings>('GRUCell', names, defaults)(args));
  }

  forward(input: Tensor, hx?: Tensor | null): Tensor {
    return this.run('gru', input, hx ? [hx] : null, 1)[0]!;
  }
}

/** One step of an {@link LSTM}: input [N, inputSize], state and result a pair of [N, hiddenSize]. */
export class LSTMCell extends RNNCellBase {
  constructor(...args: CellArguments<CellOptions>) {
    super(4, signature<Settings>('LSTMCell', names, defaults)(args));
  }

  forward(input: Tensor, hx?: LSTMState | null): [hidden: Tensor, cell: Tensor] {
    const [hidden, cell] = this.run('lstm', input, hx ?? null, 2);
    return [hidden!, cell!];
  }
}
