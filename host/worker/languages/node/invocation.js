'use strict';
/** One invocation: what the host sent, through a programming model and the hooks, to what the host is answered (7.1). */

const { fromWire, toWire } = require('./data.js');
const { ensureError, stackOf } = require('./errors.js');
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
   * @returns {Promise<[import('./wire.js').Message, Blobs]>}
   */
  async run(registered, message, blobs) {
    const id = message.invocationId;
    try {
      return success(id, await this._respond(registered, readRequest(message, blobs)));
    } catch (thrown) {
      return failure(id, ensureError(thrown));
    }
  }

  async _respond(registered, request) {
    const { model } = this._app;
    const metadata = model.keepsMetadata ? registered.metadata : copied(registered.metadata);
    const core = new CoreInvocationContext(request, metadata, this._logs);
    const invocation = await model.getInvocationModel(core);
    const { context, inputs } = await invocation.getArguments();
    this._logs.began(request.invocationId, context);
    try {
      const result = await this._call(core, invocation, context, inputs, registered.callback);
      return await invocation.getResponse(context, result);
    } finally {
      this._logs.ended(request.invocationId);
    }
  }

  async _call(core, invocation, context, inputs, callback) {
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

async function during(core, state, work) {
  core.state = state;
  try {
    return await work();
  } finally {
    core.state = undefined;
  }
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
  const exception = { message: String(error.message), stackTrace: stackOf(error) };
  return [{ t: 'invocationResponse', invocationId, result: { status: 'failure', exception } }, undefined];
}

module.exports = { Invocations };
