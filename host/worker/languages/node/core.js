'use strict';
/** The module `@azure/functions-core`, which exists in a worker only: programming models are built on it (platform/node-worker.md 3). */

const Module = require('node:module');

const { Disposable } = require('./disposable.js');

const NAME = '@azure/functions-core';
const VERSION = '3.10.0';

/** @param {import('./app.js').App} app @param {import('./logs.js').Logs} logs */
function openCore(app, logs) {
  const core = {
    version: VERSION,
    get hostVersion() {
      return app.hostVersion;
    },
    registerFunction: (metadata, callback) => app.register(metadata, callback),
    registerHook: (name, callback) => app.hooks.register(name, callback),
    setProgrammingModel: (model) => {
      app.model = model;
    },
    getProgrammingModel: () => app.model,
    log: (level, category, message) => logs.write(level, category, message),
    Disposable,
  };
  const load = Module._load;
  Module._load = function (request, ...rest) {
    return request === NAME ? core : Reflect.apply(load, this, [request, ...rest]);
  };
}

module.exports = { VERSION, openCore };
