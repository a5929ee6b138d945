//! Thinking stays apart from doing: modules that decide import nothing that acts, and are told the
//! time.

use std::fs;
use std::path::Path;

const PURE: &[&str] = &[
    "asset.rs",
    "cloudinary/algorithm.rs",
    "cloudinary/answer.rs",
    "cloudinary/call.rs",
    "cloudinary/clock.rs",
    "cloudinary/credentials.rs",
    "cloudinary/delivery.rs",
    "cloudinary/escape.rs",
    "cloudinary/headers.rs",
    "cloudinary/name_lists.rs",
    "cloudinary/quota_reading.rs",
    "cloudinary/resource.rs",
    "cloudinary/signature.rs",
    "cloudinary/signed_form.rs",
    "cloudinary/told_address.rs",
    "cloudinary/trigger_plan.rs",
    "config/keys.rs",
    "config/reader.rs",
    "cursor/sealed.rs",
    "garbled_json.rs",
    "http/catalogue.rs",
    "http/named_assets.rs",
    "http/query.rs",
    "http/word.rs",
    "intent/collision.rs",
    "intent/editable.rs",
    "intent/mod.rs",
    "intent/wish.rs",
    "maintenance/task.rs",
    "observation/attributes.rs",
    "observation/clocks.rs",
    "observation/content.rs",
    "observation/sighting.rs",
    "parameter.rs",
    "queue/message.rs",
    "queue/wait.rs",
    "rotation/policy.rs",
    "row/mod.rs",
    "row/observe.rs",
    "row/settle.rs",
    "settings/plan.rs",
    "supabase/jwt/claims.rs",
    "supabase/jwt/token.rs",
    "supabase/keys.rs",
    "supabase/refusal.rs",
    "sync/explain/mod.rs",
    "sync/health.rs",
    "sync/ingest/accepted.rs",
    "sync/ingest/effect.rs",
    "sync/ingest/policy.rs",
    "sync/ingest/record.rs",
    "sync/marker.rs",
    "sync/name_lists.rs",
    "sync/notification.rs",
    "sync/operations/mod.rs",
    "sync/outbound/claim.rs",
    "sync/outbound/conclude.rs",
    "sync/outbound/outcome.rs",
    "sync/plan/change.rs",
    "sync/plan/mod.rs",
    "sync/plan/names.rs",
    "sync/prospect.rs",
    "sync/quota.rs",
    "sync/reconcile/drift.rs",
    "sync/reconcile/error.rs",
    "sync/reconcile/mass_delete.rs",
    "sync/reconcile/options.rs",
    "sync/reconcile/outcome.rs",
    "sync/reconcile/predict.rs",
    "sync/reconcile/refusals.rs",
    "sync/reconcile/stage.rs",
    "sync/retry.rs",
    "sync/settle/evidence.rs",
    "sync/settle/listing.rs",
    "sync/settle/policy.rs",
    "sync/settle/search.rs",
    "sync/settle/settlement.rs",
    "sync/settle/step.rs",
    "sync/settle/unstable_rows.rs",
    "sync/store/mirror_health.rs",
    "sync/store/records.rs",
    "sync/store/runs.rs",
    "sync/store/write.rs",
    "telemetry/chain.rs",
    "upload/active.rs",
    "upload/bounds.rs",
    "upload/content.rs",
    "upload/format.rs",
    "upload/host_rule.rs",
    "upload/name.rs",
    "upload/public_address.rs",
    "upload/refusal.rs",
    "upload/remote.rs",
    "upload/rules.rs",
    "user_role.rs",
    "value_rules.rs",
    "upload/signing/mod.rs",
];

const ACTING: &[&str] = &[
    "async fn",
    "async |",
    "async move",
    "async {",
    "aws_config",
    "aws_sdk",
    "reqwest",
    "std::env",
    "std::fs",
    "std::net",
    "tokio",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "new_v4",
];

#[test]
fn deciding_modules_do_not_act() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for module in PURE {
        let source = fs::read_to_string(sources.join(module)).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in lines {
            let acts = ACTING.iter().find(|word| line.contains(**word));
            assert!(acts.is_none(), "{module} is to decide, not to act: {line}");
        }
    }
}
