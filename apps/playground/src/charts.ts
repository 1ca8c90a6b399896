/** @file The curves of this run and, dashed, of the one before. */
import uPlot from 'uplot';

/** Weight of the newest value in the smooth curve. */
const newest = 0.1;

export interface Chart {
  add(step: number, value: number): void;
  /** The last value of the curve, smooth if it is a smoothed one, or null. */
  readonly last: number | null;
  /** Begins a new run; the present one becomes the dashed one. */
  restart(): void;
}

interface ChartOptions {
  readonly plot: HTMLElement;
  /** Gets the values under the pointer. */
  readonly caption: HTMLElement;
  readonly name: string;
  /** A CSS variable with the colour of the curve. */
  readonly colour: string;
  /** Draws a running mean, and the single values faintly behind it. */
  readonly smooth: boolean;
  readonly range: [least: number, most: number | null];
  readonly format: (value: number) => string;
}

interface Curve {
  readonly steps: number[];
  readonly values: number[];
  readonly means: number[];
}

const emptyCurve = (): Curve => ({ steps: [], values: [], means: [] });

export function openChart(options: ChartOptions): Chart {
  const { plot, caption, smooth, format } = options;
  let current = emptyCurve();
  let previous = emptyCurve();
  const chart = new uPlot(plotOptions(options), [[], [], [], []], plot);
  const redraw = oncePerFrame(() => {
    chart.setData(tableOf(current, previous));
    const last = current.means.at(-1);
    const progress = last === undefined ? 'nothing yet' : `${format(last)} after ${current.steps.at(-1)} steps`;
    plot.setAttribute('aria-label', `${options.name} over steps: ${progress}`);
  });

  chart.hooks.setCursor = [
    ({ cursor: { idx }, data }) => {
      const value = idx == null ? null : (data[smooth ? 2 : 1]![idx] ?? data[3]![idx]);
      caption.textContent = value == null ? '' : `step ${data[0][idx!]}: ${format(value)}`;
    },
  ];
  new ResizeObserver(() => chart.setSize(sizeOf(plot))).observe(plot);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  return {
    add(step, value) {
      const before = current.means.at(-1) ?? value;
      // The first values count fully, so that the curve does not hang on where it began.
      const weight = smooth ? Math.max(newest, 1 / (current.steps.length + 1)) : 1;
      current.steps.push(step);
      current.values.push(value);
      current.means.push(before + weight * (value - before));
      redraw();
    },
    get last() {
      return current.means.at(-1) ?? null;
    },
    restart() {
      if (current.steps.length > 1) previous = current;
      current = emptyCurve();
      redraw();
    },
  };
}

/** Both runs over one list of steps, as uPlot wants them: single values, means, means of the previous run. */
function tableOf(current: Curve, previous: Curve): uPlot.AlignedData {
  const [{ steps, values, means }, before] = [current, previous];
  if (before.steps.length === 0) return [steps, values, means, steps.map(() => null)];
  return uPlot.join([
    [steps, values, means],
    [before.steps, before.means],
  ]);
}

function plotOptions({ plot, smooth, colour, range: [least, most], format }: ChartOptions): uPlot.Options {
  const css = (name: string): string => getComputedStyle(plot).getPropertyValue(name);
  // light-dark() must be resolved for the canvas: an element is asked for the colour that it would have.
  const probe = plot.appendChild(document.createElement('i'));
  probe.hidden = true;
  const resolved = (name: string, opacity = 1): string => {
    probe.style.color = `color-mix(in srgb, var(${name}) ${100 * opacity}%, transparent)`;
    return getComputedStyle(probe).color;
  };
  const axis: uPlot.Axis = {
    stroke: () => resolved('--muted'),
    grid: { stroke: () => resolved('--grid'), width: 1 },
    ticks: { show: false },
    font: `12px ${css('font-family')}`,
  };
  const line: uPlot.Series = { points: { show: false }, spanGaps: true };
  return {
    ...sizeOf(plot),
    padding: [10, 12, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
    scales: {
      x: { time: false, range: (_chart, _from, to) => [0, Math.max(to || 0, 20)] },
      // By the smooth curves: one wild value must not flatten all others.
      y: { range: (chart) => [least, most ?? highest(chart) * 1.15] },
    },
    axes: [
      { ...axis, size: 26 },
      { ...axis, size: 48, values: (_chart, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      { ...line, show: true, stroke: () => resolved(colour, smooth ? 0.3 : 1), width: smooth ? 1 : 2 },
      { ...line, show: smooth, stroke: () => resolved(colour), width: 2 },
      { ...line, stroke: () => resolved('--muted', 0.8), width: 1.5, dash: [5, 5] },
    ],
  };
}

/** The highest point of the smooth curves. */
function highest({ data: [, , means, previous] }: uPlot): number {
  let most = 0.1;
  for (const curve of [means!, previous!]) for (const value of curve) most = Math.max(most, value ?? 0);
  return most;
}

const sizeOf = ({ clientWidth, clientHeight }: HTMLElement): { width: number; height: number } => ({
  width: clientWidth,
  height: clientHeight,
});

/** Many calls in one frame become one. */
function oncePerFrame(work: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      work();
    });
  };
}
