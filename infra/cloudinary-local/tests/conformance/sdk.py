"""Drives the stand-in through Cloudinary's own Python SDK; exits non-zero at the first difference."""

import base64
import hashlib
import io
import json
import sys
import tempfile
import threading
import traceback
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cloudinary
import cloudinary.api as api
import cloudinary.exceptions
import cloudinary.search
import cloudinary.uploader as uploader
import cloudinary.utils

CONTROL = cloudinary.config().upload_prefix + "/_control"
PIXEL_BYTES = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PIXEL = "data:image/png;base64," + base64.b64encode(PIXEL_BYTES).decode()


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"got {got!r}, wanted {wanted!r}")


def refused(kind, call, text):
    try:
        call()
    except kind as error:
        if text not in str(error):
            raise AssertionError(f"got {error}, wanted {text!r} in it") from error
        return
    raise AssertionError(f"expected {kind.__name__}")


class Hooks:
    """A small server that keeps what it was sent and lets a step wait for it."""

    def __init__(self):
        self.received = []
        self.arrived = threading.Condition()
        hooks = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                with hooks.arrived:
                    hooks.received.append((dict(self.headers.items()), body, json.loads(body)))
                    hooks.arrived.notify_all()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, notification_type):
        def found():
            return [hook for hook in self.received if hook[2]["notification_type"] == notification_type]

        with self.arrived:
            if not self.arrived.wait_for(found, timeout=15):
                raise AssertionError(f"{notification_type} not received; got {self.received}")
            return found()[0]


hooks = Hooks()


def ping_usage_and_config_answer():
    pong = api.ping()
    equal(pong["status"], "ok")
    equal(pong.rate_limit_allowed, 5000)
    assert pong.rate_limit_reset_at is not None, "the reset header is a date"
    assert "resources" in api.usage()
    equal(api.config(settings=True)["settings"]["folder_mode"], "dynamic")
    assert "resource_types" in api.resource_types()


def metadata_needs_a_defined_field():
    refused(
        cloudinary.exceptions.Error,
        lambda: uploader.upload(PIXEL, public_id="py/refused", metadata={"sku": "M-1"}),
        "parameter kind",
    )
    api.add_metadata_field({"external_id": "sku", "label": "SKU", "type": "string"})
    equal(api.metadata_field_by_field_id("sku")["label"], "SKU")


def files_data_uris_and_addresses_are_uploaded():
    with tempfile.NamedTemporaryFile(suffix=".txt") as file:
        file.write(b"hello")
        file.flush()
        raw = uploader.upload(file.name, resource_type="raw", public_id="py/note.txt")
    equal((raw["bytes"], raw["etag"]), (5, hashlib.md5(b"hello").hexdigest()))
    pixel = uploader.upload(
        PIXEL,
        public_id="py/pixel",
        asset_folder="py-folder",
        display_name="Pixel",
        tags=["one", "two & three"],
        context={"alt": "a|b=c", "caption": "hi"},
        metadata={"sku": "M-1"},
    )
    equal((pixel["width"], pixel["height"], pixel["format"]), (1, 1, "png"))
    equal(pixel["tags"], ["one", "two & three"])
    equal(pixel["context"]["custom"], {"alt": "a|b=c", "caption": "hi"})
    equal(pixel["metadata"], {"sku": "M-1"})
    assert cloudinary.utils.verify_api_response_signature(pixel["public_id"], pixel["version"], pixel["signature"])
    with urllib.request.urlopen(pixel["secure_url"]) as answer:
        equal(answer.read(), PIXEL_BYTES)
    equal(uploader.upload(pixel["secure_url"], public_id="py/copy")["etag"], pixel["etag"])
    auto = uploader.upload(io.BytesIO(PIXEL_BYTES), resource_type="auto", public_id="py/auto", filename="p.png")
    equal(auto["resource_type"], "image")
    named = uploader.upload(
        io.BytesIO(PIXEL_BYTES), filename="my pic.png", use_filename=True, unique_filename=False, folder="py/in"
    )
    equal((named["public_id"], named["asset_folder"]), ("py/in/my_pic", "py/in"))


def a_large_file_is_uploaded_in_chunks():
    content = b"media" * 2_400_000
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(content)
        file.flush()
        large = uploader.upload_large(file.name, resource_type="raw", public_id="py/large.bin", chunk_size=5_000_000)
    equal((large["bytes"], large["etag"]), (len(content), hashlib.md5(content).hexdigest()))
    equal(large["public_id"], "py/large.bin")


