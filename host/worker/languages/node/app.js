'use strict';
/** The app in this process: its functions, its programming model, its start (platform/node-worker.md 1). */

const fs = require('node:fs');
const path = require('node:path');

const { Disposable } = require('./disposable.js');
const { SystemError } = require('./errors.js');
const { find, hasMagic } = require('./globs.js');
const { Hooks } = require('./hooks.js');
const { entryPointOf, loadScript, readPackage } = require('./loading.js');
const { calledFrom, explain } = require('./places.js');

/**
 * @typedef {object} Registered a function that can be called
 * @property {any} metadata as programming models have it, with `bindings` by name
 * @property {Function} callback
 */

const CAPABILITIES = {
  RawHttpBodyBytes: 'true',
  RpcHttpTriggerMetadataRemoved: 'true',
  RpcHttpBodyOnly: 'true',
  IgnoreEmptyValuedRpcHttpHeaders: 'true',
  UseNullableValueDictionaryForHttp: 'true',
  WorkerStatus: 'true',
  TypedDataCollection: 'true',
  HandlesWorkerTerminateMessage: 'true',
};

class App {
  /**
   * @param {string} root
   * @param {import('./logs.js').Logs} logs
   * @param {any} model the programming model of folders with a function.json
   */
  constructor(root, logs, model) {
    this.root = root;
    this.hostVersion = '';
    this.hooks = new Hooks();
    this.model = model;
    /** @type {Record<string, string>} */
    this.capabilities = CAPABILITIES;
    /** Whether the app registers its functions itself. Folders with function.json do not count then. */
    this.isIndexed = false;
    /** @type {Map<string, Registered>} by id */
    this.functions = new Map();
    /** Why the app's main could not be loaded; empty if it could. */
    this.startError = '';
    this._logs = logs;
    /** @type {import('./loading.js').Package} */
    this._package = { scripts: {} };
    this._isLocked = false;
    /** @type {Promise<void> | undefined} */
    this._started = undefined;
    this._loading = '';
  }

  /** Once, however often it is asked for. What fails is told by `startError`: the worker itself is sound. */
  start() {
    this._started ??= this._start();
    return this._started;
  }

  async _start() {
    try {
      this._package = readPackage(this.root);
    } catch (error) {
      this._logs.system('debug', `Worker failed to load package.json: ${error.message}`);
    }
    try {
      if (this._package.main) await this._loadMain(this._package.main);
      await this.hooks.runForApp('appStart', { functionAppDirectory: this.root });
      if (this.model.getCapabilities) this.capabilities = await this.model.getCapabilities({ ...CAPABILITIES });
    } catch (error) {
      this.startError ||= explain(error, this._loading);
    } finally {
      this._isLocked = true;
    }
  }

  async _loadMain(main) {
    try {
      const files = find(main, this.root);
      if (!files.length) throw new SystemError(nothingFound(main, compiling(this.root, this._package)));
      for (const file of files) {
        this._loading = path.join(this.root, file);
        await loadScript(this._loading, this._package);
      }
      this._loading = '';
    } catch (error) {
      const place = this._loading ? path.relative(this.root, this._loading) : main;
      this.startError = `Worker was unable to load entry point "${place}": ${explain(error, this._loading)}`;
    }
  }

  /** What a programming model calls for each function of the app. Raises SystemError. */
  register(metadata, callback) {
    if (this._isLocked) throw new SystemError('A function can only be registered during app startup.');
    this.isIndexed = true;
    const id = metadata.functionId || metadata.name;
    if (this.functions.has(id)) throw new SystemError(`A function with id "${id}" has already been registered.`);
    const place = this._loading ? path.parse(this._loading) : { base: 'unknown', dir: this.root };
    const known = {
      ...metadata,
      functionId: id,
      scriptFile: place.base,
      directory: place.dir,
      place: calledFrom(this.root),
    };
    this.functions.set(id, { metadata: known, callback });
    return new Disposable(() => {
      if (this._isLocked) throw new SystemError('A function can only be disposed during app startup.');
      this.functions.delete(id);
    });
  }

  /**
   * Make a function of function.json callable, or see that the app registered it.
   * @param {string} id
   * @param {any} metadata of the host
   * @returns {Promise<string>} why it cannot be called, or an empty text
   */
  async load(id, metadata) {
    await this.start();
    if (this.startError) return this.startError;
    if (this.isIndexed) return this.functions.has(id) ? '' : `The app did not register a function "${id}".`;
    try {
      const module = await loadScript(metadata.scriptFile, this._package);
      this.functions.set(id, { metadata, callback: entryPointOf(module, metadata.entryPoint) });
      return '';
    } catch (error) {
      return `Worker was unable to load function ${metadata.name}: '${explain(error, metadata.scriptFile)}'`;
    }
  }
}

/** Most often the app was not compiled, or it is the `index.js` that npm writes into a package.json unasked. */
function nothingFound(main, advice) {
  const found = hasMagic(main) ? 'Found zero files matching the supplied pattern' : 'File does not exist';
  if (advice) return `${found}. ${advice}`;
  if (main !== 'index.js') return found;
  return `${found}. Remove "main" from package.json if functions are folders with a function.json`;
}

/** How an app in TypeScript is compiled; empty for others. */
function compiling(root, { scripts }) {
  if (!fs.existsSync(path.join(root, 'tsconfig.json'))) return '';
  const name = 'build' in scripts ? 'build' : Object.keys(scripts).find((each) => /\btsc\b/.test(scripts[each]));
  return `The app is written in TypeScript: compile it first, with "${name ? `npm run ${name}` : 'npx tsc'}".`;
}

module.exports = { App };
