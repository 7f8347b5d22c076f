// A program of @microsoft/durabletask-js: `node durabletask_program.js ADDRESS` prints one line of JSON for each thing
// it has seen, and ends.
const sdk = require('@microsoft/durabletask-js');

const options = { hostAddress: process.argv[2], logger: new sdk.NoOpLogger() };
const client = new sdk.TaskHubGrpcClient(options);
const worker = new sdk.TaskHubGrpcWorker(options);
const PATIENCE = 30;
let tries = 0;

class Counter extends sdk.TaskEntity {
  initializeState() {
    return 0;
  }

  add(number) {
    this.state += number;
    return this.state;
  }
}

const activities = {
  say: async (_, city) => `Hello ${city}!`,
  nothing: async () => {},
  flaky: async () => {
    tries += 1;
    if (tries < 3) throw new Error('again');
    return tries;
  },
};

const orchestrators = {
  child: async function* (context, name) {
    return yield context.callActivity('say', name);
  },
  everything: async function* (context, input) {
    const retry = new sdk.RetryPolicy({ maxNumberOfAttempts: 4, firstRetryIntervalInMilliseconds: 10 });
    const counter = new sdk.EntityInstanceId('counter', 'k');
    const first = yield context.callActivity('say', input.city);
    const none = yield context.callActivity('nothing');
    const both = yield sdk.whenAll(['a', 'b'].map((name) => context.callActivity('say', name)));
    const child = yield context.callSubOrchestrator('child', 'child');
    yield context.createTimer(0.01);
    const retried = yield context.callActivity('flaky', undefined, { retry });
    context.entities.signalEntity(counter, 'add', 2);
    const count = yield context.entities.callEntity(counter, 'add', 3);
    context.setCustomStatus({ waits: true });
    const event = yield context.waitForExternalEvent('go');
    return { first, none: none === undefined, both, child, retried, count, event };
  },
  again: async function* (context, count) {
    if (count === 3) return count;
    context.continueAsNew(count + 1, true);
  },
  waits: async function* (context) {
    yield context.waitForExternalEvent('never');
  },
  fails: async function* (context) {
    yield context.callActivity('unknown');
  },
};

const until = async (id, wanted) => {
  for (;;) {
    const state = await client.getOrchestrationState(id, true);
    if (wanted(state)) return state;
  }
};
const ended = async (name, input) => {
  const id = await client.scheduleNewOrchestration(name, input);
  return client.waitForOrchestrationCompletion(id, true, PATIENCE);
};
const tell = (what, value) => console.log(JSON.stringify([what, value]));
const status = (state) => sdk.OrchestrationStatus[state.runtimeStatus];

async function main() {
  Object.entries(activities).forEach(([name, code]) => worker.addNamedActivity(name, code));
  Object.entries(orchestrators).forEach(([name, code]) => worker.addNamedOrchestrator(name, code));
  worker.addNamedEntity('counter', () => new Counter());
  await worker.start();

  const id = await client.scheduleNewOrchestration('everything', { city: 'Tokyo' });
  await until(id, (state) => state.serializedCustomStatus === '{"waits":true}');
  await client.raiseOrchestrationEvent(id, 'go', { yes: true });
  const done = await client.waitForOrchestrationCompletion(id, true, PATIENCE);
  tell('everything', JSON.parse(done.serializedOutput));
  tell('entity', (await client.getEntity(new sdk.EntityInstanceId('counter', 'k'), true)).state);
  tell('again', (await ended('again', 0)).serializedOutput);
  tell('fails', (await ended('fails')).failureDetails.message);

  const waiting = await client.scheduleNewOrchestration('waits');
  await client.waitForOrchestrationStart(waiting, true, PATIENCE);
  await client.suspendOrchestration(waiting);
  tell('suspended', status(await until(waiting, (state) => status(state) === 'SUSPENDED')));
  await client.resumeOrchestration(waiting);
  tell('resumed', status(await until(waiting, (state) => status(state) === 'RUNNING')));
  await client.terminateOrchestration(waiting, 'enough');
  const over = await client.waitForOrchestrationCompletion(waiting, true, PATIENCE);
  tell('terminated', [status(over), over.serializedOutput]);
  tell('purged', (await client.purgeOrchestration(id)).deletedInstanceCount);
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
