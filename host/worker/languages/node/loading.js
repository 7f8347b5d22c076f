'use strict';
/** From a script to its module, and from a module to the function in it (platform/node-worker.md 2). */

const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const { SystemError } = require('./errors.js');

/** What `require` says of a script that only `import` can load, on Nodes that do not load all of them by `require`. */
const IMPORT_ONLY = new Set(['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE']);

/** @typedef {{main?: string, type?: string, scripts: Record<string, string>}} Package */

/** @param {string} root @returns {Package} Raises SystemError. */
function readPackage(root) {
  const file = path.join(root, 'package.json');
  if (!fs.existsSync(file)) throw new SystemError('file does not exist');
  const content = parsed(fs.readFileSync(file, 'utf8').replace(/^\ufeff/, ''));
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new SystemError('file content is not an object');
  }
  const text = (member) => (typeof content[member] === 'string' ? content[member] : undefined);
  const { scripts } = content;
  return { main: text('main'), type: text('type'), scripts: typeof scripts === 'object' && scripts ? scripts : {} };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SystemError(`file content is not valid JSON: ${error.message}`);
  }
}

/** @param {string} file @param {Package} pack of the app's root: it alone decides what `.js` is */
async function loadScript(file, pack) {
  if (file.endsWith('.mjs') || (pack.type === 'module' && !file.endsWith('.cjs'))) return importScript(file);
  try {
    return require(file);
  } catch (error) {
    if (IMPORT_ONLY.has(error?.code)) return importScript(file);
    throw error;
  }
}

function importScript(file) {
  return import(pathToFileURL(file).href);
}

/** @returns {Function} what a module means to be called, bound to the module where it is one of several exports */
function entryPointOf(module, name) {
  let found = module;
  if (module !== null && typeof module === 'object') {
    const names = Object.keys(module);
    if (name) found = module[name];
    else found = names.length === 1 ? module[names[0]] : (module.run ?? module.index);
  }
  if (!found) {
    throw new SystemError(
      `Unable to determine function entry point${name ? `: ${name}` : ''}. If multiple functions are exported, ` +
        "you must indicate the entry point, either by naming it 'run' or 'index', or by naming it explicitly via " +
        "the 'entryPoint' metadata property.",
    );
  }
  if (typeof found !== 'function') {
    throw new SystemError(
      'The resolved entry point is not a function and cannot be invoked by the functions runtime. ' +
        'Make sure the function has been correctly exported.',
    );
  }
  return found === module ? found : found.bind(module);
}

module.exports = { entryPointOf, loadScript, readPackage };
