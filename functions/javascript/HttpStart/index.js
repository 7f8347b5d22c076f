// Starts an orchestration and answers when its custom status says that London was greeted, or when it has ended.

const { setTimeout: sleep } = require('node:timers/promises');

const df = require('durable-functions');

const ENDED = ['Completed', 'Failed', 'Terminated'];

module.exports = async function (context, req) {
  const client = df.getClient(context);
  let instanceId;
  try {
    const given = req.rawBody ? JSON.parse(req.rawBody) : undefined;
    instanceId = await client.startNew(req.params.functionName, undefined, given);
  } catch (error) {
    // the body is no JSON, or there is no such orchestrator
    return { status: 400, body: error.message };
  }
  context.log(`Started orchestration with ID = '${instanceId}'.`);

  let status = await client.getStatus(instanceId);
  while (status.customStatus !== 'London' && !ENDED.includes(status.runtimeStatus)) {
    await sleep(200);
    status = await client.getStatus(instanceId);
  }
  return { headers: { 'Content-Type': 'application/json' }, body: status };
};
