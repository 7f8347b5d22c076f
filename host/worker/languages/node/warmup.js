'use strict';
/** A worker in waiting loads the packages that most apps need, and nothing of the app itself. */

const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');

const PACKAGES = ['@azure/functions', 'durable-functions'];

class WarmUp {
  /** @param {string} root */
  constructor(root) {
    this._require = createRequire(path.join(root, 'package.json'));
    /** @type {Map<string, number>} what was loaded, and when it was written, in milliseconds since 1970 */
    this._written = new Map();
  }

  /** What fails here fails again, in words, when it is used. */
  run() {
    const before = new Set(Object.keys(require.cache));
    for (const name of PACKAGES) {
      try {
        this._require(name);
      } catch {}
    }
    const loaded = Object.keys(require.cache).filter((file) => !before.has(file));
    for (const file of loaded) this._written.set(file, writtenAt(file));
  }

  /** Packages that were installed anew meanwhile are loaded anew. */
  settle() {
    const files = [...this._written.keys()];
    if (files.some((file) => writtenAt(file) !== this._written.get(file))) {
      for (const file of files) delete require.cache[file];
    }
  }
}

function writtenAt(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

module.exports = { WarmUp };
