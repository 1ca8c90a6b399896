/** @file The frame of every compute shader: parameters, buffers, and the number of the workgroup. */
import { PARAMETER_BYTES } from '../commands.ts';
import { declarationsFor } from './library.ts';

/** Invocations of a workgroup, unless a kernel says otherwise. */
export const WORKGROUP = 256;

/** Reads parameter word `i`: `word(3)` in WGSL text. */
export const word = (i: number): string => `P[${i >> 2}][${i & 3}]`;
export const floatWord = (i: number): string => `bitcast<f32>(${word(i)})`;
export const intWord = (i: number): string => `bitcast<i32>(${word(i)})`;

/**
 * A whole shader. `buffers` storage buffers of words are `b0`, `b1`, …; `group` is the number of the workgroup and
 * `lane` that of the invocation in it.
 * @param declarations module-scope text, e.g. workgroup memory
 * @param atomic the buffer whose words are atomic, if one is
 */
export function shader(
  buffers: number,
  body: string,
  declarations = '',
  size: number = WORKGROUP,
  atomic: number | null = null,
): string {
  const bindings = Array.from({ length: buffers }, (_, i) => {
    const element = i === atomic ? 'atomic<u32>' : 'u32';
    return `@group(0) @binding(${i + 1}) var<storage, read_write> b${i}: array<${element}>;`;
  });
  return `@group(0) @binding(0) var<uniform> P: array<vec4<u32>, ${PARAMETER_BYTES / 16}>;
${bindings.join('\n')}
${declarations}
${declarationsFor(declarations + body)}
@compute @workgroup_size(${size})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = id.x + id.y * count.x;
  ${body}
}`;
}
