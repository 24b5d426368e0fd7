import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseProfileName } from '../domain/names.ts';
import { nearest } from '../domain/nearest.ts';
import { isRefused, type Parsed } from '../domain/parsed.ts';

/** The folders that profiles are in. */
export interface ProfileFolders {
  /** $XDG_CONFIG_HOME/sbox: the user's own are in its folder `profiles` */
  readonly configDir: string;
  readonly shippedProfilesDir: string;
}

/** A profile's document on the disk. */
export interface FoundProfile {
  readonly name: string;
  readonly from: 'shipped' | 'user';
  readonly file: string;
}

/** A name to its document; the user's own wins over a shipped one of the same name. */
export const findProfile = (name: string, folders: ProfileFolders): Parsed<FoundProfile> => {
  const checked = parseProfileName(name);
  if (isRefused(checked)) return checked;
  const value = candidates(name, folders).find(({ file }) => existsSync(file));
  if (value !== undefined) return { value };
  const names = listProfiles(folders).map((profile) => profile.name);
  const near = nearest(name, names);
  const hint = `${near === undefined ? '' : `did you mean "${near}"? `}profiles: ${names.join(', ')}`;
  return { problem: `unknown profile "${name}"`, hint };
};

/** The profile that is the base of all others; the user can add to it, not replace it. */
export const baseProfile = (folders: ProfileFolders): FoundProfile => shipped('default', folders);

/** Every profile by name; of two with the same name the one that wins. */
export const listProfiles = (folders: ProfileFolders): FoundProfile[] => {
  const names = [...namesIn(folders.shippedProfilesDir), ...namesIn(userFolder(folders))];
  return [...new Set(names)].sort().flatMap((name) =>
    candidates(name, folders)
      .filter(({ file }) => existsSync(file))
      .slice(0, 1),
  );
};

const candidates = (name: string, folders: ProfileFolders): FoundProfile[] => [
  { name, from: 'user', file: join(userFolder(folders), `${name}.json`) },
  shipped(name, folders),
];

const shipped = (name: string, folders: ProfileFolders): FoundProfile => ({
  name,
  from: 'shipped',
  file: join(folders.shippedProfilesDir, `${name}.json`),
});

const userFolder = (folders: ProfileFolders): string => join(folders.configDir, 'profiles');

const namesIn = (folder: string): string[] => {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).flatMap((entry) =>
    entry.endsWith('.json') ? [entry.slice(0, -'.json'.length)] : [],
  );
  return names.filter((name) => !isRefused(parseProfileName(name)));
};