def a_listing_is_walked_by_cursor_over_more_than_two_pages():
    seed = {"count": 25, "resource_types": ["raw"], "folder": "pylisted", "tags": ["pylisted"], "spread_seconds": 3600}
    request = urllib.request.Request(CONTROL + "/seed", json.dumps(seed).encode(), method="POST")
    urllib.request.urlopen(request).close()
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = api.resources(
            resource_type="raw", type="upload", prefix="pylisted/", max_results=10, tags=True, next_cursor=cursor
        )
        seen += page["resources"]
        cursor = page.get("next_cursor")
        pages += 1
    equal((pages, len({asset["asset_id"] for asset in seen})), (3, 25))
    equal(seen[0]["tags"], ["pylisted"])
    fields = api.resources(resource_type="raw", type="upload", prefix="pylisted/", fields=["etag", "last_updated"])
    equal(sorted(fields["resources"][0]), ["asset_id", "etag", "last_updated", "public_id"])
    refused(cloudinary.exceptions.BadRequest, lambda: api.resources(next_cursor="x"), "parameter next_cursor")


def assets_are_read_one_by_one_and_by_ids():
    one = api.resource("py/pixel", versions=True)
    equal(len(one["versions"]), 1)
    equal(api.resource_by_asset_id(one["asset_id"])["public_id"], "py/pixel")
    several = api.resources_by_asset_ids([one["asset_id"], "0" * 32], tags=True, context=True, metadata=True)
    equal([asset["metadata"] for asset in several["resources"]], [{"sku": "M-1"}])
    equal(len(api.resources_by_ids(["py/pixel", "py/none"])["resources"]), 1)
    equal(len(api.resources_by_tag("one")["resources"]), 1)
    equal(len(api.resources_by_context("caption", "hi")["resources"]), 1)
    equal(len(api.resources_by_asset_folder("py-folder")["resources"]), 1)
    refused(cloudinary.exceptions.NotFound, lambda: api.resource("py/none"), "Resource not found - py/none")


def searching_filters_sorts_and_pages():
    def search():
        return cloudinary.search.Search().expression("asset_folder:pylisted").sort_by("created_at", "asc").max_results(20)

    first = search().with_field("tags").execute()
    second = search().with_field("tags").next_cursor(first["next_cursor"]).execute()
    equal((first["total_count"], len(first["resources"]), len(second["resources"])), (25, 20, 5))
    times = [asset["created_at"] for asset in first["resources"] + second["resources"]]
    equal(times, sorted(times))
    chosen = search().fields(["etag"]).max_results(1).execute()["resources"][0]
    assert "etag" in chosen and "bytes" not in chosen, chosen


def tags_context_and_metadata_are_edited_in_bulk():
    equal(uploader.add_tag("extra", ["py/pixel", "py/copy", "py/none"])["public_ids"], ["py/pixel", "py/copy"])
    uploader.remove_tag("one", ["py/pixel"])
    equal(api.resource("py/pixel")["tags"], ["extra", "two & three"])
    uploader.replace_tag("only", ["py/copy"])
    uploader.remove_all_tags(["py/pixel"])
    equal((api.resource("py/copy")["tags"], api.resource("py/pixel").get("tags")), (["only"], None))
    uploader.add_context({"alt": "", "owner": "me"}, ["py/pixel"])
    equal(api.resource("py/pixel")["context"]["custom"], {"caption": "hi", "owner": "me"})
    uploader.remove_all_context(["py/pixel"])
    assert "context" not in api.resource("py/pixel")
    uploader.update_metadata({"sku": "M-2"}, ["py/pixel"], notification_url=hooks.url)
    equal(api.resource("py/pixel")["metadata"], {"sku": "M-2"})
    event = hooks.wait("resource_metadata_changed")[2]
    equal(event["resources"]["py/pixel"]["previous_metadata"], {"sku": "M-1"})


def explicit_update_and_rename_change_one_asset():
    equal(uploader.explicit("py/pixel", type="upload", tags=["explicit"])["tags"], ["explicit"])
    updated = api.update("py/pixel", tags=["a", "b"], context={"alt": "x"}, display_name="New", asset_folder="moved")
    equal((updated["tags"], updated["display_name"], updated["asset_folder"]), (["a", "b"], "New", "moved"))
    before = api.resource("py/copy")
    equal(uploader.rename("py/copy", "py/ünï cödé")["asset_id"], before["asset_id"])
    equal(api.resource("py/ünï cödé")["asset_id"], before["asset_id"])
    refused(
        cloudinary.exceptions.BadRequest, lambda: uploader.rename("py/pixel", "py/ünï cödé"), "already exists"
    )
    private = uploader.rename("py/ünï cödé", "py/private", to_type="private")
    equal((private["type"], private["asset_id"]), ("private", before["asset_id"]))
    equal(api.resource("py/private", type="private")["asset_id"], before["asset_id"])


