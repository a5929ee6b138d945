"""Breaks the template on purpose: each rule has to notice, and to say where.

  template_rules_test.py TEMPLATE
"""

import copy
import json
import sys
import unittest
from pathlib import Path

import check_template
from samcli.cli.types import CfnParameterOverridesType

TEMPLATE = check_template.transformed(check_template.load(sys.argv.pop()))
EVERYTHING = dict(check_template.variants(TEMPLATE))["with everything"]
ANYTHING = {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": "*"}


def properties(template, name):
    return template["Resources"][name]["Properties"]


def statements(template, role):
    return properties(template, role)["Policies"][0]["PolicyDocument"]["Statement"]


def put(name, **changes):
    def change(template):
        properties(template, name).update(changes)

    return change


def take(name, key):
    def change(template):
        del properties(template, name)[key]

    return change


def end(name, **policies):
    def change(template):
        template["Resources"][name].update(policies)

    return change


def of(dimension, resource):
    return [{"Name": dimension, "Value": {"Ref": resource}}]


def alarm(name, **changes):
    """Another one, like ParkedAlarm but for its name."""

    def change(template):
        template["Resources"][name] = copy.deepcopy(template["Resources"]["ParkedAlarm"])
        properties(template, name).update(changes)

    return change


def show(namespace, metric):
    """A dashboard with one metric."""
    key = "function_name" if namespace == "media-sync" else "FunctionName"
    body = {"widgets": [{"properties": {"metrics": [[namespace, metric, key, "${Webhook}"]]}}]}
    return put("Dashboard", DashboardBody={"Fn::Sub": json.dumps(body)})


DESCRIBED = "Owner: operator. Something is wrong. docs/operate/alarms.md#{}"

# Resource, the words of the offence, and how to commit it.
OFFENCES = [
    ("Webhook", "physical name", put("Webhook", FunctionName="webhook")),
    ("NotificationQueue", "physical name", put("NotificationQueue", QueueName="notifications")),
    ("MaintenanceDrain", "physical name", put("MaintenanceDrain", Name="drain")),
    ("AuditLogs", "physical name", put("AuditLogs", LogGroupName="audit")),
    ("AuditRole", "managed policy", put("AuditRole", ManagedPolicyArns=["arn:aws:iam::aws:policy/X"])),
    ("AuditRole", "every resource", lambda template: statements(template, "AuditRole").append(ANYTHING)),
    ("AuditRole", "name the actions", lambda template: statements(template, "AuditRole")[0].update(Action="logs:*")),
    ("AuditRole", "managed policy", put("AuditRole", ManagedPolicyArns={"Fn::If": ["HasDomain", ["x"], []]})),
    ("Audit", "shares its role", put("Audit", Role={"Fn::GetAtt": ["MediaListRole", "Arn"]})),
    ("Audit", "no log group", take("Audit", "LoggingConfig")),
    ("Audit", "no tags", take("Audit", "Tags")),
    (
        "Audit",
        "other logs",
        lambda template: statements(template, "AuditRole")[0].update(Resource={"Fn::GetAtt": ["HealthLogs", "Arn"]}),
    ),
    ("AuditLogs", "for ever", take("AuditLogs", "RetentionInDays")),
    ("OutboundQueue", "not encrypted", put("OutboundQueue", SqsManagedSseEnabled=False, KmsMasterKeyId="")),
    ("OutboundQueue", "without TLS", put("OutboundQueuePolicy", Queues=[])),
    ("OutboundDeadLetterQueue", "exactly one", put("OutboundQueue", RedrivePolicy={})),
    ("OutboundWorkerIntents", "MaximumConcurrency", take("OutboundWorkerIntents", "ScalingConfig")),
    ("OutboundWorkerIntents", "message by message", take("OutboundWorkerIntents", "FunctionResponseTypes")),
    ("OutboundQueue", "six times", put("OutboundQueue", VisibilityTimeout=120)),
    ("ReconcileQueue", "six times", put("Reconcile", Timeout=61)),
    ("Audit", "reserves concurrency", put("Audit", ReservedConcurrentExecutions=1)),
    ("Webhook", "reserves concurrency", put("Webhook", ReservedConcurrentExecutions={"Ref": "WebhookConcurrency"})),
    ("Reconcile", "ended by Lambda", take("Reconcile", "RecursiveLoop")),
    ("Audit", "allows a loop", put("Audit", RecursiveLoop="Allow")),
    ("NotificationQueue", "its end", end("NotificationQueue", DeletionPolicy="Delete")),
    ("AuditLogs", "its end", end("AuditLogs", UpdateReplacePolicy="Retain")),
    ("ApiApiGatewayDefaultStage", "POST /api/cloudinary/webhook", put("ApiApiGatewayDefaultStage", RouteSettings={})),
    ("ApiApiGatewayDefaultStage", "other routes", take("ApiApiGatewayDefaultStage", "DefaultRouteSettings")),
    ("ApiApiGatewayDefaultStage", "access log", take("ApiApiGatewayDefaultStage", "AccessLogSettings")),
    ("ReconcileErrorAlarm", "OKActions", take("ReconcileErrorAlarm", "OKActions")),
    ("AuditAlarm", "no heading", alarm("AuditAlarm", AlarmDescription=DESCRIBED.format("auditalarm"))),
    ("ParkedAlarm", "no alarm", lambda template: template["Resources"].pop("ParkedAlarm")),
    ("notifications_parked", "rings no alarm", lambda template: template["Resources"].pop("ParkedAlarm")),
    ("ParkedAlarm", "silence", take("ParkedAlarm", "TreatMissingData")),
    ("ParkedAlarm", "owner and its page", put("ParkedAlarm", AlarmDescription="Somebody should look.")),
    ("ParkedAlarm", "owner and its page", put("ParkedAlarm", AlarmDescription=DESCRIBED.format("webhookerroralarm"))),
    ("ParkedAlarm", "another owner", put("ParkedAlarm", AlarmDescription=DESCRIBED.format("parkedalarm"))),
    ("ParkedAlarm", "no function writes", put("ParkedAlarm", MetricName="notifications_praked")),
    ("ParkedAlarm", "does not write it", put("ParkedAlarm", Dimensions=of("function_name", "Webhook"))),
    ("ParkedAlarm", "of no function", put("ParkedAlarm", Dimensions=of("FunctionName", "NotificationWorker"))),
    (
        "ParkedAlarm",
        "by reason",
        put("ParkedAlarm", Dimensions=[*of("function_name", "NotificationWorker"), {"Name": "reason", "Value": "x"}]),
    ),
    ("ApiErrorAlarm", "nobody has reviewed", put("ApiErrorAlarm", MetricName="5XXError")),
    ("ApiErrorAlarm", "other dimensions", put("ApiErrorAlarm", Dimensions=of("ApiName", "Api"))),
    ("WebhookErrorAlarm", "other dimensions", put("WebhookErrorAlarm", Dimensions=of("FunctionName", "OutboundQueue"))),
    ("OutboundQueue", "ApproximateAge", lambda template: template["Resources"].pop("OutboundQueueAgeAlarm")),
    ("Maintenance", "Throttles", lambda template: template["Resources"].pop("MaintenanceThrottleAlarm")),
    ("Reconcile", "RecursiveInvocationsDropped", lambda template: template["Resources"].pop("ReconcileLoopAlarm")),
    ("WebhookDurationAlarm", "of a timeout", put("Webhook", Timeout=16)),
    ("Dashboard", "no function writes", show("media-sync", "notifications_acepted")),
    ("Dashboard", "does not show cold_starts", show("AWS/Lambda", "Errors")),
    ("template", "no dashboard", lambda template: template["Resources"].pop("Dashboard")),
    ("MaintenanceDrain", "no role", lambda template: properties(template, "MaintenanceDrain")["Target"].pop("RoleArn")),
]


class Rules(unittest.TestCase):
    def test_every_offence_is_named_with_its_resource(self):
        for resource, words, change in OFFENCES:
            with self.subTest(resource=resource, words=words):
                template = copy.deepcopy(TEMPLATE)
                change(template)
                found = [offence for _, values in check_template.variants(template)
                         for offence in check_template.template_rules.offences(template, values)]
                hits = [it for it in found if it.startswith(f"{resource}: ") and words in it]
                self.assertTrue(hits, found)

    def test_every_condition_is_looked_at_both_ways(self):
        by_default = check_template.template_rules.Stack(TEMPLATE, dict(check_template.variants(TEMPLATE))["by default"])
        with_everything = check_template.template_rules.Stack(TEMPLATE, EVERYTHING)
        for condition in TEMPLATE["Conditions"]:
            self.assertFalse(by_default.holds(condition), condition)
            self.assertTrue(with_everything.holds(condition), condition)

    def test_the_example_of_parameters_means_what_it_says(self):
        example = Path(check_template.__file__).parents[2] / "parameters.example.yaml"
        values = CfnParameterOverridesType().convert(("Architecture=arm64", f"file://{example}"), None, None)
        self.assertLessEqual(set(values), set(TEMPLATE["Parameters"]))
        self.assertEqual(values["ReconcileSchedule"], "rate(5 minutes)")
        self.assertEqual(values["FullReconcileSchedule"], "cron(15 3 * * ? *)")
        self.assertEqual(values["CorsOrigins"], "https://a.example,https://b.example")

    def test_cfn_lint_knows_the_serverless_rules(self):
        template = copy.deepcopy(TEMPLATE)
        del properties(template, "ApiApiGatewayDefaultStage")["AccessLogSettings"]
        errors = list(check_template.lint_errors(template))
        self.assertTrue(any("ApiApiGatewayDefaultStage: cfn-lint ES2000" in error for error in errors), errors)


if __name__ == "__main__":
    unittest.main()
