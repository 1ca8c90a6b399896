// `npm start`: builds what has changed, then runs the examples against the built packages, as a user of them would.
import { runTool } from './lib/process.ts';

const BUILD_SILENCE_MS = 700;

const notice = setTimeout(() => console.error('Building the packages …'), BUILD_SILENCE_MS);
const built = await runTool('turbo', ['run', 'build', '--output-logs=errors-only'], { quiet: true });
clearTimeout(notice);
const args = ['apps/examples/src/main.ts', ...process.argv.slice(2)];
process.exitCode = built === 0 ? await runTool(process.execPath, args) : built;
