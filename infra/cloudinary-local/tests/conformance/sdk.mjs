// Drives the stand-in through Cloudinary's own Node.js SDK; exits non-zero at the first difference.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(join(process.env.SDK_FOLDER, "load.cjs"));
const { v2: cloudinary } = require("cloudinary");
const { api, uploader } = cloudinary;
const control = `${cloudinary.config().upload_prefix}/_control`;

const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const folder = mkdtempSync(join(tmpdir(), "sdk-"));

const md5 = (bytes) => createHash("md5").update(bytes).digest("hex");
const failure = (promise) =>
  promise.then(
    () => assert.fail("expected a failure"),
    (error) => error.error ?? error,
  );

// A small server that keeps what it was sent and lets a step wait for it.
const hooks = [];
const waiting = [];
const listener = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    response.writeHead(200).end();
    const body = Buffer.concat(chunks).toString("utf8");
    hooks.push({ headers: request.headers, body, event: JSON.parse(body) });
    waiting.splice(0).forEach((wake) => wake());
  });
});
await new Promise((ready) => listener.listen(0, "127.0.0.1", ready));
const hook = `http://127.0.0.1:${listener.address().port}/hook`;

async function received(matches) {
  const deadline = AbortSignal.timeout(15_000);
  for (;;) {
    const found = hooks.find(({ event }) => matches(event));
    if (found) return found;
    await new Promise((wake, fail) => {
      waiting.push(wake);
      deadline.addEventListener("abort", () => fail(new Error(`not received; got ${JSON.stringify(hooks)}`)));
    });
  }
}

