"""The embedded platform: everything the cloud does, on loopback, in one process."""
