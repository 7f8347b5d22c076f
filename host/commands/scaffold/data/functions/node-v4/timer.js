const { app } = require('@azure/functions');

app.timer('{{name}}', {
    schedule: '0 */5 * * * *',
    handler: (myTimer, context) => {
        if (myTimer.isPastDue) {
            context.log('The timer is late.');
        }
        context.log('The timer trigger function {{name}} ran.');
    },
});
