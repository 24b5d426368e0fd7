#!/usr/bin/env node
'use strict';
// Runs dist/cli.cjs. CommonJS and V8's code cache (vm.Script, cachedData) make the start a third shorter than an ES module; the
// cache lies in the state directory, keyed by the bundle's hash and Node's version.
const {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} = require('node:fs');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const packageDir = dirname(__dirname);
const filename = join(packageDir, 'dist', 'cli.cjs');
// esbuild writes ASCII only
const source = readFileSync(filename, 'latin1');
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
    mkdirSync(dirname(cacheFile), { recursive: true, mode: 0o700 });
    writeFileSync(`${cacheFile}.${process.pid}`, script.createCachedData(), { mode: 0o600 });
    renameSync(`${cacheFile}.${process.pid}`, cacheFile);
  } catch {
    // a state directory that can't be written: the next start takes as long as this one
  }
});

/** The content of a file that this user wrote and nobody else can write, for it is executed; undefined otherwise. */
function readOwn(path) {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { uid, mode } = fstatSync(fd);
      return uid === process.getuid() && (mode & 0o022) === 0 ? readFileSync(fd) : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined; // the first run
  }
}
