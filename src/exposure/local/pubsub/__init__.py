"""A Pub/Sub server for one machine: the real gRPC protocol, real delivery semantics, durable on disk.

The official clients work against it unchanged. It builds the part of Pub/Sub this platform uses and
refuses the rest with UNIMPLEMENTED and a sentence. Semantics: https://cloud.google.com/pubsub/docs.
"""
