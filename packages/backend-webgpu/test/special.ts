/** @file Compares results on special values, where nearly equal is not enough: NaN, infinities and signs of zero count. */
import type { Tensor } from '@flambeau/tensor';

/** WGSL lets devices replace numbers below 1.2e-38 by 0; what is computed from such a number may be larger. */
const tiny = 1e-36;

const same = (got: number, wanted: number, relative: number): boolean =>
  Object.is(got, wanted) ||
  Math.abs(got - wanted) <= relative * Math.abs(wanted) ||
  (Math.abs(got) <= tiny && Math.abs(wanted) <= tiny && wanted !== 0);

const shown = (x: unknown): string => (Object.is(x, -0) ? '-0' : String(x));

/** Where a result differs from the CPU's, with the elements of the inputs that broadcast to it. */
export async function differencesOf(
  name: string,
  result: Tensor,
  cpu: Tensor,
  inputs: readonly Tensor[],
  relative: number,
): Promise<string[]> {
  const [got, wanted] = [await result.toTypedArray(), cpu.toTypedArraySync()];
  const elementwise = inputs.every((x) => x.shape.every((n, d) => n === 1 || n === cpu.shape.at(d - x.ndim)));
  const args = elementwise ? inputs.map((x) => x.expand([...cpu.shape]).toTypedArraySync()) : [];
  const found: string[] = [];
  for (let i = 0; i < wanted.length; i++) {
    const [a, b] = [Number(got[i]), Number(wanted[i])];
    if (same(a, b, relative)) continue;
    found.push(`${name}(${args.map((x) => shown(x[i])).join(', ')})[${i}] = ${shown(a)}, on the CPU ${shown(b)}`);
  }
  return found;
}
