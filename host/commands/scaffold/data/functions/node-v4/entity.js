const { app } = require('@azure/functions');
const df = require('durable-functions');

df.app.entity('{{name}}', (context) => {
    const value = context.df.getState(() => 0);
    switch (context.df.operationName) {
        case 'add':
            context.df.setState(value + context.df.getInput());
            break;
        case 'reset':
            context.df.setState(0);
            break;
        case 'get':
            context.df.return(value);
            break;
    }
});

// POST adds one to the counter that the route names, GET reads it.
app.http('{{name}}HttpStart', {
    route: '{{name}}/{id}',
    methods: ['GET', 'POST'],
    authLevel: '{{authLevel}}',
    extraInputs: [df.input.durableClient()],
    handler: async (request, context) => {
        const entityId = new df.EntityId('{{name}}', request.params.id);
        const client = df.getClient(context);
        if (request.method === 'POST') {
            await client.signalEntity(entityId, 'add', 1);
            return { status: 202 };
        }
        const { entityState } = await client.readEntityState(entityId);
        return { jsonBody: entityState ?? 0 };
    },
});
