// An HTTP starter (template "Durable Functions HTTP starter") or the management API starts this orchestrator. It calls
// the activity "Hello" (template "Durable Functions activity").
const df = require('durable-functions');

module.exports = df.orchestrator(function* (context) {
    const greetings = [];
    for (const city of ['Tokyo', 'Seattle', 'London']) {
        greetings.push(yield context.df.callActivity('Hello', city));
    }
    return greetings;
});
