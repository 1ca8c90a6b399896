/** @file Averages of models. */
import { MissingError } from '../calls.ts';

export async function checkAverage({ fn }: { fn: string }): Promise<string | null> {
  throw new MissingError(`not implemented: optim.swaUtils.${fn}`);
}
