'use strict';
/**
 * Apps that stream HTTP (`app.setup({ enableHttpStream: true })`) take requests at an address of their own, the
 * capability `HttpUri`, beside the invocation (platform/worker-protocol.md 6.6): the host sends them there.
 */

/** What the host answers for a function that returns nothing: such a one never answers a request. */
const NO_CONTENT = { http: { statusCode: '204', headers: {}, cookies: [] } };

/** Where the programming model looks for what the request does not tell as the host has it. */
function metadataOf({ params, query, headers }) {
  const values = Object.entries(params).map(([name, string]) => [name, { string }]);
  const told = { Query: { json: JSON.stringify(query) }, Headers: { json: JSON.stringify(headers) } };
  return { ...Object.fromEntries(values), ...told };
}

module.exports = { NO_CONTENT, metadataOf };
