'use strict';
/** An invocation that is only looked at: a quiet replay of an orchestrator, whose recording is the answer. */

const { running } = require('./logs.js');
const { Blobs, getText } = require('./wire.js');

const LONGEST_MS = 5000;
const DEBUGGED = 'The worker runs under a debugger, whose breakpoints a replay would meet.';

class Observations {
  /** @param {import('./wire.js').Wire} wire @param {import('./invocation.js').Invocations} invocations */
  constructor(wire, invocations) {
    this._wire = wire;
    this._invocations = invocations;
  }

  /** `message.observe` is `{mode: 'answer' | 'yields', limit_ms}`. */
  take(registered, message, blobs) {
    if (require('node:inspector').url()) return this._refuse(message, DEBUGGED);
    const begun = Date.now();
    const { Recording, Stepper } = require('./stepper.js'); // few need it
    const wantsSteps = message.observe.mode !== 'answer' && new Stepper(running).listen();
    const limit = Math.min(message.observe.limit_ms || LONGEST_MS, LONGEST_MS);
    const steps = wantsSteps ? new Recording(limit) : undefined;
    const store = { id: message.invocationId, name: registered.metadata.name, isQuiet: true, steps };
    running.run(store, async () => {
      const [answer, parts] = await this._invocations.run(registered, message, blobs);
      this._answer(message, { ...recorded(answer, parts, steps), ms: Date.now() - begun, sdk: 'javascript' });
    });
  }

  _refuse({ invocationId }, message) {
    const result = { status: 'failure', exception: { message, stackTrace: '' } };
    this._wire.send({ t: 'invocationResponse', invocationId, result, outputData: [], returnValue: null });
  }

  _answer({ invocationId }, recording) {
    const blobs = new Blobs();
    const result = { status: 'success' };
    const reference = blobs.put(Buffer.from(JSON.stringify(recording)));
    const shape = { outputData: [], returnValue: null, recording: reference };
    this._wire.send({ t: 'invocationResponse', invocationId, result, ...shape }, blobs);
  }
}

function recorded(answer, parts, steps) {
  const found = steps?.finish() ?? { mode: 'answer', note: 'The steps of this version of the SDK cannot be taken.' };
  if (answer.result.status === 'success') return { ...found, answer: textOf(answer.returnValue, parts) };
  return { ...found, answer: null, failure: { message: answer.result.exception.message } };
}

function textOf(value, parts) {
  return getText(value?.json ?? value?.string ?? 'null', Buffer.concat(parts?.parts ?? []));
}

module.exports = { Observations };
