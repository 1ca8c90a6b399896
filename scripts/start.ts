// `npm start`: builds what has changed, then runs the examples against the built packages, as a user of them would.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { root, runTool } from './lib/process.ts';

const main = path.join(root, 'apps/examples/src/main.ts');
if (!existsSync(main)) {
  console.error('There are no examples yet (apps/examples/src/main.ts).');
  process.exitCode = 1;
} else {
  const built = await runTool('turbo', ['run', 'build', '--output-logs=errors-only'], { quiet: true });
  process.exitCode = built === 0 ? await runTool(process.execPath, [main, ...process.argv.slice(2)]) : built;
}
