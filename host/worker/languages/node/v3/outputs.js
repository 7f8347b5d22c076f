'use strict';
/** What a v3 function returned and put into its bindings, as typed data (platform/node-worker.md 2.3). */

const { SystemError } = require('../errors.js');
const { RETURN } = require('./description.js');
const { toTypedData } = require('./values.js');

/**
 * A falsy result counts as none. Values returned win over those in `context.bindings`; `$return` is the result alone.
 * @param {import('./description.js').Description} description
 * @param {any} context
 * @param {any} result
 */
function respond(description, context, result) {
  const { bindings } = context;
  const isResult = Boolean(result) || (description.keepsFalsy && result !== null && result !== undefined);
  const returned = isResult && !description.hasReturn && typeof result === 'object' ? result : {};
  if (description.httpOutput && bindings[description.httpOutput] === undefined) {
    bindings[description.httpOutput] = context.res;
  }
  const outputData = [];
  for (const name of description.outputs) {
    const value = returned[name] !== undefined ? returned[name] : bindings[name];
    // Nothing is written for null; a response that is null is an empty one.
    const isSet = name === description.httpOutput ? value !== undefined : value !== undefined && value !== null;
    if (isSet) outputData.push({ name, data: convert(description, name, value) });
  }
  if (!isResult) return { outputData };
  if (description.hasReturn) return { outputData, returnValue: convert(description, RETURN, result) };
  // What fits no output is the trigger's: the answer of an orchestrator, the result of an activity.
  const isSpread = description.outputs.some((name) => returned[name] !== undefined);
  return { outputData, returnValue: isSpread || description.isHttp ? undefined : toTypedData(result) };
}

function convert(description, name, value) {
  return name === description.httpOutput ? { http: toHttp(value) } : toTypedData(value);
}

function toHttp(value) {
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new SystemError(
      "The HTTP response must be an 'object' type that can include properties such as 'body', 'status', and " +
        "'headers'. Learn more: https://go.microsoft.com/fwlink/?linkid=2112563",
    );
  }
  const response = value ?? {};
  const status = response.statusCode || (typeof response.status !== 'function' && response.status) || '';
  return {
    statusCode: String(status),
    headers: headersOf(response.headers),
    cookies: (response.cookies || []).map(toCookie),
    enableContentNegotiation: response.enableContentNegotiation,
    body: toTypedData(response.body),
  };
}

function headersOf(headers) {
  const texts = {};
  for (const name in headers) {
    if (headers[name] !== null && headers[name] !== undefined) texts[name] = headers[name].toString();
  }
  return texts;
}

const SAME_SITE = { lax: 'lax', strict: 'strict', none: 'explicitNone' };

function toCookie(cookie) {
  return {
    name: checked('string', cookie.name, 'cookie.name') ?? '',
    value: checked('string', cookie.value, 'cookie.value') ?? '',
    domain: wrapped(checked('string', cookie.domain, 'cookie.domain')),
    path: wrapped(checked('string', cookie.path, 'cookie.path')),
    expires: expiry(cookie.expires),
    secure: wrapped(checked('boolean', cookie.secure, 'cookie.secure')),
    httpOnly: wrapped(checked('boolean', cookie.httpOnly, 'cookie.httpOnly')),
    sameSite: SAME_SITE[cookie.sameSite?.toLowerCase()] ?? 'none',
    maxAge: wrapped(checked('number', asNumber(cookie.maxAge), 'cookie.maxAge')),
  };
}

function checked(type, value, name) {
  if (value === null || value === undefined || typeof value === type) return value;
  throw new SystemError(
    `A '${type}' type was expected instead of a '${typeof value}' type. Cannot parse value of '${name}'.`,
  );
}

function wrapped(value) {
  return value === null || value === undefined ? undefined : { value };
}

function asNumber(value) {
  return typeof value === 'string' && !Number.isNaN(Number(value)) ? parseFloat(value) : value;
}

function expiry(value) {
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'number' && !(value instanceof Date)) {
    throw new SystemError(
      `A 'number' or 'Date' input was expected instead of a '${typeof value}'. Cannot parse value of 'cookie.expires'.`,
    );
  }
  const milliseconds = Number(value);
  return milliseconds >= 0 ? { value: { seconds: Math.round(milliseconds / 1000) } } : undefined;
}

module.exports = { respond };
