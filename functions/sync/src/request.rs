//! Requests for runs, and questions about them (pure).

use std::collections::BTreeSet;

use lambda_http::Request;
use media_sync::http::{Problem, QueryParameters, body};
use media_sync::parameter::ParameterError;
use media_sync::sync::reconcile::{MAX_PAGE, RunOptions, checked_names};
use media_sync::sync::store::{RunMode, RunRequest, RunTrigger};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

/// The body of a request for a run. People who press the button mean a full run.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SyncRequest {
    force: bool,
    batch_size: Option<i64>,
    mode: Option<RequestedScope>,
    dry_run: bool,
    public_ids: Option<Vec<String>>,
    allow_mass_delete: bool,
    apply: Option<Uuid>,
    quota_reserve: Option<u32>,
}

impl SyncRequest {
    /// True if it overrides a brake. A dry run changes nothing.
    pub(crate) fn is_dangerous(&self) -> bool {
        (self.force || self.allow_mass_delete || self.apply.is_some()) && !self.dry_run
    }

    /// The approved plan.
    ///
    /// # Errors
    /// When something else is asked for besides, which no plan is about.
    pub(crate) fn plan(&self) -> Result<Option<Uuid>, ParameterError> {
        let clashes = self.mode == Some(RequestedScope::Incremental)
            || self.dry_run
            || self.allow_mass_delete
            || self.public_ids.is_some();
        if self.apply.is_some() && clashes {
            return Err(ParameterError::new(
                "apply",
                "goes with a full run, without dry_run, allow_mass_delete and public_ids",
            ));
        }
        Ok(self.apply)
    }

    /// True if the deletes that are held may go.
    pub(crate) fn allows_deletes(&self) -> bool {
        self.allow_mass_delete && !self.dry_run
    }
}

/// The scope of a run. Assets are named by `public_ids` alone.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RequestedScope {
    Full,
    Incremental,
}

/// The work that a request asks for.
#[derive(Debug)]
pub(crate) enum WantedRun {
    /// The pages of a listing, all or those that changed.
    Pages(RunRequest),
    /// Only these assets.
    Named(BTreeSet<String>, RunRequest, RunOptions),
}

/// Reads the body of a request for a run. An empty one asks for a full run.
///
/// # Errors
/// Naming the field that cannot be used.
pub(crate) fn parse_request(request: &Request) -> Result<SyncRequest, Problem> {
    if body::bytes(request.body(), body::JSON_LIMIT)?.is_empty() {
        return Ok(SyncRequest::default());
    }
    body::json(request)
}

/// Reads the query of a question, which may name a run, to hear all of it.
///
/// # Errors
/// When that is no id.
pub(crate) fn parse_query(query: Option<&str>) -> Result<Option<Uuid>, ParameterError> {
    QueryParameters::parse(query, &["run_id"])?.uuid("run_id")
}

/// The work that a request asks for.
///
/// # Errors
/// Naming the field that cannot be used.
pub(crate) fn plan_run(
    wanted: SyncRequest,
    requested_by: Uuid,
) -> Result<WantedRun, ParameterError> {
    let page_error = || {
        ParameterError::new(
            "batch_size",
            format!("must be a whole number from 1 to {MAX_PAGE}"),
        )
    };
    let batch_size = match wanted.batch_size {
        None => MAX_PAGE,
        Some(size) => u16::try_from(size).map_err(|_| page_error())?,
    };
    let options = RunOptions {
        batch_size,
        allow_mass_delete: wanted.allow_mass_delete,
        apply: wanted.apply,
        dry_run: wanted.dry_run,
        quota_reserve: wanted.quota_reserve,
    };
    let options = options.checked().map_err(|_| page_error())?;
    let mode = match (&wanted.public_ids, wanted.force) {
        (Some(_), _) => RunMode::Named,
        (None, false) if wanted.mode == Some(RequestedScope::Incremental) => RunMode::Incremental,
        (None, _) => RunMode::Full,
    };
    let request = RunRequest {
        force: wanted.force,
        mode,
        trigger: RunTrigger::Api,
        requested_by: Some(requested_by),
        options: json!(options),
    };
    match wanted.public_ids {
        Some(names) => Ok(WantedRun::Named(parse_names(names)?, request, options)),
        None => Ok(WantedRun::Pages(request)),
    }
}

