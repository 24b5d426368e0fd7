import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { findProgram } from './needs.ts';

/** Installs the real Claude Code once for a test file; gives a function that tells the folder of its program. */
export const installClaudeCode = (): (() => string) => {
  let prefix = '';
  // every user runs this one installation
  beforeAll(() => {
    if (findProgram('npm') === undefined) return; // the cases say so
    prefix = realpathSync(mkdtempSync(join(tmpdir(), 'sbox-claude-')));
    chmodSync(prefix, 0o755);
    const flags = ['--no-audit', '--no-fund', '@anthropic-ai/claude-code'];
    execFileSync('npm', ['install', '-g', '--prefix', prefix, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
  });
  afterAll(() => rmSync(prefix, { recursive: true, force: true }));
  return () => join(prefix, 'bin');
};

/** Settings of a client that talks to its API alone. */
export const quietClaude = {
  DISABLE_TELEMETRY: '1',
  DISABLE_AUTOUPDATER: '1',
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
};
