import { describe, expect, it } from 'vitest';
import { type Plan, strandedPeers } from '../lib/release.ts';
import type { Manifest } from '../lib/workspace.ts';

const nn: Manifest = {
  name: '@flambeau/nn',
  version: '1.2.0',
  peerDependencies: { '@flambeau/tensor': 'workspace:^' },
};

function plan(newVersion: string, type: 'minor' | 'major', nnType?: 'patch' | 'minor' | 'major'): Plan {
  const tensor = { name: '@flambeau/tensor', type, oldVersion: '1.4.2', newVersion };
  const releases = nnType === undefined ? [] : [{ name: '@flambeau/nn', type: nnType }];
  return {
    releases: [tensor, { name: '@flambeau/nn', type: 'patch', oldVersion: '1.2.0', newVersion: '1.2.1' }],
    changesets: [{ releases: [tensor] }, { releases }],
  };
}

describe('strandedPeers', () => {
  it('accepts a release inside the peer range', () => {
    expect(strandedPeers(plan('1.5.0', 'minor'), [nn])).toEqual([]);
  });

  it('names a sibling that has no changeset', () => {
    expect(strandedPeers(plan('2.0.0', 'major'), [nn])).toEqual([
      '@flambeau/tensor goes from 1.4.2 to 2.0.0, outside the peer range of @flambeau/nn: ' +
        'add a changeset that asks for a major of @flambeau/nn',
    ]);
  });

  it('names a sibling whose changeset is smaller', () => {
    expect(strandedPeers(plan('2.0.0', 'major', 'minor'), [nn])).toHaveLength(1);
  });

  it('accepts a sibling with a changeset of the same size', () => {
    expect(strandedPeers(plan('2.0.0', 'major', 'major'), [nn])).toEqual([]);
  });

  it('reads exact and tilde workspace ranges as pnpm publishes them', () => {
    const exact = { ...nn, peerDependencies: { '@flambeau/tensor': 'workspace:*' } };
    const tilde = { ...nn, peerDependencies: { '@flambeau/tensor': 'workspace:~' } };
    expect(strandedPeers(plan('1.5.0', 'minor'), [exact])).toHaveLength(1);
    expect(strandedPeers(plan('1.5.0', 'minor'), [tilde])).toHaveLength(1);
  });

  it('counts leaving a prerelease range', () => {
    const tensor = {
      name: '@flambeau/tensor',
      type: 'minor',
      oldVersion: '1.0.0-alpha.3',
      newVersion: '1.1.0-alpha.0',
    } as const;
    expect(strandedPeers({ releases: [tensor], changesets: [] }, [nn])).toHaveLength(1);
  });

  it('leaves private packages alone', () => {
    expect(strandedPeers(plan('2.0.0', 'major'), [{ ...nn, private: true }])).toEqual([]);
  });
});
