'use strict';
/** `context.req` of the v3 model (platform/http.md 5). */

const { SystemError } = require('../errors.js');
const { decoded } = require('./encodings.js');
const { parseForm } = require('./forms.js');
const { parsed } = require('./values.js');

class Request {
  #user;

  /** @param {any} http */
  constructor(http) {
    this.method = http.method;
    this.url = http.url;
    this.originalUrl = http.url;
    this.headers = http.headers;
    this.query = http.query;
    this.params = http.params;
    if (http.body?.bytes) this._readBody(Buffer.from(http.body.bytes));
  }

  /** Whatever its type, a text that is JSON becomes what it says. */
  _readBody(bytes) {
    this.bufferBody = bytes;
    const type = this.get('content-type')?.toLowerCase();
    if (type === 'application/octet-stream' || type?.startsWith('multipart/')) {
      this.body = Buffer.from(bytes);
      this.rawBody = bytes.toString();
    } else {
      this.rawBody = decoded(bytes);
      this.body = parsed(this.rawBody);
    }
  }

  /** Who called, as the platform's authentication tells in headers; null without it. */
  get user() {
    if (this.#user === undefined) this.#user = userOf(this.headers);
    return this.#user;
  }

  /** @param {string} field */
  get(field) {
    return this.headers[field.toLowerCase()];
  }

  /** Raises SystemError for a content type that is no form. */
  parseFormBody() {
    const type = this.get('content-type');
    if (!type) throw new SystemError('"content-type" header must be defined.');
    return parseForm(this.body, type);
  }
}

function userOf(headers) {
  const principal = headers['x-ms-client-principal'];
  if (!principal) return null;
  const claims = JSON.parse(Buffer.from(principal, 'base64').toString());
  const isStatic = Boolean(claims.identityProvider);
  return {
    type: isStatic ? 'StaticWebApps' : 'AppService',
    id: isStatic ? claims.userId : headers['x-ms-client-principal-id'],
    username: isStatic ? claims.userDetails : headers['x-ms-client-principal-name'],
    identityProvider: isStatic ? claims.identityProvider : headers['x-ms-client-principal-idp'],
    claimsPrincipalData: claims,
  };
}

module.exports = { Request };
