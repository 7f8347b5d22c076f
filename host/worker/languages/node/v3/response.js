'use strict';
/** `context.res` of the v3 model: a builder that is also the response (platform/http.md 6.4). */

class Response {
  headers = {};
  cookies = [];
  statusCode = undefined;
  body = undefined;
  enableContentNegotiation = undefined;

  /** @param {() => void} done ends the invocation */
  constructor(done) {
    // Apps may put members of their own beside ours, and copy the response: this one is not theirs.
    Object.defineProperty(this, '_done', { value: done });
  }

  end(body) {
    if (body !== undefined) this.body = body;
    if (Buffer.isBuffer(this.body) && !this.get('content-type')) this.type('application/octet-stream');
    this._done();
    return this;
  }

  send(body) {
    return this.end(body);
  }

  json(body) {
    this.type('application/json; charset=utf-8');
    this.send(body);
  }

  sendStatus(status) {
    return this.status(status).end();
  }

  status(status) {
    this.statusCode = status;
    return this;
  }

  type(type) {
    return this.setHeader('content-type', type);
  }

  setHeader(field, value) {
    this.headers[field.toLowerCase()] = value;
    return this;
  }

  getHeader(field) {
    return this.headers[field.toLowerCase()];
  }

  removeHeader(field) {
    delete this.headers[field.toLowerCase()];
    return this;
  }

  set(field, value) {
    return this.setHeader(field, value);
  }

  header(field, value) {
    return this.setHeader(field, value);
  }

  get(field) {
    return this.getHeader(field);
  }
}

module.exports = { Response };
