/** @file The Backend contract on WebGPU. */
import { type Backend, contractVersion } from '@flambeau/tensor/internal';
import { Commands } from './commands.ts';
import type { Gpu } from './device.ts';
import { attention } from './kernels/attention.ts';
import { attentionBackward } from './kernels/attentionBackward.ts';
import { conv, convBackwardInput, convBackwardWeight } from './kernels/conv.ts';
import { ctcLoss, ctcLossGradient } from './kernels/ctc.ts';
import { gather } from './kernels/gather.ts';
import { indexOffsets } from './kernels/indices.ts';
import { map } from './kernels/map.ts';
import { matmul } from './kernels/matmul.ts';
import { nllLoss, nllLossBackward } from './kernels/nllLoss.ts';
import { normalization, normalizationBackward } from './kernels/normalization.ts';
import { avgPool, avgPoolBackward, maxPool, maxPoolBackward } from './kernels/pool.ts';
import { random } from './kernels/random.ts';
import { reduce } from './kernels/reduce.ts';
import { scan } from './kernels/scan.ts';
import { scatter } from './kernels/scatter.ts';
import { softmax, softmaxBackward } from './kernels/softmax.ts';
import { sort } from './kernels/sort.ts';
import { Memory } from './memory.ts';
import { inParts } from './parts/index.ts';
import { idsOf } from './parts/windows.ts';
import { markingResults } from './results.ts';
import { Transfer } from './transfer.ts';
import { checkDType, deviceDTypes } from './wgsl/lower.ts';

/** Everything that belongs to one open device. */
export interface Session {
  readonly gpu: Gpu;
  readonly memory: Memory;
  readonly commands: Commands;
  readonly backend: Backend;
}

export function openSession(gpu: Gpu, device: string): Session {
  const memory = new Memory(gpu);
  const commands = new Commands(gpu);
  memory.onDestroy = (buffer) => commands.forget(...idsOf(buffer));
  memory.beforeReuse = (buffer) => commands.flushUser(buffer);
  memory.beforeDestroy = () => commands.submit();
  const transfer = new Transfer(gpu, memory, commands);
  const workgroupBytes = gpu.limits.maxComputeWorkgroupStorageSize;
  const backend: Backend = {
    contract: contractVersion,
    device,
    dtypes: deviceDTypes,
    allocate(dtype, length) {
      checkDType('allocate', dtype);
      return memory.allocate(device, dtype, length);
    },
    free: (storage) => memory.dispose(storage),
    settle: () => memory.settle(),
    upload(dtype, data) {
      checkDType('upload', dtype);
      return transfer.upload(device, dtype, data);
    },
    read: (x) => transfer.read(x),
    readSync: null,
    map: (kernel, inputs, outputs) => map(commands, kernel, inputs, outputs),
    reduce: (kernel, inputs, dims, out, scalars) => reduce(commands, memory, kernel, inputs, dims, out, scalars),
    scan: (kind, x, dim, out, indices) => scan(commands, memory, kind, x, dim, out, indices),
    sort: (x, dim, descending, values, indices) => sort(commands, memory, x, dim, descending, values, indices),
    checksIndices: false,
    indexOffsets: (terms, out) => indexOffsets(commands, terms, out),
    gather: (x, dim, index, out) => gather(commands, x, dim, index, out),
    scatter: (out, dim, index, src, mode) => scatter(commands, memory, out, dim, index, src, mode),
    matmul: (a, b, out, options) => matmul(commands, memory, a, b, out, options),
    conv: (x, w, bias, out, spec) => conv(commands, memory, x, w, bias, out, spec),
    convBackwardInput: (grad, w, gradX, spec) => convBackwardInput(commands, memory, grad, w, gradX, spec),
    convBackwardWeight: (grad, x, gradW, spec) => convBackwardWeight(commands, memory, grad, x, gradW, spec),
    maxPool: (x, out, indices, spec) => maxPool(commands, x, out, indices, spec),
    maxPoolBackward: (grad, indices, gradX, spec) => maxPoolBackward(commands, grad, indices, gradX, spec),
    avgPool: (x, out, spec) => avgPool(commands, x, out, spec),
    avgPoolBackward: (grad, gradX, spec) => avgPoolBackward(commands, grad, gradX, spec),
    random: (distribution, out, generator) => random(commands, memory, transfer, distribution, out, generator),
    routines: {
      ctcLoss: (...args) => ctcLoss(commands, ...args),
      ctcLossGradient: (...args) => ctcLossGradient(commands, memory, ...args),
    },
    fused: {
      softmax: (x, dim, log, out) => softmax(commands, x, dim, log, out),
      softmaxBackward: (...args) => softmaxBackward(commands, memory, ...args),
      normalization: (...args) => normalization(commands, memory, ...args),
      normalizationBackward: (...args) => normalizationBackward(commands, memory, ...args),
      attention: (...args) => attention(commands, workgroupBytes, ...args),
      attentionBackward: (...args) => attentionBackward(commands, memory, workgroupBytes, ...args),
      nllLoss: (...args) => nllLoss(commands, memory, ...args),
      nllLossBackward: (...args) => nllLossBackward(commands, memory, ...args),
    },
  };
  const whole = inParts({ commands, memory, backend });
  return { gpu, memory, commands, backend: markingResults(commands, whole) };
}
