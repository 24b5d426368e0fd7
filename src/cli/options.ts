import type { Command } from 'commander';
import { parseCredentialName } from '../domain/declared-credential.ts';
import { parseAllowRule, parseDenyRule, type WrittenRule } from '../domain/egress-rule.ts';
import { exitCode, SboxError } from '../domain/errors.ts';
import type { Invocation } from '../domain/invocation.ts';
import type { Limits } from '../domain/limits.ts';
import { parseMount } from '../domain/mount.ts';
import { parsePass, parseVariable, parseWord } from '../domain/names.ts';
import { type DeclaredPort, type EgressRule, networkModes } from '../domain/network.ts';
import { isRefused, type Parsed } from '../domain/parsed.ts';
import { parsePublishedPort } from '../domain/port.ts';
import type { Problem } from '../domain/problem.ts';
import type { DeclaredMount } from '../domain/profile.ts';
import { hideModes, propertyNames } from '../domain/property.ts';
import { rungNames } from '../domain/rung.ts';
import { parseCount, parseDuration, parseSize, parseUser } from '../domain/units.ts';

/** The options of `run`, `shell` and `plan` as commander hands them over. */
export interface RunOptions {
  readonly profile: readonly string[];
  /** a path, or false for --no-config */
  readonly config?: string | false;
  readonly workspace?: string;
  readonly mount: readonly string[];
  readonly env: readonly string[];
  readonly net?: string;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly publish: readonly string[];
  readonly rung?: string;
  readonly credential: readonly string[];
  readonly user?: string;
  readonly hide?: string;
  readonly require: readonly string[];
  readonly name?: string;
  readonly ephemeral?: true;
  readonly memory?: string;
  readonly processes?: string;
  readonly openFiles?: string;
  readonly fileSize?: string;
  readonly timeout?: string;
  readonly dryRun?: true;
  readonly statusFd?: string;
  readonly quiet?: true;
  readonly json?: true;
}

/** Of an option that may be repeated. */
export const collect = (value: string, previous: readonly string[]): readonly string[] => [...previous, value];

/** Declares the options that make an Invocation. */
export const declareRunOptions = (command: Command): Command =>
  command
    .option('-p, --profile <name>', 'apply a profile (repeatable)', collect, [])
    .option('-c, --config <file>', "use this document instead of the workspace's sbox.json")
    .option('--no-config', "ignore the workspace's sbox.json")
    .option('-w, --workspace <dir>', 'the folder to work in (default: the current one)')
    .option(
      '-m, --mount <src[:dst][:ro|rw|copy]>',
      'show a host path inside, read-only unless said otherwise (repeatable)',
      collect,
      [],
    )
    .option('-e, --env <NAME[=VALUE]>', 'set a variable inside, or pass it on (repeatable)', collect, [])
    .option('--net <mode>', `what the network reaches: ${networkModes.join(', ')}`)
    .option(
      '--allow <host[:port]>',
      'let this host be reached: a name, *.name, an address, localhost:PORT, registry:npm (repeatable)',
      collect,
      [],
    )
    .option('--deny <host[:port]>', 'never let this host be reached, whatever allows it (repeatable)', collect, [])
    .option('--publish <[host:]port:port>', 'let a port of this host lead to one inside (repeatable)', collect, [])
    .option(
      '--credential <name>',
      'keep a credential outside and give its placeholder inside (repeatable)',
      collect,
      [],
    )
    .option('--rung <name>', 'force a mechanism: namespaces, landlock, portable')
    .option('--user <uid[:gid]>', 'whom the command takes itself for; its files are still yours')
    .option('--hide <how>', 'strict: undeclared paths are absent on the landlock rung, too, which is slow')
    .option('--require <properties>', 'refuse to run unless these are enforced, as in hide,network', collect, [])
    .option('--name <name>', "the sandbox's name (default: one for each workspace)")
    .option('--ephemeral', 'start with an empty HOME and forget it at the end')
    .option('--memory <size>', 'private memory of one process, as in 4G')
    .option('--processes <n>', 'processes and threads inside')
    .option('--open-files <n>', 'open files of one process')
    .option('--file-size <size>', 'size of one file')
    .option('--timeout <time>', 'end the command after this long, as in 2h or 90s');

