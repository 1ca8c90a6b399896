/** @file The CPU backend; importing it registers device 'cpu'. */

import { registerBackend } from '@flambeau/tensor/internal';
import { cpuBackend } from './backend.ts';

registerBackend(cpuBackend);

export { setCodeGeneration } from './compile/generate.ts';
export { cpuBackend };
