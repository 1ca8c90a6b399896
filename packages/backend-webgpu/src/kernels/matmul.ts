/** @file Batched matrix product over strided views. */
import { type Loops, type MatmulOptions, mergeStrides, type View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { contract } from './contraction.ts';

/**
 * out = alpha · a · b (+ out) (+ bias), for a [...B, M, K], b [...B, K, N], bias [N] and out [...B, M, N], all of one dtype
 * and of any strides. Batch shapes are equal; stride 0 repeats an operand. Half precision is summed in float32; integers
 * wrap around. K = 0 gives zeros (plus bias).
 */
export function matmul(
  commands: Commands,
  memory: Memory,
  a: View,
  b: View,
  out: View,
  options: MatmulOptions = {},
): void {
  if (out.elementCount === 0) return;
  const { bias = null, alpha = 1, accumulate = false } = options;
  const rank = out.shape.length - 2;
  const [n, k] = [out.shape[rank + 1]!, a.shape[rank + 1]!];
  const [stepB, columnB] = [b.strides[rank]!, b.strides[rank + 1]!];
  const { rows, rowA, rowOut, batch } = foldedRows(a, b, out);
  contract(commands, memory, {
    name: 'matmul',
    a,
    b,
    out,
    bias,
    rows,
    rowStrides: [rowA, rowOut, 0],
    columnSizes: [n],
    columnOut: [out.strides[rank + 1]!],
    columnB,
    columnBias: bias?.strides[0] ?? 0,
    stepSizes: [k],
    stepA: [a.strides[rank + 1]!],
    stepB,
    stepsOfB: stepB === 1 || columnB !== 1,
    window: [],
    batch,
    alpha,
    accumulate,
  });
}

const noLoops: Loops = { sizes: [], strides: [[], [], [], []] };

/** Rows and batch loops. Batches that share b and whose rows follow each other are one product with more rows. */
function foldedRows(a: View, b: View, out: View) {
  const rank = out.shape.length - 2;
  let [rows, rowA, rowOut] = [out.shape[rank]!, a.strides[rank]!, out.strides[rank]!];
  if (rank === 0) return { rows, rowA, rowOut, batch: noLoops };
  const { sizes, strides } = mergeStrides(
    out.shape.slice(0, rank),
    [a, b, out].map((view) => view.strides.slice(0, rank)),
  );
  const [stepsA, stepsB, stepsOut] = strides as [number[], number[], number[]];
  let loops = sizes.length;
  for (; loops > 0 && stepsB[loops - 1] === 0; loops--) {
    const [stepA, stepOut] = [stepsA[loops - 1]!, stepsOut[loops - 1]!];
    if (rows === 1) [rowA, rowOut] = [stepA, stepOut];
    else if (stepA !== rows * rowA || stepOut !== rows * rowOut) break;
    rows *= sizes[loops - 1]!;
  }
  const kept = [...[stepsA, stepsB, stepsOut].map((steps) => steps.slice(0, loops)), new Array<number>(loops).fill(0)];
  return { rows, rowA, rowOut, batch: { sizes: sizes.slice(0, loops), strides: kept } };
}
