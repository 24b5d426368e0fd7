import { dirname, join } from 'node:path';
import { exitCode, SboxError } from '../domain/errors.ts';
import { isRefused } from '../domain/parsed.ts';
import type { Problem } from '../domain/problem.ts';
import type { Profile } from '../domain/profile.ts';
import { invalid, readLayer, readShippedLayer } from './document.ts';
import { baseProfile, type FoundProfile, findProfile, type ProfileFolders } from './find.ts';
import { type InlineDocument, readInlineLayer } from './inline.ts';
import type { Layer } from './layer.ts';
import { mergeLayers } from './merge.ts';
import { readDocument, unreadable } from './read-text.ts';

/** What a run's profile is made of. All paths are absolute. */
export interface ProfileRequest extends ProfileFolders {
  /** from --profile, in order */
  readonly names: readonly string[];
  /** from --config: the operator's word, in place of the workspace's sbox.json */
  readonly configFile?: string;
  /** a program's word, in place of either */
  readonly policy?: InlineDocument;
  /** what a program adds to all of them: the strongest */
  readonly additions?: InlineDocument;
  readonly ignoreWorkspaceConfig: boolean;
  readonly workspace: string;
  /** $XDG_STATE_HOME/sbox: knows what is trusted */
  readonly stateDir: string;
}

/**
 * The profile of a run. Weakest first: `default`, the workspace's sbox.json or --config, the names of --profile, additions; each
 * behind what it extends, each once. Errors: SBOX_E_PROFILE (2) with every problem of a document; SBOX_E_UNTRUSTED.
 */
export const loadProfile = async (request: ProfileRequest): Promise<Profile> => {
  const stack: Stack = { request, layers: [], done: new Set() };
  await addProfile(baseProfile(request), [], stack);
  const config = await readConfig(request);
  if (config !== undefined) await addLayer(config, [], stack);
  for (const name of request.names) await addProfile(named(name, request), [], stack);
  if (request.additions) await addLayer(await readInlineLayer(request.additions), [], stack);
  return mergeLayers(stack.layers);
};

/** Every problem of a document, and of what it extends: [] if a run could use it. */
export const checkDocument = async (
  text: string,
  file: string,
  request: ProfileRequest,
): Promise<readonly Problem[]> => {
  try {
    const layer = await readLayer(text, file, dirname(file));
    await addLayer(layer, [], { request, layers: [], done: new Set() });
    return [];
  } catch (error) {
    if (!(error instanceof SboxError)) throw error;
    if (error.problems.length > 0) return error.problems;
    return [{ message: error.message, ...(error.fix === undefined ? {} : { hint: error.fix }) }];
  }
};

/** A profile's own layer, without what it extends; its relative paths start from the workspace. */
export const readProfile = async (profile: FoundProfile, workspace: string): Promise<Layer> => {
  const document = readDocument(profile.file, 'follow');
  if (document === undefined) throw unreadable(profile.file, 'ENOENT');
  return profile.from === 'shipped'
    ? readShippedLayer(document.text, profile.file, workspace)
    : readLayer(document.text, profile.file, workspace);
};

interface Stack {
  readonly request: ProfileRequest;
  readonly layers: Layer[];
  /** files that are in `layers` */
  readonly done: Set<string>;
}

const addProfile = async (profile: FoundProfile, chain: readonly FoundProfile[], stack: Stack): Promise<void> => {
  if (stack.done.has(profile.file)) return;
  const longer = [...chain, profile];
  if (chain.some(({ file }) => file === profile.file)) throw cycle(longer);
  await addLayer(await readProfile(profile, stack.request.workspace), longer, stack);
};

const addLayer = async (layer: Layer, chain: readonly FoundProfile[], stack: Stack): Promise<void> => {
  const problems = checkExtends(layer, stack.request);
  if (problems.length > 0) throw invalid(layer.file, problems);
  for (const { name } of layer.extends) await addProfile(named(name, stack.request), chain, stack);
  stack.done.add(layer.file);
  stack.layers.push(layer);
};

const checkExtends = (layer: Layer, folders: ProfileFolders): Problem[] =>
  layer.extends.flatMap(({ name, place }) => {
    const found = findProfile(name, folders);
    return isRefused(found) ? [{ message: found.problem, hint: found.hint, place }] : [];
  });

const readConfig = async (request: ProfileRequest): Promise<Layer | undefined> => {
  const { policy, configFile, ignoreWorkspaceConfig, workspace, stateDir } = request;
  if (policy !== undefined) return readInlineLayer(policy);
  if (configFile !== undefined) {
    const document = readDocument(configFile, 'follow');
    if (document === undefined) throw unreadable(configFile, 'ENOENT');
    return readLayer(document.text, configFile, dirname(configFile));
  }
  const file = join(workspace, 'sbox.json');
  const document = ignoreWorkspaceConfig ? undefined : readDocument(file, 'refuse');
  if (document === undefined) return undefined;
  const { assertTrusted } = await import('./trusted.ts');
  assertTrusted(file, document.bytes, stateDir);
  return readLayer(document.text, file, workspace);
};

const named = (name: string, folders: ProfileFolders): FoundProfile => {
  const found = findProfile(name, folders);
  if (!isRefused(found)) return found.value;
  throw new SboxError({ code: 'SBOX_E_PROFILE', message: found.problem, fix: found.hint, exitCode: exitCode.usage });
};

const cycle = (chain: readonly FoundProfile[]): SboxError => {
  const first = chain.findIndex(({ file }) => file === chain.at(-1)?.file);
  const names = chain.slice(first).map(({ name }) => name);
  return new SboxError({
    code: 'SBOX_E_PROFILE',
    message: `profiles extend each other: ${names.join(' -> ')}`,
    cause: `"${chain.at(-2)?.file}" extends "${names.at(-1)}"`,
    fix: `remove "${names.at(-1)}" from "extends" there`,
    exitCode: exitCode.usage,
  });
};
