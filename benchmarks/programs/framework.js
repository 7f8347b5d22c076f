// The same answer on functions-framework for Node.
"use strict";

const { Server } = require("node:net");

// The framework listens on every address of the machine; a benchmark keeps to this one.
const listen = Server.prototype.listen;
Server.prototype.listen = function (port, ready) {
  return listen.call(this, port, "127.0.0.1", ready);
};

const VERSION = 0;

exports.hello = (request, response) => {
  response.json({ length: request.rawBody ? request.rawBody.length : 0, version: VERSION });
};
