/** @file A progress bar on a terminal, a line now and then elsewhere. */
import { Presets, SingleBar } from 'cli-progress';

const LINES_PER_BAR = 4;

export interface ProgressBar {
  /** @param done items so far. @param note shown behind the bar, e.g. the loss. */
  update(done: number, note: string): void;
  stop(): void;
}

/** A bar over `total` items with speed and time left; `unit` names the items. */
export function progressBar(title: string, total: number, unit: string): ProgressBar {
  const start = performance.now();
  const speed = (done: number): number => (done / Math.max(performance.now() - start, 1)) * 1000;
  const left = (done: number): string => {
    const seconds = Math.ceil((total - done) / Math.max(speed(done), 1e-9));
    return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  };
  const status = (done: number): string => `${Math.round(speed(done))} ${unit}/s, ${left(done)} left`;
  return process.stdout.isTTY ? terminalBar(title, total, status) : lines(title, total, status);
}

function terminalBar(title: string, total: number, status: (done: number) => string): ProgressBar {
  const bar = new SingleBar(
    { format: `${title} {bar} {percentage} % | {note} | {status}`, barsize: 28, hideCursor: true, fps: 10 },
    Presets.shades_classic,
  );
  bar.start(total, 0, { note: '', status: '' });
  return { update: (done, note) => bar.update(done, { note, status: status(done) }), stop: () => bar.stop() };
}

function lines(title: string, total: number, status: (done: number) => string): ProgressBar {
  let shown = 0;
  return {
    update(done, note) {
      const part = Math.floor((done / total) * LINES_PER_BAR);
      if (part === shown) return;
      shown = part;
      console.log(`${title} ${Math.round((100 * done) / total)} % | ${note} | ${status(done)}`);
    },
    stop() {},
  };
}
