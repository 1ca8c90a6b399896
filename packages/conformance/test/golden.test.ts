/** The fixtures against PyTorch's numbers, with the same runner as `npm run conformance`. */
import { describe, expect, it } from 'vitest';
import { fixtureSource } from '../src/area.ts';
import { areas } from '../src/areas/index.ts';
import { type GroupResult, runArea } from '../src/run.ts';
import { pending } from './pending.ts';

const failuresOf = ({ cases }: GroupResult): string[] =>
  cases.flatMap(({ id, verdict }) => (verdict.kind === 'failed' ? [`${id}: ${verdict.reason}`] : []));

const fixtures = areas.flatMap((area) => {
  const data = area.goldens ?? area.name;
  return data === 'ops' ? [[area, 'ops'] as const, [area, 'ops-complex'] as const] : [[area, data] as const];
});

for (const [area, name] of fixtures) {
  const source = fixtureSource(new URL(`../fixtures/${name}.json.gz`, import.meta.url));
  const results = await runArea(area, source, { device: 'cpu' });
  const open = area.name === 'gradgrad' ? [] : (pending[name] ?? []);

  describe(area.goldens === undefined ? name : `${area.name} of ${name}`, () => {
    it('has a fixture with groups', () => {
      expect(results.length).toBeGreaterThan(0);
      expect(open.filter((name) => !results.some((group) => group.name === name))).toEqual([]);
    });

    for (const group of results) {
      if (open.includes(group.name)) {
        it(`${group.name} is still pending (take it off test/pending.ts when it passes)`, () => {
          expect(failuresOf(group)).not.toEqual([]);
        });
      } else {
        it(`${group.name} agrees with PyTorch in ${group.cases.length} cases`, () => {
          expect(failuresOf(group)).toEqual([]);
        });
      }
    }
  });
}
