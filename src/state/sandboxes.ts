import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is remembered of a sandbox. */
export interface SandboxRecord {
  readonly version: 1;
  readonly name: string;
  readonly workspace: string;
  /** ISO 8601 */
  readonly created: string;
}

/** The sandboxes of a state directory, by name. */
export const readSandboxes = (stateDir: string): SandboxRecord[] => {
  const folder = join(stateDir, 'sandboxes');
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    return [];
  }
  return names.flatMap((name) => readRecord(join(folder, name)) ?? []);
};

/** What is remembered of the sandbox of a folder; undefined while it is being made. */
export const readRecord = (folder: string): SandboxRecord | undefined => {
  try {
    return JSON.parse(readFileSync(join(folder, 'record.json'), 'utf8')) as SandboxRecord;
  } catch {
    return undefined;
  }
};