def destroying_bulk_deleting_and_restoring():
    equal(uploader.destroy("py/auto", invalidate=True), {"result": "ok", **request_id(uploader.destroy("py/none"))})
    equal(api.resource("py/auto")["placeholder"], True)
    restored = api.restore(["py/auto", "py/none"])
    equal((restored["py/auto"]["bytes"], restored["py/none"]), (len(PIXEL_BYTES), {"error": "no_backup"}))
    gone = api.delete_resources(["py/auto", "py/none"])
    equal(dict(gone["deleted"]), {"py/auto": "deleted", "py/none": "not_found"})
    equal(api.restore(["py/auto"])["py/auto"]["public_id"], "py/auto")
    asset_id = api.resource("py/auto")["asset_id"]
    equal(list(api.delete_resources_by_asset_ids([asset_id])["deleted"].values()), ["deleted"])
    equal(api.restore_by_asset_ids([asset_id])[asset_id]["asset_id"], asset_id)
    equal(len(api.delete_resources_by_tag("pylisted", resource_type="raw")["deleted"]), 25)


def request_id(answer):
    """The SDK adds it to every answer; it differs each time."""
    return {key: Any() for key in answer if key == "request_id"}


class Any:
    def __eq__(self, _):
        return True

    def __repr__(self):
        return "anything"


def folders_are_created_listed_renamed_and_deleted():
    api.create_folder("pyshelf/upper")
    assert any(folder["name"] == "pyshelf" for folder in api.root_folders()["folders"])
    equal([folder["path"] for folder in api.subfolders("pyshelf")["folders"]], ["pyshelf/upper"])
    equal(api.rename_folder("pyshelf/upper", "pyshelf/lower")["to"]["path"], "pyshelf/lower")
    equal(api.delete_folder("pyshelf")["deleted"], ["pyshelf", "pyshelf/lower"])
    refused(cloudinary.exceptions.NotFound, lambda: api.subfolders("pyshelf"), "pyshelf")


def triggers_send_webhooks_that_the_sdk_verifies():
    trigger = api.create_trigger(hooks.url, "upload")
    equal([one["id"] for one in api.triggers()["triggers"]], [trigger["id"]])
    equal(api.triggers(event_type="delete")["total"], 0)
    uploaded = uploader.upload(PIXEL, public_id="py/hooked")
    headers, body, event = hooks.wait("upload")
    equal((event["asset_id"], event["signature_key"]), (uploaded["asset_id"], cloudinary.config().api_key))
    headers = {name.lower(): value for name, value in headers.items()}

    def verify(text):
        return cloudinary.utils.verify_notification_signature(
            text, int(headers["x-cld-timestamp"]), headers["x-cld-signature"]
        )

    equal((verify(body), verify(body + " ")), (True, False))
    equal(api.test_trigger(trigger["id"], {"a": 1})["filter_result"], True)
    api.update_trigger(trigger["id"], hooks.url + "/new")
    equal(api.triggers()["triggers"][0]["uri"], hooks.url + "/new")
    api.delete_trigger(trigger["id"])
    equal(api.triggers()["triggers"], [])


def wrong_secrets_are_refused():
    refused(
        cloudinary.exceptions.AuthorizationRequired,
        lambda: uploader.upload(PIXEL, api_secret="wrong", public_id="py/refused"),
        "String to sign - 'public_id=py/refused&timestamp=",
    )
    refused(cloudinary.exceptions.AuthorizationRequired, lambda: api.ping(api_secret="wrong"), "api_secret mismatch")
    signed = uploader.upload(PIXEL, public_id="py/sha256", signature_algorithm="sha256")
    equal(signed["public_id"], "py/sha256")


STEPS = [
    ping_usage_and_config_answer,
    metadata_needs_a_defined_field,
    files_data_uris_and_addresses_are_uploaded,
    a_large_file_is_uploaded_in_chunks,
    a_listing_is_walked_by_cursor_over_more_than_two_pages,
    assets_are_read_one_by_one_and_by_ids,
    searching_filters_sorts_and_pages,
    tags_context_and_metadata_are_edited_in_bulk,
    explicit_update_and_rename_change_one_asset,
    destroying_bulk_deleting_and_restoring,
    folders_are_created_listed_renamed_and_deleted,
    triggers_send_webhooks_that_the_sdk_verifies,
    wrong_secrets_are_refused,
]

for step in STEPS:
    name = step.__name__.replace("_", " ")
    try:
        step()
    except Exception:
        print(f"FAIL  {name}\n{traceback.format_exc()}")
        sys.exit(1)
    print(f"ok    {name}")
