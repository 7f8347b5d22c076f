"""The gRPC service of a task hub, asked by durabletask: its client, and its worker with real user code."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from durabletask import client, entities, task, worker
from durabletask.internal import orchestrator_service_pb2 as dt
from durabletask.internal.orchestrator_service_pb2_grpc import TaskHubSidecarServiceStub

from fnhost.clock import SYSTEM_CLOCK
from fnhost.host.durable.client import DurableClient, WrongHub
from fnhost.host.durable.runtime.engine import EngineSettings
from fnhost.host.durable.sidecar.server import sidecar
from tests.support.engines import HUBS, PATIENCE, Functions, Served, hub_settings, made, serving

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Programs:
    """A task hub that serves whatever programs come, and where they dial."""

    served: Served
    address: str

    @contextmanager
    def running(self, *functions: Callable[..., Any], **limits: Any) -> Iterator[worker.TaskHubGrpcWorker]:
        """A program with these functions; the first letter of their names says what they are."""
        with worker.TaskHubGrpcWorker(host_address=self.address, **limits) as program:
            adders = {"o": program.add_orchestrator, "a": program.add_activity, "e": program.add_entity}
            for function in functions:
                adders[function.__name__[0]](function)
            program.start()
            yield program

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[client.AsyncTaskHubGrpcClient]:
        async with client.AsyncTaskHubGrpcClient(host_address=self.address) as asked:
            yield asked

    @asynccontextmanager
    async def stub(self) -> AsyncIterator[Any]:
        async with grpc.aio.insecure_channel(self.address) as channel:
            yield TaskHubSidecarServiceStub(channel)

    async def ended(self, orchestrator: Any, **given: Any) -> client.OrchestrationState:
        async with self.asking() as asked:
            instance = await asked.schedule_new_orchestration(orchestrator, **given)
            state = await asked.wait_for_orchestration_completion(instance, timeout=int(PATIENCE))
            assert state
            return state


@pytest.fixture
async def programs() -> AsyncIterator[Programs]:
    async with serving_programs(EngineSettings(takes_any_name=True), Functions()) as found:
        yield found


@asynccontextmanager
async def serving_programs(settings: EngineSettings, functions: Functions) -> AsyncIterator[Programs]:
    async with made(HUBS["memory"](None, Path())(hub_settings())) as hub:  # type: ignore[arg-type]
        async with serving(hub, functions, settings) as served:

            @asynccontextmanager
            async def using(named: str) -> AsyncIterator[DurableClient]:
                if named == "another":
                    raise WrongHub(named, "ours")
                yield served.client

            async with sidecar(using, SYSTEM_CLOCK, 0) as port:
                yield Programs(served, f"localhost:{port}")


def a_echo(context: task.ActivityContext, given: Any) -> Any:
    return given


def a_fail(context: task.ActivityContext, given: Any) -> Any:
    raise ValueError(f"no {given}")


def o_echo(context: task.OrchestrationContext, given: Any) -> Any:
    result: Any = yield context.call_activity(a_echo, input=given)
    return result


def o_fail(context: task.OrchestrationContext, given: Any) -> Any:
    yield context.call_activity(a_fail, input=given)


def e_counter(context: entities.EntityContext, given: Any) -> Any:
    if context.operation == "fail":
        raise ValueError("broken")
    count: int = context.get_state(int, 0) + (given or 0)
    context.set_state(count)
    return count


async def test_activities_in_turn_and_beside_each_other(programs: Programs) -> None:
    def o_fan(context: task.OrchestrationContext, given: list[int]) -> Any:
        context.set_custom_status({"begun": True})
        first = yield context.call_activity(a_echo, input="first")
        rest = yield task.when_all([context.call_activity(a_echo, input=each) for each in given])
        return [first, *rest]

    with programs.running(o_fan, a_echo):
        state = await programs.ended(o_fan, input=[1, {"two": None}, "three"])
    assert state.runtime_status is client.OrchestrationStatus.COMPLETED
    assert state.serialized_output == '["first", 1, {"two": null}, "three"]'
    assert state.serialized_custom_status == '{"begun": true}'


async def test_a_failure_keeps_its_parts_on_its_way_up(programs: Programs) -> None:
    def o_parent(context: task.OrchestrationContext, given: Any) -> Any:
        yield context.call_sub_orchestrator(o_fail, input=given)

    with programs.running(o_parent, o_fail, a_fail):
        state = await programs.ended(o_parent, input="x")
    assert state.runtime_status is client.OrchestrationStatus.FAILED and state.failure_details
    assert "no x" in state.failure_details.message and state.failure_details.error_type.endswith("TaskFailedError")
    row = await programs.served.client.expect(state.instance_id)
    assert row.output == f"{state.failure_details.error_type}: {state.failure_details.message}"
    history = await programs.served.history(state.instance_id)
    failed = [event.failure_details for event in history if hasattr(event, "failure_details")]
    assert all(each and each.stack_trace for each in failed) and len(failed) == 2


async def test_retries_go_on_under_the_id_of_the_first_try(programs: Programs) -> None:
    tries: list[int] = []

    def a_flaky(context: task.ActivityContext, given: Any) -> int:
        tries.append(context.task_id)
        if len(tries) < 3:
            raise ValueError("again")
        return len(tries)

    def o_retried(context: task.OrchestrationContext, given: Any) -> Any:
        policy = task.RetryPolicy(first_retry_interval=timedelta(milliseconds=10), max_number_of_attempts=3)
        result = yield context.call_activity(a_flaky, retry_policy=policy)
        return result

    with programs.running(o_retried, a_flaky):
        state = await programs.ended(o_retried)
    assert state.serialized_output == "3" and len(set(tries)) == 1


async def test_a_child_is_tried_again_under_its_id(programs: Programs) -> None:
    begun: list[str] = []

    def o_child(context: task.OrchestrationContext, given: Any) -> Any:
        if not context.is_replaying:
            begun.append(context.instance_id)
        if len(begun) < 2:
            raise ValueError("again")
        return "done"

    def o_parent(context: task.OrchestrationContext, given: Any) -> Any:
        policy = task.RetryPolicy(first_retry_interval=timedelta(milliseconds=10), max_number_of_attempts=3)
        result = yield context.call_sub_orchestrator(o_child, instance_id=given, retry_policy=policy)
        return result

    with programs.running(o_parent, o_child):
        state = await programs.ended(o_parent, input="the-child")
    assert state.serialized_output == '"done"' and begun == ["the-child", "the-child"]


async def test_events_timers_and_continue_as_new(programs: Programs) -> None:
    def o_collect(context: task.OrchestrationContext, found: list[str]) -> Any:
        if len(found) == 2:
            yield context.create_timer(timedelta(milliseconds=10))
            return found
        context.continue_as_new([*found, (yield context.wait_for_external_event("item"))], save_events=True)

    with programs.running(o_collect):
        async with programs.asking() as asked:
            instance = await asked.schedule_new_orchestration(o_collect, input=[], tags={"team": "blue"})
            for item in ("a", "b"):
                await asked.raise_orchestration_event(instance, "item", data=item)
            state = await asked.wait_for_orchestration_completion(instance, timeout=int(PATIENCE))
    assert state and state.serialized_output == '["a", "b"]'
    assert (await programs.served.client.expect(instance)).tags == {"team": "blue"}


async def test_an_orchestration_may_start_later_and_wait_for_its_program(programs: Programs) -> None:
    async with programs.asking() as asked:
        soon = datetime.now(UTC) + timedelta(milliseconds=300)
        instance = await asked.schedule_new_orchestration(o_echo, input=1, start_at=soon)
        state = await asked.get_orchestration_state(instance)
        assert state and state.runtime_status is client.OrchestrationStatus.PENDING
        with programs.running(o_echo, a_echo):
            begun = await asked.wait_for_orchestration_start(instance, timeout=int(PATIENCE))
            ended = await asked.wait_for_orchestration_completion(instance, timeout=int(PATIENCE))
    assert begun and ended and ended.serialized_output == "1"
    assert (await programs.served.history(instance))[0].timestamp >= soon.strftime("%Y-%m-%dT%H:%M:%S.%f")


async def test_entities_are_signalled_called_locked_and_listed(programs: Programs) -> None:
    a, b = entities.EntityInstanceId("e_counter", "A"), entities.EntityInstanceId("e_counter", "B")

    def o_counting(context: task.OrchestrationContext, given: Any) -> Any:
        context.signal_entity(a, "add", 2)
        found = [(yield context.call_entity(a, "add", 1))]
        try:
            yield context.call_entity(a, "fail")
        except task.TaskFailedError as error:
            found.append(error.details.message)
        with (yield context.lock_entities([a, b])):
            found.append((yield context.call_entity(b, "add", 10)))
        return found

    with programs.running(o_counting, e_counter):
        state = await programs.ended(o_counting)
        async with programs.asking() as asked:
            await asked.signal_entity(b, "add", 5)
            await programs.served.until("@e_counter@B", lambda row: '"15"' in (row.input or ""))
            read = await asked.get_entity(b)
            gone = await asked.get_entity(entities.EntityInstanceId("e_counter", "C"))
            listed = await asked.get_all_entities(client.EntityQuery(instance_id_starts_with="@E_Counter@"))
    assert (
        state.serialized_output and state.serialized_output.startswith("[3, ") and "broken" in state.serialized_output
    )
    assert state.serialized_output.endswith(", 10]")
    assert read and read.get_state(int) == 15 and gone is None
    assert [str(each.id) for each in listed] == ["@e_counter@A", "@e_counter@B"]


async def test_what_a_program_leaves_undone_goes_to_the_next(programs: Programs) -> None:
    async with programs.asking() as asked, programs.stub() as stub:
        stream = stub.GetWorkItems(dt.GetWorkItemsRequest())
        instance = await asked.schedule_new_orchestration(o_echo, input=1)
        first = await stream.read()
        await stub.AbandonTaskOrchestratorWorkItem(
            dt.AbandonOrchestrationTaskRequest(completionToken=first.completionToken)
        )
        again = await stream.read()
        assert first.orchestratorRequest.instanceId == again.orchestratorRequest.instanceId == instance
        assert first.completionToken != again.completionToken
        stream.cancel()
        with programs.running(o_echo, a_echo):
            late = dt.OrchestratorResponse(instanceId=instance, completionToken=again.completionToken)
            await stub.CompleteOrchestratorTask(late)  # it has left: nobody listens to its answer
            state = await asked.wait_for_orchestration_completion(instance, timeout=int(PATIENCE))
    assert state and state.serialized_output == "1"


async def test_a_stream_takes_the_names_of_its_filter_alone(programs: Programs) -> None:
    async with programs.asking() as asked, programs.stub() as stub:
        filters = dt.WorkItemFilters(orchestrations=[dt.OrchestrationFilter(name="wanted", versions=["2"])])
        stream = stub.GetWorkItems(dt.GetWorkItemsRequest(workItemFilters=filters))
        await asked.schedule_new_orchestration("other")
        await asked.schedule_new_orchestration("wanted", version="1")
        last = await asked.schedule_new_orchestration("wanted", version="2")
        item = await stream.read()
        assert item.orchestratorRequest.instanceId == last
        stream.cancel()


CALLS: tuple[tuple[str, Any, grpc.StatusCode, str], ...] = (
    ("GetInstance", dt.GetInstanceRequest(), grpc.StatusCode.INVALID_ARGUMENT, "id of the instance is missing"),
    ("StartInstance", dt.CreateInstanceRequest(), grpc.StatusCode.INVALID_ARGUMENT, "name of the orchestrator"),
    (
        "StartInstance",
        dt.CreateInstanceRequest(name="o_echo", instanceId="@x"),
        grpc.StatusCode.INVALID_ARGUMENT,
        "must not start with @",
    ),
    (
        "StartInstance",
        dt.CreateInstanceRequest(name="o_echo", instanceId="waits"),
        grpc.StatusCode.ALREADY_EXISTS,
        "already exists",
    ),
    ("RaiseEvent", dt.RaiseEventRequest(instanceId="gone", name="x"), grpc.StatusCode.NOT_FOUND, "gone"),
    ("TerminateInstance", dt.TerminateRequest(instanceId="gone"), grpc.StatusCode.NOT_FOUND, "gone"),
    ("ResumeInstance", dt.ResumeRequest(instanceId="waits"), grpc.StatusCode.FAILED_PRECONDITION, "Pending state"),
    ("RewindInstance", dt.RewindInstanceRequest(instanceId="waits"), grpc.StatusCode.FAILED_PRECONDITION, "Failed"),
    ("RestartInstance", dt.RestartInstanceRequest(instanceId="waits"), grpc.StatusCode.FAILED_PRECONDITION, "Pending"),
    ("PurgeInstances", dt.PurgeInstancesRequest(), grpc.StatusCode.INVALID_ARGUMENT, "what to purge"),
    ("SignalEntity", dt.SignalEntityRequest(instanceId="x"), grpc.StatusCode.INVALID_ARGUMENT, "like @name@key"),
    (
        "QueryInstances",
        dt.QueryInstancesRequest(query=dt.InstanceQuery(continuationToken={"value": "?"})),
        grpc.StatusCode.INVALID_ARGUMENT,
        "continuation token",
    ),
    (
        "StartInstance",
        dt.CreateInstanceRequest(
            name="x", orchestrationIdReusePolicy=dt.OrchestrationIdReusePolicy(replaceableStatus=[99])
        ),
        grpc.StatusCode.INVALID_ARGUMENT,
        "no status of the number 99",
    ),
    (
        "QueryInstances",
        dt.QueryInstancesRequest(query=dt.InstanceQuery(runtimeStatus=[99])),
        grpc.StatusCode.INVALID_ARGUMENT,
        "no status of the number 99",
    ),
    ("ListInstanceIds", dt.ListInstanceIdsRequest(runtimeStatus=[99]), grpc.StatusCode.INVALID_ARGUMENT, "number 99"),
    *(
        (method, request, grpc.StatusCode.INVALID_ARGUMENT, "id of the instance is missing")
        for method, request in (
            ("RaiseEvent", dt.RaiseEventRequest(name="x")),
            ("TerminateInstance", dt.TerminateRequest()),
            ("SuspendInstance", dt.SuspendRequest()),
            ("ResumeInstance", dt.ResumeRequest()),
            ("RewindInstance", dt.RewindInstanceRequest()),
            ("RestartInstance", dt.RestartInstanceRequest()),
            ("WaitForInstanceStart", dt.GetInstanceRequest()),
            ("WaitForInstanceCompletion", dt.GetInstanceRequest()),
        )
    ),
    ("DeleteTaskHub", dt.DeleteTaskHubRequest(), grpc.StatusCode.FAILED_PRECONDITION, "developer's data"),
)


async def test_errors_have_codes_and_sentences(programs: Programs) -> None:
    async with programs.stub() as stub:
        await stub.StartInstance(dt.CreateInstanceRequest(name="o_echo", instanceId="waits"))
        for method, request, code, text in CALLS:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await getattr(stub, method)(request)
            assert (refused.value.code(), text in (refused.value.details() or "")) == (code, True), refused.value
        for key in ("taskhub", "Durable-TaskHub"):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.GetInstance(dt.GetInstanceRequest(instanceId="x"), metadata=[(key.lower(), "another")])
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        with pytest.raises(grpc.aio.AioRpcError) as late:
            await stub.WaitForInstanceStart(dt.GetInstanceRequest(instanceId="waits"), timeout=0.2)
        assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_page_without_a_size_is_the_usual_one(programs: Programs) -> None:
    """A negative one too."""
    with programs.running(o_echo, a_echo):
        for name in ("one", "two"):
            await programs.ended(o_echo, input=1, instance_id=name)
    async with programs.stub() as stub:
        for size in (0, -1):
            ended = await stub.ListInstanceIds(dt.ListInstanceIdsRequest(pageSize=size))
            found = await stub.QueryInstances(dt.QueryInstancesRequest(query=dt.InstanceQuery(maxInstanceCount=size)))
            assert sorted(ended.instanceIds) == sorted(each.instanceId for each in found.orchestrationState)
            assert len(ended.instanceIds) == 2
        running = dt.ListInstanceIdsRequest(runtimeStatus=[dt.ORCHESTRATION_STATUS_RUNNING])
        assert not (await stub.ListInstanceIds(running)).instanceIds


async def test_answers_count_once_and_those_to_nothing_are_passed_over(programs: Programs) -> None:
    done = dt.CompleteOrchestrationAction(orchestrationStatus=dt.ORCHESTRATION_STATUS_COMPLETED)
    async with programs.stub() as stub:
        limits = dict.fromkeys(("maxConcurrentOrchestrationWorkItems", "maxConcurrentActivityWorkItems"), -1)
        stream = stub.GetWorkItems(dt.GetWorkItemsRequest(**limits))
        await stub.StartInstance(dt.CreateInstanceRequest(name="any", instanceId="one"))
        first = await asyncio.wait_for(stream.read(), PATIENCE)
        call = dt.OrchestratorAction(id=0, scheduleTask=dt.ScheduleTaskAction(name="say"))
        scheduled = dt.OrchestratorResponse(instanceId="one", completionToken=first.completionToken, actions=[call])
        for answer in (dt.OrchestratorResponse(completionToken="of nothing"), scheduled, scheduled):
            await stub.CompleteOrchestratorTask(answer)
        activity = await asyncio.wait_for(stream.read(), PATIENCE)
        for token, said in (("", "0"), (activity.completionToken, "1"), (activity.completionToken, "2")):
            await stub.CompleteActivityTask(dt.ActivityResponse(completionToken=token, result={"value": said}))
        again = await asyncio.wait_for(stream.read(), PATIENCE)
        results = [each.taskCompleted.result.value for each in again.orchestratorRequest.newEvents]
        assert [each for each in results if each] == ["1"]
        await stub.CompleteEntityTask(dt.EntityBatchResult(completionToken="of nothing"))
        await stub.CompleteOrchestratorTask(
            dt.OrchestratorResponse(
                completionToken=again.completionToken,
                actions=[dt.OrchestratorAction(id=1, completeOrchestration=done)],
            )
        )
        ended = await stub.WaitForInstanceCompletion(dt.GetInstanceRequest(instanceId="one"), timeout=PATIENCE)
        assert ended.orchestrationState.orchestrationStatus == dt.ORCHESTRATION_STATUS_COMPLETED
        stream.cancel()


@pytest.mark.parametrize("result", ["", "no json", '{"a": 1}'])
async def test_a_result_is_handed_on_as_it_came(programs: Programs, result: str) -> None:
    """An activity in JavaScript that returns nothing answers with an empty text."""
    call = dt.OrchestratorAction(id=0, scheduleTask=dt.ScheduleTaskAction(name="say"))
    async with programs.stub() as stub:
        stream = stub.GetWorkItems(dt.GetWorkItemsRequest())
        await stub.StartInstance(dt.CreateInstanceRequest(name="any", instanceId="one"))
        first = await asyncio.wait_for(stream.read(), PATIENCE)
        await stub.CompleteOrchestratorTask(
            dt.OrchestratorResponse(completionToken=first.completionToken, actions=[call])
        )
        activity = await asyncio.wait_for(stream.read(), PATIENCE)
        await stub.CompleteActivityTask(
            dt.ActivityResponse(completionToken=activity.completionToken, result={"value": result})
        )
        again = (await asyncio.wait_for(stream.read(), PATIENCE)).orchestratorRequest
        completed = [each.taskCompleted.result for each in again.newEvents if each.HasField("taskCompleted")]
        assert [each.value for each in completed] == [result]
        stream.cancel()


async def test_nonsense_from_a_program_fails_its_instance_and_no_other(programs: Programs) -> None:
    nonsense = {
        "unset": dt.OrchestratorAction(id=0),
        "no-end": dt.OrchestratorAction(
            id=0,
            completeOrchestration=dt.CompleteOrchestrationAction(orchestrationStatus=dt.ORCHESTRATION_STATUS_RUNNING),
        ),
        "no-status": dt.OrchestratorAction(
            id=0, completeOrchestration=dt.CompleteOrchestrationAction(orchestrationStatus=99)
        ),
        "no-entity": dt.OrchestratorAction(id=0, sendEntityMessage=dt.SendEntityMessageAction()),
    }
    async with programs.stub() as stub:
        stream = stub.GetWorkItems(dt.GetWorkItemsRequest())
        for name, action in nonsense.items():
            await stub.StartInstance(dt.CreateInstanceRequest(name="any", instanceId=name))
            item = await asyncio.wait_for(stream.read(), PATIENCE)
            answer = dt.OrchestratorResponse(completionToken=item.completionToken, actions=[action])
            await stub.CompleteOrchestratorTask(answer)
            asked = dt.GetInstanceRequest(instanceId=name, getInputsAndOutputs=True)
            state = (await stub.WaitForInstanceCompletion(asked, timeout=PATIENCE)).orchestrationState
            assert state.orchestrationStatus == dt.ORCHESTRATION_STATUS_FAILED
            assert state.failureDetails.errorMessage.startswith("Orchestrator function 'any' failed: the orchestrator")
        stream.cancel()


@pytest.mark.parametrize("at", [{"seconds": -99_999_999_999_999}, {"nanos": -5}, {}])
async def test_a_timer_of_an_impossible_time_fires_at_once(programs: Programs, at: dict[str, int]) -> None:
    async with programs.stub() as stub:
        stream = stub.GetWorkItems(dt.GetWorkItemsRequest())
        await stub.StartInstance(dt.CreateInstanceRequest(name="any", instanceId="one"))
        item = await asyncio.wait_for(stream.read(), PATIENCE)
        timer = dt.OrchestratorAction(id=0, createTimer=dt.CreateTimerAction(fireAt=at))
        await stub.CompleteOrchestratorTask(
            dt.OrchestratorResponse(completionToken=item.completionToken, actions=[timer])
        )
        fired = await asyncio.wait_for(stream.read(), PATIENCE)
        assert [each.timerFired.timerId for each in fired.orchestratorRequest.newEvents if each.HasField("timerFired")]
        stream.cancel()


async def test_instances_are_listed_streamed_restarted_and_purged_with_their_children(programs: Programs) -> None:
    def o_parent(context: task.OrchestrationContext, given: Any) -> Any:
        yield context.call_sub_orchestrator(o_echo, input=given, instance_id=f"{context.instance_id}-child")
        return given

    with programs.running(o_parent, o_echo, a_echo):
        for name in ("one", "two"):
            await programs.ended(o_parent, input=name, instance_id=name)
        async with programs.asking() as asked:
            first = await asked.list_instance_ids(page_size=3)
            assert len(first.items) == 3 and first.continuation_token
            rest = await asked.list_instance_ids(page_size=3, continuation_token=first.continuation_token)
            assert {*first.items, *rest.items} == {"one", "one-child", "two", "two-child"}
            history = await asked.get_orchestration_history("one")
            assert type(history[1]).__name__ == "ExecutionStartedEvent" and history[1].input == '"one"'
            again = await asked.restart_orchestration("one", restart_with_new_instance_id=True)
            state = await asked.wait_for_orchestration_completion(again, timeout=int(PATIENCE))
            assert state and state.serialized_output == '"one"' and again != "one"
            purged = await asked.purge_orchestration("one", recursive=True)
            assert purged.deleted_instance_count == 2 and await asked.get_orchestration_state("one-child") is None
            assert (await asked.purge_orchestration("one")).deleted_instance_count == 0


@pytest.mark.parametrize("is_scheduler", [True, False])
async def test_what_has_ended_may_be_terminated_on_a_scheduler_alone(is_scheduler: bool) -> None:
    """SDKs terminate what they are about to purge; with an app the answer is the platform's."""
    functions = Functions({"Quick": lambda context: 1})
    async with serving_programs(EngineSettings(takes_any_name=is_scheduler), functions) as programs:
        ended = await programs.served.run("Quick")
        async with programs.stub() as stub:
            terminate = stub.TerminateInstance(dt.TerminateRequest(instanceId=ended.id))
            if is_scheduler:
                await terminate
            else:
                with pytest.raises(grpc.aio.AioRpcError, match="instance is in the Completed state"):
                    await terminate
        assert await programs.served.client.find(ended.id) == ended


