import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { builtPackage } from '../../support/package-copy.ts';
import { aWorkspace, type User, users } from '../../support/sbox.ts';
import { startProgram } from '../../support/start.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const as: User = users[0] ?? 'user';

/** A project with the packed package as its one dependency. */
const aProject = () => {
  const workspace = aWorkspace(as);
  const env = { PATH: process.env['PATH'] ?? '', HOME: workspace.home };
  const npm = (cwd: string, ...args: readonly string[]) => execFileSync('npm', args, { cwd, env, stdio: 'pipe' });
  const packed = join(workspace.base, 'packed');
  mkdirSync(packed);
  npm(builtPackage(), 'pack', '--ignore-scripts', '--pack-destination', packed);
  workspace.write('package.json', '{ "name": "app", "private": true, "type": "module" }');
  npm(workspace.cwd, 'install', '--ignore-scripts', '--offline', '--no-audit', '--no-fund', `${packed}/sbox-0.1.0.tgz`);
  return workspace;
};

describe('the packed package, installed in a project', () => {
  let project: ReturnType<typeof aWorkspace>;
  beforeAll(() => {
    project = aProject();
  });

  const run = async (program: string): Promise<string> => {
    const { stdout, stderr } = await startProgram([process.execPath, '--input-type=module', '-e', program], project)
      .ended;
    expect(stderr).toBe('');
    return stdout;
  };

  test('makes a sandbox of the project itself, whose commands cannot change the package', async () => {
    const attempts = `
      for file in node_modules/sbox/dist/index.js node_modules/sbox/dist/interpreter-x64 node_modules/sbox/new; do
        echo x >> $file && echo changed $file
      done
      for folder in node_modules node_modules/sbox node_modules/sbox/dist; do mv $folder away && echo moved $folder; done
      rm -rf node_modules/sbox
      echo x > node_modules/other && echo other`;
    const program = `
      import { createSandbox } from 'sbox';
      const box = await createSandbox({ rung: 'namespaces' });
      console.log((await box.exec('sh', ['-c', ${JSON.stringify(`{ ${attempts}\n} 2>/dev/null`)}])).stdout);
      console.log((await box.exec('echo', ['still works'])).stdout);
      await box.dispose();`;
    expect(await run(program)).toBe('other\n\nstill works\n\n');
    expect(await run(program)).toBe('other\n\nstill works\n\n');
  });

  test('refuses that where the package could not be kept from them', async () => {
    const program = `
      import { createSandbox } from 'sbox';
      await createSandbox({ rung: 'landlock' }).catch(({ code, reason }) => console.log(code, reason));`;
    expect(await run(program)).toMatch(/^SBOX_E_WORKSPACE sbox's own code lies in it/);
  });

  test('has types that a strict project accepts', () => {
    project.write(
      'main.ts',
      `import { createSandbox, type EgressEvent, type ExecResult, type Sandbox, type SandboxConfig, SboxError } from 'sbox';
       const config: SandboxConfig = { network: { mode: 'limited', allow: ['example.com'] }, limits: { timeout: '1h' } };
       await using box: Sandbox = await createSandbox(config);
       box.on('decision', ({ decision }: EgressEvent) => decision.host);
       const text: ExecResult<string> = await box.exec('echo', ['x'], { timeoutMs: 1000 });
       const bytes: ExecResult<Buffer> = await box.exec('echo', undefined, { encoding: 'buffer' });
       const child = box.spawn('cat').on('exit', (code: number | null) => code);
       child.stdin?.end(text.stdout);
       const { exitCode, signal } = await child.ended;
       // @ts-expect-error: there is no such mode
       createSandbox({ network: { mode: 'limted' } });
       throw new SboxError({ code: 'SBOX_E_USAGE', message: \`\${exitCode}\${signal}\${bytes.stdout.length}\` });`,
    );
    const compilerOptions = {
      ...{ target: 'es2023', lib: ['es2023', 'esnext.disposable'], module: 'nodenext', strict: true, noEmit: true },
      ...{ types: ['node'], typeRoots: [join(repository, 'node_modules/@types')], skipLibCheck: false },
    };
    writeFileSync(join(project.cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['main.ts'] }));
    const compiler = join(repository, 'node_modules/.bin/tsc');
    expect(execFileSync(compiler, ['-p', project.cwd], { encoding: 'utf8' })).toBe('');
  });
});
