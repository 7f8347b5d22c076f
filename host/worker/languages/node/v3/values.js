'use strict';
/** Values of v3 functions, and the typed data they travel as (platform/values.md 1). */

/** A text that is JSON becomes what it says. Nothing becomes null. */
function fromTypedData(data) {
  if (data.string !== undefined) return parsed(data.string);
  if (data.json !== undefined) return parsed(data.json);
  const bytes = data.bytes ?? data.stream;
  if (bytes !== undefined) return Buffer.from(bytes);
  if (data.int !== undefined) return data.int;
  if (data.double !== undefined) return data.double;
  if (data.collectionBytes) return data.collectionBytes.bytes.map((each) => Buffer.from(each));
  return data.collectionString?.string ?? data.collectionDouble?.double ?? data.collectionSint64?.sint64 ?? null;
}

/** What no JSON begins with is not tried: an error that is caught costs more than all else of a call. */
const MAY_BE_JSON = /^\s*["[{\-\dtfn]/;

function parsed(text) {
  if (!MAY_BE_JSON.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function toTypedData(value) {
  if (typeof value === 'string') return { string: value };
  if (Buffer.isBuffer(value)) return { bytes: value };
  if (ArrayBuffer.isView(value)) return { bytes: new Uint8Array(value.buffer, value.byteOffset, value.byteLength) };
  if (typeof value === 'number') return Number.isInteger(value) ? { int: value } : { double: value };
  return { json: JSON.stringify(value) };
}

/** Typed data by name, or an object: the names of all its objects begin with a small letter. */
function camelCased(object) {
  const output = {};
  for (const name in object) {
    const value = plain(object[name]);
    output[camel(name)] = isObject(value) ? camelCased(value) : value;
  }
  return output;
}

const KINDS = new Set(['string', 'json', 'bytes', 'stream', 'int', 'double', 'http']);

function camel(name) {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** The value of typed data; any other value as it is. */
function plain(value) {
  if (!isObject(value)) return value;
  const [kind, ...more] = Object.keys(value);
  const isTyped = !more.length && (KINDS.has(kind) || kind?.startsWith('collection'));
  return isTyped && kind !== 'http' ? fromTypedData(value) : value;
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
}

module.exports = { camel, camelCased, fromTypedData, parsed, toTypedData };
