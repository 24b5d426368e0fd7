import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFakeAnthropic } from './fake-anthropic.ts';
import { openFakeGemini } from './fake-gemini.ts';
import { openFakeOpenAi } from './fake-openai.ts';

/** An agent, how it is driven, and the API that stands in for its own. */
export interface Agent {
  /** of the shipped profile */
  readonly profile: string;
  readonly npmPackage: string;
  /** options of `sbox run` */
  readonly flags: readonly string[];
  /** one prompt, no questions */
  readonly command: readonly string[];
  /** the variable outside that holds its key, and the key */
  readonly key: readonly [name: string, value: string];
  /** hosts of its API */
  readonly hosts: readonly string[];
  /** answers the first message by a call of the shell tool with the command */
  readonly openApi: (command: string) => Promise<AgentApi>;
}

export interface AgentApi extends AsyncDisposable {
  readonly port: number;
  readonly keys: readonly (string | undefined)[];
  readonly toolResults: readonly string[];
}

const openAnthropic = async (command: string): Promise<AgentApi> => {
  const api = await openFakeAnthropic(command);
  return {
    port: Number(new URL(api.url).port),
    keys: api.keys,
    toolResults: api.toolResults,
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
};

const openAiKey = 'sk-proj-h7Kq2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0KeuTsAaW';

/** The agents that npm has, each with one prompt. */
export const agents: readonly Agent[] = [
  {
    profile: 'claude-code',
    npmPackage: '@anthropic-ai/claude-code',
    flags: [],
    command: ['claude', '-p', 'run it', '--allowedTools', 'Bash'],
    key: ['ANTHROPIC_API_KEY', 'sk-ant-api03-h7Kq2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0-Ke_uTsAaWq'],
    hosts: ['api.anthropic.com', 'platform.claude.com'],
    openApi: openAnthropic,
  },
  {
    profile: 'codex',
    npmPackage: '@openai/codex',
    flags: [],
    // `codex exec` takes a key from this variable alone; its own sandbox can't be made in another
    command: [
      ...['sh', '-c', 'CODEX_API_KEY=$OPENAI_API_KEY exec "$@"', 'sh'],
      ...['codex', 'exec', '--sandbox', 'danger-full-access', '--skip-git-repo-check'],
      // it would ask chatgpt.com for models, and wait long for an answer
      ...['--disable', 'api_key_model_discovery', 'run it'],
    ],
    key: ['OPENAI_API_KEY', openAiKey],
    hosts: ['api.openai.com'],
    openApi: openFakeOpenAi,
  },
  {
    profile: 'gemini',
    npmPackage: '@google/gemini-cli',
    flags: [],
    // without a model's name another model is asked for the one to take
    command: ['gemini', '--model', 'gemini-2.5-flash', '--skip-trust', '--yolo', '--prompt', 'run it'],
    key: ['GEMINI_API_KEY', 'AIzaSyH7Kq2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0K'],
    hosts: ['generativelanguage.googleapis.com'],
    openApi: openFakeGemini,
  },
  {
    profile: 'opencode',
    npmPackage: 'opencode-ai',
    flags: ['--credential', 'openai'],
    command: ['opencode', 'run', '--model', 'openai/gpt-5', '--auto', 'run it'],
    key: ['OPENAI_API_KEY', openAiKey],
    hosts: ['api.openai.com'],
    openApi: openFakeOpenAi,
  },
];

/** One installation of all agents, which every user can run. */
export interface Installation extends Disposable {
  /** the folder of their programs */
  readonly bin: string;
}

/** Installs the agents by npm into a temporary folder. Throws what npm says if it can't. */
export const installAgents = (): Installation => {
  const prefix = realpathSync(mkdtempSync(join(tmpdir(), 'sbox-agents-')));
  chmodSync(prefix, 0o755);
  const remove = () => rmSync(prefix, { recursive: true, force: true });
  const packages = agents.map(({ npmPackage }) => npmPackage);
  const flags = ['--global', '--prefix', prefix, '--no-audit', '--no-fund'];
  try {
    execFileSync('npm', ['install', ...flags, ...packages], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    remove();
    throw error;
  }
  return { bin: join(prefix, 'bin'), [Symbol.dispose]: remove };
};