/** The invocation of these options. Throws an SboxError with every problem at once. */
export const parseInvocation = (command: readonly string[], options: RunOptions, cwd: string): Invocation => {
  const problems: Problem[] = [];
  const take = <T>(flag: string, parsed: Parsed<T> | undefined): T | undefined => {
    if (parsed === undefined) return undefined;
    if (!isRefused(parsed)) return parsed.value;
    problems.push({ message: `${flag}: ${parsed.problem}`, hint: parsed.hint });
    return undefined;
  };
  const invocation: Invocation = {
    command,
    mounts: options.mount.flatMap((text) => take('--mount', parseMountOption(text, cwd)) ?? []),
    ...parseEnvironment(options.env, take),
    allow: options.allow.flatMap((text) => take('--allow', parseRuleOption('--allow', text, parseAllowRule)) ?? []),
    deny: options.deny.flatMap((text) => take('--deny', parseRuleOption('--deny', text, parseDenyRule)) ?? []),
    publish: options.publish.flatMap((text) => take('--publish', parsePublishOption(text)) ?? []),
    require: options.require
      .flatMap((text) => text.split(','))
      .flatMap((word) => take('--require', parseWord(word.trim(), propertyNames, 'a property')) ?? []),
    ephemeral: options.ephemeral ?? false,
    credentials: options.credential.flatMap((name) => {
      const found = take('--credential', parseCredentialName(name));
      return found ? [{ ...found, origin: '--credential' }] : [];
    }),
    limits: parseLimits(options, take),
    ...optional(
      'network',
      take('--net', options.net === undefined ? undefined : parseWord(options.net, networkModes, 'a network mode')),
    ),
    ...optional(
      'rung',
      take('--rung', options.rung === undefined ? undefined : parseWord(options.rung, rungNames, 'a rung')),
    ),
    ...optional(
      'hide',
      take('--hide', options.hide === undefined ? undefined : parseWord(options.hide, hideModes, 'a way to hide')),
    ),
    ...optional('user', take('--user', options.user === undefined ? undefined : parseUser(options.user))),
    ...optional('name', options.name),
  };
  if (problems.length > 0) {
    throw new SboxError({
      code: 'SBOX_E_USAGE',
      message: 'cannot understand the options',
      problems,
      exitCode: exitCode.usage,
    });
  }
  return invocation;
};

type Take = <T>(flag: string, parsed: Parsed<T> | undefined) => T | undefined;

const optional = <K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } =>
  (value === undefined ? {} : { [key]: value }) as { [P in K]?: T };

const parseMountOption = (text: string, cwd: string): Parsed<DeclaredMount> => {
  const parsed = parseMount(text);
  return isRefused(parsed) ? parsed : { value: { ...parsed.value, base: cwd, origin: `--mount ${text}` } };
};

const parseRuleOption = (
  origin: string,
  text: string,
  parse: (text: string) => Parsed<WrittenRule>,
): Parsed<EgressRule> => {
  const parsed = parse(text);
  return isRefused(parsed) ? parsed : { value: { text, ...parsed.value, origin } };
};

const parsePublishOption = (text: string): Parsed<DeclaredPort> => {
  const parsed = parsePublishedPort(text);
  return isRefused(parsed) ? parsed : { value: { ...parsed.value, origin: '--publish' } };
};

const parseEnvironment = (
  texts: readonly string[],
  take: Take,
): { pass: readonly string[]; set: Record<string, string> } => {
  const pass: string[] = [];
  const set: Record<string, string> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    const name = take('--env', at < 0 ? parsePass(text) : parseVariable(text.slice(0, at)));
    if (name === undefined) continue;
    if (at < 0) pass.push(name);
    else set[name] = text.slice(at + 1);
  }
  return { pass, set };
};

const parseLimits = (options: RunOptions, take: Take): Limits => ({
  ...optional('memoryBytes', take('--memory', options.memory === undefined ? undefined : parseSize(options.memory))),
  ...optional(
    'processes',
    take('--processes', options.processes === undefined ? undefined : parseCount(options.processes)),
  ),
  ...optional(
    'openFiles',
    take('--open-files', options.openFiles === undefined ? undefined : parseCount(options.openFiles)),
  ),
  ...optional(
    'fileSizeBytes',
    take('--file-size', options.fileSize === undefined ? undefined : parseSize(options.fileSize)),
  ),
  ...optional(
    'timeoutMs',
    take('--timeout', options.timeout === undefined ? undefined : parseDuration(options.timeout)),
  ),
});
