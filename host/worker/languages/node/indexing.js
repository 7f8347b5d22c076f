'use strict';
/**
 * What an app tells of the functions that it registers itself (platform/worker-protocol.md 6.2). The messages:
 *
 *   host:   {"t": "functionsMetadataRequest", "functionAppDirectory": "/the/app"}
 *   worker: {"t": "functionMetadataResponse",
 *            "result": {"status": "success" | "failure", "exception"?: {"message": text}},
 *            "useDefaultMetadataIndexing": true if the functions are folders with a function.json,
 *            "functionMetadataResults": [{
 *              "name", "functionId", "language": "node",
 *              "directory", "scriptFile": the file that registered it, a best guess,
 *              "entryPoint": "",
 *              "rawBindings": [one JSON text per binding: an entry of a function.json],
 *              "retryOptions": null | {"retryStrategy": "fixedDelay" | "exponentialBackoff", "maxRetryCount": n,
 *                "delayInterval" | "minimumInterval" + "maximumInterval": {"seconds": n, "nanos": n}},
 *              "properties": {"file": relative to the app, "line": text} of the call that registered it, or {},
 *              "status": {"status": "success"}}],
 *            "capabilities": {name: text}, "workerMetadata": {"runtimeName", "runtimeVersion", "customProperties"}}
 *
 * A failure is one of the whole app: its `main` could not be loaded. `functionId` stands in every later message about
 * the function: `functionLoadRequest` (whose metadata may be the answer's) and `invocationRequest`.
 */

/** @param {import('./app.js').App} app */
async function describe(app) {
  await app.start();
  const failed = { status: 'failure', exception: { message: app.startError } };
  return {
    t: 'functionMetadataResponse',
    result: app.startError ? failed : { status: 'success' },
    useDefaultMetadataIndexing: !app.isIndexed,
    functionMetadataResults: app.isIndexed ? [...app.functions.values()].map(({ metadata }) => told(metadata)) : [],
    capabilities: app.capabilities,
    workerMetadata: workerMetadata(app),
  };
}

function told(metadata) {
  return {
    name: metadata.name,
    functionId: metadata.functionId,
    language: 'node',
    directory: metadata.directory,
    scriptFile: metadata.scriptFile,
    entryPoint: '',
    rawBindings: Object.entries(metadata.bindings).map(([name, binding]) => JSON.stringify({ ...binding, name })),
    retryOptions: retryOf(metadata.retryOptions),
    properties: metadata.place,
    status: { status: 'success' },
  };
}

function retryOf(options) {
  if (!options) return null;
  const { retryStrategy, maxRetryCount, delayInterval, minimumInterval, maximumInterval } = options;
  return { retryStrategy, maxRetryCount, delayInterval, minimumInterval, maximumInterval };
}

function workerMetadata(app) {
  return {
    runtimeName: 'node',
    runtimeVersion: process.versions.node,
    customProperties: { modelName: app.model.name, modelVersion: app.model.version },
  };
}

module.exports = { describe, workerMetadata };
