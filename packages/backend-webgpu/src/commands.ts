/**
 * @file Commands: dispatches are recorded into one encoder and submitted together when a value is read, when the
 * parameter buffer is full, or when many have gathered.
 */
import { BufferUsage, SHADER_STAGE_COMPUTE } from './constants.ts';
import { checkDevice, type Gpu } from './device.ts';
import type { GpuBuffer } from './memory.ts';

/** Bytes of parameters of one dispatch; also the alignment of dynamic offsets. */
export const PARAMETER_BYTES = 1024;
const BATCH_LIMIT = 512;

/** A compiled shader and the layout of its buffers. */
export interface Program {
  readonly id: number;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

let opened = 0;

export class Commands {
  /** Tells devices apart in the caches that kernels keep. */
  readonly id = opened++;
  readonly #gpu: Gpu;
  readonly #parameters: GPUBuffer;
  readonly #staging = new Uint32Array((PARAMETER_BYTES / 4) * BATCH_LIMIT);
  readonly #layouts = new Map<number, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();
  readonly #programs = new Map<string, Program>();
  readonly #groups = new Map<string, GPUBindGroup>();
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #count = 0;
  /** Number of the open batch. */
  batch = 0;
  /** Submits so far, for tests and benchmarks. */
  submits = 0;

  /** Whether the device is a processor that plays a GPU: kernels of another shape are fast there. */
  get software(): boolean {
    return this.#gpu.software;
  }

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
    this.#parameters = gpu.device.createBuffer({
      size: PARAMETER_BYTES * BATCH_LIMIT,
      usage: BufferUsage.UNIFORM | BufferUsage.COPY_DST,
    });
  }

  #layout(buffers: number): { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout } {
    let layout = this.#layouts.get(buffers);
    if (layout === undefined) {
      const entries: GPUBindGroupLayoutEntry[] = [
        {
          binding: 0,
          visibility: SHADER_STAGE_COMPUTE,
          buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize: PARAMETER_BYTES },
        },
      ];
      for (let i = 1; i <= buffers; i++)
        entries.push({ binding: i, visibility: SHADER_STAGE_COMPUTE, buffer: { type: 'storage' } });
      const group = this.#gpu.device.createBindGroupLayout({ entries });
      layout = { group, pipeline: this.#gpu.device.createPipelineLayout({ bindGroupLayouts: [group] }) };
      this.#layouts.set(buffers, layout);
    }
    return layout;
  }

  /** The program of a shader text, compiled once. `buffers` storage buffers are bound after the parameters. */
  program(name: string, code: string, buffers: number): Program {
    let program = this.#programs.get(code);
    if (program === undefined) {
      checkDevice(this.#gpu);
      const { device } = this.#gpu;
      const { group, pipeline } = this.#layout(buffers);
      const module = device.createShaderModule({ label: name, code });
      program = {
        id: this.#programs.size,
        pipeline: device.createComputePipeline({
          label: name,
          layout: pipeline,
          compute: { module, entryPoint: 'main' },
        }),
        layout: group,
      };
      this.#programs.set(code, program);
    }
    return program;
  }

  #bindGroup(program: Program, buffers: readonly GpuBuffer[]): GPUBindGroup {
    let key = String(buffers.length);
    for (const { id } of buffers) key += `,${id}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      const entries: GPUBindGroupEntry[] = [
        { binding: 0, resource: { buffer: this.#parameters, offset: 0, size: PARAMETER_BYTES } },
      ];
      for (const [i, { buffer }] of buffers.entries()) entries.push({ binding: i + 1, resource: { buffer } });
      group = this.#gpu.device.createBindGroup({ layout: program.layout, entries });
      if (this.#groups.size > 4096) this.#groups.clear();
      this.#groups.set(key, group);
    }
    return group;
  }

  /** Forgets cached bindings of a destroyed buffer. */
  forget(id: number): void {
    for (const key of this.#groups.keys()) if (key.split(',').slice(1).includes(String(id))) this.#groups.delete(key);
  }

  /**
   * Records one dispatch of `groups` workgroups. Beyond 65,535 they are laid out in two dimensions; shaders compute
   * their number as `id.x + id.y * count.x`.
   * @param parameters 32-bit words; written by the caller into the returned slice before the next call.
   */
  dispatch(
    program: Program,
    buffers: readonly GpuBuffer[],
    groups: number,
    write: (words: Uint32Array, floats: Float32Array, start: number) => void,
  ): void {
    if (groups === 0) return;
    if (this.#count === BATCH_LIMIT) this.submit();
    checkDevice(this.#gpu);
    if (this.#pass === null) {
      this.#encoder = this.#gpu.device.createCommandEncoder();
      this.#pass = this.#encoder.beginComputePass();
    }
    const start = (this.#count * PARAMETER_BYTES) / 4;
    write(this.#staging, this.#floats, start);
    for (const buffer of buffers) buffer.lastBatch = this.batch;
    this.#pass.setPipeline(program.pipeline);
    this.#pass.setBindGroup(0, this.#bindGroup(program, buffers), [this.#count * PARAMETER_BYTES]);
    const most = 65535;
    if (groups <= most) this.#pass.dispatchWorkgroups(groups);
    else {
      const rows = Math.ceil(groups / most);
      this.#pass.dispatchWorkgroups(Math.ceil(groups / rows), rows);
    }
    this.#count++;
  }

  readonly #floats = new Float32Array(this.#staging.buffer);

  /** Ends the open pass and gives its encoder, for copies; the next dispatch opens another pass. */
  encoder(): GPUCommandEncoder {
    this.#pass?.end();
    this.#pass = null;
    this.#encoder ??= this.#gpu.device.createCommandEncoder();
    return this.#encoder;
  }

  /** Sends everything recorded so far to the device. */
  submit(): void {
    if (this.#encoder === null) return;
    this.#pass?.end();
    if (this.#count > 0)
      this.#gpu.queue.writeBuffer(this.#parameters, 0, this.#staging, 0, (this.#count * PARAMETER_BYTES) / 4);
    this.#gpu.queue.submit([this.#encoder.finish()]);
    this.#encoder = this.#pass = null;
    this.#count = 0;
    this.batch++;
    this.submits++;
  }
}
