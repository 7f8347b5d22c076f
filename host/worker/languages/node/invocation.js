'use strict';
/** One invocation: from what the host sent, through hooks and programming model, to the answer (platform/node-worker.md 3). */

const { fromWire, toWire } = require('./data.js');
const { ensureError, messageOf, stackOf } = require('./errors.js');
const { NO_CONTENT, metadataOf } = require('./streaming.js');
const { Blobs } = require('./wire.js');

/** What a programming model is told of an invocation. */
class CoreInvocationContext {
  constructor(request, metadata, logs) {
    this.invocationId = request.invocationId;
    this.request = request;
    this.metadata = metadata;
    this.state = undefined;
    this._logs = logs;
  }

  log(level, category, message) {
    this._logs.write(level, category, message, `${this.metadata.name}.Invocation`, this.invocationId);
  }
}

class Invocations {
  /** @param {import('./app.js').App} app @param {import('./logs.js').Logs} logs */
  constructor(app, logs) {
    this._app = app;
    this._logs = logs;
  }

  /**
   * Never rejects: a failure of user code is an answer.
   * @param {import('./app.js').Registered} registered
   * @param {any} message
   * @param {Buffer} blobs
   * @returns {Promise<[import('./wire.js').Message, Blobs | undefined]>}
   */
  async run(registered, message, blobs) {
    const id = message.invocationId;
    const request = readRequest(message, blobs);
    const isStreamed = this._prepareStream(request);
    try {
      return success(id, await this._respond(registered, request, isStreamed));
    } catch (thrown) {
      return failure(id, ensureError(thrown));
    }
  }

  /** Promises are waited for only where there are some: each costs every call of every function. */
  async _respond(registered, request, isStreamed) {
    const { model, hooks } = this._app;
    const metadata = model.keepsMetadata ? registered.metadata : copied(registered.metadata);
    const core = new CoreInvocationContext(request, metadata, this._logs);
    let invocation = model.getInvocationModel(core);
    if (isPromise(invocation)) invocation = await invocation;
    let given = invocation.getArguments();
    if (isPromise(given)) given = await given;
    const call = hooks.isUsed ? this._callWithHooks : callAlone;
    const result = await call.call(this, core, invocation, given, registered.callback);
    const response = await invocation.getResponse(given.context, result);
    if (!isStreamed) return response;
    const isAnswered = result !== null && result !== undefined;
    return { ...response, returnValue: isAnswered ? undefined : NO_CONTENT };
  }

  /** Whether the request itself comes to the app over HTTP, beside the invocation. */
  _prepareStream(request) {
    const http = this._app.capabilities.HttpUri && request.inputData.find(({ data }) => data.http)?.data.http;
    if (http) request.triggerMetadata = metadataOf(http);
    return Boolean(http);
  }

  async _callWithHooks(core, invocation, { context, inputs }, callback) {
    this._logs.began(core.invocationId, context);
    try {
      return await this._callBetweenHooks(core, invocation, context, inputs, callback);
    } finally {
      this._logs.ended(core.invocationId);
    }
  }

  async _callBetweenHooks(core, invocation, context, inputs, callback) {
    const hooks = this._app.hooks;
    const fixed = { invocationContext: context };
    const hookData = {};
    const before = hooks.context(hookData, fixed, { inputs, functionCallback: callback });
    await during(core, 'preInvocationHooks', () => hooks.run('preInvocation', before));
    const after = hooks.context(hookData, fixed, { inputs: before.inputs, result: null, error: null });
    try {
      const call = () => invocation.invokeFunction(context, before.inputs, before.functionCallback);
      after.result = await during(core, 'invocation', call);
    } catch (thrown) {
      after.error = thrown ?? new Error('Unknown error');
    }
    await during(core, 'postInvocationHooks', () => hooks.run('postInvocation', after));
    if (after.error !== null && after.error !== undefined) throw after.error;
    return after.result;
  }
}

function callAlone(core, invocation, { context, inputs }, callback) {
  core.state = 'invocation';
  return invocation.invokeFunction(context, inputs, callback);
}

async function during(core, state, work) {
  core.state = state;
  try {
    return await work();
  } finally {
    core.state = undefined;
  }
}

function isPromise(value) {
  return typeof value?.then === 'function';
}

function readRequest(message, blobs) {
  const triggerMetadata = {};
  for (const name in message.triggerMetadata) {
    triggerMetadata[name] = fromWire(message.triggerMetadata[name], blobs);
  }
  return {
    invocationId: message.invocationId,
    functionId: message.functionId,
    inputData: message.inputData.map(({ name, data }) => ({ name, data: fromWire(data, blobs) })),
    triggerMetadata,
    traceContext: message.traceContext,
    retryContext: message.retryContext ?? undefined,
  };
}

/** Models may write into what they are given. */
function copied(metadata) {
  const bindings = Object.entries(metadata.bindings).map(([name, binding]) => [name, { ...binding }]);
  return { ...metadata, bindings: Object.fromEntries(bindings) };
}

function success(invocationId, response) {
  const blobs = new Blobs();
  const outputData = (response?.outputData ?? []).map(({ name, data }) => ({ name, data: toWire(data, blobs) }));
  const returnValue = toWire(response?.returnValue, blobs);
  const result = { status: 'success' };
  return [{ t: 'invocationResponse', invocationId, result, outputData, returnValue }, blobs];
}

function failure(invocationId, error) {
  const exception = { message: messageOf(error), stackTrace: stackOf(error) };
  return [{ t: 'invocationResponse', invocationId, result: { status: 'failure', exception } }, undefined];
}

module.exports = { Invocations };
