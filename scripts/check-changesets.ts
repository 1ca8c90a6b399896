// Fails when a release of tensor leaves the peer range of a sibling that has no changeset of the same size.
import getReleasePlan from '@changesets/get-release-plan';
import { root } from './lib/process.ts';
import { strandedPeers } from './lib/release.ts';
import { workspacePackages } from './lib/workspace.ts';

const plan = await getReleasePlan(root);
const problems = strandedPeers(
  plan,
  workspacePackages().map((one) => one.manifest),
);
for (const problem of problems) console.error(problem);
console.log(`${plan.changesets.length} pending changesets: ${problems.length} peers left behind`);
process.exitCode = problems.length === 0 ? 0 : 1;
