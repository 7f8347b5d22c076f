const { app } = require('@azure/functions');
const df = require('durable-functions');

df.app.orchestration('{{name}}Orchestrator', function* (context) {
    const greetings = [];
    for (const city of ['Tokyo', 'Seattle', 'London']) {
        greetings.push(yield context.df.callActivity('{{name}}', city));
    }
    return greetings;
});

df.app.activity('{{name}}', {
    handler: (city) => `Hello, ${city}`,
});

app.http('{{name}}HttpStart', {
    route: 'orchestrators/{orchestratorName}',
    authLevel: '{{authLevel}}',
    extraInputs: [df.input.durableClient()],
    handler: async (request, context) => {
        const client = df.getClient(context);
        const instanceId = await client.startNew(request.params.orchestratorName, { input: await request.text() });
        context.log(`Started orchestration with ID = '${instanceId}'.`);
        return client.createCheckStatusResponse(request, instanceId);
    },
});
