"""The rules for what is watched: alarms, their pages, and the dashboard.

What an alarm or a widget may look at is either in AWS_METRICS below, which was reviewed against AWS's documentation,
or in the table of docs/operate/metrics.md, which a test makes from the metrics that the functions write.
"""

import json
import re
from functools import cache
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs" / "operate"

OURS = "media-sync"

# Namespace and metric: its dimension, and the type of resource that the dimension names.
QUEUE = ("QueueName", "AWS::SQS::Queue")
FUNCTION = ("FunctionName", "AWS::Lambda::Function")
API = ("ApiId", "AWS::ApiGatewayV2::Api")
AWS_METRICS = {
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): QUEUE,
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): QUEUE,
    ("AWS/Lambda", "Duration"): FUNCTION,
    ("AWS/Lambda", "Errors"): FUNCTION,
    ("AWS/Lambda", "RecursiveInvocationsDropped"): FUNCTION,
    ("AWS/Lambda", "Throttles"): FUNCTION,
    ("AWS/ApiGateway", "4xx"): API,
    ("AWS/ApiGateway", "5xx"): API,
    ("AWS/ApiGateway", "Count"): API,
    ("AWS/ApiGateway", "Latency"): API,
}

# Nobody waits for an answer of theirs who would notice.
UNATTENDED = ["Webhook", "NotificationWorker", "OutboundWorker", "Reconcile", "Maintenance"]

# Of our own metrics these are for the dashboard alone.
SHOWN_ONLY = [
    "audit_trail_bytes",
    "cold_starts",
    "messages_returned",
    "notifications_accepted",
    "quota_remaining",
    "triggers_of_other_stacks",
    "triggers_repaired",
]

DESCRIPTION = re.compile(
    r"Owner: (operator|developer|Cloudinary administrator)\. .+[.] docs/operate/alarms\.md#([a-z0-9]+)$"
)


