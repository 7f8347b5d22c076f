'use strict';
/** The hooks that an app or a programming model registers, in order (platform/node-worker.md 3). */

const { Disposable } = require('./disposable.js');
const { SystemRangeError, SystemTypeError } = require('./errors.js');

class Hooks {
  constructor() {
    this._callbacks = { appStart: [], appTerminate: [], preInvocation: [], postInvocation: [], log: [] };
    /** Shared by all hooks. */
    this.appHookData = {};
    /** Shared by the hooks of the app's start and end. */
    this.appOnlyHookData = {};
  }

  /** Whether any was registered: without them an invocation is spared their contexts. */
  isUsed = false;

  /** @param {string} name @param {(context: any) => any} callback */
  register(name, callback) {
    const callbacks = this.of(name);
    callbacks.push(callback);
    this.isUsed = true;
    return new Disposable(() => {
      const at = callbacks.indexOf(callback);
      if (at >= 0) callbacks.splice(at, 1);
    });
  }

  of(name) {
    if (!Object.hasOwn(this._callbacks, name)) throw new SystemRangeError(`Unrecognized hook "${name}"`);
    return this._callbacks[name];
  }

  async run(name, context) {
    for (const callback of [...this.of(name)]) await callback(context);
  }

  /** Of the app: appStart and appTerminate. */
  async runForApp(name, members = {}) {
    await this.run(name, this.context(this.appOnlyHookData, {}, members));
  }

  /**
   * @param {object} hookData
   * @param {object} fixed what hooks may only read
   * @param {object} members what they may set
   */
  context(hookData, fixed, members) {
    const context = { ...members };
    for (const [name, value] of Object.entries({ hookData, appHookData: this.appHookData, ...fixed })) {
      Object.defineProperty(context, name, { enumerable: true, get: () => value, set: refuse(name) });
    }
    return context;
  }
}

function refuse(name) {
  return () => {
    throw new SystemTypeError(`Cannot assign to read only property '${name}'`);
  };
}

module.exports = { Hooks };
