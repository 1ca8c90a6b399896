/**
 * @file Commands: dispatches are recorded into one encoder and submitted together when a value is read, when the
 * parameter buffer is full, or when many have gathered.
 */
import { type FlambeauError, OutOfMemoryError } from '@flambeau/tensor';
import type { View } from '@flambeau/tensor/internal';
import { BufferUsage, SHADER_STAGE_COMPUTE } from './constants.ts';
import type { Gpu } from './device.ts';
import { checkDevice, checkMemory, createPipeline, raise, submitWork, type Work, workError } from './faults.ts';
import type { Epilogue } from './kernels/epilogue.ts';
import { type GpuBuffer, memoryOf } from './memory.ts';

/** Bytes of parameters of one dispatch; also the alignment of dynamic offsets. */
export const PARAMETER_BYTES = 1024;
/** The parameter word that is always 0, which compilers do not know (wgsl/elementary.ts). */
export const ZERO_WORD = PARAMETER_BYTES / 4 - 1;
const BATCH_LIMIT = 512;

/** A compiled shader and the layout of its buffers. */
export interface Program {
  readonly name: string;
  readonly id: number;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** Set when the device refused it. */
  failure: FlambeauError | null;
  /** The batch that used it last. */
  lastBatch: number;
}

/** A product that is recorded once the next op is known, which may be its epilogue. */
export interface Waiting {
  readonly out: View;
  /** What it reads beside `out`. */
  readonly operands: readonly View[];
  /** Records it. @returns false, and does nothing, where its kernel would not take the epilogue. */
  record(epilogue: Epilogue | null): boolean;
}

