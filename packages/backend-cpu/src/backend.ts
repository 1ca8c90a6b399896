/** @file The CPU's implementation of the Backend contract. */
import type { DType } from '@flambeau/tensor';
import { allocateCpu, type Backend, contractVersion, dtypeInfo, dtypes, Storage } from '@flambeau/tensor/internal';
import { conv, convBackwardInput, convBackwardWeight } from './kernels/conv.ts';
import { ctcLoss, ctcLossGradient } from './kernels/ctc.ts';
import { fft } from './kernels/fft.ts';
import { gather, scatter } from './kernels/gather.ts';
import { indexOffsets } from './kernels/indices.ts';
import { map } from './kernels/map.ts';
import { matmul } from './kernels/matmul.ts';
import { nonzero } from './kernels/nonzero.ts';
import { normalization, normalizationBackward } from './kernels/normalization.ts';
import { avgPool, avgPoolBackward, maxPool, maxPoolBackward } from './kernels/pool.ts';
import { random } from './kernels/random.ts';
import { readSync } from './kernels/read.ts';
import { reduce } from './kernels/reduce.ts';
import { scan } from './kernels/scan.ts';
import { softmax } from './kernels/softmax.ts';
import { sort } from './kernels/sort.ts';
import { linalgRoutines } from './linalg/index.ts';

export const cpuBackend: Backend = {
  contract: contractVersion,
  device: 'cpu',
  dtypes: new Set<DType>(dtypes),
  allocate: allocateCpu,
  // Typed arrays are garbage-collected.
  free: () => {},
  settle: () => null,
  upload: (dtype, data) => new Storage('cpu', dtype, data.length / dtypeInfo(dtype).lanes, data),
  read: async (x) => readSync(x),
  readSync,
  map,
  matmul,
  conv,
  convBackwardInput,
  convBackwardWeight,
  maxPool,
  maxPoolBackward,
  avgPool,
  avgPoolBackward,
  reduce,
  scan,
  sort,
  checksIndices: true,
  indexOffsets,
  random,
  gather,
  scatter,
  fused: { softmax, normalization, normalizationBackward },
  routines: { nonzero, ctcLoss, ctcLossGradient, fft, ...linalgRoutines },
};
