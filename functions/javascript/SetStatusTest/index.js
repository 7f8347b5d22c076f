// Sets an object as its custom status, and waits a moment so that it can be seen while it runs.

const df = require('durable-functions');

module.exports = df.orchestrator(function* (context) {
  context.df.setCustomStatus({ nextActions: ['A', 'B', 'C'], foo: 2 });
  yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 1000));
  return 'done';
});
