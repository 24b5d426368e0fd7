import { execFile } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mechanism } from '../../src/domain/plan.ts';
import type { Property, PropertyName, PropertyStatus } from '../../src/domain/property.ts';
import { builtPackage } from '../support/package-copy.ts';
import type { Environment } from './environments.ts';

/** One attack in one environment; a text other than `works` says how it failed. */
export interface Check {
  readonly kind: 'check';
  readonly network: string;
  readonly property: PropertyName;
  readonly status: PropertyStatus | 'every';
  readonly attack: string;
  readonly where: 'everywhere' | 'somewhere';
  readonly control: string;
  readonly inside: string;
  readonly expected: 'works' | 'fails' | 'either';
}

export interface ReportedPlan {
  readonly kind: 'plan';
  readonly mechanism: Mechanism;
  readonly network: string;
  readonly properties: readonly Property[];
  /** those that are attacked in runs of this plan */
  readonly tries: readonly PropertyName[];
}

export interface Contract {
  readonly environment: Environment;
  readonly plans: readonly ReportedPlan[];
  readonly checks: readonly Check[];
  /** what else it said, and why it ended early if it did */
  readonly trouble: string;
}

type Line = Check | ReportedPlan | { readonly kind: 'refused' | 'end' };

const nestedEnvironment = fileURLToPath(new URL('../support/nested-env.sh', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const limitMs = 60_000;

/** A copy of the package with the contract beside it, for whoever is to run both. */
const projectFolder = (): string => {
  const folder = builtPackage();
  // once: another environment may be reading them
  if (existsSync(join(folder, 'contract.mjs'))) return folder;
  for (const name of ['contract', 'contract.mjs']) cpSync(join(here, name), join(folder, name), { recursive: true });
  return folder;
};

/** Runs a command in an environment, with the built package as its project. */
export const runNested = (
  { variant, deny }: Pick<Environment, 'variant' | 'deny'>,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> =>
  new Promise((resolve) => {
    const project = projectFolder();
    const command = variant === 'host' ? argv : ['bash', nestedEnvironment, variant, ...argv];
    const options = {
      cwd: project,
      timeout: limitMs,
      maxBuffer: 1 << 26,
      env: { PATH: process.env['PATH'], NESTED_PROJECT: project, ...(deny && { NESTED_DENY: deny }), ...env },
    };
    execFile(command[0] ?? '', command.slice(1), options, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ status, stdout, stderr: error?.killed ? `${stderr}\nstill running after ${limitMs} ms` : stderr });
    });
  });

/** The contract of one environment. */
export const runContract = async (environment: Environment): Promise<Contract> => {
  const argv = [process.execPath, 'contract.mjs', 'bin/sbox.js', ...(environment.options ?? [])];
  const { status, stdout, stderr } = await runNested(environment, argv.map(inProject));
  const lines = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
  const ended =
    status === 0 && lines.some(({ kind }) => kind === 'end') && !lines.some(({ kind }) => kind === 'refused');
  return {
    environment,
    plans: lines.filter((line) => line.kind === 'plan'),
    checks: lines.filter((line) => line.kind === 'check'),
    trouble: ended ? '' : `ended with ${status}: ${stdout.slice(-2000)}\n${stderr}`,
  };
};

const inProject = (word: string): string =>
  /^(contract\.mjs|bin\/sbox\.js)$/.test(word) ? join(builtPackage(), word) : word;

/** Runs what is to do, at most so many at a time, in order. */
export const inTurn = <T, R>(items: readonly T[], atATime: number, act: (item: T) => Promise<R>): Promise<R>[] => {
  const running: Promise<unknown>[] = [];
  return items.map((item, index) => {
    const before = running[index - atATime] ?? Promise.resolve();
    const own = before.then(() => act(item));
    running.push(own.catch(() => {}));
    return own;
  });
};
