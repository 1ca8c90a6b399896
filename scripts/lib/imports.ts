// The rules behind check-imports.ts, free of the file system: which package may import which, and whether a package's
// sources and its package.json agree.
import { builtinModules } from 'node:module';
import path from 'node:path';
import { parseSync } from 'vite';
import type { Manifest, WorkspacePackage } from './workspace.ts';

/** Who may import whom, by folder name. The arrows point one way; what is not listed is forbidden. */
export const allowedImports: Readonly<Record<string, readonly string[]>> = {
  tensor: [],
  autograd: ['tensor'],
  'backend-cpu': ['tensor'],
  'backend-webgpu': ['tensor'],
  nn: ['tensor', 'autograd'],
  optim: ['tensor', 'autograd'],
  data: ['tensor'],
  serialize: ['tensor'],
  hub: ['tensor', 'nn', 'serialize'],
  vision: ['tensor', 'autograd', 'nn', 'data', 'serialize', 'hub'],
  tensorboard: ['tensor'],
  flambeau: ['tensor', 'autograd', 'backend-cpu', 'nn', 'optim', 'data', 'serialize'],
};

/**
 * How a module is named: by an import or export-from ('static'), one that is erased ('type'), `import 'x'` for its
 * effect only ('effect'), `import('x')` ('dynamic') or `new URL('./x', import.meta.url)` ('url').
 */
type ImportKind = 'static' | 'type' | 'effect' | 'dynamic' | 'url';

export interface FoundImport {
  readonly specifier: string;
  readonly kind: ImportKind;
  readonly line: number;
}

/** A package with the text of its sources by path relative to its folder (`src/index.ts`). */
export interface PackageSources extends WorkspacePackage {
  readonly sources: ReadonlyMap<string, string>;
}

/** What the rules read of a node of the syntax tree; the fields depend on its type. */
interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

/** Every module that a TypeScript source names. */
export function importsOf(file: string, text: string): FoundImport[] {
  const { program, errors } = parseSync(file, text);
  if (errors[0] !== undefined) throw new SyntaxError(`${file}: ${errors[0].message}`);
  const found: FoundImport[] = [];
  visit(program, (node) => {
    const [source, kind] = namedModule(node);
    const specifier = constantText(source);
    if (specifier !== undefined) found.push({ specifier, kind, line: text.slice(0, node.start).split('\n').length });
  });
  return found;
}

function namedModule(node: SyntaxNode): [source: unknown, kind: ImportKind] {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return [node.source, kindOf(node)];
    case 'ImportExpression':
      return [node.source, 'dynamic'];
    case 'TSImportType':
      return [node.source, 'type'];
    case 'NewExpression':
      return [moduleFile(node), 'url'];
    default:
      return [undefined, 'static'];
  }
}

function kindOf(node: SyntaxNode): ImportKind {
  const isErased = (one: SyntaxNode) => one.importKind === 'type' || one.exportKind === 'type';
  if (isErased(node)) return 'type';
  const names = (node.specifiers ?? []) as SyntaxNode[];
  if (names.length > 0 && names.every(isErased)) return 'type';
  return node.type === 'ImportDeclaration' && names.length === 0 ? 'effect' : 'static';
}

/** The text of a string literal, or of a template without holes. */
function constantText(source: unknown): string | undefined {
  const node = source as SyntaxNode | null | undefined;
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node?.type !== 'TemplateLiteral' || (node.expressions as unknown[]).length > 0) return undefined;
  return (node.quasis as { value: { cooked: string } }[])[0]?.value.cooked;
}

/** The file in `new URL(file, import.meta.url)`; of `isSource ? './worker.ts' : './worker.js'` the first. */
function moduleFile(node: SyntaxNode): unknown {
  const [file, base] = node.arguments as SyntaxNode[];
  const isOurs = (node.callee as SyntaxNode).name === 'URL' && (base?.object as SyntaxNode)?.type === 'MetaProperty';
  if (!isOurs) return undefined;
  const source = file?.type === 'ConditionalExpression' ? file.consequent : file;
  return constantText(source)?.startsWith('.') ? source : undefined;
}

function visit(node: unknown, see: (node: SyntaxNode) => void): void {
  if (Array.isArray(node)) {
    for (const child of node) visit(child, see);
  } else if (node !== null && typeof node === 'object') {
    if ('type' in node && typeof node.type === 'string') see(node as SyntaxNode);
    for (const child of Object.values(node)) visit(child, see);
  }
}

/** The problems of a whole workspace, one line of text each. */
export function checkWorkspace(packages: readonly PackageSources[], allowed = allowedImports): string[] {
  const byName = new Map(packages.map((one) => [one.manifest.name, one]));
  return packages.flatMap((one) => checkPackage(one, byName, allowed));
}

type Allowed = typeof allowedImports;
type Siblings = ReadonlyMap<string, PackageSources>;