fn parse_names(names: Vec<String>) -> Result<BTreeSet<String>, ParameterError> {
    checked_names(names).map_err(|reason| ParameterError::new("public_ids", reason))
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;
    use media_sync::sync::reconcile::MAX_NAMES;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_body_panics(body in "\\PC{0,200}", number: i64, name in "\\PC{0,300}") {
            let _ = parse_request(&request(&body));
            let body = json!({"batch_size": number, "quota_reserve": number, "public_ids": [name]});
            if let Ok(wanted) = parse_request(&request(&body.to_string())) {
                let _ = plan_run(wanted, Uuid::nil());
            }
            let _ = parse_query(Some(&name));
        }
    }

    fn request(body: &str) -> Request {
        Request::new(if body.is_empty() {
            Body::Empty
        } else {
            Body::from(body)
        })
    }

    #[test]
    fn an_empty_body_asks_for_a_full_run() {
        assert_eq!(parse_request(&request("")).unwrap(), SyncRequest::default());
        assert_eq!(
            parse_request(&request("{}")).unwrap(),
            SyncRequest::default()
        );
    }

    #[test]
    fn what_overrides_a_brake_is_dangerous_unless_it_changes_nothing() {
        for (body, is_dangerous) in [
            ("", false),
            (r#"{"mode": "full", "public_ids": ["a"]}"#, false),
            (r#"{"force": true}"#, true),
            (r#"{"allow_mass_delete": true}"#, true),
            (r#"{"allow_mass_delete": true, "dry_run": true}"#, false),
        ] {
            let wanted = parse_request(&request(body)).unwrap();
            assert_eq!(wanted.is_dangerous(), is_dangerous, "{body}");
        }
    }

    #[test]
    fn a_plan_is_applied_by_a_full_run_alone() {
        let hash = "00000000-0000-0000-0000-000000000007";
        let plan = |more: &str| {
            let body = format!(r#"{{"apply": "{hash}"{more}}}"#);
            parse_request(&request(&body)).unwrap().plan()
        };
        assert_eq!(plan("").unwrap(), Some(Uuid::from_u128(7)));
        assert!(plan(r#", "mode": "full", "force": true"#).is_ok());
        for clash in [
            r#", "mode": "incremental""#,
            r#", "dry_run": true"#,
            r#", "allow_mass_delete": true"#,
            r#", "public_ids": ["a"]"#,
        ] {
            assert_eq!(plan(clash).unwrap_err().name, "apply", "{clash}");
        }
    }

    #[test]
    fn the_original_request_is_understood() {
        let wanted = parse_request(&request(r#"{"force": true, "batch_size": 100}"#)).unwrap();
        assert_eq!((wanted.force, wanted.batch_size), (true, Some(100)));
    }

    fn plan(body: &str) -> Result<WantedRun, ParameterError> {
        plan_run(parse_request(&request(body)).unwrap(), Uuid::nil())
    }

    #[test]
    fn names_narrow_a_run_and_are_counted() {
        let Ok(WantedRun::Named(names, run, options)) =
            plan(r#"{"public_ids": ["b", "a", "b"], "dry_run": true, "force": true}"#)
        else {
            panic!("names are understood");
        };
        assert_eq!(Vec::from_iter(names), ["a", "b"]);
        assert_eq!((run.mode, options.dry_run), (RunMode::Named, true));
        let many: Vec<String> = (0..=MAX_NAMES).map(|number| number.to_string()).collect();
        for names in [
            json!([]),
            json!([""]),
            json!(many),
            json!(["x".repeat(256)]),
        ] {
            assert!(
                plan(&json!({"public_ids": names}).to_string()).is_err(),
                "{names}"
            );
        }
        let problem = parse_request(&request(r#"{"mode": "named"}"#)).unwrap_err();
        assert_eq!(problem.subject(), Some("mode"));
        assert!(
            problem
                .detail()
                .ends_with("expected `full` or `incremental`.")
        );
    }

    #[test]
    fn page_sizes_are_what_cloudinary_lists() {
        for size in [0, 501, -1, 70_000] {
            assert!(
                plan(&json!({"batch_size": size}).to_string()).is_err(),
                "{size}"
            );
        }
        let Ok(WantedRun::Pages(run)) = plan(r#"{"batch_size": 500, "mode": "incremental"}"#)
        else {
            panic!("a run is wanted");
        };
        assert_eq!(run.mode, RunMode::Incremental);
    }

    #[test]
    fn a_question_may_name_one_run() {
        let id = Uuid::from_u128(7);
        let query = format!("run_id={id}");
        assert_eq!(parse_query(Some(&query)).unwrap(), Some(id));
        assert_eq!(parse_query(None).unwrap(), None);
        assert!(parse_query(Some("run_id=7")).is_err());
        assert!(parse_query(Some("runid=7")).is_err());
    }

    #[test]
    fn what_is_not_offered_is_refused_and_not_ignored() {
        let problem = parse_request(&request(r#"{"dryrun": true}"#)).unwrap_err();
        assert_eq!(problem.code(), "invalid_body");
    }
}
