import { defineConfig, type Options } from 'tsup';

/**
 * How every package is bundled: one ES module per entry, other packages left external. Declarations come from
 * `tsc -p tsconfig.build.json`, since tsup's own do not work with this TypeScript.
 */
export function packageBuild(entry: string[]): ReturnType<typeof defineConfig> {
  const options: Options = {
    entry,
    format: 'esm',
    target: 'es2023',
    platform: 'neutral',
    sourcemap: true,
    clean: true,
    skipNodeModulesBundle: true,
    removeNodeProtocol: false,
    silent: true,
    // Modules print their class names, which a bundler may change.
    esbuildOptions(esbuild) {
      esbuild.keepNames = true;
    },
  };
  return defineConfig(options);
}
