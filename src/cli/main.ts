import { Command } from 'commander';
import { exitCode, SboxError } from '../domain/errors.ts';
import { nearest } from '../domain/nearest.ts';
import type { CredentialsOptions } from './commands/credentials.ts';
import type { LogOptions } from './commands/log.ts';
import { type CliContext, openContext } from './context.ts';
import { collect, declareRunOptions, type RunOptions } from './options.ts';

/** Runs sbox with these arguments (without node and script) from the package in this folder and returns the exit code. The one place that maps errors to codes. */
export const main = async (argv: readonly string[], packageDir: string): Promise<number> => {
  let context: CliContext | undefined;
  try {
    context = openContext(packageDir);
    return await dispatch(argv, context);
  } catch (thrown) {
    const { asSboxError, errorToJson, renderError } = await import('./messages.ts');
    const error = asSboxError(thrown);
    const ownArguments = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
    const text = ownArguments.includes('--json')
      ? `${JSON.stringify({ event: 'error', ...errorToJson(error) })}\n`
      : renderError(error, context?.errorColor ?? false);
    process.stderr.write(text);
    return error.exitCode;
  }
};

const dispatch = async (argv: readonly string[], context: CliContext): Promise<number> => {
  let code = 0;
  const program = declare(argv[0], context, (result) => {
    code = result;
  });
  assertCommand(argv[0], program);
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (thrown) {
    const { code: reason, exitCode: wanted, message } = thrown as { code?: string; exitCode?: number; message: string };
    if (reason?.startsWith('commander.') !== true) throw thrown;
    if (wanted === 0 || reason === 'commander.help') return wanted ?? 0;
    throw new SboxError({
      code: 'SBOX_E_USAGE',
      message: message.replace(/^error: /, '').split('\n')[0] ?? 'bad usage',
      fix: message.includes('Did you mean')
        ? message.slice(message.indexOf('Did you mean')).replace(/[()]/g, '')
        : 'sbox --help lists commands, sbox run --help options',
      exitCode: exitCode.usage,
    });
  }
  return code;
};

type Done = (code: number) => void;

/** A word in a command's place that is none. */
const assertCommand = (word: string | undefined, program: Command): void => {
  const names = program.commands.map((command) => command.name());
  if (word === undefined || word.startsWith('-') || word === 'help' || names.includes(word)) return;
  const near = nearest(word, names);
  throw new SboxError({
    code: 'SBOX_E_USAGE',
    message: `there is no command "${word}"`,
    fix: near === undefined ? `sbox run -- ${word} runs it; sbox --help lists the commands` : `sbox ${near}`,
    exitCode: exitCode.usage,
  });
};

/** Declares all commands, but for the one that has to start fast: that alone. */
const declare = (word: string | undefined, context: CliContext, done: Done): Command => {
  const program = new Command('sbox')
    .description('Runs an AI agent so that what was not declared does not exist for it.')
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({ writeOut: context.print, writeErr: () => {} });
  program.option('-V, --version', 'print the version').action(async (options: { version?: true }) => {
    if (!options.version) program.help();
    const { version } = await import('./commands/version.ts');
    done(version(context));
  });
  declareRun(program, context, done);
  if (word === 'run') return program;
  declareLike(program, context, done);
  declareProfiles(program, context, done);
  declareSandboxes(program, context, done);
  declareLog(program, context, done);
  declareCredentials(program, context, done);
  declareDoctor(program, context, done);
  return program;
};

const declareReportOptions = (command: Command): Command =>
  command
    .option('--dry-run', 'print the plan instead of running it')
    .option('--status-fd <n>', 'write one JSON line about the end to this descriptor')
    .option('-q, --quiet', 'no word on what is not enforced')
    .option('--json', "sbox's own messages as JSON lines");

const declareRun = (program: Command, context: CliContext, done: Done): void => {
  declareReportOptions(
    declareRunOptions(
      program
        .command('run')
        .description("run a command (default: the profile's, else your shell)")
        .argument('[command...]')
        .passThroughOptions(),
    ),
  ).action(async (command: string[], options: RunOptions) => {
    const { run } = await import('./commands/run.ts');
    done(await run(command, options, context));
  });
};

