const { app } = require('@azure/functions');

app.http('{{name}}', {
    methods: ['GET', 'POST'],
    authLevel: '{{authLevel}}',
    handler: async (request, context) => {
        context.log(`The HTTP trigger function {{name}} received a request for ${request.url}`);
        const name = request.query.get('name') || (await request.text()) || 'world';
        return { body: `Hello, ${name}!` };
    },
});
