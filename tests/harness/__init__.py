"""What the whole-system tests stand on: servers to start, clients to talk with, a ledger to judge by."""
