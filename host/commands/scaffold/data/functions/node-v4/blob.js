const { app } = require('@azure/functions');

app.storageBlob('{{name}}', {
    path: 'samples-workitems/{name}',
    connection: 'AzureWebJobsStorage',
    handler: (blob, context) => {
        context.log(`The blob trigger function {{name}} found ${context.triggerMetadata.name} (${blob.length} bytes).`);
    },
});
