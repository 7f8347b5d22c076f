const { app } = require('@azure/functions');

app.storageQueue('{{name}}', {
    queueName: 'js-queue-items',
    connection: 'AzureWebJobsStorage',
    handler: (queueItem, context) => {
        context.log('The queue trigger function {{name}} received:', queueItem);
    },
});