async def test_a_termination_reaches_the_children(programs: Programs) -> None:
    def o_waits(context: task.OrchestrationContext, given: Any) -> Any:
        yield context.wait_for_external_event("never")

    def o_parent(context: task.OrchestrationContext, given: Any) -> Any:
        yield context.call_sub_orchestrator(o_waits, instance_id="the-child")

    with programs.running(o_parent, o_waits):
        async with programs.asking() as asked:
            instance = await asked.schedule_new_orchestration(o_parent)
            await asked.wait_for_orchestration_start("the-child", timeout=int(PATIENCE))
            await asked.terminate_orchestration(instance, output="enough", recursive=True)
            ends = [
                await asked.wait_for_orchestration_completion(each, timeout=int(PATIENCE))
                for each in (instance, "the-child")
            ]
    assert [each and (each.runtime_status.name, each.serialized_output) for each in ends] == [
        ("TERMINATED", '"enough"'),
    ] * 2


async def test_both_families_of_loopback_answer(programs: Programs) -> None:
    port = programs.address.rpartition(":")[2]
    for host in ("127.0.0.1", "[::1]"):
        async with grpc.aio.insecure_channel(f"{host}:{port}") as channel:
            found = await TaskHubSidecarServiceStub(channel).GetInstance(dt.GetInstanceRequest(instanceId="x"))
            assert not found.exists


async def test_large_payloads_pass(programs: Programs) -> None:
    text = "x" * (16 * 1024 * 1024)
    options: Any = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(programs.address, options) as channel:
        stub = TaskHubSidecarServiceStub(channel)
        await stub.StartInstance(dt.CreateInstanceRequest(name="any", instanceId="big", input={"value": f'"{text}"'}))
        stream = stub.GetWorkItems(dt.GetWorkItemsRequest())
        item = await asyncio.wait_for(stream.read(), PATIENCE)
        started = item.orchestratorRequest.newEvents[1].executionStarted
        assert len(started.input.value) == len(text) + 2
        stream.cancel()
