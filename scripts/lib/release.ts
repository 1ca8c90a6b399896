// The rule behind check-changesets.ts, free of the file system.
import semver from 'semver';
import type { Manifest } from './workspace.ts';

type Bump = 'none' | 'patch' | 'minor' | 'major';

/** What changesets are going to do to one package. */
export interface Release {
  readonly name: string;
  readonly type: Bump;
  /** Both are absent for a package without a version. */
  readonly oldVersion?: string | undefined;
  readonly newVersion?: string | undefined;
}

/** The part of changesets' release plan that the rule needs. */
export interface Plan {
  readonly releases: readonly Release[];
  readonly changesets: readonly { readonly releases: readonly { readonly name: string; readonly type: Bump }[] }[];
}

const sizes: readonly Bump[] = ['none', 'patch', 'minor', 'major'];

/**
 * A release that leaves the range in which a sibling accepts it as a peer forces that sibling's users to upgrade both,
 * so the sibling's own release must be as large. changesets makes it a patch unless a changeset asks for more.
 */
export function strandedPeers(plan: Plan, manifests: readonly Manifest[]): string[] {
  return plan.releases
    .filter((release) => release.type !== 'none')
    .flatMap((release) =>
      manifests
        .filter((one) => leavesRange(release, one) && asked(plan, one.name) < sizes.indexOf(release.type))
        .map(
          (one) =>
            `${release.name} goes from ${release.oldVersion} to ${release.newVersion}, outside the peer range of ` +
            `${one.name}: add a changeset that asks for a ${release.type} of ${one.name}`,
        ),
    );
}

function leavesRange({ name, oldVersion, newVersion }: Release, manifest: Manifest): boolean {
  const range = manifest.peerDependencies?.[name];
  if (manifest.private || range === undefined || oldVersion === undefined || newVersion === undefined) return false;
  return !semver.satisfies(newVersion, publishedRange(range, oldVersion));
}

/** What pnpm writes for a workspace range when it packs: `workspace:^` becomes `^1.2.3`. */
function publishedRange(range: string, version: string): string {
  const inner = range.replace(/^workspace:/, '');
  if (inner === range) return range;
  return inner === '*' ? version : inner === '^' || inner === '~' ? inner + version : inner;
}

/** The size of the largest release that changesets ask for by name. */
function asked(plan: Plan, name: string): number {
  const named = plan.changesets.flatMap((one) => one.releases).filter((one) => one.name === name);
  return Math.max(0, ...named.map((one) => sizes.indexOf(one.type)));
}
