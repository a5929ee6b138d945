"""The rules for what is deployed. Each takes the resources that are there under some parameters."""

import alarm_rules
from alarm_rules import target

NO_VALUE = {"Ref": "AWS::NoValue"}

# The property that would name a resource once for the whole account and region.
PHYSICAL_NAMES = {
    "AWS::ApiGatewayV2::Api": ["Name"],
    "AWS::CloudWatch::Alarm": ["AlarmName"],
    "AWS::CloudWatch::Dashboard": ["DashboardName"],
    "AWS::IAM::ManagedPolicy": ["ManagedPolicyName"],
    "AWS::IAM::Role": ["RoleName"],
    "AWS::Lambda::Alias": ["Name"],
    "AWS::Lambda::Function": ["FunctionName"],
    "AWS::Lambda::LayerVersion": ["LayerName"],
    "AWS::Logs::LogGroup": ["LogGroupName"],
    "AWS::S3::Bucket": ["BucketName"],
    "AWS::Scheduler::Schedule": ["Name"],
    "AWS::SNS::Topic": ["TopicName"],
    "AWS::SQS::Queue": ["QueueName"],
    "AWS::SecretsManager::Secret": ["Name"],
}

# These hold something, so what becomes of it is said.
HOLDING = ["AWS::SQS::Queue", "AWS::Logs::LogGroup"]
RETAINED = ["NotificationQueue", "NotificationDeadLetterQueue"]

# They send messages to the queue that they read.
CONTINUING = ["NotificationWorker", "OutboundWorker", "Reconcile"]

THROTTLED = ["POST /api/cloudinary/webhook", "POST /api/cloudinary/upload", "POST /api/cloudinary/sync", "$default"]


class Stack:
    """A transformed template as CloudFormation sees it when the parameters have these values."""

    def __init__(self, template, values):
        self.values = values
        self.conditions = template.get("Conditions", {})
        kept = {
            name: resource
            for name, resource in template["Resources"].items()
            if "Condition" not in resource or self.holds(resource["Condition"])
        }
        self.resources = {name: self.resolve(resource) for name, resource in kept.items()}

    def of_type(self, kind):
        for name, resource in self.resources.items():
            if resource["Type"] == kind:
                yield name, resource, resource.get("Properties", {})

    def properties(self, name):
        return self.resources.get(name, {}).get("Properties", {})

    def holds(self, condition):
        if isinstance(condition, str):
            return self.holds(self.conditions[condition])
        (operator, operands), = condition.items()
        if operator == "Condition":
            return self.holds(operands)
        if operator == "Fn::Not":
            return not self.holds(operands[0])
        if operator == "Fn::And":
            return all(self.holds(operand) for operand in operands)
        if operator == "Fn::Or":
            return any(self.holds(operand) for operand in operands)
        if operator == "Fn::Equals":
            left, right = (str(self.resolve(operand)) for operand in operands)
            return left == right
        raise ValueError(f"no condition: {condition}")

    def resolve(self, value):
        """Chooses branches, leaves out what has no value, and puts in parameters."""
        if isinstance(value, list):
            items = [self.resolve(item) for item in value]
            return [item for item in items if item != NO_VALUE]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Fn::If"}:
            condition, then, otherwise = value["Fn::If"]
            return self.resolve(then if self.holds(condition) else otherwise)
        if set(value) == {"Ref"}:
            return self.values.get(value["Ref"], value)
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item != NO_VALUE}


def listed(value):
    return value if isinstance(value, list) else [value]


def statements(properties):
    for policy in properties.get("Policies", []):
        yield from listed(policy["PolicyDocument"]["Statement"])


def no_physical_names(stack):
    for name, resource in stack.resources.items():
        for key in PHYSICAL_NAMES.get(resource["Type"], []):
            if key in resource.get("Properties", {}):
                yield name, f"has the physical name {key}: a second stack in the account would collide"


def roles_grant_the_least(stack):
    for name, _, role in stack.of_type("AWS::IAM::Role"):
        if role.get("ManagedPolicyArns"):
            yield name, "uses a managed policy: write the statements that it needs"
        for statement in statements(role):
            for resource in listed(statement.get("Resource")):
                if isinstance(resource, str) and resource.startswith("*"):
                    yield name, "allows something on every resource"
            for action in listed(statement.get("Action")):
                if not isinstance(action, str) or "*" in action:
                    yield name, f"allows {action}: name the actions"


def functions_stand_alone(stack):
    roles = {}
    for name, _, function in stack.of_type("AWS::Lambda::Function"):
        role = target(function.get("Role"))
        if role not in stack.resources:
            yield name, "has no role of this template"
        elif role in roles:
            yield name, f"shares its role with {roles[role]}"
        roles[role] = name
        logging = function.get("LoggingConfig", {})
        group = target(logging.get("LogGroup"))
        if stack.resources.get(group, {}).get("Type") != "AWS::Logs::LogGroup":
            yield name, "has no log group of this template"
            continue
        if logging.get("LogFormat") != "JSON":
            yield name, "does not log in JSON"
        if not function.get("Tags"):
            yield name, "has no tags"
        for statement in statements(stack.properties(role)):
            writes_logs = any(action.startswith("logs:") for action in listed(statement["Action"]))
            if writes_logs and [target(it) for it in listed(statement["Resource"])] != [group]:
                yield name, "may write other logs than its own"


