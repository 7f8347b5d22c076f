'use strict';
/** How this process ends: each reason is logged, with its function where that is known, and ends stderr. */

const { ensureError, stackOf } = require('./errors.js');
const { running } = require('./logs.js');

class Ending {
  /** @param {import('./wire.js').Wire} wire @param {import('./logs.js').Logs} logs */
  constructor(wire, logs) {
    this._wire = wire;
    this._logs = logs;
    this._isExpected = false;
  }

  watch() {
    process.on('uncaughtException', (thrown, origin) => this._crash(ensureError(thrown), origin));
    process.on('exit', (code) => this._leave(code));
  }

  /** The host wishes it, or is gone. */
  expect(code) {
    this._isExpected = true;
    process.exit(code);
  }

  _crash(error, origin) {
    const what = origin === 'unhandledRejection' ? 'Unhandled rejection' : 'Uncaught exception';
    this._tell(what, stackOf(error), `: ${String(error.message).split('\n')[0]}`);
    this.expect(1);
  }

  _leave(code) {
    if (!this._isExpected) this._tell(`process.exit(${code}) was called`, callers(), '');
    this._wire.flushLast();
  }

  _tell(what, stack, short) {
    const store = running.getStore();
    const told = store ? `${what} in function '${store.name}' (invocation ${store.id})` : what;
    const category = store ? `${store.name}.Invocation` : 'node';
    running.exit(() => {
      this._logs.write('error', 'user', `${told}\n${stack}`, category, store?.id);
      process.stderr.write(`${told}${short}\n`);
    });
  }
}

/** Where `process.exit` was called. */
function callers() {
  return stackOf(new Error('')).split('\n').slice(1).join('\n');
}

module.exports = { Ending };
