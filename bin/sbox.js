#!/usr/bin/env node
'use strict';
// Runs dist/cli.cjs. CommonJS and V8's code cache (vm.Script, cachedData) make the start a third shorter than an ES module; the
// caches lie in the state directory, keyed by the file's hash, Node's version, and whether it is for runs: what another command has compiled is not
// what a run needs.
const fs = require('node:fs');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const packageDir = dirname(__dirname);
const args = process.argv.slice(2);
const isRun = args[0] === 'run' || args[0] === 'shell';
const { XDG_STATE_HOME, HOME } = process.env;
const state = XDG_STATE_HOME?.startsWith('/') ? XDG_STATE_HOME : join(HOME ?? '/nonexistent', '.local/state');
const cacheFolder = join(state, 'sbox', 'code');
const modules = new Map();
const uncached = [];

load('cli.cjs')
  .main(args, packageDir)
  .then((code) => {
    process.exitCode = code;
    const isWhole = !isRun || !args.some((word) => word === '--dry-run' || word === '--help' || word === '-h');
    if (code === 0 && isWhole && uncached.length > 0) keepCaches();
  });

/** The exports of a file of dist/, which ends with its hash; what that loads of dist/ comes the same way. */
function load(name) {
  const known = modules.get(name);
  if (known) return known.exports;
  const module_ = { exports: {} };
  modules.set(name, module_);
  const filename = join(packageDir, 'dist', name);
  // esbuild writes ASCII only
  const source = fs.readFileSync(filename, 'latin1');
  const cacheFile = `${isRun ? 'run' : 'other'}-${source.slice(-64)}-${process.version}-${process.arch}`;
  const cachedData = readOwn(join(cacheFolder, cacheFile));
  const script = new Script(`(function(exports,require,module){${source}\n})`, { filename, cachedData });
  if (cachedData === undefined || script.cachedDataRejected) uncached.push({ script, cacheFile });
  const lent = (id) => (id.startsWith('../dist/') ? load(id.slice('../dist/'.length)) : require(id));
  script.runInThisContext()(module_.exports, lent, module_);
  return module_.exports;
}

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

function keepCaches() {
  try {
    fs.mkdirSync(cacheFolder, { recursive: true, mode: 0o700 });
    for (const { script, cacheFile } of uncached) {
      const partial = join(cacheFolder, `${cacheFile}.${process.pid}`);
      fs.writeFileSync(partial, script.createCachedData(), { mode: 0o600 });
      fs.renameSync(partial, join(cacheFolder, cacheFile));
    }
    removeOld();
  } catch {
    // a state directory that can't be written: the next start takes as long as this one
  }
}

/** Removes the caches of versions that have not been made anew for a month, and of writers that were killed. */
function removeOld() {
  for (const name of fs.readdirSync(cacheFolder)) {
    const path = join(cacheFolder, name);
    if (Date.now() - fs.statSync(path).mtimeMs > 30 * 86_400_000) fs.rmSync(path);
  }
}
