'use strict';
/** A worker in waiting loads the packages that most apps need, and nothing of the app itself. */

const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');

const PACKAGES = ['@azure/functions', 'durable-functions'];

/** Milliseconds by which a file system's clock may be behind. */
const CLOCK = 20;

class WarmUp {
  /** @param {string} root */
  constructor(root) {
    // From within node_modules: Node never again looks at an app's package.json that it has looked for once.
    this._require = createRequire(path.join(root, 'node_modules', 'none.js'));
    /** @type {string[]} */
    this._loaded = [];
    this._begun = 0;
  }

  /** What fails here fails again, in words, when it is used. */
  run() {
    this._begun = Date.now() - CLOCK;
    const before = new Set(Object.keys(require.cache));
    for (const name of PACKAGES) {
      try {
        this._require(name);
      } catch {}
    }
    this._loaded = Object.keys(require.cache).filter((file) => !before.has(file));
  }

  /** Packages that were installed anew meanwhile are loaded anew. */
  settle() {
    if (!this._loaded.some((file) => changedAt(file) > this._begun)) return;
    for (const file of this._loaded) delete require.cache[file];
    this._loaded = [];
  }
}

/** When a file was written or put in its place, in milliseconds since 1970; one that is gone has changed just now. */
function changedAt(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.ctimeMs ?? Infinity;
}

module.exports = { WarmUp };
