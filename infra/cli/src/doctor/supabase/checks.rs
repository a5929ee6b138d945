//! The checks of a Supabase project. A fault explains those below it.

use super::super::check::{Check, CheckGroup, CheckTopic};
use super::evidence::SupabaseEvidence;
use super::{access, schema, timeouts};

/// In the order of the report: a fault explains those below it.
pub const CHECKS: &[Check<SupabaseEvidence>] = &[
    Check {
        topic: CheckTopic {
            id: "sb-paused",
            group: CheckGroup::Supabase,
            title: "project paused, deleted, or at another address",
            why: "Without the project there is no list, no edit and no record of Cloudinary's changes.",
            reads: "one call without a key",
        },
        judgement: access::paused,
    },
    Check {
        topic: CheckTopic {
            id: "sb-keys",
            group: CheckGroup::Supabase,
            title: "wrong keys, swapped keys, legacy keys switched off",
            why: "Every call of the functions is refused, or users' calls bypass row level security.",
            reads: "the keys' forms, one call with each",
        },
        judgement: access::keys,
    },
    Check {
        topic: CheckTopic {
            id: "sb-migrations",
            group: CheckGroup::Supabase,
            title: "migrations missing, newer than this command, or unknown to the Data API",
            why: "The functions call SQL functions that the database lacks.",
            reads: "`media_sync.schema_versions`, or without `DATABASE_URL` the function `media_sync_health`",
        },
        judgement: schema::migrations,
    },
    Check {
        topic: CheckTopic {
            id: "sb-grants",
            group: CheckGroup::Supabase,
            title: "a table or function lost its grants, or has more than it should",
            why: "A lost grant stops callers or workers; an additional one opens closed data.",
            reads: "the catalog, beside the grants of a new installation",
        },
        judgement: schema::grants,
    },
    Check {
        topic: CheckTopic {
            id: "sb-rls",
            group: CheckGroup::Supabase,
            title: "row level security is off, or a policy is missing",
            why: "Without it users read and change rows of others; without a policy they see none.",
            reads: "the catalog, beside the policies of a new installation",
        },
        judgement: schema::row_level_security,
    },
    Check {
        topic: CheckTopic {
            id: "sb-realtime",
            group: CheckGroup::Supabase,
            title: "publication, triggers or policy of live updates missing",
            why: "Changes arrive, and open pages do not hear of them.",
            reads: "the catalog",
        },
        judgement: schema::realtime,
    },
    Check {
        topic: CheckTopic {
            id: "sb-jwt",
            group: CheckGroup::Supabase,
            title: "tokens that nobody can verify, or a leftover secret",
            why: "Without the right key every user is refused. A leftover secret still lets its holder sign tokens.",
            reads: "the project's published keys, and whether `SUPABASE_JWT_SECRET` is set",
        },
        judgement: access::tokens,
    },
    Check {
        topic: CheckTopic {
            id: "sb-admin",
            group: CheckGroup::Supabase,
            title: "nobody is an administrator, or the role stands in user_metadata",
            why: "Nobody can start a run, read the trail or restore other users' assets.",
            reads: "the users, through Auth's admin API",
        },
        judgement: access::administrators,
    },
    Check {
        topic: CheckTopic {
            id: "sb-timeouts",
            group: CheckGroup::Supabase,
            title: "a role's statement timeout is lower than needed",
            why: "Each write of a large library's page is cut off.",
            reads: "`pg_roles.rolconfig`",
        },
        judgement: timeouts::timeouts,
    },
];
