/** @file scan: cumulative sums, products, extremes and log-sum-exps along one dimension. */
import { isComplex, mergeStrides, type ScanKind, type View } from '@flambeau/tensor/internal';
import { logAddExp } from '../compile/combine.ts';
import { environment } from '../compile/functions.ts';
import { mayGenerate } from '../compile/generate.ts';
import { dataOf } from '../compile/memory.ts';
import { generateAcross, generateAlong, interpretScan, type ScanFunction } from '../compile/scan.ts';
import { scanComplex } from './complexReduce.ts';

Object.assign(environment, { logAddExp });

const compiled = new Map<string, ScanFunction>();

/** Running reduction of `x` along `dim` into `out`; `indices`: where the latest extreme was. */
export function scan(kind: ScanKind, x: View, dim: number, out: View, indices: View | null): void {
  if (x.elementCount === 0) return;
  if (isComplex(x.dtype) || isComplex(out.dtype)) {
    scanComplex(scan, kind, x, dim, out);
    return;
  }
  const views = indices === null ? [x, out] : [x, out, indices];
  const others = x.shape.map((_, d) => d).filter((d) => d !== dim);
  others.sort((a, b) => Math.abs(x.strides[b]!) - Math.abs(x.strides[a]!));
  const loops = mergeStrides(
    others.map((d) => x.shape[d]!),
    views.map((view) => others.map((d) => view.strides[d]!)),
  );
  const steps = views.map((view) => view.strides[dim]!);
  const rank = loops.sizes.length;
  const across = rank > 0 && Math.abs(loops.strides[0]!.at(-1)!) < Math.abs(steps[0]!);
  const mode = mayGenerate() ? (across ? 'across' : 'along') : 'interpreted';
  const key = `${kind},${x.dtype},${out.dtype},${indices !== null},${rank},${mode}`;
  let run = compiled.get(key);
  if (run === undefined) {
    const spec = { kind, from: x.dtype, to: out.dtype, indices: indices !== null };
    run =
      mode === 'interpreted' ? interpretScan(spec) : across ? generateAcross(spec, rank) : generateAlong(spec, rank);
    compiled.set(key, run);
  }
  run(
    views.map(dataOf),
    views.map((view) => view.offset),
    loops.sizes,
    loops.strides,
    x.shape[dim]!,
    steps,
  );
}
