// Checks the directions of imports between packages, and that each package.json agrees with what is imported.
// The table of allowed directions is in lib/imports.ts.
import { checkWorkspace } from './lib/imports.ts';
import { sourcesOf, workspacePackages } from './lib/workspace.ts';

const packages = workspacePackages().map((one) => ({ ...one, sources: sourcesOf(one.folder) }));
const problems = checkWorkspace(packages);
for (const problem of problems) console.error(problem);
const files = packages.reduce((sum, one) => sum + one.sources.size, 0);
console.log(`${files} source files in ${packages.length} packages: ${problems.length} import problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
