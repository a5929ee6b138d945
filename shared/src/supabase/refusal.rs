//! The cause of a refusal by the database or by what stands in front of it (pure).
//!
//! One table decides what passes by itself, what is about one message's rows, what the user may not
//! do, and what is our own fault. Statuses, batches and runs follow from it.

/// The code that our functions raise when a row is not as it was read. PostgREST makes it a 412.
const CHANGED_MEANWHILE: &str = "PT412";

/// The code that our functions raise when what was asked for is too large for one answer.
const TOO_MUCH_AT_ONCE: &str = "PT413";

/// The code that our functions raise when a user may not do something that they do in the user's name, though they are
/// called with the service's key.
const NOT_ALLOWED: &str = "PT403";

/// The cause of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCause {
    /// A row has changed since it was read. Read again and try again at once.
    Changed,
    /// No connection is free.
    Busy,
    /// The service, or what stands in front of it, is not well.
    Outage,
    /// PostgREST and the database do not know the same functions and tables, as for seconds after
    /// a migration.
    Schema,
    /// Our own key is not let in, as during a rotation. No user can help it.
    Key,
    /// It took too long. It may pass, and less at once takes less time.
    Slow,
    /// The request is too large for the gateway, or its answer for one answer. Only a smaller one
    /// passes.
    TooLarge,
    /// The user's token is not accepted.
    Token,
    /// The user may not do that.
    Forbidden,
    /// No row can hold such values: a data exception, a constraint that forbids it, or a limit of the
    /// program's, such as the length of an index entry. Or a trigger of the project's refuses the row.
    Values,
    /// The one record that was asked for does not exist.
    Absent,
    /// All else: the code here and the database disagree.
    Ours,
}

impl RefusalCause {
    /// Judges a refusal by its status and by its code, which is empty if the answer was not in
    /// PostgREST's own form.
    ///
    /// Codes: <https://docs.postgrest.org/en/stable/references/errors.html> and
    /// <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    pub fn of(status: u16, code: &str, speaks_for_user: bool) -> Self {
        if !is_own_code(code) {
            return Self::of_foreign(status);
        }
        match code {
            CHANGED_MEANWHILE | "40001" | "40P01" => Self::Changed,
            TOO_MUCH_AT_ONCE => Self::TooLarge,
            "53300" | "PGRST003" => Self::Busy,
            "57014" => Self::Slow,
            // Server shut down, crashed, starting, or a session that was idle for too long.
            "57P01" | "57P02" | "57P03" | "57P05" => Self::Outage,
            // Read only, as when the disk is full; a transaction ended by the server's own limits.
            "25006" | "25P03" | "25P04" => Self::Outage,
            // Something is locked or in use; nobody knows whether a statement was completed.
            "55P03" | "55006" | "40003" => Self::Outage,
            "PGRST000" | "PGRST001" | "PGRST002" => Self::Outage,
            // PostgREST's own internal error, of its library for connections.
            _ if code.starts_with("PGRSTX") => Self::Outage,
            // Every call is a call of our own, so nobody has asked for a name that does not exist.
            "PGRST200" | "PGRST202" | "PGRST204" | "PGRST205" => Self::Schema,
            // The same, seen from PostgREST, which still knows what a migration has replaced.
            "42883" | "42P01" | "42703" => Self::Schema,
            // PostgREST's own verdict on the forwarded token, which may expire on the way.
            "PGRST301" | "PGRST303" if speaks_for_user => Self::Token,
            _ if code.starts_with("PGRST3") => Self::Key,
            "42501" if speaks_for_user => Self::Forbidden,
            NOT_ALLOWED => Self::Forbidden,
            "PGRST116" => Self::Absent,
            _ => Self::of_class(code).unwrap_or_else(|| Self::of_status(status)),
        }
    }

    /// Judges by an SQLSTATE's class, its first two characters.
    fn of_class(code: &str) -> Option<Self> {
        if code.len() != 5 {
            return None;
        }
        match code.get(..2)? {
            // Connections; resources, such as disk and memory; the machine beneath.
            "08" | "53" | "58" => Some(Self::Outage),
            // Data, constraints, limits; and the ways in which a trigger refuses a row.
            "22" | "23" | "44" | "54" | "09" | "21" | "27" | "38" | "39" | "P0" => {
                Some(Self::Values)
            }
            // Our own functions raise `PT` and an HTTP status.
            "PT" => None,
            class => is_free_class(class).then_some(Self::Values),
        }
    }

    /// Judges an answer that says nothing of its own cause.
    const fn of_status(status: u16) -> Self {
        match status {
            429 => Self::Busy,
            408 | 502..=599 => Self::Outage,
            _ => Self::Ours,
        }
    }

    /// Judges an answer that is not in PostgREST's words: a gateway's or a proxy's, whatever its
    /// status. It says nothing of the request, but for two things.
    const fn of_foreign(status: u16) -> Self {
        match status {
            // Supabase's gateway refuses an API key without a code. It does not look at tokens.
            401 => Self::Key,
            413 | 414 | 431 => Self::TooLarge,
            429 => Self::Busy,
            _ => Self::Outage,
        }
    }

    /// Tells whether the same request may succeed later without anybody's doing.
    pub const fn is_passing(self) -> bool {
        match self {
            Self::Changed | Self::Busy | Self::Outage | Self::Schema | Self::Key | Self::Slow => {
                true
            }
            Self::TooLarge
            | Self::Token
            | Self::Forbidden
            | Self::Values
            | Self::Absent
            | Self::Ours => false,
        }
    }

    /// Tells whether a request for less at once may succeed.
    pub const fn is_about_size(self) -> bool {
        matches!(self, Self::Slow | Self::TooLarge)
    }
}

