'use strict';
/** Why a script could not be loaded, with the file and line of a syntax error; where the app calls from. */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { fileURLToPath } = require('node:url');

const { SystemError, ensureError, messageOf, stackOf } = require('./errors.js');

const PLACE = /^\S.*:\d+$/m;
const FRAME = /^ +at (?:.* \()?((?:file:|[A-Za-z]:\\|\/)[^()]*):(\d+):\d+\)?$/gm;
const SPECIFIER = /(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;
/** How many files are looked at for an error without a place. */
const MOST = 50;

/** @param {unknown} thrown @param {string} script that was being loaded */
function explain(thrown, script) {
  const error = ensureError(thrown);
  if (error instanceof SystemError) return error.message;
  const stack = stackOf(error);
  const lacksPlace = error.name === 'SyntaxError' && !PLACE.test(stack);
  const place = lacksPlace ? placeOf(script) : '';
  return `${messageOf(error)}\n${place ? `${place}\n` : ''}${stack}`;
}

/** Node keeps the place of a syntax error in an ES module for itself; a check of the file alone tells it. */
function placeOf(script) {
  const files = new Set([script]);
  for (const file of files) {
    const told = faultOf(file);
    if (told) return told;
    for (const next of imported(file)) if (files.size < MOST) files.add(next);
  }
  return '';
}

function faultOf(file) {
  const checked = spawnSync(process.execPath, ['--check', file], { env: {}, encoding: 'utf8' });
  return checked.status ? checked.stderr.split('\n').slice(0, 3).join('\n').trimEnd() : '';
}

function imported(file) {
  const text = fs.readFileSync(file, 'utf8');
  return [...text.matchAll(SPECIFIER)]
    .map((found) => path.resolve(path.dirname(file), found[1]))
    .filter((next) => fs.statSync(next, { throwIfNoEntry: false })?.isFile());
}

/**
 * The innermost line of the app's own code that is being run.
 * @param {string} root of the app
 * @returns {{file?: string, line?: string}} the file relative to the app
 */
function calledFrom(root) {
  const home = fs.realpathSync(root);
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = MOST;
  const { stack } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  for (const [, named, line] of stack.matchAll(FRAME)) {
    const file = path.relative(home, named.startsWith('file:') ? fileURLToPath(named) : named);
    const isOwn = !file.startsWith('..') && !path.isAbsolute(file) && !file.split(path.sep).includes('node_modules');
    if (isOwn) return { file: file.split(path.sep).join('/'), line };
  }
  return {};
}

module.exports = { calledFrom, explain };
