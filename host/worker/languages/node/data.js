'use strict';
/**
 * Typed data: as it lies in a frame, and as programming models have it (platform/node-worker.md 3): `{string}`, `{json}`,
 * `{bytes: Buffer}`, `{http}`, `{int}`, `{double}`, `{collectionString: {string: []}}` ..., `{}` for nothing.
 */

const { getBytes, getText } = require('./wire.js');

/** @typedef {{[kind: string]: any}} TypedData */

/** @param {TypedData | null} data @param {Buffer} blobs @returns {TypedData} */
function fromWire(data, blobs) {
  for (const kind in data) {
    const read = READERS[kind];
    return read ? { [kind]: read(data[kind], blobs) } : data;
  }
  return {};
}

const READERS = {
  string: getText,
  json: getText,
  bytes: getBytes,
  stream: getBytes,
  http: readRequest,
  modelBindingData: (value, blobs) => ({ ...value, content: getBytes(value.content, blobs) }),
  collectionBytes: (value, blobs) => ({ bytes: value.bytes.map((each) => getBytes(each, blobs)) }),
};

/** Headers with an empty value do not reach Node, query parameters do (platform/http.md 3). */
function readRequest(http, blobs) {
  const request = { method: http.method, url: http.url, headers: {}, query: http.query, params: http.params };
  for (const name in http.headers) {
    if (http.headers[name] !== '') request.headers[name] = http.headers[name];
  }
  if (http.body) request.body = fromWire(http.body, blobs);
  return request;
}

/**
 * @param {TypedData | null | undefined} data
 * @param {import('./wire.js').Blobs} blobs
 * @returns {TypedData | null} null when there is nothing to say
 */
function toWire(data, blobs) {
  for (const kind in data) {
    const value = data[kind];
    if (value !== undefined && value !== null && WRITERS[kind]) return WRITERS[kind](value, blobs);
  }
  return null;
}

const WRITERS = {
  string: (value, blobs) => ({ string: blobs.putText(value) }),
  json: (value, blobs) => ({ json: blobs.putText(value) }),
  bytes: (value, blobs) => ({ bytes: blobs.put(value) }),
  stream: (value, blobs) => ({ bytes: blobs.put(value) }),
  http: (value, blobs) => ({ http: writeResponse(value, blobs) }),
  int: (value) => ({ int: Number(value) }),
  double: (value) => ({ double: value }),
  collectionBytes: (value, blobs) => ({ collectionBytes: { bytes: value.bytes.map((each) => blobs.put(each)) } }),
  collectionString: (value) => ({ collectionString: value }),
  collectionDouble: (value) => ({ collectionDouble: value }),
  collectionSint64: (value) => ({ collectionSint64: { sint64: value.sint64.map(Number) } }),
};

function writeResponse(http, blobs) {
  return {
    statusCode: http.statusCode,
    headers: http.headers,
    cookies: http.cookies?.length ? http.cookies.map(writeCookie) : undefined,
    enableContentNegotiation: http.enableContentNegotiation || undefined,
    body: toWire(http.body, blobs),
  };
}

/** Programming models wrap what may be missing: `{value}`. A frame leaves it out. */
function writeCookie(cookie) {
  return {
    name: cookie.name,
    value: cookie.value,
    domain: cookie.domain?.value,
    path: cookie.path?.value,
    expires: seconds(cookie.expires?.value),
    maxAge: cookie.maxAge?.value,
    secure: cookie.secure?.value,
    httpOnly: cookie.httpOnly?.value,
    sameSite: cookie.sameSite,
  };
}

/** @param {{seconds?: any, nanos?: number | null} | null | undefined} time */
function seconds(time) {
  return time ? Number(time.seconds ?? 0) + (time.nanos ?? 0) / 1e9 : undefined;
}

module.exports = { fromWire, toWire };
