'use strict';
/** The program: reads the host's messages, runs the app's functions, answers (platform/worker-protocol.md 2 and 8). */

const { App } = require('./app.js');
const { openCore } = require('./core.js');
const debug = require('./debugger.js');
const { Ending } = require('./ending.js');
const { describe, workerMetadata } = require('./indexing.js');
const { Invocations } = require('./invocation.js');
const { Logs, running } = require('./logs.js');
const { Observations } = require('./observation.js');
const { Printing } = require('./printing.js');
const { model } = require('./v3/model.js');
const { WarmUp } = require('./warmup.js');
const { connect } = require('./wire.js');

class Program {
  /**
   * @param {import('./wire.js').Wire} wire
   * @param {App} app
   * @param {Logs} logs
   * @param {Ending} ending
   * @param {Printing} printing
   */
  constructor(wire, app, logs, ending, printing) {
    this._printing = printing;
    this._wire = wire;
    this._app = app;
    this._ending = ending;
    this._warmUp = new WarmUp(app.root);
    this._invocations = new Invocations(app, logs);
    this._observations = new Observations(wire, this._invocations);
    this._running = 0;
    this._handlers = {
      workerInitRequest: (message) => this._init(message),
      workerWarmupRequest: () => this._warmUp.run(),
      debuggerAttachRequest: (message) => this._debug(message.setup),
      functionsMetadataRequest: () => this._describe(),
      functionLoadRequest: (message) => this._load(message),
      invocationRequest: (message, blobs) => this._invoke(message, blobs),
      workerStatusRequest: () => this._wire.send({ t: 'workerStatusResponse' }),
      workerTerminate: () => this._terminate(),
    };
  }

  /** Until the host is gone; then nothing of this process may go on. */
  serve() {
    const take = (message, blobs) => this._handlers[message.t]?.(message, blobs);
    this._wire.receive(take, () => this._ending.expect(1));
    this._wire.send({ t: 'startStream' });
  }

  _init(message) {
    this._app.hostVersion = message.hostVersion;
    const { capabilities } = this._app;
    const told = { result: { status: 'success' }, capabilities, workerMetadata: workerMetadata(this._app) };
    this._wire.send({ t: 'workerInitResponse', ...told });
  }

  /** The answer is on its way before a client is waited for: the host sends clients here. */
  _debug({ waits }) {
    this._wire.sendNow({ t: 'debuggerAttachResponse', ...debug.open() });
    if (waits) setImmediate(debug.wait);
  }

  async _describe() {
    this._warmUp.settle();
    this._wire.send(await describe(this._app));
  }

  async _load({ functionId, metadata }) {
    this._warmUp.settle();
    const message = await this._app.load(functionId, metadata);
    const result = message ? { status: 'failure', exception: { message } } : { status: 'success' };
    if (this._app.capabilities.HttpUri) result.httpUri = this._app.capabilities.HttpUri;
    this._wire.send({ t: 'functionLoadResponse', functionId, result });
  }

  _invoke(message, blobs) {
    const registered = this._app.functions.get(message.functionId);
    if (!registered) return this._wire.send(refusal(message, notLoaded(message)));
    if (message.observe) return this._observations.take(registered, message, blobs);
    this._running++;
    const store = { id: message.invocationId, name: registered.metadata.name };
    running.run(store, async () => {
      const [answer, parts] = await this._invocations.run(registered, message, blobs);
      this._printing.ended(store);
      this._running--;
      this._answer(registered.metadata.name, answer, parts);
    });
  }

  /** An answer without company leaves at once. One that is too long is a failure of its invocation. */
  _answer(name, answer, parts) {
    try {
      if (this._running) this._wire.send(answer, parts);
      else this._wire.sendNow(answer, parts);
    } catch (error) {
      const message = `The answer of the function ${name} cannot be sent. ${error.name}: ${error.message}`;
      this._wire.send(refusal(answer, message));
    }
  }

  async _terminate() {
    try {
      await this._app.hooks.runForApp('appTerminate');
    } finally {
      debug.close();
      this._ending.expect(0);
    }
  }
}

function notLoaded({ functionId }) {
  return `Function code for '${functionId}' is not loaded and cannot be invoked.`;
}

function refusal({ invocationId }, message) {
  const result = { status: 'failure', exception: { message, stackTrace: '' } };
  return { t: 'invocationResponse', invocationId, result };
}

/** Run until the host says so or is gone. */
function main() {
  const wire = connect();
  const logs = new Logs(wire);
  const app = new App(process.env.FUNCTIONS_APPLICATION_DIRECTORY ?? process.cwd(), logs, model);
  logs.follow(app.hooks);
  process.env.FUNCTIONS_WORKER_RUNTIME_VERSION ??= process.versions.node.split('.')[0];
  const printing = new Printing(logs); // before the end is watched: what was printed comes first
  const ending = new Ending(wire, logs);
  ending.watch();
  openCore(app, logs);
  new Program(wire, app, logs, ending, printing).serve();
}

module.exports = { main };
