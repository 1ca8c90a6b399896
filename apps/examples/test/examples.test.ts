/** Every example runs to its end in its short form and leaves the files it names. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { example as basics } from '../src/basics.ts';
import { example as digits } from '../src/digits.ts';
import { example as regression } from '../src/regression.ts';
import { example as spiral } from '../src/spiral.ts';
import { exampleRunner } from './runner.ts';

const runner = exampleRunner('cpu');
const run = runner.run;

const isPng = async (name: string): Promise<boolean> =>
  (await readFile(join(runner.out, name))).subarray(0, 8).toString('latin1') === '\x89PNG\r\n\x1a\n';

describe('examples', () => {
  it('digits: trains, saves, reloads, draws', { timeout: 60_000 }, async () => {
    const text = await run(digits);
    expect(text).toMatch(/^test accuracy \d+\.\d\d %$/m);
    expect(text).toMatch(/built-in digits/);
    expect(text).toMatch(/they predict the same/);
    expect(await isPng('digits.png')).toBe(true);
    expect(await isPng('loss.png')).toBe(true);
  });

  it('digits: says what is missing in a folder without data', async () => {
    const missing = digits.run({ data: runner.out, device: 'cpu', out: runner.out, seed: 1, quick: true });
    await expect(missing).rejects.toThrow(/train-images-idx3-ubyte/);
  });

  it('basics: shows tensors and gradients', async () => {
    const text = await run(basics);
    expect(text).toMatch(/tensor\(\[\[0\., 1\., 2\.\],/);
    expect(text).toMatch(/<PowBackward0>/);
    expect(text).toMatch(/tensor\(\[-0\.4794\]\)/);
  });

  it('regression: the error falls', async () => {
    const [, first, last] = /(\d\.\d+) at the start, (\d\.\d+) at the end/.exec(await run(regression))!;
    expect(Number(last)).toBeLessThan(Number(first));
    expect(await isPng('regression-loss.png')).toBe(true);
  });

  it('spiral: learns and draws', async () => {
    expect(await run(spiral)).toMatch(/% of the points are on the right arm/);
    expect(await isPng('spiral.png')).toBe(true);
  });
});
