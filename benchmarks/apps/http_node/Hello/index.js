// Says how long the body of a request is, as JSON.

const VERSION = 0

module.exports = async function (context, req) {
  const answer = JSON.stringify({ length: req.bufferBody?.length ?? 0, version: VERSION });
  return { headers: { 'content-type': 'application/json' }, body: Buffer.from(answer) };
};
