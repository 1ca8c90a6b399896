/** @file A line search for the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6). */

/** The objective at a step along a direction. */
export interface Point<Gradient> {
  /** The step. */
  readonly t: number;
  readonly value: number;
  /** The derivative along the direction. */
  readonly slope: number;
  readonly gradient: Gradient;
}

/** The values and slopes that an interpolation goes through. */
type Knot = Omit<Point<unknown>, 'gradient'>;

/** Sufficient decrease, and the share of the first slope that may be left. */
const [c1, c2] = [1e-4, 0.9];
const maxSteps = 25;

/** The least place of the cubic through two points with their slopes, within bounds (by default the points). */
export function cubicMinimum(
  a: Knot,
  b: Knot,
  bounds: readonly [number, number] = a.t <= b.t ? [a.t, b.t] : [b.t, a.t],
): number {
  const [low, high] = bounds;
  const d1 = a.slope + b.slope - (3 * (a.value - b.value)) / (a.t - b.t);
  const square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const place =
    a.t <= b.t
      ? b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
      : a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2));
  return Math.min(Math.max(place, low), high);
}

/**
 * A computation that stops for each value that it wants from outside (`Wish`) and goes on with its number, so that one
 * text serves devices that are read at once and those that are read asynchronously.
 */
export type Stepwise<Wish, Result> = Generator<Wish, Result, number>;

export interface SearchResult<Gradient> {
  readonly point: Point<Gradient>;
  /** How often the objective was evaluated. */
  readonly evaluations: number;
}

/**
 * Finds a step that satisfies the strong Wolfe conditions, or the best within the limits.
 * @param start the objective at step 0
 * @param first the step to try first
 * @param size the greatest element of the direction: the search ends when a step's change falls below `tolerance`
 */
export function* strongWolfe<Wish, Gradient>(
  evaluate: (t: number) => Stepwise<Wish, Point<Gradient>>,
  start: Point<Gradient>,
  first: number,
  size: number,
  tolerance: number,
): Stepwise<Wish, SearchResult<Gradient>> {
  const tooHigh = (p: Point<Gradient>): boolean => p.value > start.value + c1 * p.t * start.slope;
  const flat = (p: Point<Gradient>): boolean => Math.abs(p.slope) <= -c2 * start.slope;
  let point = yield* evaluate(first);
  let [evaluations, steps] = [1, 0];
  let previous = start;
  let bracket: [Point<Gradient>, Point<Gradient>] | null = null;
  while (steps < maxSteps) {
    if (tooHigh(point) || (steps > 1 && point.value >= previous.value)) bracket = [previous, point];
    else if (flat(point)) return { point, evaluations };
    else if (point.slope >= 0) bracket = [previous, point];
    if (bracket !== null) break;
    const next = cubicMinimum(previous, point, [point.t + 0.01 * (point.t - previous.t), point.t * 10]);
    previous = point;
    point = yield* evaluate(next);
    evaluations += 1;
    steps += 1;
  }
  return yield* zoom(evaluate, bracket ?? [start, point], { tooHigh, flat, size, tolerance, evaluations, steps });
}

interface Zoom<Gradient> {
  readonly tooHigh: (p: Point<Gradient>) => boolean;
  readonly flat: (p: Point<Gradient>) => boolean;
  readonly size: number;
  readonly tolerance: number;
  readonly evaluations: number;
  readonly steps: number;
}

/** Narrows a bracket until a point of it will do. */
function* zoom<Wish, Gradient>(
  evaluate: (t: number) => Stepwise<Wish, Point<Gradient>>,
  [a, b]: readonly [Point<Gradient>, Point<Gradient>],
  { tooHigh, flat, size, tolerance, evaluations: before, steps: taken }: Zoom<Gradient>,
): Stepwise<Wish, SearchResult<Gradient>> {
  const bracket: [Point<Gradient>, Point<Gradient>] = [a, b];
  let low: 0 | 1 = a.value <= b.value ? 0 : 1;
  let slow = false;
  let evaluations = before;
  for (let steps = taken; steps < maxSteps; steps++) {
    const [left, right] = [Math.min(bracket[0].t, bracket[1].t), Math.max(bracket[0].t, bracket[1].t)];
    if ((right - left) * size < tolerance) break;
    let t = cubicMinimum(bracket[0], bracket[1]);
    const margin = 0.1 * (right - left);
    const near = Math.min(right - t, t - left) < margin;
    // Near an end twice in a row, or on it: a step well inside makes progress.
    if (near && (slow || t >= right || t <= left)) {
      t = Math.abs(t - right) < Math.abs(t - left) ? right - margin : left + margin;
      slow = false;
    } else slow = near;
    const point = yield* evaluate(t);
    evaluations += 1;
    const high: 0 | 1 = low === 0 ? 1 : 0;
    if (tooHigh(point) || point.value >= bracket[low].value) {
      bracket[high] = point;
      low = bracket[0].value <= bracket[1].value ? 0 : 1;
      continue;
    }
    const done = flat(point);
    if (!done && point.slope * (bracket[high].t - bracket[low].t) >= 0) bracket[high] = bracket[low];
    bracket[low] = point;
    if (done) break;
  }
  return { point: bracket[low], evaluations };
}
