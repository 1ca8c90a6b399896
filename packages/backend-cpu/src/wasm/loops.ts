/** Loops that several kernels share. */
import { doWhile, type Local, type Operand, type Statement, when } from './encoder.ts';
import { i32 } from './instructions.ts';

/** local += by. */
export const advance = (local: Local<'i32'>, by: Operand<'i32'>): Statement => local.set(i32.add(local, by));

/** Runs `body(unroll)` while that many steps are left, then `body(1)`; counts `count` down to 0. */
export function countedLoop(count: Local<'i32'>, unroll: number, body: (steps: number) => Statement[]): Statement[] {
  return [
    when(i32.geS(count, unroll), [doWhile([body(unroll), count.set(i32.sub(count, unroll))], i32.geS(count, unroll))]),
    when(count, [doWhile([body(1)], count.tee(i32.sub(count, 1)))]),
  ];
}