const steps = {
  async "ping, usage, config and resource types answer"() {
    const pong = await api.ping();
    assert.equal(pong.status, "ok");
    assert.equal(typeof pong.rate_limit_remaining, "number");
    assert.ok(pong.rate_limit_reset_at > new Date(), "the quota is renewed in the future");
    assert.equal(typeof (await api.usage()).resources, "number");
    assert.equal((await api.config({ settings: true })).settings.folder_mode, "dynamic");
    assert.ok(Array.isArray((await api.resource_types()).resource_types));
  },

  async "metadata needs a defined field"() {
    const refused = await failure(uploader.upload(PIXEL, { public_id: "js/refused", metadata: { sku: "M-1" } }));
    assert.match(refused.message, /parameter kind/);
    await api.add_metadata_field({ external_id: "sku", label: "SKU", type: "string" });
    const values = ["red", "blue"].map((colour) => ({ external_id: colour, value: colour.toUpperCase() }));
    await api.add_metadata_field({ external_id: "colours", label: "Colours", type: "set", datasource: { values } });
    assert.equal((await api.list_metadata_fields()).metadata_fields.length, 2);
  },

  async "a file, a data URI, a stream and an address are uploaded"() {
    const path = join(folder, "note.txt");
    writeFileSync(path, "hello");
    const raw = await uploader.upload(path, { resource_type: "raw", public_id: "js/note.txt" });
    assert.equal(raw.etag, md5("hello"));
    assert.equal(raw.bytes, 5);
    assert.equal(raw.resource_type, "raw");
    assert.equal(raw.format, undefined);

    const pixel = await uploader.upload(PIXEL, {
      public_id: "js/pixel",
      asset_folder: "js-folder",
      display_name: "Pixel",
      tags: ["one", "two & three"],
      context: { alt: "a|b=c", caption: "hi" },
      metadata: { sku: "M-1" },
    });
    assert.deepEqual([pixel.width, pixel.height, pixel.format], [1, 1, "png"]);
    assert.deepEqual(pixel.tags, ["one", "two & three"]);
    assert.deepEqual(pixel.context.custom, { alt: "a|b=c", caption: "hi" });
    assert.deepEqual(pixel.metadata, { sku: "M-1" });
    assert.equal(pixel.asset_folder, "js-folder");
    assert.match(pixel.asset_id, /^[0-9a-f]{32}$/);
    assert.ok(cloudinary.utils.verify_api_response_signature?.(pixel.public_id, pixel.version, pixel.signature) ?? true);

    const delivered = await fetch(pixel.secure_url);
    assert.equal(md5(Buffer.from(await delivered.arrayBuffer())), pixel.etag);

    const copy = await uploader.upload(pixel.secure_url, { public_id: "js/copy" });
    assert.equal(copy.etag, pixel.etag);

    const streamed = await new Promise((done, fail) => {
      const stream = uploader.upload_stream({ public_id: "js/stream", resource_type: "auto" }, (error, result) =>
        error ? fail(error) : done(result),
      );
      stream.end(Buffer.from(PIXEL.split(",")[1], "base64"));
    });
    assert.equal(streamed.resource_type, "image");
  },

  async "a large file is uploaded in chunks"() {
    const bytes = Buffer.alloc(12_000_000, "media");
    const path = join(folder, "large.bin");
    writeFileSync(path, bytes);
    const large = await new Promise((done, fail) => {
      uploader.upload_large(
        path,
        { resource_type: "raw", public_id: "js/large.bin", chunk_size: 5_000_000 },
        (error, result) => (error ? fail(error) : result?.done === false ? undefined : done(result)),
      );
    });
    assert.equal(large.bytes, bytes.length);
    assert.equal(large.etag, md5(bytes));
  },

  async "overwriting, and leaving what exists"() {
    const kept = await uploader.upload(PIXEL, { public_id: "js/pixel", overwrite: false });
    assert.equal(kept.existing, true);
    assert.deepEqual(kept.tags, ["one", "two & three"]);
    const before = await uploader.upload(PIXEL, { public_id: "js/over", tags: "gone" });
    const after = await uploader.upload(PIXEL, { public_id: "js/over" });
    assert.equal(after.overwritten, true);
    assert.equal(after.asset_id, before.asset_id);
    assert.deepEqual(after.tags, []);
  },

  async "a listing is walked by cursor over more than two pages"() {
    const seed = { count: 25, resource_types: ["video"], folder: "listed", tags: ["listed"], spread_seconds: 3600 };
    await fetch(`${control}/seed`, { method: "POST", body: JSON.stringify(seed) });
    for (const direction of ["asc", "desc"]) {
      const seen = [];
      let next_cursor;
      let pages = 0;
      do {
        const page = await api.resources({
          resource_type: "video",
          type: "upload",
          prefix: "listed/",
          max_results: 10,
          tags: true,
          direction,
          next_cursor,
        });
        pages += 1;
        seen.push(...page.resources);
        ({ next_cursor } = page);
      } while (next_cursor);
      assert.equal(pages, 3);
      assert.equal(new Set(seen.map((asset) => asset.asset_id)).size, 25);
      assert.ok(seen.every((asset) => asset.tags[0] === "listed"));
      const times = seen.map((asset) => asset.created_at);
      assert.deepEqual(times, direction === "asc" ? [...times].sort() : [...times].sort().reverse());
    }
    const wrong = await failure(api.resources({ resource_type: "video", next_cursor: "nonsense" }));
    assert.match(wrong.message, /Invalid value for parameter next_cursor/);
  },

  async "assets are read one by one and by ids"() {
    const one = await api.resource("js/pixel", { versions: true });
    assert.ok(one.last_updated.updated_at);
    assert.equal(one.versions.length, 1);
    const same = await api.resource_by_asset_id(one.asset_id);
    assert.equal(same.public_id, "js/pixel");
    const several = await api.resources_by_asset_ids([one.asset_id, "0".repeat(32)], { tags: true, context: true });
    assert.equal(several.resources.length, 1);
    assert.deepEqual(several.resources[0].tags, ["one", "two & three"]);
    assert.equal((await api.resources_by_ids(["js/pixel", "js/none"])).resources.length, 1);
    assert.equal((await api.resources_by_tag("one")).resources.length, 1);
    assert.equal((await api.resources_by_context("caption", "hi")).resources.length, 1);
    assert.equal((await api.resources_by_asset_folder("js-folder")).resources.length, 1);
    assert.ok((await api.tags({ prefix: "one" })).tags.includes("one"));
    const missing = await failure(api.resource("js/none"));
    assert.equal(missing.http_code, 404);
    assert.match(missing.message, /Resource not found - js\/none/);
  },

  async "searching filters, sorts and pages"() {
    const search = () => cloudinary.search.expression("folder:listed AND tags=listed").sort_by("public_id", "asc");
    const first = await search().max_results(20).with_field("tags").execute();
    assert.equal(first.total_count, 25);
    assert.equal(first.resources.length, 20);
    assert.deepEqual(first.resources[0].tags, ["listed"]);
    const second = await search().max_results(20).with_field("tags").next_cursor(first.next_cursor).execute();
    assert.equal(second.resources.length, 5);
    assert.equal(second.next_cursor, undefined);
    const names = [...first.resources, ...second.resources].map((asset) => asset.public_id);
    assert.deepEqual(names, [...names].sort());
    const error = await failure(cloudinary.search.expression("NOT tags:x").execute());
    assert.match(error.message, /Query Error \(at position 0\)/);
  },

  async "tags, context and metadata are edited in bulk"() {
    const ids = ["js/pixel", "js/copy", "js/none"];
    assert.deepEqual((await uploader.add_tag("extra", ids)).public_ids, ["js/pixel", "js/copy"]);
    await uploader.remove_tag("one", ["js/pixel"]);
    assert.deepEqual((await api.resource("js/pixel")).tags, ["extra", "two & three"]);
    await uploader.replace_tag("only", ["js/copy"]);
    assert.deepEqual((await api.resource("js/copy")).tags, ["only"]);
    await uploader.remove_all_tags(["js/copy"]);
    assert.equal((await api.resource("js/copy")).tags, undefined);

    await uploader.add_context({ alt: "", owner: "me" }, ["js/pixel"]);
    assert.deepEqual((await api.resource("js/pixel")).context.custom, { caption: "hi", owner: "me" });
    await uploader.remove_all_context(["js/copy"]);

    const answer = await uploader.update_metadata({ sku: "M-2", colours: ["red", "blue"] }, ["js/pixel"]);
    assert.deepEqual(answer.public_ids, ["js/pixel"]);
    assert.deepEqual((await api.resource("js/pixel")).metadata, { sku: "M-2", colours: ["red", "blue"] });
  },

  async "explicit and update edit one asset"() {
    const explicit = await uploader.explicit("js/pixel", { type: "upload", tags: ["explicit"] });
    assert.deepEqual(explicit.tags, ["explicit"]);
    const updated = await api.update("js/pixel", { tags: "a,b", context: { alt: "x" }, display_name: "Renamed", asset_folder: "moved" });
    assert.deepEqual(updated.tags, ["a", "b"]);
    assert.deepEqual(updated.context.custom, { alt: "x" });
    assert.deepEqual([updated.display_name, updated.asset_folder], ["Renamed", "moved"]);
    assert.equal((await failure(uploader.explicit("js/none", { type: "upload" }))).http_code, 404);
  },

  async "renaming keeps the asset id"() {
    const before = await api.resource("js/copy");
    const renamed = await uploader.rename("js/copy", "js/with space, more");
    assert.equal(renamed.asset_id, before.asset_id);
    assert.equal((await api.resource("js/with space, more")).asset_id, before.asset_id);
    const taken = await failure(uploader.rename("js/pixel", "js/with space, more"));
    assert.match(taken.message, /already exists/);
    await uploader.rename("js/with space, more", "js/over", { overwrite: true });
    assert.equal((await api.resource("js/over")).asset_id, before.asset_id);
  },

  async "destroying, bulk deleting and restoring"() {
    assert.equal((await uploader.destroy("js/over", { invalidate: true })).result, "ok");
    assert.equal((await uploader.destroy("js/over")).result, "not found");
    assert.equal((await api.resource("js/over")).placeholder, true);

    const gone = await api.delete_resources(["js/stream", "js/none"]);
    assert.deepEqual(gone.deleted, { "js/stream": "deleted", "js/none": "not_found" });
    assert.equal(gone.partial, false);

    const restored = await api.restore(["js/stream", "js/none"]);
    assert.equal(restored["js/stream"].bytes > 0, true);
    assert.equal(restored["js/none"].error, "no_backup");

    const { asset_id } = await api.resource("js/stream");
    const byId = await api.delete_resources_by_asset_ids([asset_id]);
    assert.deepEqual(Object.values(byId.deleted), ["deleted"]);
    assert.equal((await api.restore_by_asset_ids([asset_id]))[asset_id].asset_id, asset_id);
    const byPrefix = await api.delete_resources_by_prefix("js/stream");
    assert.equal(byPrefix.deleted["js/stream"], "deleted");
  },

  async "folders are created, listed, renamed and deleted"() {
    await api.create_folder("shelf/upper");
    assert.ok((await api.root_folders()).folders.some((f) => f.name === "shelf"));
    assert.deepEqual((await api.sub_folders("shelf")).folders.map((f) => f.path), ["shelf/upper"]);
    assert.equal((await api.rename_folder("shelf/upper", "shelf/lower")).to.path, "shelf/lower");
    assert.deepEqual((await api.delete_folder("shelf")).deleted, ["shelf", "shelf/lower"]);
    assert.equal((await failure(api.sub_folders("shelf"))).http_code, 404);
  },

  async "a webhook is received and the SDK finds its signature right"() {
    const uploaded = await uploader.upload(PIXEL, { public_id: "js/hooked", notification_url: hook });
    const { headers, body, event } = await received((e) => e.notification_type === "upload");
    assert.equal(event.asset_id, uploaded.asset_id);
    assert.equal(event.version, uploaded.version);
    const verify = (text) =>
      cloudinary.utils.verifyNotificationSignature(text, Number(headers["x-cld-timestamp"]), headers["x-cld-signature"]);
    assert.equal(verify(body), true);
    assert.equal(verify(`${body} `), false);

    await uploader.destroy("js/hooked", { notification_url: hook });
    const deleted = await received((e) => e.notification_type === "delete");
    assert.equal(deleted.event.resources[0].asset_id, uploaded.asset_id);

    await uploader.explicit("js/pixel", { type: "upload", tags: ["a", "b", "noted"], notification_url: hook });
    const tagged = await received((e) => e.notification_type === "resource_tags_changed");
    assert.deepEqual(tagged.event.resources[0].added, ["noted"]);
  },

  async "a download address opens a private file until it expires"() {
    const asset = await uploader.upload(PIXEL, { public_id: "js/guarded (1)", type: "private" });
    const now = Math.floor(Date.now() / 1000);
    const status = async (options) => {
      const { private_download_url } = cloudinary.utils;
      const address = private_download_url(asset.public_id, "png", { type: "private", ...options });
      return (await fetch(address)).status;
    };
    assert.equal(await status({}), 200);
    assert.equal(await status({ timestamp: now - 7200, expires_at: now + 60 }), 200);
    assert.equal(await status({ timestamp: now - 7200 }), 400);
    assert.equal(await status({ expires_at: now - 60 }), 400);
  },

  async "a wrong secret is refused"() {
    const refused = await failure(uploader.upload(PIXEL, { api_secret: "wrong", public_id: "js/refused" }));
    assert.equal(refused.http_code, 401);
    assert.match(refused.message, /^Invalid Signature [0-9a-f]{40}\. String to sign - '.*public_id=js\/refused.*'$/);
    assert.equal((await failure(api.ping({ api_secret: "wrong" }))).http_code, 401);
  },
};

let failed = false;
for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    console.log(`ok    ${name}`);
  } catch (error) {
    failed = true;
    console.log(`FAIL  ${name}\n${error?.stack ?? JSON.stringify(error)}`);
    break;
  }
}
listener.close();
listener.closeAllConnections();
rmSync(folder, { recursive: true });
process.exitCode = failed ? 1 : 0;
