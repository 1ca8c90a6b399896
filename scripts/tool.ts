// Runs an installed tool (tsc, biome, vitest, pnpm ...) by name with the rest of the arguments: what `npm run exec -- vitest` uses.
import { runTool } from './lib/process.ts';

const [name, ...args] = process.argv.slice(2);
if (name === undefined) {
  console.error('usage: npm run exec -- TOOL [arguments], for example: npm run exec -- vitest run packages/nn');
  process.exitCode = 2;
} else {
  process.exitCode = await runTool(name, args);
}
