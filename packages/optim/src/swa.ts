/** @file Averages of a model's parameters over training: stochastic weight averaging, exponential moving averages. */
import { isTensor, SerializationError, type Tensor, tensor } from '@flambeau/tensor';
import { signature, untracked } from '@flambeau/tensor/internal';

/** What averaging needs of a model; every nn.Module has it. */
export interface Averageable {
  (...input: never[]): unknown;
  clone(): this;
  parameters(): Tensor[];
  buffers(): Tensor[];
  stateDict(options?: { prefix?: string | undefined }): Map<string, Tensor>;
  loadStateDict(state: ReadonlyMap<string, unknown>): unknown;
  to(device: string): unknown;
  train(mode?: boolean): unknown;
}

/** The new average of an old one and of the newest parameter, `count` having been averaged so far. */
export type AverageFunction = (average: Tensor, parameter: Tensor, count: number) => Tensor;

export interface AveragedModelOptions {
  device?: string | null | undefined;
  /** Default: the plain mean. */
  avgFn?: AverageFunction | null | undefined;
  /** Averages buffers too, instead of copying them. */
  useBuffers?: boolean | undefined;
}

interface Settings {
  device: string | null;
  avgFn: AverageFunction | null;
  useBuffers: boolean;
}

const parse = signature<Settings>('AveragedModel', [], { device: null, avgFn: null, useBuffers: false });

const plainMean: AverageFunction = (average, parameter, count) => average.add(parameter.sub(average).div(count + 1));

/** An average function with exponentially falling weights: decay · average + (1 − decay) · parameter. */
export const getEmaAvgFn =
  (decay = 0.999): AverageFunction =>
  (average, parameter) =>
    average.mul(decay).add(parameter, { alpha: 1 - decay });

export interface AveragedModel<M extends Averageable> {
  /** Calls the averaged model. */
  (...input: Parameters<M>): ReturnType<M>;
  /** The copy of the model that has the averages. */
  readonly module: M;
}

/**
 * A copy of a model whose parameters are the average of those that `updateParameters` is shown. Izmailov et al. 2018.
 *
 * ```ts
 * const average = new swaUtils.AveragedModel(net, { avgFn: swaUtils.getEmaAvgFn(0.999) });
 * for (…) {
 *   optimizer.step();
 *   average.updateParameters(net);
 * }
 * average(x);
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor returns a function, which the interface types.
export class AveragedModel<M extends Averageable> {
  declare readonly module: M;
  /** How many states have been averaged. */
  declare nAveraged: number;
  declare protected avgFn: AverageFunction;
  declare protected useBuffers: boolean;

  constructor(model: M, options: AveragedModelOptions = {}) {
    const { device, avgFn, useBuffers } = parse([options]);
    const module = model.clone();
    if (device !== null) module.to(device);
    const self = (...input: Parameters<M>): ReturnType<M> => module(...(input as never[])) as ReturnType<M>;
    for (const name of ['name', 'length']) delete (self as unknown as Record<string, unknown>)[name];
    Object.assign(self, { module, nAveraged: 0, avgFn: avgFn ?? plainMean, useBuffers });
    // biome-ignore lint/correctness/noConstructorReturn: instances are callable, as modules are.
    return Object.setPrototypeOf(self, new.target.prototype) as this;
  }

  private tensors(model: Averageable, averaged: boolean): Tensor[] {
    if (this.useBuffers) return averaged ? [...model.parameters(), ...model.buffers()] : [];
    return averaged ? model.parameters() : model.buffers();
  }

  /** Takes a model's present parameters into the averages; the first ones are copied. */
  updateParameters(model: M): void {
    untracked(() => {
      const sources = this.tensors(model, true);
      this.tensors(this.module, true).forEach((average, i) => {
        const source = sources[i]!.detach().to(average.device);
        const next = this.nAveraged === 0 ? source : this.avgFn(average.detach(), source, this.nAveraged);
        average.copy_(next.to(average.dtype));
      });
      const buffers = this.tensors(model, false);
      this.tensors(this.module, false).forEach((buffer, i) => {
        buffer.copy_(buffers[i]!.detach().to(buffer.device));
      });
    });
    this.nAveraged += 1;
  }

  train(mode = true): this {
    this.module.train(mode);
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  parameters(): Tensor[] {
    return this.module.parameters();
  }

  /** The model's state under the prefix `module.`, and `n_averaged`, as PyTorch has it. */
  stateDict(): Map<string, Tensor> {
    return new Map([
      ['n_averaged', tensor(BigInt(this.nAveraged), { device: 'cpu' })],
      ...this.module.stateDict({ prefix: 'module.' }),
    ]);
  }

  /** @throws SerializationError when something is missing; nothing is changed then. */
  loadStateDict(state: ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>>): void {
    const entries = new Map(state instanceof Map ? state : Object.entries(state));
    const count = entries.get('n_averaged');
    if (!isTensor(count)) throw new SerializationError("AveragedModel: the state dict has no 'n_averaged'");
    entries.delete('n_averaged');
    this.module.loadStateDict(new Map([...entries].map(([key, value]) => [key.replace(/^module\./, ''), value])));
    this.nAveraged = count.itemSync();
  }
}
