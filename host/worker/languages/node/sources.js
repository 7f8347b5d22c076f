'use strict';
/** Where generators and errors stand in the app's source, through source maps where its files have one. */

const fs = require('node:fs');
const inspector = require('node:inspector');
const { SourceMap } = require('node:module');
const path = require('node:path');
const { fileURLToPath } = require('node:url');

/** @typedef {{file: string, line: number, function: string, source: string}} Place */

const FRAME = /^\s*at (?:(.*?) \()?(file:\/\/[^()]*?|[^()]*?):(\d+):(\d+)\)?$/;
const MAP = /^\/\/# sourceMappingURL=(\S+)\s*$/m;
const MOST_FRAMES = 20;
const LONGEST_LINE = 300;
/** Files of scripts by the engine's number: they stay what they are while the process lives. @type {Map<string, string>} */
const files = new Map();
/** @type {Map<string, {lines: string[], map: SourceMap | undefined, folder: string}>} */
const read = new Map();

class Sources {
  constructor() {
    /** @type {inspector.Session | undefined} */
    this._session = undefined;
  }

  /** Of a generator that is suspended; undefined if that cannot be told. @returns {Place | undefined} */
  placeOf(generator) {
    try {
      const found = this._locationOf(generator);
      const file = found && (files.get(found.scriptId) ?? this._fileOf(found.scriptId));
      return file ? placed(file, found.lineNumber + 1, found.columnNumber, '') : undefined;
    } catch {
      return undefined;
    }
  }

  _locationOf(generator) {
    const session = this._open();
    const key = '__fnhost_generator';
    globalThis[key] = generator;
    let location;
    try {
      session.post('Runtime.evaluate', { expression: `globalThis.${key}` }, (failed, evaluated) => {
        const objectId = evaluated?.result?.objectId;
        if (failed || !objectId) return;
        session.post('Runtime.getProperties', { objectId, ownProperties: true }, (_, properties) => {
          const internal = properties?.internalProperties ?? [];
          location = internal.find(({ name }) => name === '[[GeneratorLocation]]')?.value?.value;
        });
        session.post('Runtime.releaseObject', { objectId });
      });
    } finally {
      delete globalThis[key];
    }
    return location;
  }

  /** The engine names its scripts only to a debugger: it is one for a moment, once for each new file. */
  _fileOf(scriptId) {
    const session = this._open();
    const note = ({ params }) => files.set(params.scriptId, asPath(params.url));
    session.on('Debugger.scriptParsed', note);
    session.post('Debugger.enable');
    session.post('Debugger.disable');
    session.off('Debugger.scriptParsed', note);
    return files.get(scriptId);
  }

  _open() {
    if (!this._session) {
      this._session = new inspector.Session();
      this._session.connect();
    }
    return this._session;
  }

  close() {
    this._session?.disconnect();
    this._session = undefined;
  }

  /** The frames of an error outside of packages, the innermost first. @returns {Place[]} */
  placesOf(error) {
    const lines = String(error?.stack ?? '').split('\n');
    const found = lines.map((line) => FRAME.exec(line)).filter((match) => match && isApps(asPath(match[2])));
    return found
      .slice(0, MOST_FRAMES)
      .map((match) => placed(asPath(match[2]), Number(match[3]), Number(match[4]) - 1, match[1] ?? ''));
  }
}

function asPath(address) {
  return address.startsWith('file://') ? fileURLToPath(address) : address;
}

function isApps(file) {
  return path.isAbsolute(file) && !file.includes(`${path.sep}node_modules${path.sep}`) && !file.startsWith(__dirname);
}

function placed(file, line, column, name) {
  const { lines, map, folder } = fileOf(file);
  const entry = map?.findEntry(line - 1, column);
  if (entry?.originalSource !== undefined) {
    const original = path.resolve(folder, asPath(entry.originalSource));
    const source = fileOf(original).lines[entry.originalLine] ?? '';
    return { file: original, line: entry.originalLine + 1, function: name, source: source.slice(0, LONGEST_LINE) };
  }
  return { file, line, function: name, source: (lines[line - 1] ?? '').slice(0, LONGEST_LINE) };
}

/** The lines of a file, and its source map if it names one that can be read. */
function fileOf(file) {
  let known = read.get(file);
  if (!known) read.set(file, (known = readFile(file)));
  return known;
}

function readFile(file) {
  try {
    const text = fs.readFileSync(file, 'utf8');
    const named = MAP.exec(text)?.[1];
    return { lines: text.split(/\r?\n/), map: named ? mapOf(file, named) : undefined, folder: path.dirname(file) };
  } catch {
    return { lines: [], map: undefined, folder: path.dirname(file) };
  }
}

function mapOf(file, named) {
  try {
    const inline = /^data:application\/json[^,]*;base64,(.*)$/.exec(named);
    const text = inline
      ? Buffer.from(inline[1], 'base64').toString()
      : fs.readFileSync(path.resolve(path.dirname(file), decodeURIComponent(named)), 'utf8');
    return new SourceMap(JSON.parse(text));
  } catch {
    return undefined;
  }
}

module.exports = { Sources };
