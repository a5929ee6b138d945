//! Every code that a problem document may carry, with its status and advice (pure).
//!
//! `docs/reference/errors.md` is this table for people, and the OpenAPI document lists the codes;
//! tests hold both, and the constructors' calls all over the project, to it.

/// One kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemKind {
    /// Stable: programs may decide by it.
    pub code: &'static str,
    /// The HTTP status that it comes with.
    pub status: u16,
    /// Its meaning, and advice.
    pub advice: &'static str,
}

const fn entry(status: u16, code: &'static str, advice: &'static str) -> ProblemKind {
    ProblemKind {
        code,
        status,
        advice,
    }
}

/// By status; within one status in the order in which they are looked for.
pub const CATALOGUE: &[ProblemKind] = &[
    entry(
        400,
        "invalid_parameter",
        "A query parameter or a field cannot be used; `parameter` names it and `detail` says what it must be.",
    ),
    entry(
        400,
        "invalid_body",
        "The body does not have the expected form; `detail` says how it differs, and `parameter` names the field, if it is one.",
    ),
    entry(
        401,
        "token_missing",
        "Send `Authorization: Bearer` with a Supabase access token.",
    ),
    entry(401, "token_repeated", "Send one `Authorization` header."),
    entry(
        401,
        "token_too_large",
        "The token is longer than 8 KB: keep custom claims small.",
    ),
    entry(
        401,
        "token_is_api_key",
        "A publishable or secret key names the project, not a user: send the access token of a signed-in user.",
    ),
    entry(
        401,
        "token_malformed",
        "The token is not a JWT: send the access token as Supabase Auth gave it.",
    ),
    entry(
        401,
        "token_algorithm",
        "The algorithm of the signature is not accepted here. Accepted are ES256, RS256, and HS256 where the project has a legacy secret.",
    ),
    entry(
        401,
        "token_key_unknown",
        "The project does not publish the key of the signature. A new key is accepted within half a minute.",
    ),
    entry(401, "token_signature", "The signature is wrong."),
    entry(401, "token_expired", "Refresh the session, and repeat."),
    entry(
        401,
        "token_not_yet_valid",
        "The token is not valid yet: compare the clocks.",
    ),
    entry(
        401,
        "token_audience",
        "The token is not meant for signed-in users (`aud` must be `authenticated`), as the legacy API keys are not.",
    ),
    entry(401, "token_issuer", "The token comes from another project."),
    entry(
        401,
        "token_claims",
        "A claim of the token is of another kind than Supabase Auth writes: look at the project's access token hook.",
    ),
    entry(
        401,
        "token_role",
        "The token is a service's (`role` must be `authenticated`): send the access token of a signed-in user.",
    ),
    entry(401, "token_subject", "The token names no user."),
    entry(
        401,
        "token_refused",
        "The database refused a token that was good here; it has probably expired on the way. Refresh the session.",
    ),
    entry(
        401,
        "timestamp_missing",
        "A notification without `X-Cld-Timestamp`.",
    ),
    entry(
        401,
        "timestamp_malformed",
        "A notification whose `X-Cld-Timestamp` is not a whole number of seconds.",
    ),
    entry(
        401,
        "signature_missing",
        "A notification without `X-Cld-Signature`.",
    ),
    entry(
        401,
        "signature_malformed",
        "A notification whose `X-Cld-Signature` is neither a SHA-1 nor a SHA-256 in hex digits.",
    ),
    entry(
        401,
        "signature_weak",
        "A notification signed with SHA-1, though `signature_algorithm=sha256` in `CLOUDINARY_URL` says that the account signs with SHA-256.",
    ),
    entry(
        401,
        "signature_wrong",
        "A notification signed with a secret that is not known here: see `CLOUDINARY_NOTIFICATION_SECRETS`.",
    ),
    entry(
        401,
        "notification_stale",
        "A notification signed more than two hours ago.",
    ),
    entry(
        401,
        "notification_from_the_future",
        "A notification signed more than five minutes ahead of the clock here.",
    ),
    entry(
        403,
        "forbidden",
        "The user is signed in, and may not do that. Readers write nothing; some requests are for administrators.",
    ),
    entry(
        403,
        "anonymous_user",
        "Users who have signed in anonymously are not let in here, or not for this: sign in with an account.",
    ),
    entry(
        403,
        "assurance_wanted",
        "An administrator needs a second factor for this: sign in with one (`aal2`), and repeat.",
    ),
    entry(
        403,
        "outside_prefix",
        "Your public ids and folders must lie below your own prefix; `detail` names it. Editors and administrators may name assets anywhere.",
    ),
    entry(
        403,
        "remote_uploads_off",
        "Uploads from addresses are switched off here: send the file.",
    ),
    entry(
        403,
        "not_yours",
        "Another asset has this public id, and you may not replace it: choose another name.",
    ),
    entry(
        404,
        "not_found",
        "It does not exist, or the user may not see it. An address that is none answers with `routes`.",
    ),
    entry(
        405,
        "method_not_allowed",
        "The address takes other methods: `Allow` lists them.",
    ),
    entry(
        409,
        "cloudinary_conflict",
        "Cloudinary has this name already: choose another.",
    ),
    entry(
        409,
        "plan_stale",
        "No plan of this hash stands: look at the newest one, and approve that.",
    ),
    entry(
        409,
        "public_id_taken",
        "Another asset has this public id: choose another one, or leave it out.",
    ),
    entry(
        409,
        "public_id_reserved",
        "Another upload uses this public id at the moment: choose another one, or repeat later.",
    ),
    entry(
        409,
        "library_fenced",
        "Another deployment has marked the library as its own, so this one writes nothing there. An administrator may take it over: `mediasync fence take`.",
    ),
    entry(
        409,
        "request_in_progress",
        "Another request with this `Idempotency-Key`, or another large one of yours, is being answered: repeat after `Retry-After` seconds.",
    ),
    entry(
        409,
        "in_use",
        "`media_usage` refers to the asset: `references` lists the oldest uses. `force` deletes it all the same.",
    ),
    entry(
        409,
        "deleted",
        "The asset is deleted already: restore it before you edit it.",
    ),
    entry(
        409,
        "not_deleted",
        "The asset is live: there is nothing to restore.",
    ),
    entry(
        409,
        "name_taken",
        "Another live asset has this public id: choose another one.",
    ),
    entry(
        409,
        "conflict",
        "Not now: `detail` says why, for instance that the asset is still being uploaded.",
    ),
    entry(
        412,
        "precondition_failed",
        "The asset has changed since you read it: `etag` is the tag of its present state. Read it again, then decide.",
    ),
    entry(
        413,
        "body_too_large",
        "`detail` says how much may be sent: send less, or in parts.",
    ),
    entry(
        413,
        "file_too_large",
        "`detail` says how many bytes a file may have, and how to send larger ones.",
    ),
    entry(
        414,
        "query_too_long",
        "The query string is longer than 8 KB: send long lists in a body, where the route takes one.",
    ),
    entry(
        415,
        "unsupported_content_type",
        "Send JSON, or a form with a file, and say so in `Content-Type`.",
    ),
    entry(
        415,
        "format_not_allowed",
        "Files of this format or type are not allowed here.",
    ),
    entry(
        422,
        "query_too_slow",
        "The database did not finish in time: search for words of three characters or more, add a filter, or use cursors instead of far pages.",
    ),
    entry(
        422,
        "page_too_large",
        "The requested page is larger than an answer may be: ask for fewer assets, or use cursors.",
    ),
    entry(
        422,
        "cloudinary_bad_request",
        "Cloudinary refused the request: change it before you repeat it.",
    ),
    entry(
        422,
        "content_mismatch",
        "The file is not of the type that its name or its sender says.",
    ),
    entry(
        422,
        "address_refused",
        "Files cannot be taken from this address; `detail` says why.",
    ),
    entry(
        422,
        "file_refused",
        "Cloudinary did not take the file; `detail` has its words.",
    ),
    entry(
        422,
        "idempotency_key_reused",
        "This `Idempotency-Key` was used for another request: use a new one for each.",
    ),
    entry(
        422,
        "invalid",
        "The asset cannot have this value; `detail` says why.",
    ),
    entry(
        422,
        "rule_refused",
        "A trigger or a constraint of the project's own database refuses the change; `detail` has its words.",
    ),
    entry(
        429,
        "cloudinary_quota",
        "Cloudinary's hourly quota is used up: wait for `Retry-After` seconds.",
    ),
    entry(
        429,
        "cloudinary_concurrency",
        "Too many calls to Cloudinary at once: wait for `Retry-After` seconds.",
    ),
    entry(
        429,
        "database_busy",
        "The database has no free connection: wait for `Retry-After` seconds.",
    ),
    entry(
        429,
        "too_many_uploads",
        "Too many of your uploads are under way: wait for `Retry-After` seconds, until some have ended.",
    ),
    entry(
        429,
        "too_many_changes",
        "You have changed or uploaded as much as one user may within an hour: wait for `Retry-After` seconds.",
    ),
    entry(
        431,
        "headers_too_large",
        "All headers together are larger than 16 KB.",
    ),
    entry(
        500,
        "internal",
        "A fault here; `request_id` finds it in the log.",
    ),
    entry(
        503,
        "token_keys_unavailable",
        "The keys that verify tokens could not be fetched: repeat after `Retry-After` seconds.",
    ),
    entry(
        503,
        "database_unavailable",
        "The database does not answer: repeat after `Retry-After` seconds.",
    ),
    entry(
        503,
        "settings_unavailable",
        "The rules for uploads could not be read, or cannot be used: repeat after `Retry-After` seconds. The log names the fault.",
    ),
    entry(
        503,
        "fence_unknown",
        "Whose library this is was not found out yet: repeat the request.",
    ),
    entry(
        503,
        "queue_unavailable",
        "SQS does not take the message: repeat after `Retry-After` seconds.",
    ),
    entry(
        503,
        "sync_interrupted",
        "The run was interrupted and goes on by itself: read its status, or repeat after `Retry-After` seconds.",
    ),
    entry(
        503,
        "out_of_time",
        "No time was left for an answer. The request may have had its effect: repeat after `Retry-After` seconds.",
    ),
    entry(
        503,
        "cloudinary_unreachable",
        "Cloudinary does not answer: repeat after `Retry-After` seconds.",
    ),
    entry(
        503,
        "cloudinary_unreadable",
        "The answer was not Cloudinary's: repeat after `Retry-After` seconds.",
    ),
    entry(
        503,
        "cloudinary_stale",
        "Cloudinary's clock and ours differed: repeat after `Retry-After` seconds.",
    ),
    entry(
        503,
        "cloudinary_processing",
        "Cloudinary is still working on the asset: repeat after `Retry-After` seconds.",
    ),
    entry(
        503,
        "cloudinary_server",
        "A fault at Cloudinary: repeat after `Retry-After` seconds.",
    ),
];

/// The entry of a code.
pub fn find(code: &str) -> Option<&'static ProblemKind> {
    CATALOGUE.iter().find(|entry| entry.code == code)
}

/// The table of `docs/reference/errors.md`.
pub fn markdown() -> String {
    let rows = CATALOGUE.iter().map(|entry| {
        format!(
            "| {} | `{}` | {} |\n",
            entry.status, entry.code, entry.advice
        )
    });
    format!(
        "| status | code | what it means, and what to do |\n|---|---|---|\n{}",
        rows.collect::<String>()
    )
}
