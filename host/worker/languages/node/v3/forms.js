'use strict';
/** Forms in the body of a request: urlencoded, and multipart with files (RFC 7578). */

const { SystemError } = require('../errors.js');

const MULTIPART = 'multipart/form-data';
const URL_ENCODED = 'application/x-www-form-urlencoded';
const PARAMETER = /;\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g;

/** @typedef {{value: Buffer, fileName?: string, contentType?: string}} Part */

/** The fields of a form, in order; a name may come several times. */
class Form {
  /** @type {[string, Part][]} */
  #parts;

  constructor(parts) {
    this.#parts = parts;
  }

  get(name) {
    return this.getAll(name)[0] ?? null;
  }

  getAll(name) {
    return this.#parts.filter(([key]) => key === name).map(([, part]) => part);
  }

  has(name) {
    return this.#parts.some(([key]) => key === name);
  }

  get length() {
    return this.#parts.length;
  }

  [Symbol.iterator]() {
    return this.#parts[Symbol.iterator]();
  }
}

/** @param {Buffer | string} body @param {string} contentType Raises SystemError. */
function parseForm(body, contentType) {
  const mediaType = /^\s*([^\s;]+\/[^\s;]+)/.exec(contentType)?.[1];
  if (!mediaType) throw new SystemError('content-type must begin with format "type/subtype".');
  switch (mediaType.toLowerCase()) {
    case MULTIPART:
      return new Form([...multipart(Buffer.from(body), required(parametersOf(contentType), 'boundary'))]);
    case URL_ENCODED:
      return new Form([...new URLSearchParams(body.toString())].map(([key, value]) => [key, field(value)]));
    default:
      throw new SystemError(
        `Media type "${mediaType}" does not match types supported for form parsing: "${MULTIPART}", "${URL_ENCODED}".`,
      );
  }
}

function field(value) {
  return { value: Buffer.from(value) };
}

/** The parameters of a header, by name in small letters. */
function parametersOf(header) {
  const found = [...header.matchAll(PARAMETER)];
  return new Map(found.map(([, name, quoted, bare]) => [name.toLowerCase(), quoted?.replace(/\\"/g, '"') ?? bare]));
}

function required(parameters, name) {
  const value = parameters.get(name);
  if (value === undefined) throw new SystemError(`Failed to find parameter with name "${name}".`);
  return value;
}

/** @returns {Generator<[string, Part]>} */
function* multipart(body, boundary) {
  const delimiter = Buffer.from(`--${boundary}`);
  let start = body.indexOf(delimiter);
  if (start < 0 || body.subarray(0, start).toString().trim()) {
    throw new SystemError(`Expected form data to start with boundary "${boundary}".`);
  }
  for (;;) {
    start += delimiter.length;
    const next = body.indexOf(Buffer.concat([Buffer.from('\n'), delimiter]), start);
    if (body.subarray(start, start + 2).toString() === '--' || next < 0) return;
    yield partOf(body.subarray(lineAfter(body, start), body[next - 1] === 13 ? next - 1 : next));
    start = next + 1;
  }
}

function lineAfter(body, at) {
  return body.indexOf(10, at) + 1;
}

/** @param {Buffer} bytes the headers of a part, an empty line, its value @returns {[string, Part]} */
function partOf(bytes) {
  const headers = new Map();
  let at = 0;
  while (at < bytes.length) {
    const next = lineAfter(bytes, at) || bytes.length;
    const line = bytes.subarray(at, next).toString().trim();
    at = next;
    if (!line) break;
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const disposition = parametersOf(headers.get('content-disposition') ?? '');
  const name = disposition.get('name');
  if (!name) throw new SystemError('Expected part to have header "content-disposition" with parameter "name".');
  /** @type {Part} */
  const part = { value: bytes.subarray(at) };
  if (disposition.has('filename')) part.fileName = disposition.get('filename');
  if (headers.has('content-type')) part.contentType = headers.get('content-type');
  return [name, part];
}

module.exports = { Form, parseForm };
