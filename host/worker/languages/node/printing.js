'use strict';
/**
 * What is printed while a function runs goes to the host with its invocation, line by line; all else to the pipe.
 * The host shows both as console output, with a level made of the stream and the words (platform/console-and-logs.md 3).
 */

const { running } = require('./logs.js');

/** @typedef {import('./logs.js').Running} Running */

class Printing {
  /** From now on standard output and error are captured. @param {import('./logs.js').Logs} logs */
  constructor(logs) {
    this._logs = logs;
    /** By the invocation that printed it, and then by stream: text whose line has not ended. @type {Map<Running, any>} */
    this._unfinished = new Map();
    this._capture(process.stdout, 'stdout');
    this._capture(process.stderr, 'stderr');
    process.on('exit', () => [...this._unfinished.keys()].forEach((store) => this.ended(store)));
  }

  /** What an invocation printed without a line end is a line when it ends. @param {Running} store */
  ended(store) {
    const texts = this._unfinished.get(store);
    if (!texts) return;
    this._unfinished.delete(store);
    for (const name in texts) if (texts[name]) this._write(name, texts[name], store);
  }

  _capture(stream, name) {
    const print = stream.write.bind(stream);
    stream.write = (chunk, encoding, done) => {
      const store = running.getStore();
      if (!store) return print(chunk, encoding, done);
      const lines = ((this._unfinished.get(store)?.[name] ?? '') + textOf(chunk, encoding)).split('\n');
      this._keep(store, name, lines.pop());
      for (const line of lines) this._write(name, line.replace(/\r$/, ''), store);
      const told = typeof encoding === 'function' ? encoding : done;
      if (told) process.nextTick(told);
      return true;
    };
  }

  _keep(store, name, text) {
    const texts = this._unfinished.get(store);
    if (texts) texts[name] = text;
    else if (text) this._unfinished.set(store, { [name]: text });
  }

  _write(name, line, store) {
    this._logs.write(name === 'stderr' ? levelOf(line) : 'information', 'console', line, name, store.id);
  }
}

function textOf(chunk, encoding) {
  if (typeof chunk === 'string' && encoding !== 'hex' && encoding !== 'base64') return chunk;
  return Buffer.from(chunk, typeof encoding === 'string' ? encoding : undefined).toString();
}

function levelOf(line) {
  if (/warn/i.test(line)) return 'warning';
  return /error|fail|severe|unhandled exception/i.test(line) ? 'error' : 'information';
}

module.exports = { Printing };
