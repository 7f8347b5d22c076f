'use strict';

/** Calls a function once, when it is disposed of. */
class Disposable {
  #call;

  constructor(call) {
    this.#call = call;
  }

  /** One for several. */
  static from(...items) {
    return new Disposable(() => {
      for (const item of items) if (item && typeof item.dispose === 'function') item.dispose();
    });
  }

  dispose() {
    const call = this.#call;
    this.#call = undefined;
    return call?.();
  }
}

module.exports = { Disposable };
