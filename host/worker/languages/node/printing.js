'use strict';
/**
 * What is printed while a function runs goes to the host with its invocation, line by line; all else to the pipe.
 * The host shows both as console output, with a level made of the stream and the words (platform/console-and-logs.md 3).
 */

const { running } = require('./logs.js');

/** @param {import('./logs.js').Logs} logs */
function openPrinting(logs) {
  capture(process.stdout, 'stdout', () => 'information', logs);
  capture(process.stderr, 'stderr', levelOf, logs);
}

function capture(stream, name, level, logs) {
  const print = stream.write.bind(stream);
  let unfinished = '';
  stream.write = (chunk, encoding, done) => {
    const store = running.getStore();
    if (!store) return print(chunk, encoding, done);
    const lines = (unfinished + textOf(chunk, encoding)).split('\n');
    unfinished = lines.pop();
    for (const line of lines) logs.write(level(line), 'console', line.replace(/\r$/, ''), name, store.id);
    const told = typeof encoding === 'function' ? encoding : done;
    if (told) process.nextTick(told);
    return true;
  };
  process.on('exit', () => unfinished && print(`${unfinished}\n`));
}

function textOf(chunk, encoding) {
  if (typeof chunk === 'string' && encoding !== 'hex' && encoding !== 'base64') return chunk;
  return Buffer.from(chunk, typeof encoding === 'string' ? encoding : undefined).toString();
}

function levelOf(line) {
  if (/warn/i.test(line)) return 'warning';
  return /error|fail|severe|unhandled exception/i.test(line) ? 'error' : 'information';
}

module.exports = { openPrinting };
