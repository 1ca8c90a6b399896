/** @file The options in the page's address, as in `?device=webgpu&batch=16`. */
import type { Device, Settings } from './protocol.ts';

export interface Options extends Settings {
  /** Train at once, without waiting for the button. */
  readonly start: boolean;
}

/** What the address says, with defaults for the rest; what makes no sense counts as absent. */
export function readOptions(search: string): Options {
  const query = new URLSearchParams(search);
  const number = (name: string, normal: number, fits: (value: number) => boolean): number => {
    const text = query.get(name);
    const value = Number(text);
    return text !== null && text.trim() !== '' && fits(value) ? value : normal;
  };
  const count = (name: string, normal: number, most: number): number =>
    number(name, normal, (value) => Number.isInteger(value) && value >= 1 && value <= most);
  const device: Device = query.get('device') === 'webgpu' ? 'webgpu' : 'cpu';
  const trainCount = count('train', 12_000, 100_000);
  return {
    device,
    trainCount,
    testCount: count('test', 1000, 20_000),
    batchSize: Math.min(count('batch', 100, 4096), trainCount),
    learningRate: number('lr', 0.05, (value) => value > 0 && value <= 10),
    seed: number('seed', 1, (value) => Number.isSafeInteger(value) && value >= 0),
    start: query.has('start') && query.get('start') !== '0',
  };
}
