//! Messages between functions, and the SQS queues that carry them.
