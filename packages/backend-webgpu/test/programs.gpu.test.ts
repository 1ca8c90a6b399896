/** @file Random programs: whatever follows whatever, with views, in-place ops, memory given back and uploads, as on the CPU. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { functional as F, fromTypedArray, noGrad, type Tensor, tidy } from '@flambeau/tensor';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { kinds, openKinds } from './compare.ts';

const side = 4;
const slots = 5;

/** A step: an op, the slots of its operands, and the slot of its result. */
type Step = readonly [op: number, a: number, b: number, to: number];

const wave = (phase: number): Tensor =>
  fromTypedArray(
    Float32Array.from({ length: side * side }, (_, i) => Math.fround(Math.sin(phase + i * 2.3))),
    [side, side],
  );

/** Products are kept small, so that long programs stay finite. */
const product = (x: Tensor, y: Tensor): Tensor => x.clamp(-1, 1).matmul(y);

/** Ops that give a tensor, which takes the place of what is in slot `to`. */
const makers: readonly ((x: Tensor, y: Tensor, where: string) => Tensor)[] = [
  product,
  product,
  (x, y) => F.relu(product(x, y)),
  (x, y) => product(x, y).sigmoid(),
  (x, y) => product(x, y).add(x),
  (x, y) => product(x, y).relu_(),
  (x, y) => tidy(() => product(x, y).mul(0.5).add(y)),
  (x, y) => F.linear(x.clamp(-1, 1), y, y.at(0)),
  (x) => F.relu(x),
  (x) => x.sigmoid(),
  (x, y) => x.add(y).mul(0.5),
  (x) => x.t(),
  (x) => x.flip([0]),
  (x) => x.clone(),
  (x, y) => x.detach().narrow(0, 1, 3).matmul(y.t()).repeat(2, 1).narrow(0, 0, side),
  (_x, _y, where) => wave(7).to(where),
];

/** Ops that change what is in a slot. */
const writers: readonly ((x: Tensor, y: Tensor) => void)[] = [
  (x, y) => x.add_(y).mul_(0.5),
  (x) => x.clamp_(-1, 1),
  (x, y) => x.copy_(y),
  (x, y) => x.at(1).copy_(y.at(2)),
  (x, y) => x.addmm_(y.clamp(-1, 1), y.clone()),
  (x) => x.at(':', 0).fill_(0.25),
  (x, y) => x.narrow(1, 0, 2).add_(y.narrow(1, 2, 2)),
];

const extra = ['dispose', 'read'] as const;

async function run(program: readonly Step[], where: string): Promise<number[]> {
  const held = Array.from({ length: slots }, (_, i) => wave(i).to(where));
  for (const [op, a, b, to] of program) {
    const [x, y] = [held[a]!, held[b]!];
    const make = makers[op];
    const write = writers[op - makers.length];
    if (make !== undefined) held[to] = make(x, y, where);
    else if (write !== undefined) write(x, y);
    else if (extra[op - makers.length - writers.length] === 'read') await x.sum().item();
    else {
      x.dispose();
      for (const [i, other] of held.entries()) if (other === x || other.disposed) held[i] = wave(i + 3).to(where);
    }
  }
  const values: number[] = [];
  for (const x of held) values.push(...(x.disposed ? [] : Array.from(await x.toTypedArray(), Number)));
  return values;
}

/** The gradients of leaves through a graph of random ops. */
async function differentiate(program: readonly Step[], where: string): Promise<number[]> {
  const leaves = Array.from({ length: slots }, (_, i) => wave(i).to(where).requiresGrad_());
  const held: Tensor[] = [...leaves];
  for (const [op, a, b, to] of program) held[to] = makers[op % makers.length]!(held[a]!, held[b]!, where);
  const outputs = held.filter((x) => x.requiresGrad);
  for (const [i, x] of outputs.entries())
    x.mul(x.detach())
      .sum()
      .backward(undefined, { retainGraph: i + 1 < outputs.length });
  const grads = leaves.map(({ grad }) => grad);
  const values: number[] = [];
  for (const grad of grads) values.push(...(grad === null ? [] : Array.from(await grad.toTypedArray(), Number)));
  return values;
}

const ops = makers.length + writers.length + extra.length;
const slot = fc.nat(slots - 1);
const programs = fc.array(fc.tuple(fc.nat(ops - 1), slot, slot, slot), { minLength: 1, maxLength: 40 });

beforeAll(async () => {
  await openKinds();
});

describe.each(Object.entries(kinds))('any ops in any order are as on the CPU, on %s', (_kind, device) => {
  const same = (what: (program: readonly Step[], where: string) => Promise<number[]>): Promise<void> =>
    fc.assert(
      fc.asyncProperty(programs, async (program) => {
        const [wanted, got] = [await what(program, 'cpu'), await what(program, device)];
        expect(got.length).toBe(wanted.length);
        // Large numbers cancel.
        const near = 1e-4 * wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
        for (const [i, value] of wanted.entries()) expect(Math.abs(got[i]! - value)).toBeLessThan(near);
      }),
      { numRuns: 300, seed: 11 },
    );

  it('programs', () => same((program, where) => noGrad(() => run(program, where))));

  it('gradients', () => same(differentiate));
});
