/**
 * The fixtures on WebGPU, with the same runner as `npm run conformance -- --device webgpu`. Of `ops` one case of each
 * dtype, because a software adapter takes its time; the command runs them all.
 */
import * as webgpu from '@flambeau/backend-webgpu';
import { setDefaultDevice } from 'flambeau';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixtureSource } from '../src/area.ts';
import { areas } from '../src/areas/index.ts';
import { runArea } from '../src/run.ts';

beforeAll(async () => {
  await webgpu.init();
  setDefaultDevice('webgpu');
});
afterAll(() => setDefaultDevice('cpu'));

const selected: Readonly<Record<string, RegExp>> = { ops: /^(float32|int32|bool)\/s0$/, nn: /./, optim: /./ };

describe('on WebGPU', () => {
  it.each(Object.keys(selected))('%s agrees with PyTorch', { timeout: 300_000 }, async (name) => {
    const area = areas.find((candidate) => candidate.name === name)!;
    const source = fixtureSource(new URL(`../fixtures/${name}.json.gz`, import.meta.url));
    const only = (_: string, id: string): boolean => selected[name]!.test(id);
    const groups = await runArea(area, source, { device: 'webgpu' }, { only });
    const failures = groups.flatMap((group) =>
      group.cases.flatMap(({ id, verdict }) =>
        verdict.kind === 'failed' ? [`${group.name}/${id}: ${verdict.reason}`] : [],
      ),
    );
    expect(failures).toEqual([]);
    expect(groups.length).toBeGreaterThan(0);
  });
});
