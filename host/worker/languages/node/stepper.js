'use strict';
/**
 * A quiet replay of an orchestrator that notes its steps: the line where it stands, its custom status, its actions.
 *
 * The SDK's own executor runs the user's generator over the history; only its calls are listened to. It rests on names
 * inside the SDK that are not public: where one is missing, the answer alone is recorded.
 */

const { Sources } = require('./sources.js');

const EXECUTOR = /[\\/]node_modules[\\/]durable-functions[\\/].*taskorchestrationexecutor\.js$/i;
/** Each look at a generator takes half a millisecond: of more steps only the last has its line. */
const MOST_LINES = 300;
const MOST_STEPS = 20_000;
const LONGEST_TEXT = 200;
const patched = Symbol('fnhost.patched');

class OverTime extends Error {}

class Stepper {
  /** @param {{getStore(): any}} running the invocation that runs: its `steps` are a Recording while it is looked at */
  constructor(running) {
    this._running = running;
  }

  /** Have the SDK's executors tell of their steps. Whether there are any. */
  listen() {
    const found = Object.keys(require.cache).filter((file) => EXECUTOR.test(file));
    for (const file of found) this._patch(require.cache[file]?.exports?.TaskOrchestrationExecutor);
    return found.length > 0;
  }

  _patch(executor) {
    const prototype = executor?.prototype;
    if (!prototype?.execute || prototype[patched]) return;
    const { execute } = prototype;
    const running = this._running;
    prototype[patched] = true;
    prototype.execute = function (context, history, schemaVersion, fn) {
      const steps = running.getStore()?.steps;
      return execute.call(this, context, history, schemaVersion, steps ? steps.follow(this, fn) : fn);
    };
  }
}

/** The steps of one replay. */
class Recording {
  /** @param {number} milliseconds */
  constructor(milliseconds) {
    this._end = Date.now() + milliseconds;
    this._limit = milliseconds;
    this._sources = new Sources();
    this._places = new Map();
    this._event = -1;
    this._last = undefined;
    this.places = [];
    this.steps = [];
    this.cut = 0;
    /** @type {any} */
    this.end = null;
  }

  /** The user's function, whose generator is listened to. */
  follow(executor, fn) {
    const { processEvent } = executor;
    executor.processEvent = (event) => {
      this._event++;
      if (Date.now() > this._end) throw new OverTime(`The replay took longer than ${this._limit / 1000} s.`);
      return processEvent.call(executor, event);
    };
    this._executor = executor;
    return (context) => {
      const made = fn(context);
      return typeof made?.next === 'function' ? this._driven(made) : made;
    };
  }

  /** What the SDK calls in the place of the user's generator. */
  _driven(inner) {
    const step = (kind, resume) => {
      let result;
      try {
        result = resume();
      } catch (error) {
        this._raised(error);
        throw error;
      }
      if (result.done) this._ended('returned', short(result.value), []);
      else this._step(inner, kind);
      return result;
    };
    return {
      next: (value) => step(this.steps.length ? 'value' : 'start', () => inner.next(value)),
      throw: (error) => step('error', () => inner.throw(error)),
      return: (value) => inner.return(value),
      [Symbol.iterator]() {
        return this;
      },
    };
  }

  _step(inner, received) {
    const before = this._count();
    if (this._last) this._last.actions_after = before;
    if (this.steps.length >= MOST_STEPS) return void this.cut++;
    this._last = {
      event: this._event,
      received,
      frames: this.steps.length < MOST_LINES ? this._frames(inner) : [],
      actions_before: before,
      actions_after: before,
      custom_status: this._status(),
    };
    this._generator = inner;
    this.steps.push(this._last);
  }

  _frames(inner) {
    const place = this._sources.placeOf(inner);
    return place ? [this._number(place)] : [];
  }

  _number(place) {
    const key = `${place.file}:${place.line}`;
    if (!this._places.has(key)) this._places.set(key, this.places.push(place) - 1);
    return this._places.get(key);
  }

  _count() {
    return this._executor.actions?.length ?? 0;
  }

  _status() {
    const status = this._executor.context?.customStatus;
    return status === undefined ? null : (JSON.stringify(status) ?? null);
  }

  _raised(error) {
    const places = this._sources.placesOf(error).map((place) => this._number(place));
    this._ended('raised', `${error?.name ?? 'Error'}: ${error?.message ?? short(error)}`, places);
  }

  _ended(kind, text, frames) {
    this.end = { kind, text, frames, event: this._event, custom_status: this._status() };
  }

  /** What is known when the SDK has answered. */
  finish() {
    if (this._last && this._executor) this._last.actions_after = this._count();
    if (this._last && !this._last.frames.length && !this.end) this._last.frames = this._frames(this._generator);
    this._sources.close();
    const { steps, end, places, cut } = this;
    return { mode: 'yields', steps, end, places, cut };
  }
}

function short(value) {
  let text;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    text = String(value);
  }
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT - 1)}…`;
}

module.exports = { Recording, Stepper };
