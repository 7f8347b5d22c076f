// Loki is the database in which Azurite keeps queues and tables. What it does slowly for no reason is done quickly here:
// without this, every request takes the longer, the more messages and instances there are.
"use strict";

exports.hurry = ({ Collection, Resultset }) => {
  const { removeBatch } = Collection.prototype;
  const { findAnd } = Resultset.prototype;

  // To remove nothing, Loki sorts the whole collection anew. Azurite removes what has expired, mostly nothing, whenever a
  // message is received, hidden or deleted.
  Collection.prototype.removeBatch = function (batch) {
    if (batch.length > 0) removeBatch.call(this, batch);
  };

  // Loki looks the first condition up in an index, and tries the others on all that it finds there. Azurite names the row
  // key first, and most partitions have the same row keys.
  Resultset.prototype.findAnd = Resultset.prototype.$and = function (conditions) {
    return findAnd.call(this, this.filterInitialized ? conditions : narrowestFirst(this.collection, conditions));
  };
};

function narrowestFirst(collection, conditions) {
  const widths = new Map(conditions.map((condition) => [condition, width(collection, condition)]));
  return [...conditions].sort((a, b) => widths.get(a) - widths.get(b));
}

// How many the condition leaves, as far as an index tells.
function width(collection, condition) {
  const [[name, value]] = Object.entries(condition);
  if (!collection.binaryIndices[name] || typeof value !== "string") return Number.MAX_VALUE;
  const [first, last] = collection.calculateRange("$eq", name, value);
  return last - first;
}
