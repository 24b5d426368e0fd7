#!/usr/bin/env node
'use strict';
// Runs dist/cli.cjs. CommonJS and V8's code cache (vm.Script, cachedData) make the start a third shorter than an ES module; the
// cache lies in the state directory, keyed by the bundle's hash and Node's version.
const fs = require('node:fs');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const packageDir = dirname(__dirname);
const filename = join(packageDir, 'dist', 'cli.cjs');
// esbuild writes ASCII only
const source = fs.readFileSync(filename, 'latin1');
const { XDG_STATE_HOME, HOME } = process.env;
const state = XDG_STATE_HOME?.startsWith('/') ? XDG_STATE_HOME : join(HOME ?? '/nonexistent', '.local/state');
const cacheFile = join(state, 'sbox', 'code', `${source.slice(-64)}-${process.version}-${process.arch}`);
const cachedData = readOwn(cacheFile);
const script = new Script(`(function(exports,require,module){${source}\n})`, { filename, cachedData });
const module_ = { exports: {} };
script.runInThisContext()(module_.exports, require, module_);
module_.exports.main(process.argv.slice(2), packageDir).then((code) => {
  process.exitCode = code;
  if (code !== 0 || (cachedData !== undefined && !script.cachedDataRejected)) return;
  try {
    fs.mkdirSync(dirname(cacheFile), { recursive: true, mode: 0o700 });
    fs.writeFileSync(`${cacheFile}.${process.pid}`, script.createCachedData(), { mode: 0o600 });
    fs.renameSync(`${cacheFile}.${process.pid}`, cacheFile);
    removeOld(dirname(cacheFile));
  } catch {
    // a state directory that can't be written: the next start takes as long as this one
  }
});

/** The content of a file that this user wrote and nobody else can write, for it is executed; undefined otherwise. */
function readOwn(path) {
  try {
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    try {
      const { uid, mode } = fs.fstatSync(fd);
      return uid === process.getuid() && (mode & 0o022) === 0 ? fs.readFileSync(fd) : undefined;
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    return undefined; // the first run
  }
}

/** Removes the caches of versions that have not been made anew for a month, and of writers that were killed. */
function removeOld(folder) {
  for (const name of fs.readdirSync(folder)) {
    const path = join(folder, name);
    if (Date.now() - fs.statSync(path).mtimeMs > 30 * 86_400_000) fs.rmSync(path);
  }
}