/** What takes the options of `run`. */
const declareLike = (program: Command, context: CliContext, done: Done): void => {
  declareReportOptions(declareRunOptions(program.command('shell').description('open your shell inside'))).action(
    async (options: RunOptions) => {
      const { run } = await import('./commands/run.ts');
      done(await run([context.env['SHELL'] ?? '/bin/sh'], options, context));
    },
  );
  declareRunOptions(
    program.command('plan').description('show what a run would do').argument('[command...]').passThroughOptions(),
  )
    .option('--json', 'the plan itself')
    .action(async (command: string[], options: RunOptions) => {
      const { plan } = await import('./commands/plan.ts');
      done(await plan(command, options, context));
    });
};

const declareProfiles = (program: Command, context: CliContext, done: Done): void => {
  program
    .command('validate')
    .description('check a document (default: ./sbox.json)')
    .argument('[file]')
    .option('--json', 'problems as JSON')
    .action(async (file: string | undefined, options: { json?: true }) => {
      const { validate } = await import('./commands/validate.ts');
      done(await validate({ ...options, ...(file !== undefined && { file }) }, context));
    });
  program
    .command('profiles')
    .description('list profiles, or show what one amounts to')
    .argument('[name]')
    .option('--json', 'as JSON')
    .action(async (name: string | undefined, options: { json?: true }) => {
      const { profiles } = await import('./commands/profiles.ts');
      done(await profiles({ ...options, ...(name !== undefined && { name }) }, context));
    });
  program
    .command('trust')
    .description("let a workspace's sbox.json apply, as it is now")
    .argument('[path]')
    .option('--list', 'list what is trusted')
    .option('--remove', 'trust it no longer')
    .action(async (path: string | undefined, options: { list?: true; remove?: true }) => {
      const { trust } = await import('./commands/trust.ts');
      done(await trust({ ...options, ...(path !== undefined && { path }) }, context));
    });
};

const declareDoctor = (program: Command, context: CliContext, done: Done): void => {
  program
    .command('doctor')
    .description('show what this machine lets sbox enforce, and what would give more')
    .option('--json', 'as JSON')
    .action(async (options: { json?: true }) => {
      const { doctor } = await import('./commands/doctor.ts');
      done(await doctor(options, context));
    });
};

const declareCredentials = (program: Command, context: CliContext, done: Done): void => {
  program
    .command('credentials')
    .description('show which credentials would be found outside, never their values')
    .option('-p, --profile <name>', 'and those that a profile declares (repeatable)', collect, [])
    .option('-c, --config <file>', 'and those that this document declares')
    .option('--json', 'as JSON')
    .action(async (options: CredentialsOptions) => {
      const { credentials } = await import('./commands/credentials.ts');
      done(await credentials(options, context));
    });
};

const declareLog = (program: Command, context: CliContext, done: Done): void => {
  program
    .command('log')
    .description('show what was allowed and denied (default: in the sandboxes of this workspace)')
    .option('-f, --follow', 'go on showing what is added, until Ctrl-C')
    .option('--denied', 'only what was refused')
    .option('--name <sandbox>', 'of this sandbox')
    .option('--all', 'of every sandbox')
    .option('--last <n>', 'the newest so many (default: 100)')
    .option('--since <time>', 'no older than this, as in 2h or 90s')
    .option('--json', 'as JSON lines')
    .action(async (options: LogOptions) => {
      const { log } = await import('./commands/log.ts');
      done(await log(options, context));
    });
};

const declareSandboxes = (program: Command, context: CliContext, done: Done): void => {
  program
    .command('list')
    .description('list the sandboxes of this user')
    .option('--json', 'as JSON')
    .action(async (options: { json?: true }) => {
      const { list } = await import('./commands/list.ts');
      done(list(options, context));
    });
  program
    .command('remove')
    .description('delete sandboxes with their HOME')
    .argument('<name...>')
    .action(async (names: string[]) => {
      const { remove } = await import('./commands/remove.ts');
      done(await remove(names, context));
    });
};
