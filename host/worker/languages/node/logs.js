'use strict';
/** What user code and this program log, each line with the invocation it belongs to (platform/worker-protocol.md 6.5). */

const { AsyncLocalStorage } = require('node:async_hooks');

/** @typedef {{id: string, name: string, isQuiet?: boolean}} Running an invocation, and the function's name */

/** @type {AsyncLocalStorage<Running>} */
const running = new AsyncLocalStorage();

const UNIMPORTANT = new Set(['trace', 'debug', 'information']);

class Logs {
  /** @param {import('./wire.js').Wire} wire */
  constructor(wire) {
    this._wire = wire;
    this._contexts = new Map();
    this._isHooked = false;
    this._dropped = 0;
  }

  /** From now on the app's log hooks are asked before each line. @param {import('./hooks.js').Hooks} hooks */
  follow(hooks) {
    this._hooks = hooks;
  }

  /** Log hooks see the context that user code was given. */
  began(invocationId, context) {
    this._contexts.set(invocationId, context);
  }

  ended(invocationId) {
    this._contexts.delete(invocationId);
  }

  /**
   * @param {string} level `trace` to `critical`
   * @param {string} logCategory `user`, `system`, `customMetric`, or `console` for what was printed
   * @param {string} message
   * @param {string} [category]
   * @param {string} [invocationId]
   */
  write(level, logCategory, message, category = 'node', invocationId = '') {
    if (running.getStore()?.isQuiet) return; // what only repeats says nothing
    const changed = this._asked(level, logCategory, message, invocationId);
    if (changed.level === 'none') return;
    if (this._wire.isFull && UNIMPORTANT.has(changed.level)) return void this._dropped++;
    this._tellDropped();
    this._wire.sendNow({ t: 'rpcLog', invocationId, category, ...changed, logCategory });
  }

  _tellDropped() {
    if (!this._dropped) return;
    const message = `${this._dropped} lines were dropped: they came faster than the host reads them.`;
    this._dropped = 0;
    const about = { invocationId: '', category: 'node', level: 'warning', logCategory: 'system' };
    this._wire.sendNow({ t: 'rpcLog', ...about, message });
  }

  system(level, message) {
    this.write(level, 'system', message);
  }

  /** Hooks may change the lines of user code. A line that a hook itself logs goes past them. */
  _asked(level, category, message, invocationId) {
    const line = { level, message };
    const callbacks = this._hooks?.of('log') ?? [];
    if (!callbacks.length || this._isHooked || category === 'console') return line;
    const fixed = { category, invocationContext: this._contexts.get(invocationId) };
    const context = this._hooks.context({}, fixed, { level, message });
    this._isHooked = true;
    try {
      for (const callback of [...callbacks]) callback(context);
    } finally {
      this._isHooked = false;
    }
    return category === 'user' ? { level: context.level, message: String(context.message) } : line;
  }
}

module.exports = { Logs, running };
