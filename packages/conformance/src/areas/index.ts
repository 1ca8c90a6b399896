/** @file The areas that the runner knows. A new one is a file here and a line in the list. */
import type { Area } from '../area.ts';
import { gradgradArea } from './gradgrad.ts';
import { nnArea } from './nn.ts';
import { opsArea } from './ops.ts';
import { optimArea } from './optim.ts';
import { reprArea } from './repr.ts';
import { rngArea } from './rng.ts';

export const areas: readonly Area[] = [opsArea, gradgradArea, nnArea, optimArea, rngArea, reprArea];
