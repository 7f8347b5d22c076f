'use strict';
/** Node's inspector, opened when the host lets this worker be debugged. */

const inspector = require('node:inspector');

/** Where it listens, at a free port. @returns {{url: string, failure: string}} */
function open() {
  try {
    if (!inspector.url()) inspector.open(0, '127.0.0.1');
    return { url: inspector.url() ?? '', failure: '' };
  } catch (error) {
    return { url: '', failure: error.message };
  }
}

/** Blocks until a client has set its breakpoints, or the host lets this process go on. */
function wait() {
  if (inspector.url()) inspector.waitForDebugger();
}

/** Sends clients away: Node would wait for them at the end of the process. */
function close() {
  if (inspector.url()) inspector.close();
}

module.exports = { close, open, wait };
