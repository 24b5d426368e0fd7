import { join } from 'node:path';
import type { RungName } from '../../src/domain/rung.ts';
import { builtPackage } from './package-copy.ts';
import { type Ended, type Started, startProgram } from './start.ts';
import type { Workspace } from './workspace.ts';

/** A program that uses the built library: `make(config)` makes a sandbox of the workspace, `tell(value)` writes a line of JSON. */
const libraryProgram = (body: string, workspace: Workspace, rung?: RungName): readonly string[] => [
  process.execPath,
  '--input-type=module',
  '-e',
  `import { createSandbox, SboxError } from ${JSON.stringify(join(builtPackage(), 'dist/index.js'))};
   import { readdirSync, readFileSync } from 'node:fs';
   const own = ${JSON.stringify({ workspace: workspace.cwd, ...(rung && { rung }) })};
   const make = (config = {}) => createSandbox({ ...own, ...config });
   const tell = (value) => console.log(JSON.stringify(value));
   ${body}`,
];

export const startLibrary = (body: string, workspace: Workspace, rung?: RungName): Started =>
  startProgram(libraryProgram(body, workspace, rung), { ...workspace, timeoutMs: 150_000 });

/** Runs such a program to its end and gives what it told. Throws with what it complained of if it fails. */
export const runLibrary = async (body: string, workspace: Workspace, rung?: RungName): Promise<unknown[]> => {
  const ended = await startLibrary(body, workspace, rung).ended;
  if (ended.code !== 0 || ended.stderr !== '') throw new Error(`it ended with ${describe(ended)}`);
  return ended.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
};

const describe = ({ status, stdout, stderr }: Ended): string => `${status}\n${stdout}\n${stderr}`;
