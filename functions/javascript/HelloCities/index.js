// Greets three cities, one after the other; the custom status says which was greeted last.

const df = require('durable-functions');

module.exports = df.orchestrator(function* (context) {
  const greetings = [];
  for (const city of ['Tokyo', 'Seattle', 'London']) {
    greetings.push(yield context.df.callActivity('SayHello', city));
    context.df.setCustomStatus(city);
  }
  return greetings;
});
