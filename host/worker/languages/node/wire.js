'use strict';
/**
 * The socket to the host, and its frames: `"FNH1" | u32 n | u32 json length | n bytes: JSON, then blobs`, big endian.
 *
 * A value that lies in the blobs is `{"$b": offset, "n": length}` in the JSON (platform/worker-protocol.md 8).
 */

const fs = require('node:fs');
const net = require('node:net');

/** Every frame begins with it: bytes of somebody else on the same socket are told from a frame. */
const MARK = 0x464e4831;
const HEAD = 12;
const MOST_FRAME_BYTES = 256 * 1024 * 1024;
/** With more on its way to a host that does not read, lines that are not important are dropped. */
const MOST_WAITING_BYTES = 64 * 1024 * 1024;
/** Longer texts travel as blobs: never escaped. */
const TEXT_IN_JSON = 4096;
/** Milliseconds that the last frames of a process may take when the host does not read. */
const LAST_PATIENCE = 500;
const NO_PARTS = Object.freeze([]);

/** @typedef {{t: string, [member: string]: any}} Message */

/** Collects what travels beside the JSON of one frame. */
class Blobs {
  constructor() {
    /** @type {Uint8Array[]} */
    this.parts = [];
    this.size = 0;
  }

  /** @param {Uint8Array} bytes */
  put(bytes) {
    const reference = { $b: this.size, n: bytes.length };
    this.parts.push(bytes);
    this.size += bytes.length;
    return reference;
  }

  /** @param {string} text */
  putText(text) {
    return text.length <= TEXT_IN_JSON ? text : this.put(Buffer.from(text));
  }
}

/** @param {{$b: number, n: number}} reference @param {Buffer} blobs */
function getBytes(reference, blobs) {
  return blobs.subarray(reference.$b, reference.$b + reference.n);
}

/** @param {string | {$b: number, n: number}} value @param {Buffer} blobs */
function getText(value, blobs) {
  return typeof value === 'string' ? value : getBytes(value, blobs).toString();
}

/** @param {Message} message @param {Blobs} [blobs] Raises RangeError for a message that is too long. */
function pack(message, blobs) {
  const text = JSON.stringify(message);
  const length = Buffer.byteLength(text);
  const size = length + (blobs ? blobs.size : 0);
  if (size > MOST_FRAME_BYTES) {
    const [taken, most] = [size, MOST_FRAME_BYTES].map((bytes) => bytes.toLocaleString('en'));
    throw new RangeError(`It takes ${taken} bytes; a message to the host may have ${most}.`);
  }
  const frame = Buffer.allocUnsafe(HEAD + size);
  frame.writeUInt32BE(MARK, 0);
  frame.writeUInt32BE(size, 4);
  frame.writeUInt32BE(length, 8);
  frame.write(text, HEAD);
  let end = HEAD + length;
  for (const part of blobs ? blobs.parts : NO_PARTS) {
    frame.set(part, end);
    end += part.length;
  }
  return frame;
}

/** Cuts a stream of bytes into frames. */
class Frames {
  constructor() {
    /** @type {Buffer[]} */
    this._kept = [];
    this._size = 0;
    this._needed = HEAD;
  }

  /**
   * Hands on the frames that `chunk` completes. What is not yet whole is joined once, when it is.
   * @param {Buffer} chunk
   * @param {(message: Message, blobs: Buffer) => void} take
   */
  feed(chunk, take) {
    this._kept.push(chunk);
    this._size += chunk.length;
    if (this._size < this._needed) return;
    const data = this._kept.length === 1 ? chunk : Buffer.concat(this._kept);
    let start = 0;
    while (data.length >= (this._needed = this._end(data, start))) {
      const middle = start + HEAD + data.readUInt32BE(start + 8);
      take(JSON.parse(data.toString('utf8', start + HEAD, middle)), data.subarray(middle, this._needed));
      start = this._needed;
    }
    this._kept = start < data.length ? [data.subarray(start)] : [];
    this._size = data.length - start;
    this._needed -= start;
  }

