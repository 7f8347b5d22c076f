// A client or an orchestrator signals this entity, a counter,
// or POST /runtime/webhooks/durabletask/entities/{{name}}/KEY?op=add.
const df = require('durable-functions');

module.exports = df.entity(function (context) {
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
