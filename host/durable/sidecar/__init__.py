"""The gRPC service of a task hub, `TaskHubSidecarService`: what SDKs of the protobuf form and other programs ask."""
