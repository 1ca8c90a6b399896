// Builds every package into its dist folder; turbo skips what has not changed.
import { runTool } from './lib/process.ts';

process.exitCode = await runTool('turbo', ['run', 'build', '--output-logs=errors-only', ...process.argv.slice(2)]);
