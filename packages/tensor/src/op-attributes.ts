/**
 * @file The names of all ops that record themselves, with the attributes that their derivatives get. autograd's table
 * has a rule for each: a forgotten one does not compile.
 */
import type { ConvertOps } from './ops/convert.ts';
import type { CopyOps } from './ops/copy.ts';
import type { ViewOps } from './ops/views.ts';

export interface OpAttributes extends ConvertOps, CopyOps, ViewOps {}
