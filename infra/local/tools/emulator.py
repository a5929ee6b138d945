"""Starts the AWS emulator, reading in what the first deployment needs while the caller prepares it.

  emulator.py HOST:PORT
"""

import asyncio
import importlib
import sys
import threading

from hypercorn.asyncio import serve
from hypercorn.config import Config


def read_in():
    """The SAM translator and the services of the template; each would be read in by its first request."""
    names = ["cloudformation", "lambda_svc", "apigateway", "sqs", "s3", "secretsmanager", "iam", "cloudwatch"]
    modules = [f"ministack.services.{name}" for name in names]
    for module in ["samtranslator.translator.transform", *modules]:
        try:
            importlib.import_module(module)
        except ImportError as error:
            print(f"not read in: {module}: {error}", file=sys.stderr)


def main():
    config = Config()
    config.bind = [sys.argv[1]]
    from ministack.app import app

    threading.Thread(target=read_in, daemon=True).start()
    asyncio.run(serve(app, config))


main()
