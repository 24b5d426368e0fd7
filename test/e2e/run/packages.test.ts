import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fixture } from '../../support/compile.ts';
import { listing } from '../../support/listing.ts';
import { file, needs, program } from '../../support/needs.ts';
import { networkEnvironment, networkFlags } from '../../support/network.ts';
import { aWorkspace, eachUser, runOutside, runSbox, runScript } from '../../support/sbox.ts';

const names = (folder: string) => (existsSync(folder) ? readdirSync(folder).sort() : []);
/** Where packages of the whole host would go. */
const hostPackages = () =>
  [
    '/usr/lib/node_modules',
    '/usr/local/lib',
    '/usr/local/bin',
    '/usr/bin',
    '/usr/lib/python3/dist-packages',
    ...localPython(),
  ].map((folder) => [folder, names(folder)]);
const localPython = () =>
  names('/usr/local/lib')
    .filter((name) => name.startsWith('python3'))
    .map((name) => join('/usr/local/lib', name, 'dist-packages'));

eachUser((as) => {
  needs(program('npm'))(
    'npm install -g installs into the sandbox: its program runs there, and nowhere else',
    async () => {
      const workspace = { ...aWorkspace(as), env: networkEnvironment() };
      const before = { host: hostPackages(), home: listing(workspace.home), workspace: listing(workspace.cwd) };
      const install = ['npm', 'install', '-g', '--no-audit', 'semver@7.7.2'];
      const installed = await runSbox(['run', '-q', ...networkFlags(), '--', ...install], workspace);
      expect(installed, installed.stderr).toMatchObject({ code: 0 });

      const use = ['semver', '-i', 'minor', '1.2.3'];
      expect(await runSbox(['run', '-q', '--', ...use], workspace)).toMatchObject({ code: 0, stdout: '1.3.0\n' });
      expect({ host: hostPackages(), home: listing(workspace.home), workspace: listing(workspace.cwd) }).toEqual(
        before,
      );

      const other = { ...workspace, cwd: workspace.mkdir(join(workspace.base, 'other')) };
      expect(await runSbox(['run', '-q', '--', ...use], other)).toMatchObject({ code: 127 });
      expect((await runScript('ls -A ~', other)).stdout).toBe('');
    },
  );

  needs(file('/usr/lib/python3/dist-packages/pip/__init__.py', 'python3-pip'))(
    'pip install works on an externally managed Python, into the sandbox alone',
    async () => {
      const workspace = aWorkspace(as);
      const made = await runOutside(['/usr/bin/python3', fixture('make-wheel.py'), workspace.cwd], workspace);
      const wheel = made.stdout.trim();
      const install = ['/usr/bin/python3', '-m', 'pip', 'install', '--no-index', wheel];
      const refused = await runOutside(install, workspace);
      if (refused.code !== 0) expect(refused.stderr).toContain('externally-managed-environment');
      const before = { host: hostPackages(), home: listing(workspace.home), workspace: listing(workspace.cwd) };

      const installed = await runSbox(['run', '-q', '--', ...install], workspace);
      expect(installed, installed.stderr).toMatchObject({ code: 0 });
      expect(await runSbox(['run', '-q', '--', 'sbox-probe'], workspace)).toMatchObject({
        code: 0,
        stdout: 'the probe runs\n',
      });
      const imported = ['/usr/bin/python3', '-c', 'import sbox_probe; sbox_probe.main()'];
      expect(await runSbox(['run', '-q', '--', ...imported], workspace)).toMatchObject({
        code: 0,
        stdout: 'the probe runs\n',
      });
      expect({ host: hostPackages(), home: listing(workspace.home), workspace: listing(workspace.cwd) }).toEqual(
        before,
      );
      expect(await runOutside(imported, workspace)).toMatchObject({ code: 1 });
    },
  );

  needs(
    program('npm'),
    program('g++'),
    program('make'),
    file('/usr/include/node/node_version.h', 'nodejs'),
  )('npm ci of 200 packages works, native code included, which is compiled inside', async () => {
    const workspace = { ...aWorkspace(as), env: networkEnvironment() };
    for (const name of ['package.json', 'package-lock.json'])
      workspace.write(name, readFileSync(fixture(`npm-project/${name}`)));
    const compile = ['--env', 'npm_config_build_from_source=true', '--env', 'npm_config_nodedir=/usr'];
    const flags = [...networkFlags(), ...compile];
    const installed = await runSbox(['run', '-q', ...flags, '--', 'npm', 'ci', '--no-audit', '--no-fund'], {
      ...workspace,
      timeoutMs: 170_000,
    });
    expect(installed, installed.stderr).toMatchObject({ code: 0 });
    const installedPackages = JSON.parse(
      readFileSync(join(workspace.cwd, 'node_modules/.package-lock.json'), 'utf8'),
    ) as {
      packages: object;
    };
    expect(Object.keys(installedPackages.packages).length).toBeGreaterThan(200);
    const useNative = `const { mask } = require('bufferutil'); const out = Buffer.alloc(4);
        mask(Buffer.from('abcd'), Buffer.from([1, 1, 1, 1]), out, 0, 4);
        console.log(out.toString(), Object.keys(require.cache).some((name) => name.endsWith('build/Release/bufferutil.node')));`;
    expect(await runSbox(['run', '-q', '--', 'node', '-e', useNative], workspace)).toMatchObject({
      code: 0,
      stdout: '`cbe true\n',
    });
    expect(
      await runScript('npx --no-install eslint --version && npx --no-install mocha --version', workspace),
    ).toMatchObject({
      code: 0,
    });
    expect(listing(workspace.home)).toEqual([]);
  });
});
