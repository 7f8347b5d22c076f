// An orchestrator (template "Durable Functions orchestrator") calls this activity.
module.exports = async function (context) {
    return `Hello ${context.bindings.name}!`;
};
