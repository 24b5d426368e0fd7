import pc from 'picocolors';
import { SboxError } from '../../domain/errors.ts';
import { type FoundProfile, listProfiles } from '../../profile/find.ts';
import { loadProfile, readProfile } from '../../profile/load.ts';
import type { CliContext } from '../context.ts';

export interface ProfilesOptions {
  /** show this profile, merged with all that it builds on */
  readonly name?: string;
  readonly json?: boolean;
}

/** `sbox profiles [name]`: every profile with its origin and description, or one as a run would see it. */
export const profiles = async (options: ProfilesOptions, context: CliContext): Promise<number> => {
  if (options.name !== undefined) {
    const { cwd: workspace, stateDir, configDir, shippedProfilesDir } = context;
    const names = [options.name];
    const profile = await loadProfile({
      names,
      ignoreWorkspaceConfig: true,
      workspace,
      stateDir,
      configDir,
      shippedProfilesDir,
    });
    context.print(`${JSON.stringify(profile, undefined, 2)}\n`);
    return 0;
  }
  const rows = await Promise.all(listProfiles(context).map((profile) => describe(profile, context.cwd)));
  context.print(options.json ? `${JSON.stringify(rows, undefined, 2)}\n` : renderTable(rows, context.color));
  return 0;
};

interface Row extends FoundProfile {
  readonly description: string;
}

const describe = async (profile: FoundProfile, workspace: string): Promise<Row> => {
  try {
    return { ...profile, description: (await readProfile(profile, workspace)).description ?? '' };
  } catch (error) {
    if (!(error instanceof SboxError)) throw error;
    return { ...profile, description: `cannot be used: sbox validate "${profile.file}"` };
  }
};

const renderTable = (rows: readonly Row[], color: boolean): string => {
  const paint = pc.createColors(color);
  const name = Math.max(4, ...rows.map((row) => row.name.length)) + 2;
  const from = Math.max(4, ...rows.map((row) => origin(row).length)) + 2;
  const head = paint.bold(`${'NAME'.padEnd(name)}${'FROM'.padEnd(from)}DESCRIPTION`);
  const lines = rows.map((row) =>
    `${row.name.padEnd(name)}${paint.dim(origin(row).padEnd(from))}${row.description}`.trimEnd(),
  );
  return `${[head, ...lines].join('\n')}\n`;
};

const origin = (row: Row): string => (row.from === 'shipped' ? 'shipped' : row.file);
