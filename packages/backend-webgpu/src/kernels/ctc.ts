/**
 * @file The CTC loss by dynamic programming (Graves et al., 2006), as backend-cpu/src/kernels/ctc.ts has it, in float32. A
 * workgroup takes a sample, step by step; its invocations take the states of a step.
 */
import type { CtcSamples, View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { checkDType, literal } from '../wgsl/lower.ts';
import { intWord, shader, WORKGROUP, word } from '../wgsl/shader.ts';
import { bind } from './operands.ts';
import { product, viewed, withTemporary } from './places.ts';

/** Invocations that share a sample. */
const lanes = 64;

type Name = 'x' | 'labels' | 'lengths' | 'steps' | 'losses' | 'paths' | 'joint' | 'grad' | 'out';
type Views = Partial<Record<Name, View>>;

/** Parameter words: steps T, samples N, classes C, states of the longest sample, the blank, whether infinities count 0. */
const [T, N, C, STATES, BLANK] = [0, 1, 2, 3, 4].map(word) as [string, string, string, string, string];
const zeroInfinityWord = word(5);
/** Then an offset and strides for each view. */
const fixedWords = 6;

/** The element of a view at some indices. */
type At = (name: Name, ...indices: readonly string[]) => string;

const lowest = literal(Number.NEGATIVE_INFINITY, 'float32');
const float = (element: string): string => `bitcast<f32>(${element})`;

/** Functions of a sample `n`: its number of states and steps, the class of a state, and whether a path may skip the next one. */
const sampleText = (at: At): string => `
fn states_of(n: u32) -> u32 { return 2u * inside(bitcast<i32>(${at('lengths', 'n')}), i32(${STATES}) / 2 + 1, 0) + 1u; }
fn steps_of(n: u32) -> u32 { return inside(bitcast<i32>(${at('steps', 'n')}), i32(${T}) + 1, 0); }
fn class_of(n: u32, s: u32) -> u32 {
  if (s % 2u == 0u) { return ${BLANK}; }
  return inside(bitcast<i32>(${at('labels', 'n', 's / 2u')}), ${intWord(2)}, 0);
}
fn skips(n: u32, s: u32, states: u32) -> bool {
  return s + 2u < states && s % 2u == 1u && class_of(n, s) != class_of(n, s + 2u);
}
fn log_prob(t: u32, n: u32, s: u32) -> f32 { return ${float(at('x', 't', 'n', 'class_of(n, s)'))}; }`;

/** log(e^a + e^b). */
const logAdd = `fn log_add(a: f32, b: f32) -> f32 {
  let high = select(b, a, a > b);
  let low = select(a, b, a > b);
  if (bitcast<u32>(high) == 0xff800000u) { return high; }
  return high + f_log1p(f_exp(low - high));
}`;

/** A kernel: its text, and how many workgroups it takes. */
interface Kernel {
  readonly name: string;
  readonly groups: number;
  readonly lanes: number;
  body(at: At): string;
  declarations(at: At): string;
}

function run(
  commands: Commands,
  kernel: Kernel,
  views: Views,
  [steps, count, classes]: readonly number[],
  states: number,
  blank: number,
  zeroInfinity = false,
): void {
  const named = Object.entries(views) as [Name, View][];
  const { buffers, places, key } = bind(named.map(([, view]) => view));
  const starts = new Map<Name, number>();
  let next = fixedWords;
  for (const [name, view] of named) {
    starts.set(name, next);
    next += 1 + view.shape.length;
  }
  const at: At = (name, ...indices) => {
    const start = starts.get(name)!;
    const moves = indices.map((index, d) => `(${index}) * ${word(start + 1 + d)}`);
    return `b${places[named.findIndex(([own]) => own === name)]}[${[word(start), ...moves].join(' + ')}]`;
  };
  const program = commands.cached(run, `${kernel.name}:${key}`, () => {
    for (const [, view] of named) checkDType('ctcLoss()', view.dtype);
    return commands.program(
      kernel.name,
      shader(buffers.length, kernel.body(at), kernel.declarations(at), kernel.lanes),
      buffers.length,
    );
  });
  commands.dispatch(program, buffers, kernel.groups, (words, _floats, start) => {
    const numbers = [steps!, count!, classes!, states, blank, zeroInfinity ? 1 : 0];
    for (const [, { offset, strides }] of named) numbers.push(offset, ...strides);
    for (let i = 0; i < numbers.length; i++) words[start + i] = numbers[i]!;
  });
}

/** The rows of `paths`: log probabilities of all paths through the first steps that end in a state. */
const forwardBody = (at: At): string => `let n = group;
  let states = states_of(n);
  let steps = steps_of(n);
  for (var t = 0u; t < ${T}; t = t + 1u) {
    for (var s = lane; s < states; s = s + ${lanes}u) {
      if (t >= steps) { break; }
      var sum = ${lowest};
      if (t == 0u) { sum = select(${lowest}, 0.0, s < 2u); }
      else {
        sum = ${float(at('paths', 'n', 't - 1u', 's'))};
        if (s > 0u) { sum = log_add(sum, ${float(at('paths', 'n', 't - 1u', 's - 1u'))}); }
        if (s > 1u && skips(n, s - 2u, states)) { sum = log_add(sum, ${float(at('paths', 'n', 't - 1u', 's - 2u'))}); }
      }
      ${at('paths', 'n', 't', 's')} = bitcast<u32>(sum + log_prob(t, n, s));
    }
    storageBarrier();
  }
  if (lane > 0u) { return; }
  var likelihood = select(${lowest}, 0.0, states == 1u);
  if (steps > 0u) {
    likelihood = ${float(at('paths', 'n', 'steps - 1u', 'states - 1u'))};
    if (states > 1u) { likelihood = log_add(likelihood, ${float(at('paths', 'n', 'steps - 1u', 'states - 2u'))}); }
  }
  ${at('losses', 'n')} = bitcast<u32>(-likelihood);`;

/** See Routines.ctcLoss in the contract. `paths` is float32. */
export function ctcLoss(commands: Commands, x: View, samples: CtcSamples, losses: View, paths: View): void {
  const { labels, lengths, steps, blank } = samples;
  const forward: Kernel = {
    name: 'ctcLoss',
    groups: x.shape[1]!,
    lanes,
    body: forwardBody,
    declarations: (at) => logAdd + sampleText(at),
  };
  run(commands, forward, { x, labels, lengths, steps, losses, paths }, x.shape, paths.shape[2]!, blank);
}

/**
 * The rows of `joint`: log probabilities of all paths through a state at a step, which counts twice. First they are those of
 * the paths from there to the end; the row behind gets its paths to there when it is not needed any more.
 */
const jointBody = (at: At): string => `let n = group;
  let states = states_of(n);
  let steps = steps_of(n);
  for (var back = 0u; back <= ${T}; back = back + 1u) {
    let t = ${T} - 1u - back;
    for (var s = lane; s < states; s = s + ${lanes}u) {
      if (back == ${T} || t >= steps) { break; }
      var sum = ${lowest};
      if (t + 1u == steps) { sum = select(${lowest}, 0.0, s + 2u >= states); }
      else {
        sum = ${float(at('joint', 'n', 't + 1u', 's'))};
        if (s + 1u < states) { sum = log_add(sum, ${float(at('joint', 'n', 't + 1u', 's + 1u'))}); }
        if (skips(n, s, states)) { sum = log_add(sum, ${float(at('joint', 'n', 't + 1u', 's + 2u'))}); }
      }
      ${at('joint', 'n', 't', 's')} = bitcast<u32>(sum + log_prob(t, n, s));
    }
    storageBarrier();
    for (var s = lane; s < states; s = s + ${lanes}u) {
      if (t + 1u >= steps) { break; }
      ${at('joint', 'n', 't + 1u', 's')} = bitcast<u32>(${float(at('joint', 'n', 't + 1u', 's'))} + ${float(at('paths', 'n', 't + 1u', 's'))});
    }
    storageBarrier();
  }`;

/** grad · p, the part of the gradient that does not depend on the labels; NaN where the other part is. */
const scoresBody = (at: At): string => `let e = group * ${WORKGROUP}u + lane;
  if (e >= ${T} * ${N} * ${C}) { return; }
  let c = e % ${C};
  let n = (e / ${C}) % ${N};
  let t = e / ${C} / ${N};
  let cost = ${float(at('losses', 'n'))};
  let score = ${float(at('x', 't', 'n', 'c'))};
  var slope = 0.0;
  if (t < steps_of(n) && !(is_inf(cost) && ${zeroInfinityWord} == 1u)) {
    slope = ${float(at('grad', 'n'))} * f_exp(score);
    if (is_inf(cost) || is_nan(cost) || is_inf(score)) { slope = nan(0.0); }
  }
  ${at('out', 't', 'n', 'c')} = bitcast<u32>(slope);`;

/** − grad · the share of paths that are in a class at a step, by the invocation of the class's first state. */
const classesBody = (at: At): string => `let e = group * ${WORKGROUP}u + lane;
  if (e >= ${T} * ${N} * ${STATES}) { return; }
  let s = e % ${STATES};
  let n = (e / ${STATES}) % ${N};
  let t = e / ${STATES} / ${N};
  let states = states_of(n);
  let cost = ${float(at('losses', 'n'))};
  let score = log_prob(t, n, s);
  if (s >= states || t >= steps_of(n) || is_inf(cost) || is_inf(score)) { return; }
  let c = class_of(n, s);
  for (var before = 0u; before < s; before = before + 1u) { if (class_of(n, before) == c) { return; } }
  var sum = ${lowest};
  for (var other = s; other < states; other = other + 1u) {
    if (class_of(n, other) == c) { sum = log_add(sum, ${float(at('joint', 'n', 't', 'other'))}); }
  }
  ${at('out', 't', 'n', 'c')} = bitcast<u32>(${float(at('out', 't', 'n', 'c'))} - ${float(at('grad', 'n'))} * f_exp(sum + cost - score));`;

/** See Routines.ctcLossGradient in the contract. */
export function ctcLossGradient(
  commands: Commands,
  memory: Memory,
  grad: View,
  x: View,
  losses: View,
  paths: View,
  samples: CtcSamples,
  zeroInfinity: boolean,
  out: View,
): void {
  const { labels, lengths, steps, blank } = samples;
  const states = paths.shape[2]!;
  const declarations = (at: At): string => logAdd + sampleText(at);
  const each = (count: number): number => Math.ceil(count / WORKGROUP);
  const dispatch = (kernel: Kernel, views: Views): void =>
    run(commands, kernel, views, x.shape, states, blank, zeroInfinity);
  const bySample = { groups: x.shape[1]!, lanes, declarations };
  withTemporary(memory, x.storage.device, paths.elementCount, (words) => {
    const joint = viewed(words, paths.shape, paths.strides);
    dispatch({ name: 'ctcLoss paths', body: jointBody, ...bySample }, { x, labels, lengths, steps, paths, joint });
    const sides = { x, labels, lengths, steps, losses, grad, out };
    const byElement = { lanes: WORKGROUP, declarations };
    dispatch({ name: 'ctcLoss scores', groups: each(product(x.shape)), body: scoresBody, ...byElement }, sides);
    dispatch(
      { name: 'ctcLoss classes', groups: each(paths.elementCount), body: classesBody, ...byElement },
      { ...sides, joint },
    );
  });
}
