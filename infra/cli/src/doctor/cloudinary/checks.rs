//! The checks of a Cloudinary product environment. A fault explains those below it.

use super::super::check::{Check, CheckGroup, CheckTopic};
use super::evidence::CloudinaryEvidence;
use super::{account, delivery, folders, notifications, shared_library, trigger};

/// In the order of the report: a fault explains those below it.
pub const CHECKS: &[Check<CloudinaryEvidence>] = &[
    Check {
        topic: CheckTopic {
            id: "cld-credentials",
            group: CheckGroup::Cloudinary,
            title: "`CLOUDINARY_URL` is wrong, or its key and secret belong to different environments",
            why: "No call to Cloudinary succeeds, and no notification can be verified.",
            reads: "the form of `CLOUDINARY_URL`, `GET /ping`",
        },
        judgement: account::credentials,
    },
    Check {
        topic: CheckTopic {
            id: "cld-region",
            group: CheckGroup::Cloudinary,
            title: "the account belongs to the API of another region",
            why: "Every call is refused, with credentials that are right.",
            reads: "the refusal of `GET /ping`",
        },
        judgement: account::region,
    },
    Check {
        topic: CheckTopic {
            id: "cld-clock",
            group: CheckGroup::Cloudinary,
            title: "this machine's clock is off by more than a minute",
            why: "Signed addresses and uploads made here may be refused as stale.",
            reads: "the `Date` of an answer",
        },
        judgement: account::clock,
    },
    Check {
        topic: CheckTopic {
            id: "cld-quota",
            group: CheckGroup::Cloudinary,
            title: "less than the reserve of the hourly quota is left, or somebody else uses it up",
            why: "Reconciliation rests until the next hour, and the media library's own pages may fail.",
            reads: "the rate-limit headers of two answers",
        },
        judgement: account::quota,
    },
    Check {
        topic: CheckTopic {
            id: "cld-shared",
            group: CheckGroup::Cloudinary,
            title: "the library belongs to another deployment",
            why: "This deployment reads the library. Its edits, deletes and uploads wait or are refused.",
            reads: "the record of the marker asset `media-sync/owner`, beside the database's name",
        },
        judgement: shared_library::owner,
    },
    Check {
        topic: CheckTopic {
            id: "cld-trigger",
            group: CheckGroup::Cloudinary,
            title: "notifications do not reach the webhook, or in a form that it refuses",
            why: "Changes made in Cloudinary wait for the next reconciliation.",
            reads: "`GET /triggers`, beside `--webhook-url`",
        },
        judgement: trigger::trigger,
    },
    Check {
        topic: CheckTopic {
            id: "cld-notification-key",
            group: CheckGroup::Cloudinary,
            title: "notifications are signed with a key that is not known here",
            why: "The webhook refuses them all, and changes made in Cloudinary wait for the next reconciliation.",
            reads: "the record of refused notifications, with the `signature_key` that they name",
        },
        judgement: notifications::key,
    },
    Check {
        topic: CheckTopic {
            id: "cld-algorithm",
            group: CheckGroup::Cloudinary,
            title: "the account signs with another hash than `CLOUDINARY_URL` says",
            why: "Signed uploads and addresses may be refused.",
            reads: "the newest recorded notification",
        },
        judgement: notifications::algorithm,
    },
    Check {
        topic: CheckTopic {
            id: "cld-folder-mode",
            group: CheckGroup::Cloudinary,
            title: "the folders are fixed where dynamic ones were mirrored, or the other way round",
            why: "The folders in lists are not those of the account, and moves are carried out otherwise than asked.",
            reads: "`GET /config?settings=true`, one asset's record, and some rows",
        },
        judgement: folders::mode,
    },
    Check {
        topic: CheckTopic {
            id: "cld-strict",
            group: CheckGroup::Cloudinary,
            title: "strict transformations: thumbnails answer 401",
            why: "Lists show no pictures.",
            reads: "`HEAD` of one picture's thumbnail",
        },
        judgement: delivery::strict,
    },
    Check {
        topic: CheckTopic {
            id: "cld-pdf",
            group: CheckGroup::Cloudinary,
            title: "delivery of PDF files is blocked",
            why: "Their addresses answer 401 for everybody.",
            reads: "`HEAD` of one PDF",
        },
        judgement: delivery::pdf,
    },
    Check {
        topic: CheckTopic {
            id: "cld-backup",
            group: CheckGroup::Cloudinary,
            title: "backups are off",
            why: "A deleted asset cannot be restored.",
            reads: "one asset's record",
        },
        judgement: delivery::backup,
    },
];
