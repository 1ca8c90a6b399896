/** @file GradScaler: losses scaled up, so that 16-bit gradients do not vanish, and gradients scaled back. */
import { AutogradError, DTypeError, isTensor, SerializationError, stack, type Tensor } from '@flambeau/tensor';
import { backendFor, gradOf, isPlainObject, signature, type Trailing, untracked } from '@flambeau/tensor/internal';
import type { Optimizer } from './optimizer.ts';
import { expect } from './options.ts';

export interface GradScalerOptions {
  /** The first factor. */
  initScale?: number | undefined;
  /** What the factor is multiplied by after `growthInterval` good steps. */
  growthFactor?: number | undefined;
  /** What the factor is multiplied by after a step with gradients that are infinite or NaN. */
  backoffFactor?: number | undefined;
  growthInterval?: number | undefined;
  /** `false` makes all methods do what would be done without a scaler. */
  enabled?: boolean | undefined;
}

/** What PyTorch's scaler saves; empty when it is not enabled. */
export interface GradScalerState {
  scale: number;
  growth_factor: number;
  backoff_factor: number;
  growth_interval: number;
  _growth_tracker: number;
}

interface Settings {
  initScale: number;
  growthFactor: number;
  backoffFactor: number;
  growthInterval: number;
  enabled: boolean;
}

const parse = signature<Settings>(
  'GradScaler',
  ['initScale', 'growthFactor', 'backoffFactor', 'growthInterval', 'enabled'],
  { initScale: 65536, growthFactor: 2, backoffFactor: 0.5, growthInterval: 2000, enabled: true },
);

type Stage = 'unscaled' | 'stepped';

/** What happened to an optimizer since the last `update()`. */
interface Progress {
  stage: Stage;
  /** Whether all gradients on a device were finite, for each device: flags that stay there until they are read. */
  readonly finite: readonly Tensor[];
  /** What the flags say, once they have been read. */
  overflowed: boolean | null;
}

/**
 * Scales losses so that gradients in float16 do not round to 0, and leaves steps out whose gradients overflowed. The
 * factor is halved then, and doubled after 2000 good steps in a row.
 *
 * ```ts
 * const scaler = new amp.GradScaler();
 * for await (const [x, y] of loader) {
 *   optimizer.zeroGrad();
 *   const loss = autocast({ dtype: 'float16' }, () => criterion(net(x), y));
 *   scaler.scale(loss).backward();
 *   await scaler.step(optimizer); // on the CPU without await
 *   scaler.update();
 * }
 * ```
 */
export class GradScaler {
  readonly #enabled: boolean;
  #scale: number;
  #growthFactor: number;
  #backoffFactor: number;
  #growthInterval: number;
  #goodSteps = 0;
  readonly #progress = new Map<object, Progress>();

  constructor(
    ...args: Trailing<
      [initScale: number, growthFactor: number, backoffFactor: number, growthInterval: number, enabled: boolean],
      GradScalerOptions
    >
  ) {
    const { initScale, growthFactor, backoffFactor, growthInterval, enabled } = parse(args);
    this.#enabled = enabled;
    this.#scale = Math.fround(initScale);
    this.#growthFactor = checkedGrowth(growthFactor);
    this.#backoffFactor = checkedBackoff(backoffFactor);
    this.#growthInterval = checkedInterval(growthInterval);
  }