@cache
def our_metrics():
    """Name to (services that write it, whether it is kept by reason)."""
    table = re.findall(
        r"^\| `(\w+)`(, by `reason`)? \| \w+ \| ([\w, ]+) \|",
        (DOCS / "metrics.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return {name: (services.split(", "), bool(by_reason)) for name, by_reason, services in table}


@cache
def pages():
    """Heading to owner of each alarm's part of the page."""
    text = (DOCS / "alarms.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^### (\w+)\n\n\*\*Owner:\*\* ([\w ]+)\.", text, re.MULTILINE))


def service_of(function):
    """A function's folder, which is its name in the logs: NotificationWorker is notification_worker."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", function).lower()


def target(value):
    """The logical id that a Ref or a GetAtt leads to."""
    if isinstance(value, dict):
        attribute = value.get("Ref") or value.get("Fn::GetAtt")
        if isinstance(attribute, str):
            return attribute.split(".")[0]
        return attribute[0] if attribute else None
    return None


def unknown(stack, namespace, metric, dimensions):
    """What is wrong with a metric that is looked at, if anything."""
    if namespace == OURS:
        return unknown_of_ours(stack, metric, dict(dimensions))
    if (namespace, metric) not in AWS_METRICS:
        return f"looks at {namespace} {metric}, which nobody has reviewed"
    dimension, kind = AWS_METRICS[namespace, metric]
    names = [name for name, _ in dimensions]
    resources = [stack.resources.get(target(value), {}).get("Type") for _, value in dimensions]
    if names != [dimension] or resources != [kind]:
        return f"looks at {namespace} {metric} by other dimensions than {dimension} of a {kind}"
    return None


def unknown_of_ours(stack, metric, dimensions):
    if metric not in our_metrics():
        return f"looks at {metric}, which no function writes"
    services, by_reason = our_metrics()[metric]
    function = target(dimensions.pop("function_name", None))
    if stack.resources.get(function, {}).get("Type") != "AWS::Lambda::Function":
        return f"looks at {metric} of no function"
    if services != ["all"] and service_of(function) not in services:
        return f"looks at {metric} of {function}, which does not write it"
    if set(dimensions) - ({"reason"} if by_reason else set()):
        return f"looks at {metric} by {', '.join(dimensions)}, which it does not have"
    return None


def alarms(stack):
    return [(name, properties) for name, _, properties in stack.of_type("AWS::CloudWatch::Alarm")]


def looked_at(alarm):
    dimensions = [(it["Name"], it["Value"]) for it in alarm.get("Dimensions", [])]
    return alarm.get("Namespace"), alarm.get("MetricName"), dimensions


def alarms_look_at_something(stack):
    for name, alarm in alarms(stack):
        offence = unknown(stack, *looked_at(alarm))
        if offence:
            yield name, offence
        if alarm.get("TreatMissingData") not in ["breaching", "notBreaching"]:
            yield name, "does not say what silence means: TreatMissingData"


def alarms_have_an_owner_and_a_page(stack):
    for name, alarm in alarms(stack):
        described = DESCRIPTION.match(str(alarm.get("AlarmDescription", "")))
        if not described or described[2] != name.lower():
            yield name, "does not name its owner and its page in its description"
        elif name not in pages():
            yield name, "has no heading in docs/operate/alarms.md"
        elif pages()[name] != described[1]:
            yield name, f"belongs to another owner than docs/operate/alarms.md says: {pages()[name]}"
    for heading in pages():
        if heading not in dict(alarms(stack)):
            yield heading, "has a heading in docs/operate/alarms.md and is no alarm"


def everything_is_watched(stack):
    watched = {}
    for _, alarm in alarms(stack):
        _, metric, dimensions = looked_at(alarm)
        watched.setdefault(metric, set()).update(target(value) for _, value in dimensions)
    wanted = [("Errors", name) for name in UNATTENDED] + [("Throttles", name) for name in UNATTENDED]
    for name, _, queue in stack.of_type("AWS::SQS::Queue"):
        is_source = "RedrivePolicy" in queue
        wanted.append(("ApproximateAgeOfOldestMessage" if is_source else "ApproximateNumberOfMessagesVisible", name))
    for name, _, function in stack.of_type("AWS::Lambda::Function"):
        if function.get("RecursiveLoop") == "Allow":
            wanted.append(("RecursiveInvocationsDropped", name))
    for metric, name in wanted:
        if name not in watched.get(metric, set()):
            yield name, f"has no alarm for {metric}"
    for metric in our_metrics():
        if metric not in SHOWN_ONLY and metric not in watched:
            yield metric, "is written and rings no alarm"


def slow_is_below_the_timeout(stack):
    for name, alarm in alarms(stack):
        _, metric, dimensions = looked_at(alarm)
        if metric == "Duration":
            timeout = int(stack.properties(target(dimensions[0][1])).get("Timeout", 3)) * 1000
            if not 0.75 * timeout <= int(alarm["Threshold"]) < timeout:
                yield name, f"rings at {alarm['Threshold']} ms of a timeout of {timeout} ms"


def widgets(dashboard):
    """The metrics of a dashboard, its references still in place. An abbreviated row repeats nothing here."""
    body = dashboard["DashboardBody"]
    text = body["Fn::Sub"] if isinstance(body, dict) else body
    for widget in json.loads(text)["widgets"]:
        for row in widget["properties"]["metrics"]:
            yield [it for it in row if isinstance(it, str)]


def reference(text):
    """What `${Queue.QueueName}` leads to."""
    named = re.fullmatch(r"\$\{(\w+)(\.\w+)?\}", text)
    return {"Ref": named[1]} if named else text


def the_dashboard_shows_something(stack):
    dashboards = list(stack.of_type("AWS::CloudWatch::Dashboard"))
    if not dashboards:
        yield "template", "has no dashboard"
    shown = set()
    for name, _, dashboard in dashboards:
        for namespace, metric, *rest in widgets(dashboard):
            shown.add(metric)
            dimensions = [(key, reference(value)) for key, value in zip(rest[::2], rest[1::2])]
            offence = unknown(stack, namespace, metric, dimensions)
            if offence:
                yield name, offence
        for metric in our_metrics():
            if metric not in shown:
                yield name, f"does not show {metric}"


RULES = [
    alarms_look_at_something,
    alarms_have_an_owner_and_a_page,
    everything_is_watched,
    slow_is_below_the_timeout,
    the_dashboard_shows_something,
]