  /** The end of the frame at `start`, as far as the data tells: of its head, when even that is not whole. */
  _end(data, start) {
    const end = start + HEAD;
    if (end > data.length) return end;
    if (data.readUInt32BE(start) === MARK) return end + data.readUInt32BE(start + 4);
    const read = JSON.stringify(data.toString('latin1', start, end));
    throw new Error(`The socket to the host was read by somebody else: ${read} is not a frame.`);
  }
}

/** Answers beside each other leave in one write for a turn of the event loop; an answer alone, and a log, at once. */
class Wire {
  /** @param {net.Socket} socket @param {number} [descriptor] of the socket, where it has one of its own */
  constructor(socket, descriptor) {
    this._socket = socket;
    this._descriptor = descriptor;
    /** @type {Buffer[]} */
    this._outbox = [];
    this._flush = () => this.flush();
  }

  /** Whether the host is far behind. */
  get isFull() {
    return this._socket.writableLength > MOST_WAITING_BYTES;
  }

  /** @param {Message} message @param {Blobs} [blobs] Raises RangeError, and what JSON raises. */
  send(message, blobs) {
    const frame = pack(message, blobs);
    if (this._outbox.push(frame) === 1) setImmediate(this._flush);
  }

  /** @param {Message} message @param {Blobs} [blobs] */
  sendNow(message, blobs) {
    this._outbox.push(pack(message, blobs));
    this.flush();
  }

  flush() {
    if (!this._outbox.length) return;
    const frames = this._outbox;
    this._outbox = [];
    this._socket.write(frames.length === 1 ? frames[0] : Buffer.concat(frames));
  }

  /** What has not left yet leaves now, as this process ends: its event loop does not turn any more. */
  flushLast() {
    if (this._descriptor === undefined || this._socket.writableLength) return this.flush();
    const frames = Buffer.concat(this._outbox);
    this._outbox = [];
    writeWhole(this._descriptor, frames);
  }

  /**
   * Every frame, until the host closes the socket.
   * @param {(message: Message, blobs: Buffer) => void} take
   * @param {() => void} ended
   */
  receive(take, ended) {
    const frames = new Frames();
    this._socket.on('data', (chunk) => frames.feed(chunk, take));
    this._socket.on('close', ended);
    this._socket.on('error', () => {}); // 'close' follows
  }
}

function writeWhole(descriptor, data) {
  const end = Date.now() + LAST_PATIENCE;
  let written = 0;
  while (written < data.length) {
    try {
      written += fs.writeSync(descriptor, data, written);
    } catch (error) {
      if (error.code !== 'EAGAIN' || Date.now() > end) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/**
 * Close what was inherited beside the standard streams and the socket: descriptors of the host are not the app's. Node
 * opens descriptors that no program inherits: one that can be was there before this process. Linux alone tells.
 */
function closeStrays(keep) {
  const folder = '/proc/self/fdinfo';
  for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
    const descriptor = Number(name);
    if (descriptor > 2 && descriptor !== keep && isInheritable(`${folder}/${name}`)) fs.closeSync(descriptor);
  }
}

const CLOSE_ON_EXEC = 0o2000000;

function isInheritable(file) {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(fs.readFileSync(file, 'latin1'));
    return flags !== null && (parseInt(flags[1], 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    return false; // it was the one that listed the folder
  }
}

/** The inherited socket or, where sockets cannot be inherited, a loopback one that opens with the token. */
function connect() {
  const { FNHOST_WORKER_SOCKET: descriptor, FNHOST_WORKER_PORT: port, FNHOST_WORKER_TOKEN: token } = process.env;
  for (const name of ['FNHOST_WORKER_SOCKET', 'FNHOST_WORKER_PORT', 'FNHOST_WORKER_TOKEN']) delete process.env[name];
  if (descriptor) {
    closeStrays(Number(descriptor));
    return new Wire(new net.Socket({ fd: Number(descriptor) }), Number(descriptor));
  }
  const socket = net.connect({ host: '127.0.0.1', port: Number(port), noDelay: true });
  socket.write(Buffer.from(token, 'hex'));
  return new Wire(socket);
}

module.exports = { Blobs, Frames, Wire, connect, getBytes, getText, pack };
