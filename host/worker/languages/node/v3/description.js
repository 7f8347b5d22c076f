'use strict';
/** What is asked of a function's bindings at every invocation, worked out once. */

const RETURN = '$return';

/**
 * @typedef {object} Description
 * @property {string} name
 * @property {string} directory
 * @property {{name: string, type: string, direction: string}[]} definitions
 * @property {string[]} outputs names of out and inout bindings, `$return` aside
 * @property {string} httpOutput name of the HTTP output, or empty
 * @property {boolean} hasReturn whether there is a `$return` binding
 * @property {boolean} isHttp whether an HTTP request triggers it
 * @property {string} timer name of the timer trigger, or empty
 * @property {string} durable name of the trigger of an orchestrator, activity or entity, or empty
 * @property {boolean} keepsFalsy whether `0`, `''` and `false` are results as well
 */

/** @type {WeakMap<object, Description>} */
const known = new WeakMap();

/** @param {any} metadata @returns {Description} */
function descriptionOf(metadata) {
  let description = known.get(metadata);
  if (!description) known.set(metadata, (description = describe(metadata)));
  return description;
}

function describe({ name, directory, bindings }) {
  const entries = Object.entries(bindings).map(([key, binding]) => ({ ...binding, name: key }));
  const typed = (type) => entries.find((entry) => entry.type.toLowerCase() === type)?.name ?? '';
  const outputs = entries.filter((entry) => entry.direction !== 'in').map((entry) => entry.name);
  return {
    name,
    directory,
    definitions: entries.map((entry) => ({ name: entry.name, type: entry.type, direction: entry.direction })),
    outputs: outputs.filter((output) => output !== RETURN),
    httpOutput: typed('http'),
    hasReturn: outputs.includes(RETURN),
    isHttp: typed('httptrigger') !== '',
    timer: typed('timertrigger'),
    durable: typed('orchestrationtrigger') || typed('activitytrigger') || typed('entitytrigger'),
    // Activities whose input is called `name` alone: what the platform does, and what apps have come to rely on.
    keepsFalsy: bindings.name?.type.toLowerCase() === 'activitytrigger',
  };
}

module.exports = { RETURN, descriptionOf };
