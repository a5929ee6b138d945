"""The helpers that the suite imports as `test.helper_test`, written anew: its source distribution leaves them out.

Nothing here retries or waits: the stand-in answers for a change as soon as it is acknowledged.
"""

import contextlib
import json
import os
import random
import re
import unittest
from datetime import timedelta, tzinfo
from unittest import mock
from urllib.parse import parse_qsl, urlparse

from urllib3 import HTTPResponse
from urllib3._collections import HTTPHeaderDict

from cloudinary import api
from cloudinary.exceptions import NotFound
from test import files

patch = mock.patch

FOLDER = os.environ["SDK_SUITE_FILES"]
REMOTE_TEST_IMAGE = os.environ["SDK_SUITE_REMOTE"] + "/logo.png"
TEST_IMAGE = os.path.join(FOLDER, "logo.png")
TEST_IMAGE_SIZE = os.path.getsize(TEST_IMAGE)
TEST_UNICODE_IMAGE = os.path.join(FOLDER, "üni_näme_lögö.png")
TEST_ICON = os.path.join(FOLDER, "favicon.ico")
TEST_DOC = os.path.join(FOLDER, "docx.docx")

SUFFIX = random.randint(10000, 99999)
TEST_TAG = "pycloudinary_test"
UNIQUE_TAG = "{}_{}".format(TEST_TAG, SUFFIX)
UNIQUE_TEST_ID = UNIQUE_SUB_ACCOUNT_ID = UNIQUE_TAG
TEST_FOLDER = "test_folder"
UNIQUE_TEST_FOLDER = UNIQUE_TAG + TEST_FOLDER

EVAL_STR = 'if (resource_info["width"] < 450) { upload_options["quality_analysis"] = true }'
ON_SUCCESS_STR = 'current_asset.update({tags: ["autocaption"]});'
MOCK_REQUEST_ID = "0123456789abcdef0123456789abcdef"
URLLIB3_REQUEST = "urllib3._request_methods.RequestMethods.request"


# --- What a replaced request was called with -------------------------------------------------------


def get_method(mocker):
    return _called(mocker)["method"]


def get_uri(mocker):
    return urlparse(_called(mocker)["url"]).path


def get_headers(mocker):
    return _called(mocker)["headers"]


def get_json_body(mocker):
    return json.loads(_called(mocker)["body"])


def get_params(mocker):
    called = _called(mocker)
    if called["method"].upper() == "GET":
        return _grouped(parse_qsl(urlparse(called["url"]).query, keep_blank_values=True))
    if called["headers"].get("Content-Type") == "application/json":
        return get_json_body(mocker)
    fields = called.get("fields") or {}
    return _grouped(fields.items() if isinstance(fields, dict) else fields)


def get_param(mocker, name):
    return get_params(mocker).get(name)


get_list_param = get_param


def _called(mocker):
    return mocker.call_args[1]


def _grouped(pairs):
    """`name[]` and `name[0]` stand for the items of a list."""
    grouped = {}
    for key, value in pairs:
        item = re.match(r"(.*)\[\d*]$", key)
        if item:
            grouped.setdefault(item.group(1), []).append(value)
        else:
            grouped[key] = value
    return grouped


# --- Answers that stand for the service's ----------------------------------------------------------


def http_response_mock(body="", headers=None, status=200):
    return HTTPResponse(body.encode(), HTTPHeaderDict(headers or {}), status=status)


def api_response_mock(body='{"foo":"bar"}'):
    limits = {"limit": "0", "reset": "Sat, 01 Apr 2017 22:00:00 GMT", "remaining": "0"}
    return http_response_mock(body, {"x-featureratelimit-" + key: value for key, value in limits.items()})


def uploader_response_mock():
    return http_response_mock('{"foo":"bar"}')


# --- Files and clocks ------------------------------------------------------------------------------


def populate_large_file(file_io, size, chunk_size=4096):
    """A bitmap of 1400 by 1400 pixels, padded to `size` bytes."""
    header = files.bitmap_header(1400, 1400, size)
    file_io.write(header + b"\xff" * (size - len(header)))
    file_io.flush()
    file_io.seek(0)


class UTC(tzinfo):
    def utcoffset(self, _):
        return timedelta(0)

    def tzname(self, _):
        return "UTC"

    def dst(self, _):
        return timedelta(0)


# --- The course of a test --------------------------------------------------------------------------


class CldTestCase(unittest.TestCase):
    def assertObjectContainsSubset(self, whole, part):
        self.assertEqual(whole, {**whole, **part})


def retry_assertion(num_tries=1, delay=0):
    return lambda function: function


@contextlib.contextmanager
def ignore_exception(error_classes=(Exception,), suppress_traceback_classes=()):
    with contextlib.suppress(error_classes):
        yield


def cleanup_test_resources_by_tag(tags):
    for tag, *options in tags:
        api.delete_resources_by_tag(tag, **(options[0] if options else {}))


def cleanup_test_resources(names):
    for public_ids, *options in names:
        # Kinds of delivery that the stand-in does not have are among them.
        with contextlib.suppress(NotFound):
            api.delete_resources(public_ids, **(options[0] if options else {}))


def cleanup_test_transformation(_):
    """Derived files go with the stand-in."""