  /** A tensor, or all tensors of a list, multiplied by the factor. */
  scale<T extends Tensor | readonly unknown[]>(outputs: T): T {
    if (!this.#enabled) return outputs;
    if (isTensor(outputs)) return outputs.mul(this.#scale) as unknown as T;
    if (Array.isArray(outputs)) return outputs.map((output) => this.scale(output as Tensor)) as unknown as T;
    throw new TypeError(`GradScaler.scale(): expected a tensor or a list of tensors, got ${typeof outputs}`);
  }

  /**
   * Divides the gradients of the optimizer's parameters by the factor, in place: before they are clipped. `step` does it
   * otherwise.
   * @throws TypeError when it was done already since the last `update()`, DTypeError for float16 gradients.
   */
  unscale_(optimizer: Optimizer): void {
    if (!this.#enabled) return;
    const { stage } = this.#progress.get(optimizer) ?? {};
    if (stage === 'unscaled')
      throw new TypeError(
        'GradScaler.unscale_(): it has already been called on this optimizer since the last update()',
      );
    if (stage === 'stepped') throw new TypeError('GradScaler.unscale_(): it is being called after step()');
    const grads = gradientsOf(optimizer);
    const float16 = grads.find(({ dtype }) => dtype === 'float16');
    if (float16 !== undefined)
      throw new DTypeError('GradScaler.unscale_(): gradients are float16; keep parameters in float32 and use autocast');
    // As PyTorch: the reciprocal, rounded to float32.
    const inverse = Math.fround(1 / this.#scale);
    const finite = untracked(() => {
      for (const grad of grads) grad.mul_(inverse);
      const devices = [...new Set(grads.map(({ device }) => device))];
      return devices.map((on) => stack(grads.filter(({ device }) => device === on).map(allFinite)).all());
    });
    this.#progress.set(optimizer, { stage: 'unscaled', finite, overflowed: null });
  }

  /**
   * The optimizer's step, unless gradients are infinite or NaN.
   * @returns what `optimizer.step()` returns; on devices that are only read asynchronously a promise to await before
   *   `update()`.
   * @throws TypeError when it was called already since the last `update()`, or when no parameter has a gradient.
   */
  step(optimizer: Optimizer): void | Promise<void> {
    if (!this.#enabled) {
      optimizer.step();
      return;
    }
    if (this.#progress.get(optimizer)?.stage === 'stepped')
      throw new TypeError('GradScaler.step(): it has already been called since the last update()');
    if (!this.#progress.has(optimizer)) this.unscale_(optimizer);
    const progress = this.#progress.get(optimizer)!;
    const { finite } = progress;
    if (finite.length === 0) {
      this.#progress.delete(optimizer);
      throw new AutogradError('GradScaler.step(): no parameter of the optimizer has a gradient; call backward() first');
    }
    const decide = (flags: readonly unknown[]): void => {
      progress.overflowed = flags.some((flag) => !flag);
      if (!progress.overflowed) optimizer.step();
    };
    progress.stage = 'stepped';
    if (finite.every(isReadable)) return decide(finite.map((flag) => flag.itemSync()));
    return Promise.all(finite.map((flag) => flag.item())).then(decide);
  }

  /**
   * Adapts the factor: once for all optimizers, after their steps.
   * @param newScale sets it to this number instead.
   * @throws TypeError when no optimizer was stepped or unscaled since the last time, or a step is still awaited.
   */
  update(newScale?: number): void {
    if (!this.#enabled) return;
    if (newScale !== undefined) {
      expect(newScale > 0, 'GradScaler.update()', 'newScale', 'above 0', newScale);
      this.#scale = Math.fround(newScale);
      this.#progress.clear();
      return;
    }
    if (this.#progress.size === 0)
      throw new TypeError('GradScaler.update(): no step() or unscale_() came before since the last update()');
    let overflowed = false;
    for (const progress of this.#progress.values()) overflowed = overflowOf(progress) || overflowed;
    this.#progress.clear();
    this.#adapt(overflowed);
  }

  #adapt(overflowed: boolean): void {
    if (overflowed) {
      this.#scale = Math.fround(this.#scale * this.#backoffFactor);
      this.#goodSteps = 0;
      return;
    }
    this.#goodSteps++;
    if (this.#goodSteps < this.#growthInterval) return;
    this.#goodSteps = 0;
    const grown = Math.fround(this.#scale * this.#growthFactor);
    // Not beyond float32's range.
    if (Number.isFinite(grown)) this.#scale = grown;
  }

  /** The factor; 1 when not enabled. */
  getScale(): number {
    return this.#enabled ? this.#scale : 1;
  }

  getGrowthFactor(): number {
    return this.#growthFactor;
  }
  /** @throws RangeError unless above 1. */
  setGrowthFactor(value: number): void {
    this.#growthFactor = checkedGrowth(value);
  }

  getBackoffFactor(): number {
    return this.#backoffFactor;
  }
  /** @throws RangeError unless between 0 and 1. */
  setBackoffFactor(value: number): void {
    this.#backoffFactor = checkedBackoff(value);
  }

  getGrowthInterval(): number {
    return this.#growthInterval;
  }
  /** @throws RangeError unless a positive integer. */
  setGrowthInterval(value: number): void {
    this.#growthInterval = checkedInterval(value);
  }

  isEnabled(): boolean {
    return this.#enabled;
  }

  /** Factor and settings under PyTorch's names; empty when not enabled. Save it after `update()`. */
  stateDict(): GradScalerState | Record<string, never> {
    if (!this.#enabled) return {};
    return {
      scale: this.#scale,
      growth_factor: this.#growthFactor,
      backoff_factor: this.#backoffFactor,
      growth_interval: this.#growthInterval,
      _growth_tracker: this.#goodSteps,
    };
  }

  /** Takes over what `stateDict()` or PyTorch gave. @throws SerializationError for anything else; nothing is changed then. */
  loadStateDict(state: unknown): void {
    if (!this.#enabled) return;
    const entries = state instanceof Map ? (Object.fromEntries(state) as Record<string, unknown>) : state;
    if (!isPlainObject(entries) || Object.keys(entries).length === 0)
      throw new SerializationError(
        'GradScaler: the state dict is empty or none; was it saved from a scaler that was not enabled?',
      );
    const numberOf = (key: keyof GradScalerState): number => {
      const value = entries[key];
      if (typeof value === 'number') return value;
      if (typeof value === 'bigint') return Number(value);
      throw new SerializationError(`GradScaler: the state dict has no number '${key}'`);
    };
    const scale = Math.fround(numberOf('scale'));
    const growth = checkedGrowth(numberOf('growth_factor'));
    const backoff = checkedBackoff(numberOf('backoff_factor'));
    const interval = checkedInterval(numberOf('growth_interval'));
    this.#goodSteps = numberOf('_growth_tracker');
    [this.#scale, this.#growthFactor, this.#backoffFactor, this.#growthInterval] = [scale, growth, backoff, interval];
  }
}

function checkedGrowth(value: number): number {
  expect(value > 1, 'GradScaler', 'growthFactor', 'above 1', value);
  return value;
}

function checkedBackoff(value: number): number {
  expect(value > 0 && value < 1, 'GradScaler', 'backoffFactor', 'between 0 and 1', value);
  return value;
}

function checkedInterval(value: number): number {
  expect(Number.isInteger(value) && value > 0, 'GradScaler', 'growthInterval', 'a positive integer', value);
  return value;
}

const isReadable = (x: Tensor): boolean => backendFor(x.device).readSync !== null;

/** The gradients that there are, without history. */
function gradientsOf({ paramGroups }: Optimizer): Tensor[] {
  return paramGroups.flatMap(({ params }) =>
    params.flatMap((parameter) => {
      const grad = gradOf(parameter);
      return grad === null ? [] : [grad.detach()];
    }),
  );
}

/** Whether all elements are finite, a 0-d bool: the largest absolute value is NaN or infinite when some element is. */
const allFinite = (x: Tensor): Tensor => (x.elementCount === 0 ? x.newZeros([]) : x.abs().max()).isfinite();

/** Whether an optimizer's gradients overflowed. */
function overflowOf({ overflowed, finite, stage }: Progress): boolean {
  if (overflowed !== null) return overflowed;
  if (stage === 'unscaled' && finite.every(isReadable)) return finite.some((flag) => !flag.itemSync());
  throw new TypeError('GradScaler.update(): a step is not done yet; `await scaler.step(optimizer)` first');
}
