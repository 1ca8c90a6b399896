/** @file L-BFGS: a quasi-Newton method with little memory. */
import { cat, DeviceError, enableGrad, isTensor, noGrad, type Tensor, zeros } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { type Point, type Stepwise, strongWolfe } from './line-search.ts';
import { Optimizer, type ParameterState, type Params } from './optimizer.ts';
import { expect, expectNotNegative } from './options.ts';

export interface LBFGSOptions {
  lr: number;
  /** Iterations per step. */
  maxIter: number;
  /** Evaluations of the closure per step; by default 1.25 · maxIter. */
  maxEval: number | null;
  /** Ends when no element of the gradient is greater. */
  toleranceGrad: number;
  /** Ends when loss and parameters change by less. */
  toleranceChange: number;
  /** Iterations whose curvature is remembered. */
  historySize: number;
  lineSearchFn: 'strong_wolfe' | null;
}

const names = ['lr', 'maxIter', 'maxEval', 'toleranceGrad', 'toleranceChange', 'historySize', 'lineSearchFn'] as const;
const parse = signature<LBFGSOptions>('LBFGS', names, {
  lr: 1,
  maxIter: 20,
  maxEval: null,
  toleranceGrad: 1e-7,
  toleranceChange: 1e-9,
  historySize: 100,
  lineSearchFn: null,
});

interface State extends ParameterState {
  func_evals: number;
  n_iter: number;
  /** The last direction and step. */
  d: Tensor | null;
  t: number;
  /** Changes of the gradient, changes of the parameters, and 1 / their products, oldest first. */
  old_dirs: Tensor[];
  old_stps: Tensor[];
  ro: number[];
  H_diag: number;
  prev_flat_grad: Tensor | null;
  prev_loss: number | null;
  al: (number | null)[];
}

/** What the algorithm wants to know: the value of a one-element tensor, or the loss at the present parameters. */
type Wish = Tensor | 'loss';

const dot = (a: Tensor, b: Tensor): Tensor => a.dot(b);
const greatest = (x: Tensor): Tensor => x.abs().max();

/**
 * L-BFGS (Liu & Nocedal 1989), for one group of parameters. Every step needs a closure that computes the loss and its
 * gradients, and calls it several times. With an asynchronous closure the step is asynchronous, on every device; devices
 * that are only read asynchronously need one.
 *
 * ```ts
 * const optimizer = new LBFGS(net.parameters(), { lineSearchFn: 'strong_wolfe' });
 * await optimizer.step(async () => {
 *   optimizer.zeroGrad();
 *   const loss = criterion(net(x), y);
 *   loss.backward();
 *   return loss;
 * });
 * ```
 */
export class LBFGS extends Optimizer<LBFGSOptions> {
  constructor(
    params: Params<LBFGSOptions>,
    ...args: Trailing<
      [
        lr: number,
        maxIter: number,
        maxEval: number | null,
        toleranceGrad: number,
        toleranceChange: number,
        historySize: number,
        lineSearchFn: 'strong_wolfe' | null,
      ],
      Partial<LBFGSOptions>
    >
  ) {
    const options = parse(args);
    super(params, { ...options, maxEval: options.maxEval ?? Math.floor((options.maxIter * 5) / 4) });
    if (this.paramGroups.length !== 1)
      throw new TypeError(`LBFGS: takes one group of parameters, got ${this.paramGroups.length}`);
  }

  protected override get tensorNumbers(): readonly string[] {
    return [];
  }

  protected check({ lr, maxIter, toleranceGrad, toleranceChange, historySize, lineSearchFn }: LBFGSOptions): void {
    expectNotNegative('LBFGS', { lr, toleranceGrad, toleranceChange });
    expect(Number.isInteger(maxIter) && maxIter > 0, 'LBFGS', 'maxIter', 'a positive integer', maxIter);
    expect(Number.isInteger(historySize) && historySize > 0, 'LBFGS', 'historySize', 'a positive integer', historySize);
    expect(
      lineSearchFn === null || lineSearchFn === 'strong_wolfe',
      'LBFGS',
      'lineSearchFn',
      "null or 'strong_wolfe'",
      lineSearchFn,
    );
  }

  protected override update(): void {
    throw new TypeError('LBFGS: step() needs a closure that computes the loss');
  }

  private get params(): Tensor[] {
    return this.paramGroups[0]!.params;
  }

  /** All gradients as one vector; zeros for parameters that have none. */
  private flatGrad(): Tensor {
    return cat(
      this.params.map(
        (p) => p.grad?.detach().reshape([-1]) ?? zeros([p.elementCount], { dtype: p.dtype, device: p.device }),
      ),
    );
  }

  /** parameters ← parameters + t · direction */
  private move(t: number, direction: Tensor): void {
    let start = 0;
    for (const p of this.params) {
      p.add_(direction.narrow(0, start, p.elementCount).view([...p.shape]), { alpha: t });
      start += p.elementCount;
    }
  }

  override step(): undefined;
  override step<T>(closure: () => T): T;
  override step<T>(closure?: () => T): T | undefined {
    if (closure === undefined) return this.update() as undefined;
    this.check(this.paramGroups[0]!);
    const evaluate = (): T => enableGrad(closure);
    const loss = evaluate();
    if (isPromise(loss)) return this.minimizeLater(loss, evaluate as () => Promise<unknown>) as T;
    const { device } = this.params[0]!;
    if (device !== 'cpu')
      throw new DeviceError(
        `LBFGS: device '${device}' is only read asynchronously; use \`await optimizer.step(async () => …)\``,
      );
    const answer = (wish: Wish): number => (wish === 'loss' ? numberOf(evaluate()) : wish.itemSync());
    const steps = this.minimize(numberOf(loss));
    for (let at = next(steps); at.done !== true; ) at = next(steps, answer(at.value));
    return loss;
  }

