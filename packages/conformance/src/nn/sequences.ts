/** @file nn.utils.rnn: packing and padding, and recurrent networks on packed sequences. */
import { backward } from '@flambeau/autograd';
import type { Tensor } from '@flambeau/tensor';
import * as flambeau from 'flambeau';
import { buildTensor } from '../build.ts';
import { MissingError } from '../calls.ts';
import type { GoldenTensor } from '../decode.ts';
import { camelCaseKeys } from '../names.ts';

interface PackedGolden {
  readonly data: GoldenTensor;
  readonly batch_sizes: GoldenTensor;
  readonly sorted_indices: GoldenTensor | null;
  readonly unsorted_indices: GoldenTensor | null;
}

interface PackCase {
  readonly fn: 'pack_padded_sequence';
  readonly kwargs: { readonly batch_first: boolean; readonly enforce_sorted: boolean };
  readonly input: GoldenTensor;
  readonly lengths: readonly number[];
  readonly packed: PackedGolden;
  readonly padded: GoldenTensor;
  readonly padded_lengths: GoldenTensor;
  readonly padding_value: number;
  readonly padded_total_length: number;
  readonly padded_total: GoldenTensor;
}

interface NetworkCase {
  readonly fn: 'packed_lstm' | 'packed_gru' | 'packed_rnn';
  readonly ctor: Readonly<Record<string, unknown>>;
  readonly state_dict: Readonly<Record<string, GoldenTensor>>;
  readonly input: GoldenTensor;
  readonly lengths: readonly number[];
  readonly enforce_sorted: boolean;
  readonly out: PackedGolden;
  readonly h: unknown;
  readonly cotangent_out_data: GoldenTensor;
  readonly input_grad: GoldenTensor;
  readonly param_grads: Readonly<Record<string, GoldenTensor>>;
}

interface ListCase {
  readonly fn: 'pad_sequence' | 'pack_sequence';
  readonly sequences: readonly GoldenTensor[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly out?: GoldenTensor;
  readonly packed?: PackedGolden;
}

export type SequenceCase = PackCase | NetworkCase | ListCase;

type Compare = (what: string, got: unknown, want: unknown) => Promise<string | null>;

const { rnn } = flambeau.nn.utils;

async function firstOf(
  checks: readonly (readonly [what: string, got: unknown, want: unknown])[],
  compare: Compare,
): Promise<string | null> {
  for (const check of checks) {
    const difference = await compare(...check);
    if (difference !== null) return difference;
  }
  return null;
}

const comparePacked = (
  got: flambeau.nn.utils.rnn.PackedSequence,
  want: PackedGolden,
  compare: Compare,
): Promise<string | null> =>
  firstOf(
    [
      ['data', got.data, want.data],
      ['batch sizes', got.batchSizes, want.batch_sizes],
      ['sorted indices', got.sortedIndices, want.sorted_indices],
      ['unsorted indices', got.unsortedIndices, want.unsorted_indices],
    ],
    compare,
  );

export async function checkSequences(golden: SequenceCase, device: string, compare: Compare): Promise<string | null> {
  if (golden.fn === 'pack_padded_sequence') return checkPacking(golden, device, compare);
  if (golden.fn === 'pad_sequence' || golden.fn === 'pack_sequence') return checkList(golden, device, compare);
  return checkNetwork(golden as NetworkCase, device, compare);
}

async function checkPacking(golden: PackCase, device: string, compare: Compare): Promise<string | null> {
  const { batch_first: batchFirst, enforce_sorted: enforceSorted } = golden.kwargs;
  const packed = rnn.packPaddedSequence(buildTensor(golden.input, { device }), golden.lengths, {
    batchFirst,
    enforceSorted,
  });
  const [padded, lengths] = rnn.padPackedSequence(packed, { batchFirst, paddingValue: golden.padding_value });
  const [total] = rnn.padPackedSequence(packed, { batchFirst, totalLength: golden.padded_total_length });
  return (
    (await comparePacked(packed, golden.packed, compare)) ??
    (await firstOf(
      [
        ['padded', padded, golden.padded],
        ['lengths', lengths, golden.padded_lengths],
        ['padded to a length', total, golden.padded_total],
      ],
      compare,
    ))
  );
}

async function checkList(golden: ListCase, device: string, compare: Compare): Promise<string | null> {
  const list = golden.sequences.map((sequence) => buildTensor(sequence, { device }));
  const options = camelCaseKeys(golden.kwargs ?? {});
  if (golden.fn === 'pad_sequence') return compare('out', rnn.padSequence(list, options), golden.out);
  return comparePacked(rnn.packSequence(list, options), golden.packed!, compare);
}

const networks = { packed_lstm: 'LSTM', packed_gru: 'GRU', packed_rnn: 'RNN' } as const;

async function checkNetwork(golden: NetworkCase, device: string, compare: Compare): Promise<string | null> {
  const Network = flambeau.nn[networks[golden.fn]] as unknown as
    | (new (
        options: object,
      ) => flambeau.nn.LSTM)
    | undefined;
  if (Network === undefined) throw new MissingError(`not implemented: nn.${networks[golden.fn]}`);
  const net = new Network(camelCaseKeys(golden.ctor)).to(device);
  net.loadStateDict(
    Object.fromEntries(
      Object.entries(golden.state_dict).map(([name, value]) => [name, buildTensor(value, { device, detached: true })]),
    ),
  );
  const input = buildTensor(golden.input, { device, detached: true }).requiresGrad_();
  const packed = rnn.packPaddedSequence(input, golden.lengths, {
    batchFirst: golden.ctor.batch_first === true,
    enforceSorted: golden.enforce_sorted,
  });
  const [out, state] = net(packed);
  backward([out.data], [buildTensor(golden.cotangent_out_data, { device, detached: true })]);
  const grads = Object.entries(golden.param_grads).map(
    ([name, want]) => [`gradient of ${name}`, net.getParameter(name).grad as Tensor | null, want] as const,
  );
  return (
    (await comparePacked(out, golden.out, compare)) ??
    (await firstOf(
      [['state', state, golden.h], ['gradient of input', input.grad, golden.input_grad], ...grads],
      compare,
    ))
  );
}