/// Tells classes that the SQL standard leaves to everybody, and PostgreSQL does not use. A trigger of the project's may
/// raise any of them.
fn is_free_class(class: &str) -> bool {
    let is_of_postgres = matches!(class, "53" | "54" | "55" | "57" | "58" | "72" | "P0" | "XX");
    class.starts_with(|c: char| matches!(c, '5'..='9' | 'I'..='Z')) && !is_of_postgres
}

/// Tells PostgREST's own codes and SQLSTATEs from other services' words.
pub(super) fn is_own_code(code: &str) -> bool {
    let is_sqlstate = code.len() == 5
        && code
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_sqlstate || code.starts_with("PGRST")
}

#[cfg(test)]
mod tests {
    use super::RefusalCause::{self, *};

    const SERVICE: bool = false;
    const USER: bool = true;

    /// Every case that is known from the field, and its right cause.
    #[test]
    fn each_refusal_has_the_cause_that_the_table_says() {
        let table: &[(u16, &str, bool, RefusalCause)] = &[
            // The gateway in front, in its own words.
            (500, "", SERVICE, Outage),
            (502, "", SERVICE, Outage),
            (503, "", USER, Outage),
            (504, "", SERVICE, Outage),
            (520, "", SERVICE, Outage),
            (521, "", SERVICE, Outage),
            (522, "", SERVICE, Outage),
            (523, "", SERVICE, Outage),
            (524, "", SERVICE, Outage),
            (525, "", SERVICE, Outage),
            (526, "", SERVICE, Outage),
            (527, "", SERVICE, Outage),
            (530, "", SERVICE, Outage),
            (540, "", USER, Outage),
            (544, "", SERVICE, Outage),
            (400, "", SERVICE, Outage),
            (403, "", USER, Outage),
            (404, "", SERVICE, Outage),
            (302, "", SERVICE, Outage),
            (500, "internal_error", SERVICE, Outage),
            (544, "DatabaseTimeout", SERVICE, Outage),
            (429, "", SERVICE, Busy),
            (413, "", SERVICE, TooLarge),
            (414, "", USER, TooLarge),
            (401, "", SERVICE, Key),
            (401, "", USER, Key),
            // PostgREST.
            (503, "PGRST000", SERVICE, Outage),
            (503, "PGRST001", SERVICE, Outage),
            (503, "PGRST002", USER, Outage),
            (504, "PGRST003", SERVICE, Busy),
            (500, "PGRSTX00", SERVICE, Outage),
            (400, "PGRST200", USER, Schema),
            (404, "PGRST202", SERVICE, Schema),
            (404, "PGRST202", USER, Schema),
            (400, "PGRST204", SERVICE, Schema),
            (404, "PGRST205", SERVICE, Schema),
            (500, "PGRST300", USER, Key),
            (401, "PGRST301", SERVICE, Key),
            (401, "PGRST302", SERVICE, Key),
            (401, "PGRST303", SERVICE, Key),
            (401, "PGRST301", USER, Token),
            (401, "PGRST303", USER, Token),
            (406, "PGRST116", USER, Absent),
            (400, "PGRST100", USER, Ours),
            (300, "PGRST203", SERVICE, Ours),
            // PostgreSQL.
            (503, "08006", SERVICE, Outage),
            (405, "25006", SERVICE, Outage),
            (500, "25P03", SERVICE, Outage),
            (500, "25P04", SERVICE, Outage),
            (500, "40001", SERVICE, Changed),
            (500, "40P01", SERVICE, Changed),
            (412, "PT412", SERVICE, Changed),
            (413, "PT413", SERVICE, TooLarge),
            (503, "53000", SERVICE, Outage),
            (503, "53100", SERVICE, Outage),
            (503, "53200", SERVICE, Outage),
            (503, "53300", SERVICE, Busy),
            (503, "53400", SERVICE, Outage),
            (500, "55P03", SERVICE, Outage),
            (500, "57014", SERVICE, Slow),
            (500, "57014", USER, Slow),
            (500, "57P01", SERVICE, Outage),
            (500, "57P02", SERVICE, Outage),
            (500, "57P03", SERVICE, Outage),
            (500, "57P05", SERVICE, Outage),
            (500, "58030", SERVICE, Outage),
            (404, "42883", SERVICE, Schema),
            (404, "42P01", SERVICE, Schema),
            (400, "42703", SERVICE, Schema),
            (403, "42501", USER, Forbidden),
            (403, "PT403", USER, Forbidden),
            // It is the uploader who is a reader.
            (403, "PT403", SERVICE, Forbidden),
            // Our service has lost a grant: no user may be told that it is the user's fault.
            (403, "42501", SERVICE, Ours),
            (400, "22P02", SERVICE, Values),
            (400, "23502", SERVICE, Values),
            (400, "23514", SERVICE, Values),
            (500, "54000", SERVICE, Values),
            (409, "23503", SERVICE, Values),
            (409, "23505", SERVICE, Values),
            (400, "23P01", SERVICE, Values),
            (400, "P0001", SERVICE, Values),
            (500, "P0004", SERVICE, Values),
            (400, "44000", SERVICE, Values),
            (500, "09000", SERVICE, Values),
            (400, "US123", SERVICE, Values),
            (400, "99001", SERVICE, Values),
            (500, "42P13", SERVICE, Ours),
            (500, "0A000", SERVICE, Ours),
            (500, "55000", SERVICE, Ours),
            (409, "PT409", SERVICE, Ours),
            (410, "PT410", SERVICE, Ours),
            (500, "57P04", SERVICE, Ours),
            (500, "XX000", SERVICE, Ours),
        ];
        for (status, code, speaks_for_user, cause) in table {
            let judged = RefusalCause::of(*status, code, *speaks_for_user);
            assert_eq!(judged, *cause, "{status} {code} {speaks_for_user}");
        }
    }

    #[test]
    fn a_status_without_postgrests_words_passes_unless_it_is_about_size() {
        for status in 300..600 {
            let cause = RefusalCause::of(status, "", SERVICE);
            assert_eq!(cause.is_passing(), cause != TooLarge, "{status}");
        }
    }

    #[test]
    fn nobody_but_a_user_hears_of_tokens_and_permissions() {
        for code in ["", "42501", "PGRST301", "PGRST302", "PGRST303"] {
            for status in [401, 403] {
                let cause = RefusalCause::of(status, code, SERVICE);
                assert!(!matches!(cause, Token | Forbidden), "{status} {code}");
            }
        }
    }
}
