// A program of a user, written against types that were made of the OpenAPI document: it compiles only if the
// document has what it uses, and ends well only if the API answers so.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.d.ts";

type Asset = components["schemas"]["Asset"];

const signIn = (token: string) =>
  createClient<paths>({
    baseUrl: process.env.API,
    headers: { Authorization: `Bearer ${token}` },
    querySerializer: { array: { style: "form", explode: false } },
  });
const user = signIn(process.env.USER_TOKEN ?? "");
const admin = signIn(process.env.ADMIN_TOKEN ?? "");

async function listEverything(limit: number): Promise<Asset[]> {
  const assets: Asset[] = [];
  let cursor: string | undefined;
  do {
    const { data, error } = await user.GET("/api/cloudinary/media", {
      params: { query: { limit, sort_by: "public_id", sort_order: "asc", cursor } },
    });
    if (!data) throw new Error(JSON.stringify(error));
    assets.push(...data.items);
    cursor = data.pagination.next_cursor ?? undefined;
  } while (cursor);
  return assets;
}

const all = await listEverything(5);
assert.equal(all.length, 12);
const names = all.map((asset) => asset.cloudinary_public_id);
assert.deepEqual(names, [...new Set(names)], "each once");

const none = await user.GET("/api/cloudinary/media", { params: { query: { tags: ["no", "such tag"] } } });
assert.equal(none.data?.pagination.total, 0);
assert.equal(none.data?.stats.total_assets, 12);

// What was refused is told in the document's words.
const refused = await user.GET("/api/cloudinary/media", { params: { query: { limit: 1000 } } });
assert.ok(refused.error && "code" in refused.error);
assert.equal(refused.error.code, "invalid_parameter");
const started = await user.POST("/api/cloudinary/sync", { body: { dry_run: true } });
assert.ok(started.error && "code" in started.error);
assert.equal(started.error.code, "forbidden");

const [first] = names;
assert.ok(first);
const notMine = await user.DELETE("/api/cloudinary/media", { body: { public_ids: [first] } });
assert.deepEqual(notMine.data?.deleted, []);
assert.equal(notMine.data?.failed[0]?.code, "forbidden");

// An edit that is repeated with its key has had its effect already.
const [{ cloudinary_asset_id: asset_id } = { cloudinary_asset_id: null }] = all;
assert.ok(asset_id);
const edit = () =>
  admin.PATCH("/api/cloudinary/media", {
    params: { header: { "Idempotency-Key": "first-edit" } },
    body: { asset_id, tags: ["sale"], context: { alt: "A mug", old: null } },
  });
const [edited, repeated] = [await edit(), await edit()];
const etag = edited.data?.assets[0]?.etag;
assert.deepEqual(edited.data?.assets, [{ asset_id, public_id: first, sync_status: "pending", etag }]);
assert.deepEqual(repeated.data, edited.data);
assert.equal(edited.response.headers.get("idempotent-replay"), null);
assert.equal(repeated.response.headers.get("idempotent-replay"), "true");
const one = await user.GET("/api/cloudinary/media/{asset_id}", { params: { path: { asset_id } } });
assert.deepEqual(one.data?.asset.tags, ["sale"]);
assert.equal(one.data?.audit, null, "for its owner and administrators only");
assert.equal(one.response.headers.get("etag"), `"${etag}"`);
const editOne = (state: string) =>
  admin.PATCH("/api/cloudinary/media/{asset_id}", {
    params: { path: { asset_id }, header: { "If-Match": `"${state}"` } },
    body: { add_tags: ["new"] },
  });
const [stale, fresh] = [await editOne("stale"), await editOne(etag ?? "")];
assert.equal(stale.response.status, 412);
assert.deepEqual(fresh.data?.asset.tags, ["new", "sale"]);

const deleted = await admin.DELETE("/api/cloudinary/media", {
  params: { query: { public_ids: [first, "never/was"] } },
});
assert.deepEqual(deleted.data?.deleted, [first]);
assert.deepEqual(deleted.data?.failed, [
  { public_id: "never/was", named: "never/was", code: "not_found", error: "not found" },
]);
assert.equal((await listEverything(200)).length, 11);

const stands = await user.GET("/api/cloudinary/sync");
assert.equal(stands.data?.recent_runs.length, 1);
console.log("the client got what the document promises");