export class Commands {
  /** The open batch: results that it fills are marked with it. */
  work: Work = { error: null };
  /** Batches that the device has not answered for, in order. */
  readonly #unsettled: Work[] = [];
  /** The open batch's programs. */
  #used: Program[] = [];
  readonly #gpu: Gpu;
  readonly #parameters: GPUBuffer;
  readonly #staging = new Uint32Array((PARAMETER_BYTES / 4) * BATCH_LIMIT);
  readonly #layouts = new Map<number, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();
  readonly #programs = new Map<string, Program>();
  readonly #cached = new WeakMap<object, Map<string, Program>>();
  readonly #groups = new Map<string, GPUBindGroup>();
  #waiting: Waiting | null = null;
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #count = 0;
  /** Workgroups along one dimension of a dispatch; tests lower it. */
  mostGroups: number;
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
    this.mostGroups = gpu.limits.maxComputeWorkgroupsPerDimension;
    gpu.onFault = (error) => this.#fail(0, this.#used, error);
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
      checkDevice(this.#gpu, name);
      const { group, pipeline } = this.#layout(buffers);
      const made: Program = {
        name,
        id: this.#programs.size,
        pipeline: createPipeline(this.#gpu, name, code, pipeline, (error) => {
          made.failure = error;
        }),
        layout: group,
        failure: null,
        lastBatch: -1,
      };
      this.#programs.set(code, made);
      program = made;
    }
    return program;
  }

  /** The program that a kernel, or a function that makes texts, has under `key`. It is made when first asked for. */
  cached(owner: object, key: string, make: () => Program): Program {
    let programs = this.#cached.get(owner);
    if (programs === undefined) {
      programs = new Map();
      this.#cached.set(owner, programs);
    }
    let program = programs.get(key);
    if (program === undefined) {
      program = make();
      programs.set(key, program);
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
      for (const [i, { buffer, offset, bytes }] of buffers.entries())
        entries.push({ binding: i + 1, resource: { buffer, offset, size: bytes } });
      group = this.#gpu.device.createBindGroup({ label: program.name, layout: program.layout, entries });
      if (this.#groups.size > 4096) this.#groups.clear();
      this.#groups.set(key, group);
    }
    return group;
  }

  /** The product that the next op may join. */
  get waiting(): Waiting | null {
    return this.#waiting;
  }

  /** Lets a product wait for the next op. @throws the error of what its operands were to be filled by. */
  defer(name: string, product: Waiting): void {
    checkDevice(this.#gpu, name);
    for (const { storage } of product.operands) checkMemory(this.#gpu, name, memoryOf(storage));
    this.flush();
    this.#waiting = product;
  }

  /** Records the product that waits, on its own. What goes wrong is told to who uses its result. */
  flush(): void {
    if (this.#waiting === null) return;
    try {
      this.finish(null);
    } catch (error) {
      this.#gpu.failure ??= error as FlambeauError;
    }
  }

  /** The same where the product uses this memory, which is about to be used otherwise. */
  flushUser({ buffer }: GpuBuffer): void {
    const product = this.#waiting;
    if (
      product !== null &&
      [product.out, ...product.operands].some(({ storage }) => memoryOf(storage).buffer === buffer)
    )
      this.flush();
  }

  /** Records the product that waits, with an epilogue or none. @returns false, and leaves it waiting, where it takes none. */
  finish(epilogue: Epilogue | null): boolean {
    const product = this.#waiting!;
    const result = memoryOf(product.out.storage);
    this.#waiting = null;
    try {
      if (product.record(epilogue)) result.work = this.work;
      else this.#waiting = product;
    } catch (error) {
      result.work = { error: error as FlambeauError };
      throw error;
    }
    return this.#waiting === null;
  }

  /** Forgets cached bindings of destroyed buffers. */
  forget(...ids: readonly number[]): void {
    const gone = new Set(ids.map(String));
    for (const key of this.#groups.keys())
      if (key.split(',').some((id, i) => i > 0 && gone.has(id))) this.#groups.delete(key);
  }

  /**
   * Records one dispatch of `groups` workgroups. Beyond the limit, usually 65,535, they are laid out in two dimensions; shaders compute
   * their number as `id.x + id.y * count.x`.
   * @param write puts its parameters, 32-bit words, behind `start`
   */
  dispatch(
    program: Program,
    buffers: readonly GpuBuffer[],
    groups: number,
    write: (words: Uint32Array, floats: Float32Array, start: number) => void,
  ): void {
    if (groups === 0) return;
    this.flush();
    if (this.#count === BATCH_LIMIT) this.submit();
    checkDevice(this.#gpu, program.name);
    if (program.failure !== null) raise(this.#gpu, program.failure);
    for (const buffer of buffers) {
      checkMemory(this.#gpu, program.name, buffer);
      if (buffer.bytes > this.#gpu.bindingLimit) throw tooLarge(program.name, this.#gpu.bindingLimit, buffer);
    }
    if (this.#pass === null) {
      this.#encoder ??= this.#gpu.device.createCommandEncoder();
      this.#pass = this.#encoder.beginComputePass();
    }
    const start = (this.#count * PARAMETER_BYTES) / 4;
    write(this.#staging, this.#floats, start);
    for (const buffer of buffers) buffer.lastBatch = this.batch;
    if (program.lastBatch !== this.batch) {
      program.lastBatch = this.batch;
      this.#used.push(program);
    }
    this.#pass.setPipeline(program.pipeline);
    this.#pass.setBindGroup(0, this.#bindGroup(program, buffers), [this.#count * PARAMETER_BYTES]);
    const most = this.mostGroups;
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
    this.flush();
    this.#pass?.end();
    this.#pass = null;
    this.#encoder ??= this.#gpu.device.createCommandEncoder();
    return this.#encoder;
  }

  /** Sends everything recorded so far to the device. */
  submit(): void {
    this.flush();
    const { queue } = this.#gpu;
    const encoder = this.#encoder;
    if (encoder === null) return;
    const [work, used] = [this.work, this.#used];
    this.#unsettled.push(work);
    const send = (): void => {
      this.#pass?.end();
      if (this.#count > 0)
        queue.writeBuffer(this.#parameters, 0, this.#staging, 0, (this.#count * PARAMETER_BYTES) / 4);
      queue.submit([encoder.finish()]);
    };
    submitWork(this.#gpu, send, (error) => {
      const at = this.#unsettled.indexOf(work);
      // Absent: it has failed with earlier work already.
      if (at < 0) return;
      if (error === null) this.#unsettled.splice(at, 1);
      else this.#fail(at, used, error);
    });
    this.#encoder = this.#pass = null;
    this.#count = 0;
    this.#used = [];
    this.work = { error: null };
    this.batch++;
    this.submits++;
  }

  /** Work failed: neither its results are there nor those of later work, which may have used them. */
  #fail(from: number, used: readonly Program[], error: GPUError): void {
    const refused = used.find(({ failure }) => failure !== null)?.failure;
    const reason = refused ?? workError(this.#gpu, opsOf(used, error), error);
    for (const work of [...this.#unsettled.splice(from), this.work]) work.error ??= reason;
    this.work = { error: null };
    this.#gpu.failure ??= reason;
  }
}

/** The error of memory that no window was made on: a kernel's own, mostly. */
const tooLarge = (op: string, limit: number, { bytes, content }: GpuBuffer): OutOfMemoryError =>
  new OutOfMemoryError(
    `${op}: needs ${bytes} bytes (${content}) at once, of which the device shows kernels ${limit}; work on parts of the tensor`,
  );

/** The ops that an error is about: those it names, or all that were sent together. */
function opsOf(used: readonly Program[], { message }: GPUError): string {
  const all = [...new Set(used.map(({ name }) => name))];
  const named = all.filter((name) => message.includes(`"${name}"`));
  const ops = named.length > 0 ? named : all;
  return ops.length > 8 ? `${ops.slice(0, 8).join(', ')}, …` : ops.join(', ') || 'an earlier command';
}
