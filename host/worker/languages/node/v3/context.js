'use strict';
/** What a v3 function is handed: `context`, and its inputs in the order of their bindings (platform/node-worker.md 2). */

const { randomUUID } = require('node:crypto');

const { camel, camelCased, fromTypedData, parsed } = require('./values.js');
const { Request } = require('./request.js');
const { Response } = require('./response.js');

class Context {
  /**
   * @param {import('./description.js').Description} description
   * @param {any} request
   * @param {(level: string, values: any[]) => void} log
   * @param {(error?: any, result?: any) => void} done
   */
  constructor(description, request, log, done) {
    const { invocationId, traceContext, retryContext } = request;
    this.invocationId = invocationId;
    this.traceContext = {
      traceparent: traceContext?.traceParent,
      tracestate: traceContext?.traceState,
      attributes: traceContext?.attributes,
    };
    this.executionContext = {
      invocationId,
      functionName: description.name,
      functionDirectory: description.directory,
      retryContext,
    };
    this.bindings = {};
    this.bindingData = { invocationId, ...camelCased(request.triggerMetadata) };
    this.bindingDefinitions = description.definitions.map((each) => ({ ...each }));
    this.log = loggerOf(log);
    this.done = done;
  }
}

function loggerOf(log) {
  const logger = (...values) => log('information', values);
  logger.error = (...values) => log('error', values);
  logger.warn = (...values) => log('warning', values);
  logger.info = logger.bind(undefined);
  logger.verbose = (...values) => log('trace', values);
  return logger;
}

/** Fills `context.bindings`, and for an HTTP request `req`, `res` and what the platform adds to `bindingData`. */
function readInputs(context, description, request) {
  const inputs = [];
  for (const { name, data } of request.inputData) {
    const input = data.http ? openHttp(context, description, data.http) : read(data, name === description.timer);
    context.bindings[name] = input;
    if (name === description.durable) describeDurable(context.bindingData, name, input);
    inputs.push(input);
  }
  return inputs;
}

/**
 * The trigger's value by its name, and the members of an object but lists and nothing (platform/values.md 3): an
 * orchestrator reads `context.bindingData.input`. Each is a copy, made when it is first asked for: a context may be large.
 */
function describeDurable(bindingData, trigger, value) {
  const copied = { [trigger]: value };
  if (value?.constructor === Object) {
    for (const name in value) if (value[name] !== null && !Array.isArray(value[name])) copied[name] = value[name];
  }
  for (const name in copied) define(bindingData, camel(name), () => copyOf(copied[name]));
}

function copyOf(value) {
  return camelCased({ value: structuredClone(value) }).value;
}

function define(object, name, make) {
  const isPlain = { configurable: true, enumerable: true };
  const set = (value) => Object.defineProperty(object, name, { ...isPlain, writable: true, value });
  const get = () => set(make())[name];
  Object.defineProperty(object, name, { ...isPlain, get, set });
}

function read(data, isTimer) {
  const value = fromTypedData(data);
  return isTimer && typeof value === 'object' ? camelCased(value) : value;
}

function openHttp(context, description, http) {
  const request = new Request(http);
  context.req = request;
  context.res = new Response(context.done);
  const sys = { methodName: description.name, utcNow: new Date().toISOString(), randGuid: randomUUID() };
  Object.assign(context.bindingData, valuesOf(request), { sys });
  context.bindingData.query ||= { ...request.query };
  context.bindingData.headers ||= { ...request.headers };
  return request;
}

/**
 * What a request tells by name: members of its body, query and route values, of which the later win
 * (platform/values.md 3). The host leaves that out where it does not need it itself.
 */
function valuesOf({ body, query, params }) {
  const values = {};
  if (body?.constructor === Object) Object.assign(values, camelCased(body));
  for (const texts of [query, params]) {
    for (const name in texts) {
      if (texts === params || name.toLowerCase() !== 'code') values[camel(name)] = parsed(texts[name]);
    }
  }
  return values;
}

module.exports = { Context, readInputs };