  /** The same where the closure is asynchronous. @returns the first loss. */
  private async minimizeLater(first: Promise<unknown>, evaluate: () => Promise<unknown>): Promise<unknown> {
    const loss = await first;
    const answer = async (wish: Wish): Promise<number> =>
      wish === 'loss' ? numberLater(await evaluate()) : wish.item();
    const steps = this.minimize(await numberLater(loss));
    for (let at = next(steps); at.done !== true; ) at = next(steps, await answer(at.value));
    return loss;
  }

  private *minimize(firstLoss: number): Stepwise<Wish, void> {
    const { lr, maxIter, maxEval, toleranceGrad, toleranceChange, lineSearchFn, historySize } = this.paramGroups[0]!;
    const state = this.stateOf<State>(this.params[0]!, startState);
    state.func_evals += 1;
    let [loss, grad, evaluations] = [firstLoss, this.flatGrad(), 1];
    if ((yield greatest(grad)) <= toleranceGrad) return;
    for (let iteration = 1; iteration <= maxIter; iteration++) {
      state.n_iter += 1;
      const first = state.n_iter === 1;
      const d = first ? grad.neg() : yield* directionOf(state, grad, historySize);
      [state.d, state.prev_flat_grad] = [d, grad];
      const lossBefore = loss;
      state.prev_loss = loss;
      state.t = first ? Math.min(1, 1 / (yield grad.abs().sum())) * lr : lr;
      const slope = yield dot(grad, d);
      if (slope > -toleranceChange) return;
      let used = 0;
      if (lineSearchFn === 'strong_wolfe') {
        const found = yield* this.search(d, { t: 0, value: loss, slope, gradient: grad }, state.t);
        used = found.evaluations;
        ({ t: state.t, value: loss, gradient: grad } = found.point);
        this.move(state.t, d);
      } else {
        this.move(state.t, d);
        // After the last iteration nobody would use another evaluation.
        if (iteration < maxIter) {
          loss = yield 'loss';
          grad = this.flatGrad();
          used = 1;
        }
      }
      evaluations += used;
      state.func_evals += used;
      if (evaluations >= maxEval! || (yield greatest(grad)) <= toleranceGrad) return;
      if ((yield greatest(d)) * state.t <= toleranceChange || Math.abs(loss - lossBefore) < toleranceChange) return;
    }
  }

  private *search(
    d: Tensor,
    start: Point<Tensor>,
    first: number,
  ): Stepwise<Wish, { point: Point<Tensor>; evaluations: number }> {
    const initial = this.params.map((p) => p.detach().clone());
    const at = function* (this: LBFGS, t: number): Stepwise<Wish, Point<Tensor>> {
      this.move(t, d);
      const value = yield 'loss';
      const gradient = this.flatGrad();
      this.params.forEach((p, i) => {
        p.copy_(initial[i]!);
      });
      return { t, value, slope: yield dot(gradient, d), gradient };
    }.bind(this);
    return yield* strongWolfe(at, start, first, yield greatest(d), 1e-9);
  }
}

/** Goes on to the next wish; only the closure records gradients. */
const next = (steps: Stepwise<Wish, void>, ...answer: [] | [number]): IteratorResult<Wish, void> =>
  noGrad(() => steps.next(...answer));

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';

/** The loss as a number. */
function numberOf(loss: unknown): number {
  if (typeof loss === 'number') return loss;
  if (isTensor(loss)) return loss.itemSync();
  throw new TypeError('LBFGS: the closure must return the loss, a number or a tensor of one element');
}

const numberLater = async (loss: unknown): Promise<number> => (isTensor(loss) ? loss.item() : numberOf(loss));

const startState = (): State => ({
  func_evals: 0,
  n_iter: 0,
  d: null,
  t: 0,
  old_dirs: [],
  old_stps: [],
  ro: [],
  H_diag: 1,
  prev_flat_grad: null,
  prev_loss: null,
  al: [],
});

/** −H g for the approximate inverse Hessian H of the last iterations: Nocedal & Wright 2006, algorithm 7.4. */
function* directionOf(state: State, grad: Tensor, historySize: number): Stepwise<Wish, Tensor> {
  const [y, s] = [grad.sub(state.prev_flat_grad!), state.d!.mul(state.t)];
  const curvature = yield dot(y, s);
  if (curvature > 1e-10) {
    if (state.old_dirs.length === historySize)
      for (const list of [state.old_dirs, state.old_stps, state.ro]) list.shift();
    state.old_dirs.push(y);
    state.old_stps.push(s);
    state.ro.push(1 / curvature);
    state.H_diag = curvature / (yield dot(y, y));
  }
  const count = state.old_dirs.length;
  const q = grad.neg();
  state.al = new Array<number | null>(historySize).fill(null);
  for (let i = count - 1; i >= 0; i--) {
    const a = (yield dot(state.old_stps[i]!, q)) * state.ro[i]!;
    state.al[i] = a;
    q.add_(state.old_dirs[i]!, { alpha: -a });
  }
  const r = q.mul(state.H_diag);
  for (let i = 0; i < count; i++) {
    const b = (yield dot(state.old_dirs[i]!, r)) * state.ro[i]!;
    r.add_(state.old_stps[i]!, { alpha: state.al[i]! - b });
  }
  return r;
}
