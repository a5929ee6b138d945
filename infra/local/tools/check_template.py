"""Holds the template to the rules of docs/design/deployment.md, and to cfn-lint's.

  check_template.py TEMPLATE

Looks at what CloudFormation gets: the template after SAM's transform, once as the parameters' defaults have it and
once with every optional parameter set. Prints `resource: rule` for each offence and then fails.
"""

import json
import os
import sys
from pathlib import Path

import template_rules
from cfnlint.api import ManualArgs, lint
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

REGION = "us-east-1"
ACCOUNT = "123456789012"

# What turns every condition on. Other parameters keep their defaults.
EVERYTHING = {
    "AlarmEmail": "someone@example.com",
    "AlarmTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms",
    "CertificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1",
    "ConfigKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1",
    "CorsOrigins": "https://a.example",
    "DomainName": "media.example.com",
    "NotificationSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:notification",
    "QueueKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/2",
    "ReadingSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:reading",
    "WebhookAddress": "https://proxy.example/hook",
    "WebhookConcurrency": 20,
    "WorkerSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:worker",
}
REQUIRED = {"ConfigSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:config"}

# Rules of cfn-lint-serverless that do not fit here.
NOT_WANTED = [
    "ES1001",  # a mapping's failures go where its queue's RedrivePolicy says
    "ES6000",  # dead-letter queues have no dead-letter queues
    "WS1000",  # tracing needs a permission on every resource
    "WS1002",  # the webhook has two doors
    "WS1004",  # knows log groups by their names only; our own rule knows them by reference
]


class NoManagedPolicies:
    """SAM looks managed policies up by name. None may be needed."""

    def load(self):
        return {}


def load(path):
    return yaml_parse(Path(path).read_text(encoding="utf-8"))


def transformed(source):
    """What CloudFormation gets, with an S3 address in the place of each folder."""
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    source = json.loads(json.dumps(source))
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    return json.loads(json.dumps(transform(source, {}, NoManagedPolicies())))


def variants(template):
    """Parameter values under which the template is looked at."""
    defaults = {name: it["Default"] for name, it in template["Parameters"].items() if "Default" in it}
    yield "by default", {**defaults, **REQUIRED}
    yield "with everything", {**defaults, **REQUIRED, **EVERYTHING}


def lint_errors(template):
    arguments = ManualArgs(regions=[REGION], append_rules=["cfn_lint_serverless.rules"], ignore_checks=NOT_WANTED)
    for match in lint(json.dumps(template), config=arguments):
        path = match.path or []
        where = path[1] if len(path) > 1 else "template"
        yield f"{where}: cfn-lint {match.rule.id}: {match.message}"


def offences(template):
    """Every offence of a transformed template, each once."""
    found = []
    for name, values in variants(template):
        for offence in template_rules.offences(template, values):
            if not any(offence in earlier for earlier in found):
                found.append(f"{offence} ({name})")
    return found + sorted(set(lint_errors(template)))


def main():
    found = offences(transformed(load(sys.argv[1])))
    for offence in found:
        print(offence, file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
