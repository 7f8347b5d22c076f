'use strict';
/**
 * Apps that stream HTTP (`app.setup({ enableHttpStream: true })`) take requests at an address of their own, the
 * capability `HttpUri`, beside the invocation (platform/worker-protocol.md 6.6). This worker passes them on and hands the host the
 * whole answer: what the app streams arrives when it is complete.
 */

const http = require('node:http');

const ID_HEADER = 'x-ms-invocation-id';
const OF_THE_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'date',
  ID_HEADER,
]);

/** A request on its way to the app's own server. */
class Forwarded {
  /** @param {string} uri @param {any} request as typed data has it @param {string} invocationId */
  constructor(uri, request, invocationId) {
    const { method, headers, url, body } = request;
    const { protocol, host, pathname, search } = new URL(url);
    const forwarded = { 'x-forwarded-host': host, 'x-forwarded-proto': protocol.slice(0, -1) };
    const sent = { ...headers, ...forwarded, [ID_HEADER]: invocationId };
    this._request = http.request(new URL(pathname + search, uri), { method, headers: sent });
    this._answer = answerOf(this._request);
    this._answer.catch(() => {}); // it is asked for only when the function is done
    this._request.end(body?.bytes);
  }

  /** @param {boolean} isAnswered whether the function returned a response @returns {Promise<any>} typed data */
  async answer(isAnswered) {
    if (isAnswered) return { http: await this._answer };
    this.abort();
    return undefined;
  }

  abort() {
    this._request.destroy();
  }
}

/** Where the programming model looks for what the forwarded request does not tell as the host has it. */
function metadataOf({ params, query, headers }) {
  const values = Object.entries(params).map(([name, string]) => [name, { string }]);
  const told = { Query: { json: JSON.stringify(query) }, Headers: { json: JSON.stringify(headers) } };
  return { ...Object.fromEntries(values), ...told };
}

function answerOf(request) {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', async (response) => {
      const chunks = [];
      try {
        for await (const chunk of response) chunks.push(chunk);
        resolve(readAnswer(response, Buffer.concat(chunks)));
      } catch (error) {
        reject(error);
      }
    });
  });
}

function readAnswer({ statusCode, headers: { 'set-cookie': cookies = [], ...others } }, bytes) {
  const headers = Object.entries(others).filter(([name]) => !OF_THE_CONNECTION.has(name));
  return {
    statusCode: String(statusCode),
    headers: Object.fromEntries(headers),
    cookies: cookies.map(readCookie),
    body: bytes.length ? { bytes } : undefined,
  };
}

const SAME_SITE = { lax: 'lax', strict: 'strict', none: 'explicitNone' };

/** @param {string} text of a Set-Cookie header */
function readCookie(text) {
  const [pair, ...attributes] = text.split(';').map((part) => part.trim());
  const [name, value] = split(pair);
  const told = new Map(attributes.map(split).map(([key, each]) => [key.toLowerCase(), each]));
  const wrapped = (key, read) => (told.has(key) ? { value: read(told.get(key)) } : undefined);
  return {
    name,
    value: decoded(value),
    domain: wrapped('domain', String),
    path: wrapped('path', String),
    expires: wrapped('expires', (date) => ({ seconds: Math.round(Date.parse(date) / 1000) })),
    maxAge: wrapped('max-age', Number),
    secure: wrapped('secure', () => true),
    httpOnly: wrapped('httponly', () => true),
    sameSite: SAME_SITE[told.get('samesite')?.toLowerCase()] ?? 'none',
  };
}

function split(pair) {
  const at = pair.indexOf('=');
  return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
}

function decoded(value) {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

module.exports = { Forwarded, metadataOf };