def logs_end(stack):
    for name, _, group in stack.of_type("AWS::Logs::LogGroup"):
        if not group.get("RetentionInDays"):
            yield name, "keeps logs for ever"


def queues_are_closed(stack):
    closed = set()
    for _, _, policy in stack.of_type("AWS::SQS::QueuePolicy"):
        for statement in listed(policy["PolicyDocument"]["Statement"]):
            secure = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
            if statement["Effect"] == "Deny" and str(secure).lower() == "false" and statement["Action"] == "sqs:*":
                closed.update(target(queue) for queue in policy["Queues"])
    sources = {}
    for name, _, queue in stack.of_type("AWS::SQS::Queue"):
        dead = target(queue.get("RedrivePolicy", {}).get("deadLetterTargetArn"))
        if dead:
            sources.setdefault(dead, []).append(name)
    for name, _, queue in stack.of_type("AWS::SQS::Queue"):
        if not queue.get("SqsManagedSseEnabled") and not queue.get("KmsMasterKeyId"):
            yield name, "is not encrypted"
        if name not in closed:
            yield name, "can be reached without TLS"
        if "RedrivePolicy" not in queue and len(sources.get(name, [])) != 1:
            yield name, "is neither a queue with dead letters nor the dead letters of exactly one"


def mappings_are_bounded(stack):
    for name, _, mapping in stack.of_type("AWS::Lambda::EventSourceMapping"):
        most = mapping.get("ScalingConfig", {}).get("MaximumConcurrency", 0)
        if int(most) < 2:
            yield name, "has no MaximumConcurrency of 2 or more"
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield name, "does not report failures message by message"
        function, queue = target(mapping["FunctionName"]), target(mapping["EventSourceArn"])
        timeout = int(stack.properties(function).get("Timeout", 3))
        least = 6 * timeout + int(mapping.get("MaximumBatchingWindowInSeconds", 0))
        visibility = stack.properties(queue).get("VisibilityTimeout", 30)
        if not isinstance(visibility, int) or visibility < least:
            yield queue, f"hides a message for {visibility} s: six times the timeout of {function} are {least} s"


def concurrency_is_not_taken(stack):
    asked = {"Webhook"} if int(stack.values.get("WebhookConcurrency", 0)) else set()
    for name, _, function in stack.of_type("AWS::Lambda::Function"):
        if "ReservedConcurrentExecutions" in function and name not in asked:
            yield name, "reserves concurrency that nobody asked for: new accounts have none to give"


def loops_are_meant(stack):
    for name, _, function in stack.of_type("AWS::Lambda::Function"):
        allowed = function.get("RecursiveLoop") == "Allow"
        if allowed != (name in CONTINUING):
            word = "allows a loop" if allowed else "is ended by Lambda when it goes on by itself"
            yield name, f"{word}: RecursiveLoop is for {', '.join(CONTINUING)}"


def ends_are_stated(stack):
    for name, resource in stack.resources.items():
        if resource["Type"] not in HOLDING:
            continue
        deletion, replacement = resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")
        # RetainExceptOnCreate: a stack that could not be made leaves nothing behind.
        expected = ("RetainExceptOnCreate", "Retain") if name in RETAINED else ("Delete", "Delete")
        if (deletion, replacement) != expected:
            yield name, f"has other policies for its end than {' and '.join(expected)}"


def the_api_is_throttled_and_logged(stack):
    for name, _, stage in stack.of_type("AWS::ApiGatewayV2::Stage"):
        routes = stage.get("RouteSettings", {})
        for route in THROTTLED:
            if not routes.get(route, {}).get("ThrottlingRateLimit"):
                yield name, f"does not throttle {route}"
        if not stage.get("DefaultRouteSettings", {}).get("ThrottlingRateLimit"):
            yield name, "does not throttle other routes"
        access = stage.get("AccessLogSettings", {})
        if not target(access.get("DestinationArn")) or not str(access.get("Format", "")).startswith("{"):
            yield name, "keeps no access log in JSON"


def alarms_ring(stack):
    told = {"AlarmEmail", "AlarmTopicArn"} & {name for name, value in stack.values.items() if value}
    for name, _, alarm in stack.of_type("AWS::CloudWatch::Alarm"):
        for actions in ("AlarmActions", "OKActions"):
            if len(alarm.get(actions, [])) != len(told):
                yield name, f"does not tell everybody who was named: {actions}"


def schedules_have_a_role(stack):
    for name, _, schedule in stack.of_type("AWS::Scheduler::Schedule"):
        if target(schedule["Target"].get("RoleArn")) not in stack.resources:
            yield name, "has no role of this template"


RULES = [
    no_physical_names,
    roles_grant_the_least,
    functions_stand_alone,
    logs_end,
    queues_are_closed,
    mappings_are_bounded,
    concurrency_is_not_taken,
    loops_are_meant,
    ends_are_stated,
    the_api_is_throttled_and_logged,
    alarms_ring,
    schedules_have_a_role,
    *alarm_rules.RULES,
]


def offences(template, values):
    """`resource: rule` for each offence under these parameter values."""
    stack = Stack(template, values)
    for rule in RULES:
        for resource, offence in rule(stack):
            yield f"{resource}: {offence}"