function checkPackage(one: PackageSources, byName: Siblings, allowed: Allowed): string[] {
  const { folder, manifest, sources } = one;
  const problems: string[] = [];
  const used = new Set<string>();
  for (const [file, text] of sources) {
    for (const found of importsOf(`${folder}/${file}`, text)) {
      used.add(packageName(found.specifier));
      const problem = problemOf(found, file, one, byName, allowed);
      if (problem !== undefined) problems.push(`${folder}/${file}:${found.line} '${found.specifier}': ${problem}`);
    }
  }
  for (const name of manifest.private ? [] : Object.keys(dependenciesOf(manifest))) {
    if (!used.has(name)) problems.push(`${folder}/package.json: '${name}' is declared, but nothing in src imports it`);
  }
  return [...problems, ...sideEffectProblems(one)];
}

function problemOf(
  found: FoundImport,
  file: string,
  one: PackageSources,
  byName: Siblings,
  allowed: Allowed,
): string | undefined {
  const { specifier, kind } = found;
  if (specifier.startsWith('.') || specifier.startsWith('/')) return relativeProblem(found, file, one);
  if (specifier.startsWith('node:')) return undefined;
  if (builtinModules.includes(specifier)) return `write 'node:${specifier}'`;
  const name = packageName(specifier);
  if (name === one.manifest.name) return 'a package does not import itself; use a relative path';
  const isOurs = name === 'flambeau' || name.startsWith('@flambeau/');
  return isOurs ? siblingProblem(specifier, kind, one, byName.get(name), allowed) : foreignProblem(name, kind, one);
}

function relativeProblem({ specifier, kind }: FoundImport, file: string, one: PackageSources): string | undefined {
  const target = path.posix.join(path.posix.dirname(file), specifier);
  if (!target.startsWith('src/')) return `leaves the sources of ${one.folder}`;
  if (kind === 'effect' && !one.manifest.private && !effectsOf(one.manifest).includes(`./${target}`)) {
    return `is imported for its effect, which bundlers drop: list './${target}' under "sideEffects"`;
  }
  return undefined;
}

function siblingProblem(
  specifier: string,
  kind: ImportKind,
  one: PackageSources,
  sibling: PackageSources | undefined,
  allowed: Allowed,
): string | undefined {
  if (sibling === undefined) return 'there is no such package in this workspace';
  const { name, exports = {}, sideEffects } = sibling.manifest;
  const entry = `.${specifier.slice(name.length)}`;
  if (!(entry in exports)) return `reaches into ${name}, which exports no '${entry}'`;
  if (kind === 'effect' && sideEffects === false) return `${name} declares that importing it has no effect`;
  if (one.manifest.private) return name in dependenciesOf(one.manifest) ? undefined : 'is not declared in package.json';
  const from = path.posix.basename(one.folder);
  const may = allowed[from] ?? [];
  if (!may.includes(path.posix.basename(sibling.folder))) {
    return `${from} may import ${may.length > 0 ? `only ${may.join(', ')}` : 'no other package'}`;
  }
  // One copy of tensor must serve all packages, so only the umbrella brings it along.
  const section = name === '@flambeau/tensor' && from !== 'flambeau' ? 'peerDependencies' : 'dependencies';
  return name in (one.manifest[section] ?? {}) ? undefined : `is not declared under "${section}"`;
}

function foreignProblem(name: string, kind: ImportKind, one: PackageSources): string | undefined {
  if (!(name in dependenciesOf(one.manifest))) return 'is not declared in package.json';
  const isOptional = one.manifest.peerDependenciesMeta?.[name]?.optional === true;
  if (!isOptional || kind === 'dynamic' || kind === 'type') return undefined;
  return 'is an optional peer: load it with await import(…) where it is needed';
}

function dependenciesOf(manifest: Manifest): Record<string, string> {
  return { ...manifest.dependencies, ...manifest.peerDependencies };
}

function packageName(specifier: string): string {
  const depth = specifier.startsWith('@') ? 2 : 1;
  return specifier.split('/').slice(0, depth).join('/');
}

function effectsOf(manifest: Manifest): readonly string[] {
  return typeof manifest.sideEffects === 'object' ? manifest.sideEffects : [];
}

/** Registering on import survives bundling only if both the source file and the built one are listed. */
function sideEffectProblems({ folder, manifest, sources }: PackageSources): string[] {
  if (manifest.private) return [];
  if (manifest.sideEffects === undefined) return [`${folder}/package.json: "sideEffects" must be false or a list`];
  const listed = effectsOf(manifest);
  const problems = listed
    .filter((file) => file.startsWith('./src/') && !sources.has(file.slice(2)))
    .map((file) => `${folder}/package.json: "sideEffects" lists '${file}', which does not exist`);
  if (listed.length > 0 && !listed.some((file) => file.startsWith('./dist/'))) {
    problems.push(`${folder}/package.json: "sideEffects" lists no './dist/…' file`);
  }
  return problems;
}
