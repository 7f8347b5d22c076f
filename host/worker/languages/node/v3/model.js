'use strict';
/** The v3 programming model: functions in folders with a function.json (platform/node-worker.md 2). */

const { format } = require('node:util');

const { Context, readInputs } = require('./context.js');
const { descriptionOf } = require('./description.js');
const { respond } = require('./outputs.js');

const LEARN_MORE = 'Learn more: https://go.microsoft.com/fwlink/?linkid=2097909';
const LATE_LOG =
  "Warning: Unexpected call to 'log' on the context object after function execution has completed. " +
  "Please check for asynchronous calls that are not awaited or calls to 'done' made before function execution " +
  'completes. ';
const BOTH = `Error: Choose either to return a promise or call 'done'. Do not use both in your script. ${LEARN_MORE}`;
const TWICE = "Error: 'done' has already been called. Please check your script for extraneous calls to 'done'.";

/** One invocation of a v3 function. */
class InvocationModel {
  constructor(core) {
    this._core = core;
    this._description = descriptionOf(core.metadata);
    this._isDone = false;
    this._isPromise = false;
    this._settle = undefined;
  }

  getArguments() {
    const log = (level, values) => this._log(level, values);
    const done = (error, result) => this._settle?.(error, result);
    const context = new Context(this._description, this._core.request, log, done);
    return { context, inputs: readInputs(context, this._description, this._core.request) };
  }

  /** Ends with the promise that the function returned, or when it calls `done`; without either, never. */
  invokeFunction(context, inputs, callback) {
    return new Promise((resolve, reject) => {
      const fail = (error) => {
        this._isDone = true;
        reject(error);
      };
      const finish = (result) => {
        this._finish(context);
        resolve(result);
      };
      this._settle = (error, result) => {
        this._finish(context);
        if (error === null || error === undefined) resolve(result);
        else reject(error);
      };
      try {
        const returned = callback(context, ...inputs);
        this._isPromise = typeof returned?.then === 'function';
        if (this._isPromise) returned.then(finish, fail);
      } catch (error) {
        fail(error);
      }
    });
  }

  getResponse(context, result) {
    return respond(this._description, context, result);
  }

  /** The first end counts; a second one is told about. */
  _finish(context) {
    if (this._isDone) {
      if (this._isPromise && context.suppressAsyncDoneError) return;
      this._core.log('error', 'system', this._isPromise ? BOTH : TWICE);
    }
    this._isDone = true;
  }

  _log(level, values) {
    if (this._isDone && this._core.state !== 'postInvocationHooks') {
      const place = `Function name: ${this._description.name}. Invocation Id: ${this._core.invocationId}. `;
      this._core.log('warning', 'system', LATE_LOG + place + LEARN_MORE);
    }
    this._core.log(level, 'user', format(...values));
  }
}

const model = {
  name: '@azure/functions',
  version: '3.5.2',
  /** It never writes into the metadata of a function, so it need not be given a copy. */
  keepsMetadata: true,
  getInvocationModel: (core) => new InvocationModel(core),
};

module.exports = { model };
