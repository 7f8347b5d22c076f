"""The keys of host.json, so that one that nobody reads is noticed (platform/settings.md 2).

The platform ignores unknown keys, and so does this host. It says so, since most of them are typing errors.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from fnhost.bindings.registry import binding_types
from fnhost.bindings.spelling import did_you_mean

Keys: TypeAlias = Mapping[str, "Keys"]
"""Known names, each with those below it. An empty mapping: anything may stand below."""


def _names(text: str) -> dict[str, Keys]:
    return {name: {} for name in text.split()}


DURABLE: Keys = {
    **_names("hubName defaultVersion versionMatchStrategy versionFailureStrategy maxConcurrentActivityFunctions"),
    **_names("maxConcurrentOrchestratorFunctions maxConcurrentEntityFunctions maxEntityOperationBatchSize"),
    **_names("maxOrchestrationActions extendedSessionsEnabled extendedSessionIdleTimeoutInSeconds"),
    **_names("overridableExistingInstanceStates entityMessageReorderWindowInMinutes useGracefulShutdown"),
    **_names("rollbackEntityOperationsOnExceptions throwStatusExceptionsOnRaiseEvent useAppLease"),
    **_names("storeInputsInOrchestrationHistory localRpcEndpointEnabled maxGrpcMessageSizeInBytes"),
    **_names("grpcHttpClientTimeout"),
    "appLeaseOptions": _names("renewInterval acquireInterval leaseInterval"),
    "httpSettings": _names("defaultAsyncRequestSleepTimeMilliseconds useForwardedHost"),
    "tracing": _names(
        "traceInputsAndOutputs traceReplayEvents allowVerboseLinuxTelemetry distributedTracingEnabled "
        "distributedTracingProtocol version"
    ),
    "notifications": {
        "eventGrid": _names(
            "topicEndpoint keySettingName publishRetryCount publishRetryInterval publishRetryHttpStatus "
            "publishEventTypes"
        )
    },
    "storageProvider": {},
}
STORAGE_PROVIDER: Keys = _names(
    "type path connectionName connectionStringName trackingStoreConnectionName trackingStoreConnectionStringName "
    "trackingStoreNamePrefix partitionCount controlQueueBatchSize controlQueueBufferThreshold "
    "controlQueueVisibilityTimeout workItemQueueVisibilityTimeout maxQueuePollingInterval "
    "fetchLargeMessagesAutomatically useLegacyPartitionManagement useTablePartitionManagement "
    "queueClientMessageEncoding allowReplayingTerminalInstances"
)
"""Of the providers that this host has; those of others are not known here."""
EXTENSIONS: Keys = {
    "http": {
        **_names("routePrefix maxConcurrentRequests maxOutstandingRequests dynamicThrottlesEnabled customHeaders"),
        "hsts": _names("isEnabled maxAge includeSubDomains preload excludedHosts"),
    },
    "queues": _names(
        "batchSize newBatchThreshold maxPollingInterval maxDequeueCount visibilityTimeout messageEncoding"
    ),
    "blobs": _names("maxDegreeOfParallelism poisonBlobThreshold"),
    "durableTask": DURABLE,
    "fnhost": _names("unservedOutputs"),
    **_names("tables cosmosDB eventHubs serviceBus signalR sendGrid kafka warmup rabbitMQ twilioSms eventGrid sql"),
    **_names("mysql kusto mcp openai redis webPubSub dapr azureMonitor"),
}
KEYS: Keys = {
    **_names("$schema version functionTimeout functions watchDirectories watchFiles sendCanceledInvocationsToWorker"),
    **_names("telemetryMode metadataProviderTimeout id customHandler httpWorker"),
    "retry": _names("strategy maxRetryCount delayInterval minimumInterval maximumInterval"),
    "logging": {
        "logLevel": {},
        "console": _names("isEnabled disableColors"),
        **_names("fileLoggingMode applicationInsights debugMode"),
    },
    "extensions": EXTENSIONS,
    "extensionBundle": _names("id version downloadPath ensureLatest"),
    "singleton": _names(
        "lockPeriod listenerLockPeriod listenerLockRecoveryPollingInterval lockAcquisitionTimeout "
        "lockAcquisitionPollingInterval"
    ),
    "aggregator": _names("batchSize flushTimeout"),
    "healthMonitor": _names("enabled healthCheckInterval healthCheckWindow healthCheckThreshold counterThreshold"),
    "concurrency": _names("dynamicConcurrencyEnabled snapshotPersistenceEnabled"),
    "managedDependency": _names("enabled"),
    "languageWorkers": {},
}
VERSION_1 = {"http": "http", "queues": "queues", "servicebus": "serviceBus", "eventhub": "eventHubs"}
"""Sections that stood at the top in version 1, in lower case, and where they stand now."""


def key_warnings(document: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each key that nothing reads."""
    yield from _unknown(document, KEYS, "")


def _unknown(section: Mapping[str, Any], known: Keys, place: str) -> Iterator[str]:
    by_lower = {name.lower(): name for name in known}
    for key, value in section.items():
        name = by_lower.get(key.lower())
        if name is None:
            yield _sentence(key, known, place)
        elif isinstance(value, dict) and (below := _below(name, value, known[name], place)):
            yield from _unknown(value, below, f"{place}/{key}")


def _below(name: str, value: Mapping[str, Any], known: Keys, place: str) -> Keys:
    if name == "extensions":
        return {**_names(" ".join(type.settings for type in binding_types() if type.settings)), **known}
    if name == "storageProvider":
        kind = next((str(each).lower() for key, each in value.items() if key.lower() == "type"), "azurestorage")
        return STORAGE_PROVIDER if kind in ("azurestorage", "sqlite") else {}
    return known


def _sentence(key: str, known: Keys, place: str) -> str:
    if not place and key.lower() in VERSION_1:
        return f"host.json#/{key} has no effect: since version 2.0 it stands in extensions.{VERSION_1[key.lower()]}."
    hint = did_you_mean(key, known)
    return f"host.json#{place}/{key} is not known and has no effect.{' ' + hint if hint else ''}"
