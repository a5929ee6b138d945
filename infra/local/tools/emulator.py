"""Starts the AWS emulator, reading in what the first deployment needs while the caller prepares it.

  emulator.py HOST:PORT
"""

import asyncio
import importlib
import os
import sys
import threading
import time

from hypercorn.asyncio import serve
from hypercorn.config import Config


def read_in():
    """The services of the template; each would be read in by its first request. SAM's translator is large, and few
    stacks need it."""
    names = ["cloudformation", "lambda_svc", "apigateway", "sqs", "s3", "secretsmanager", "iam", "cloudwatch"]
    for module in [f"ministack.services.{name}" for name in names]:
        try:
            importlib.import_module(module)
        except ImportError as error:
            print(f"not read in: {module}: {error}", file=sys.stderr)


def read_numbers():
    """Makes numbers of the parameters that a mapping refers to, as CloudFormation does."""
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]

    def reading(handler):
        def handle(*arguments, **named):
            for properties in [*arguments, *named.values()]:
                scaling = properties.get("ScalingConfig") if isinstance(properties, dict) else None
                if scaling and "MaximumConcurrency" in scaling:
                    scaling["MaximumConcurrency"] = int(scaling["MaximumConcurrency"])
            return handler(*arguments, **named)

        return handle

    for step in ["create", "update"]:
        handlers[step] = reading(handlers[step])


def reserve_copies():
    """Reserves the copies of a function that a template asks for, and refuses what leaves too few to the others, as
    Lambda does."""
    from ministack.services import lambda_svc
    from ministack.services.cloudformation import provisioners

    kept = 100
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]

    def reserving(handler):
        def handle(*arguments, **named):
            # Of an update, the new properties come last.
            properties = [one for one in [*arguments, *named.values()] if isinstance(one, dict)][-1]
            wanted = properties.get("ReservedConcurrentExecutions")
            wanted = None if wanted is None else int(wanted)
            others = [one for name, one in lambda_svc._functions.items() if name not in arguments]
            free = lambda_svc._ACCOUNT_CONCURRENCY_CAP - sum(int(one.get("concurrency") or 0) for one in others)
            if wanted and free - wanted < kept:
                raise ValueError(
                    "Specified ReservedConcurrentExecutions for function decreases account's "
                    f"UnreservedConcurrentExecution below its minimum value of [{kept}]."
                )
            name, attributes = handler(*arguments, **named)
            lambda_svc._functions[name]["concurrency"] = wanted
            return name, attributes

        return handle

    for step in ["create", "update"]:
        handlers[step] = reserving(handlers[step])


def name_batches():
    """Asks for the permission that AWS asks for: its queues know no action for batches."""
    from ministack.core import iam_actions

    extract = iam_actions.extract_iam_action

    def extract_iam_action(*arguments, **named):
        action = extract(*arguments, **named)
        if isinstance(action, str) and action.startswith("sqs:"):
            return action.removesuffix("Batch")
        return action

    iam_actions.extract_iam_action = extract_iam_action


def leave_mail_unconfirmed():
    """Lists subscriptions as AWS does: one by mail is pending until somebody follows the link in it, which nobody can
    here."""
    from ministack.services import sns

    listed = sns._list_subscriptions_by_topic

    def list_subscriptions_by_topic(params):
        status, headers, body = listed(params)
        topic, _ = sns._get_topic(sns._p(params, "TopicArn"))
        for one in topic["subscriptions"] if topic else []:
            if one["protocol"].startswith("email") or not one["confirmed"]:
                body = body.replace(f"<SubscriptionArn>{one['arn']}<".encode(), b"<SubscriptionArn>PendingConfirmation<")
        return status, headers, body

    sns._list_subscriptions_by_topic = list_subscriptions_by_topic


def hold_messages_back():
    """Holds a message back no longer than SQS does. In a queue with the tag `hurry` so many seconds
    of a delay pass in one."""
    from ministack.services import sqs

    send = sqs._act_send_message

    def send_message(data, url):
        delay = data.get("DelaySeconds")
        if delay is not None and not 0 <= int(delay) <= 900:
            raise sqs._Err(
                "InvalidParameterValue",
                f"Value {delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
            )
        answer = send(data, url)
        queue = sqs._get_q(data.get("QueueUrl", url))
        hurry = float(queue.get("tags", {}).get("hurry", 1))
        if hurry != 1:
            now = time.time()
            for message in queue["messages"]:
                if message["id"] == answer["MessageId"] and message["visible_at"] > now:
                    message["visible_at"] = now + (message["visible_at"] - now) / hurry
        return answer

    sqs._act_send_message = send_message
    sqs._HANDLERS["SendMessage"] = send_message


def count_every_call():
    """Counts the errors and durations of every call of a function, whatever calls it: the emulator counts those of Invoke
    alone, and their throttles twice."""
    from ministack.services import cloudwatch, lambda_svc

    execute = lambda_svc._execute_function_dispatch

    def count(function, metric, value, unit="Count"):
        cloudwatch.record_metric("AWS/Lambda", metric, value, unit, {"FunctionName": function})

    def execute_function_dispatch(func, config, event, request_id, started):
        result = execute(func, config, event, request_id, started)
        function = config.get("FunctionName", "unknown")
        count(function, "Invocations", 1)
        count(function, "Errors", 1 if isinstance(result, dict) and result.get("error") else 0)
        count(function, "Duration", (time.time() - started) * 1000, "Milliseconds")
        return result

    def emit_lambda_metrics(function_name, duration_ms, error, throttle):
        if throttle and not duration_ms:
            count(function_name, "Throttles", 1)

    lambda_svc._execute_function_dispatch = execute_function_dispatch
    lambda_svc._emit_lambda_metrics = emit_lambda_metrics


def measure_queues():
    """Measures the queues when somebody asks for a number of theirs. AWS does so every minute; the emulator never does."""
    from ministack.services import cloudwatch, sqs

    statistics = cloudwatch._get_metric_statistics

    def measure():
        now = time.time()
        for queue in sqs._queues.values():
            dimension = {"QueueName": queue["name"]}
            visible = [message for message in queue["messages"] if message["visible_at"] <= now]
            oldest = min((message["sent_at"] for message in queue["messages"]), default=now)
            for metric, value, unit in [
                ("ApproximateNumberOfMessagesVisible", len(visible), "Count"),
                ("ApproximateAgeOfOldestMessage", now - oldest, "Seconds"),
            ]:
                cloudwatch.record_metric("AWS/SQS", metric, value, unit, dimension)

    def get_metric_statistics(params, data, *kind):
        if (data.get("Namespace") or params.get("Namespace")) == "AWS/SQS":
            measure()
        return statistics(params, data, *kind)

    cloudwatch._get_metric_statistics = get_metric_statistics


def over_tls(app):
    """Says of every request that it came encrypted. None did: nothing leaves this machine. But the queues' policies
    refuse what was not."""

    async def answer(scope, receive, send):
        if scope["type"] == "http":
            scope = {**scope, "scheme": "https"}
        await app(scope, receive, send)

    return answer


def main():
    config = Config()
    config.bind = [sys.argv[1]]
    # The limit of an AWS account that has been used for a while; by default it goes by the memory of this machine.
    os.environ.setdefault("LAMBDA_ACCOUNT_CONCURRENCY", "1000")
    from ministack.app import app

    read_numbers()
    reserve_copies()
    name_batches()
    leave_mail_unconfirmed()
    hold_messages_back()
    count_every_call()
    measure_queues()
    threading.Thread(target=read_in, daemon=True).start()
    asyncio.run(serve(over_tls(app), config))


main()
