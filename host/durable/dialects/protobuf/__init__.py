"""The protobuf form: azure-functions-durable 2.x, durabletask, Java, .NET isolated. It needs the extra `fnhost[grpc]`.

A payload is the base64 of a message of `fnhost.host.rpc.durabletask_pb2`.
"""
