'use strict';
/** Failures as text, and the errors of the worker itself. */

const path = require('node:path');

const OURS = __dirname + path.sep;

/** An error of the app's use of the platform, not of its own code: `isAzureFunctionsSystemError` as models expect. */
class SystemError extends Error {
  isAzureFunctionsSystemError = true;
}

class SystemTypeError extends TypeError {
  isAzureFunctionsSystemError = true;
}

class SystemRangeError extends RangeError {
  isAzureFunctionsSystemError = true;
}

/** Whatever was thrown, as an error. */
function ensureError(thrown) {
  if (thrown instanceof Error || isErrorOfOtherRealm(thrown)) return thrown;
  return new Error(textOf(thrown));
}

function isErrorOfOtherRealm(thrown) {
  return Object.prototype.toString.call(thrown) === '[object Error]';
}

function textOf(thrown) {
  if (thrown === undefined || thrown === null) return 'Unknown error';
  if (typeof thrown !== 'object') return String(thrown);
  try {
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    return String(thrown);
  }
}

/** The message of an error, without the files of this program that Node counts among those that required a module. */
function messageOf(error) {
  return withoutInternal(String(error.message));
}

/** The stack of an error and of its causes, without the frames of this program and of Node itself. */
function stackOf(error) {
  const own = withoutInternal(String(error.stack ?? error));
  const cause = error.cause;
  return cause instanceof Error && cause !== error ? `${own}\n[cause]: ${stackOf(cause)}` : own;
}

function withoutInternal(text) {
  const lines = text.split('\n');
  return lines.filter((line) => !INTERNAL.some((isInternal) => isInternal(line))).join('\n');
}

const INTERNAL = [
  (line) => /^\s+at (?:.*[( ])?node:/.test(line),
  (line) => /^\s+at /.test(line) && line.includes(OURS),
  (line) => line.startsWith(`- ${OURS}`),
];

module.exports = { SystemError, SystemTypeError, SystemRangeError, ensureError, messageOf, stackOf };
