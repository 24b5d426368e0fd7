import { parseCredentialName, parseWrittenCredential } from '../domain/declared-credential.ts';
import { parseAllowRule, parseDenyRule } from '../domain/egress-rule.ts';
import type { Limits } from '../domain/limits.ts';
import { type MountMode, parseMount } from '../domain/mount.ts';
import { parseProtectedPath } from '../domain/names.ts';
import type { DeclaredHost } from '../domain/network.ts';
import { isRefused, type Parsed } from '../domain/parsed.ts';
import { parseHostTarget, parseMappedName, parsePublishedPort } from '../domain/port.ts';
import type { DeclaredMount, EnvironmentPolicy, PlaceOf } from '../domain/profile.ts';
import { parseDuration, parseSize } from '../domain/units.ts';
import type { Extension, Layer } from './layer.ts';
import type { DocumentValue } from './schema.ts';

/** Where a document came from. */
export interface Source {
  readonly file: string;
  /** the absolute folder that relative mount sources start from */
  readonly base: string;
  readonly placeOf: PlaceOf;
}

/** A checked document to a layer: short forms become long ones, texts become bytes and milliseconds. */
export const normalizeDocument = (value: DocumentValue, source: Source): Layer => ({
  file: source.file,
  ...present('description', value.description),
  extends: normalizeExtends(value.extends ?? [], source.placeOf),
  ...present('command', value.command),
  mounts: (value.mounts ?? []).map((mount, index) => normalizeMount(mount, index, source)),
  protect: (value.protect ?? []).map((path) => certain(parseProtectedPath(path))),
  env: normalizeEnv(value.env),
  tools: value.path?.tools ?? [],
  network: normalizeNetwork(value.network ?? {}, source),
  credentials: (value.credentials ?? []).map((written, index) => ({
    ...certain(typeof written === 'string' ? parseCredentialName(written) : parseWrittenCredential(written)),
    origin: originOf(source, ['credentials', index]),
  })),
  limits: normalizeLimits(value.limits ?? {}),
  ...present('hide', value.hide),
  require: value.require ?? [],
  ...present('userNamespaces', value.userNamespaces),
});

type WrittenMounts = NonNullable<DocumentValue['mounts']>;

const normalizeExtends = (names: string | readonly string[], placeOf: PlaceOf): Extension[] =>
  typeof names === 'string'
    ? [{ name: names, place: placeOf(['extends']) }]
    : names.map((name, index) => ({ name, place: placeOf(['extends', index]) }));

const normalizeMount = (mount: WrittenMounts[number], index: number, source: Source): DeclaredMount => {
  const written = typeof mount === 'string' ? certain(parseMount(mount)) : mount;
  const mode: MountMode = written.mode ?? 'ro';
  return {
    source: written.source,
    ...present('target', written.target),
    mode,
    ...('optional' in written && written.optional && { optional: true as const }),
    base: source.base,
    origin: originOf(source, ['mounts', index]),
  };
};

type WrittenNetwork = NonNullable<DocumentValue['network']>;

const normalizeNetwork = (network: WrittenNetwork, source: Source): Layer['network'] => {
  const origin = (...path: (string | number)[]) => ({ origin: originOf(source, ['network', ...path]) });
  const hosts = Object.entries(network.hosts ?? {}).map(([name, target]) => {
    const declared: DeclaredHost = { ...certain(parseHostTarget(target)), ...origin('hosts', name) };
    return [certain(parseMappedName(name)), declared] as const;
  });
  return {
    ...present('mode', network.mode),
    allow: (network.allow ?? []).map((text, at) => ({
      text,
      ...certain(parseAllowRule(text)),
      ...origin('allow', at),
    })),
    deny: (network.deny ?? []).map((text, at) => ({ text, ...certain(parseDenyRule(text)), ...origin('deny', at) })),
    hosts: Object.fromEntries(hosts),
    publish: (network.publish ?? []).map((text, at) => ({
      ...certain(parsePublishedPort(text)),
      ...origin('publish', at),
    })),
  };
};

const originOf = ({ placeOf }: Source, path: readonly (string | number)[]): string => {
  const { file, line, column } = placeOf(path);
  return line === 0 ? file : `${file}:${line}:${column}`;
};

const normalizeEnv = (env: DocumentValue['env']): EnvironmentPolicy => ({
  pass: env?.pass ?? [],
  passIfVisible: env?.passIfVisible ?? [],
  set: env?.set ?? {},
});

const normalizeLimits = (limits: NonNullable<DocumentValue['limits']>): Limits => ({
  ...present('memoryBytes', limits.memory === undefined ? undefined : certain(parseSize(limits.memory))),
  ...present('processes', limits.processes),
  ...present('openFiles', limits.openFiles),
  ...present('fileSizeBytes', limits.fileSize === undefined ? undefined : certain(parseSize(limits.fileSize))),
  ...present('timeoutMs', limits.timeout === undefined ? undefined : certain(parseDuration(limits.timeout))),
});

/** The document was checked with the same parsers. */
const certain = <T>(parsed: Parsed<T>): T => {
  if (isRefused(parsed)) throw new Error(`a checked document holds a wrong value: ${parsed.problem}`);
  return parsed.value;
};

const present = <K extends string, V>(key: K, value: V | undefined): { readonly [key in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [key in K]?: V };
