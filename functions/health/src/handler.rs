//! `GET /api/cloudinary/health`: alive, for everybody; all the rest, for administrators.

use lambda_http::http::{Method, StatusCode, header};
use lambda_http::{Body, Request, Response};
use media_sync::http::auth::{authenticate, require_account, require_admin};
use media_sync::http::{Problem, QueryParameters, reply, respond};
use media_sync::parameter::ParameterError;
use media_sync::release::{BUILD, SCHEMA_VERSION, VERSION};
use media_sync::sync::health::{HealthStatus, RunSchedules, assess};
use media_sync::sync::store::MirrorHealth;
use media_sync::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use crate::dependencies::{Dependencies, Inspected};

/// The dependencies' clients are made when an administrator first asks.
#[derive(Debug, Default)]
pub(crate) struct Health {
    dependencies: OnceCell<Dependencies>,
}

impl Health {
    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| self.tell(request).await).await
    }

    async fn tell(&self, request: &Request) -> Result<Response<Body>, Problem> {
        if request.method() != Method::GET {
            return Err(Problem::method_not_allowed("GET"));
        }
        let probe = parse_probe(request.uri().query())?;
        if !request.headers().contains_key(header::AUTHORIZATION) {
            let alive = alive();
            return match probe {
                false => Ok(reply::json(StatusCode::OK, &alive)),
                true => Err(Problem::token_missing()),
            };
        }
        let dependencies = self
            .dependencies
            .get_or_try_init(Dependencies::load)
            .await?;
        let now = Timestamp::now();
        let caller = authenticate(&dependencies.verifier, request.headers(), now).await?;
        if !probe && !caller.user_role.is_admin() {
            return Ok(reply::json(StatusCode::OK, &alive()));
        }
        require_account(&caller)?;
        require_admin(&caller)?;
        let inspected = dependencies.inspect(&caller, probe).await;
        let (status, answer) = answer(&inspected, dependencies.schedules, now);
        Ok(reply::json(status, &answer))
    }
}

/// The release is no secret, and tells whether the functions are those that the database was migrated for.
fn alive() -> Value {
    json!({
        "status": HealthStatus::Ok,
        "version": VERSION,
        "build": BUILD,
        "schema": {"expected": SCHEMA_VERSION},
    })
}

/// Another side to ask than the database.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Probe {
    Cloudinary,
}

fn parse_probe(query: Option<&str>) -> Result<bool, ParameterError> {
    let query = QueryParameters::parse(query, &["probe"])?;
    Ok(query.word::<Probe>("probe")?.is_some())
}

/// 503 only where nothing works: a load balancer must not take a mirror away for one dead letter.
fn answer(inspected: &Inspected, schedules: RunSchedules, now: Timestamp) -> (StatusCode, Value) {
    let found = &inspected.findings;
    let (status, reasons) = assess(found, schedules, now);
    let mut answer = json!({
        "status": status,
        "version": VERSION,
        "build": BUILD,
        "schema": {"expected": SCHEMA_VERSION},
        "reasons": reasons,
        "database": match &found.database {
            Ok(_) => json!({"reachable": true, "round_trip_ms": inspected.round_trip.as_millis() as u64}),
            Err(code) => json!({"reachable": false, "error": code}),
        },
        "queues": found.queues.iter().map(|(name, depth)| {
            let told = match depth {
                Ok(depth) => json!(depth),
                Err(code) => json!({"error": code}),
            };
            ((*name).to_owned(), told)
        }).collect::<Map<_, _>>(),
    });
    let mut cloudinary = match found.cloudinary {
        None => json!({"probed": false}),
        Some(Ok(())) => json!({"probed": true, "reachable": true}),
        Some(Err(code)) => json!({"probed": true, "reachable": false, "error": code}),
    };
    if let Ok(mirror) = &found.database {
        cloudinary["quota"] = json!(mirror.quota);
        answer["schema"]["version"] = json!(mirror.schema_version);
        answer["reconciliation"] = reconciliation(mirror, now);
        answer["notifications"] = json!({
            "last_accepted": mirror.last_notification,
            "last_accepted_seconds": age(mirror.last_notification, now),
            "last_refused": mirror.refusals.first(),
        });
        answer["intents"] = json!({
            "pending": mirror.pending,
            "errors": mirror.errors,
            "oldest_pending": mirror.oldest_pending,
            "oldest_pending_seconds": age(mirror.oldest_pending, now),
        });
    }
    answer["cloudinary"] = cloudinary;
    let code = match status {
        HealthStatus::Down => StatusCode::SERVICE_UNAVAILABLE,
        HealthStatus::Ok | HealthStatus::Degraded => StatusCode::OK,
    };
    (code, answer)
}

fn reconciliation(mirror: &MirrorHealth, now: Timestamp) -> Value {
    json!({
        "last_full": mirror.last_full,
        "last_full_seconds": age(mirror.last_full, now),
        "last_good": mirror.last_good,
        "last_good_seconds": age(mirror.last_good, now),
        "last_run": mirror.last_run,
        "current_run": mirror.current_run,
    })
}

fn age(moment: Option<Timestamp>, now: Timestamp) -> Option<u64> {
    moment.map(|moment| now.since(moment).as_secs())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use media_sync::queue::QueueBacklog;
    use media_sync::sync::health::HealthFindings;

    use super::*;

    const EVENT: &str = include_str!("../events/http_api.json");

    fn body(response: &Response<Body>) -> Value {
        serde_json::from_slice(response.body()).unwrap()
    }

    #[tokio::test]
    async fn to_be_alive_nothing_else_is_needed() {
        // No configuration, no network: this process has neither.
        let request = lambda_http::request::from_str(EVENT).unwrap();
        let response = Health::default().handle(request).await;
        assert_eq!(response.status(), 200);
        let schema = json!({"expected": SCHEMA_VERSION});
        let alive = json!({"status": "ok", "version": VERSION, "build": BUILD, "schema": schema});
        assert_eq!(body(&response), alive);
    }

    #[tokio::test]
    async fn strangers_may_not_have_cloudinary_asked() {
        let mut request = lambda_http::request::from_str(EVENT).unwrap();
        *request.uri_mut() = "https://api/x?probe=cloudinary".parse().unwrap();
        let response = Health::default().handle(request).await;
        assert_eq!(response.status(), 401);
    }

    #[test]
    fn what_else_could_be_probed_is_refused() {
        assert!(parse_probe(Some("probe=cloudinary")).unwrap());
        assert!(!parse_probe(None).unwrap());
        assert_eq!(parse_probe(Some("probe=all")).unwrap_err().name, "probe");
        assert_eq!(parse_probe(Some("deep=1")).unwrap_err().name, "deep");
    }

    fn inspected(change: impl Fn(&mut HealthFindings)) -> Inspected {
        let now = Timestamp::from_secs(0);
        let mirror = json!({
            "last_full": now, "last_good": now, "last_run": null, "current_run": null,
            "pending": 2, "errors": 1, "oldest_pending": now, "quota": {"remaining": 5},
            "schema_version": SCHEMA_VERSION, "last_notification": now,
            "refusals": [{
                "at": now, "first_at": now, "reason": "signature_wrong", "signature_key": null,
                "algorithm": "sha1", "count": 3,
            }],
        });
        let mut findings = HealthFindings {
            database: Ok(serde_json::from_value(mirror).unwrap()),
            queues: [("outbound", Ok(QueueBacklog::default()))].into(),
            cloudinary: None,
        };
        change(&mut findings);
        Inspected {
            findings,
            round_trip: Duration::from_millis(3),
        }
    }

    fn told(change: impl Fn(&mut HealthFindings)) -> (StatusCode, Value) {
        answer(
            &inspected(change),
            RunSchedules::default(),
            Timestamp::from_secs(60),
        )
    }

    #[test]
    fn ages_depths_and_the_shared_quota_are_told() {
        let (status, answer) = told(|_| ());
        assert_eq!((status, &answer["status"]), (StatusCode::OK, &json!("ok")));
        assert_eq!(answer["database"]["round_trip_ms"], 3);
        assert_eq!(answer["queues"]["outbound"]["visible"], 0);
        assert_eq!(answer["reconciliation"]["last_full_seconds"], 60);
        assert_eq!(answer["intents"]["oldest_pending_seconds"], 60);
        assert_eq!(answer["notifications"]["last_accepted_seconds"], 60);
        assert_eq!(answer["notifications"]["last_refused"]["count"], 3);
        assert_eq!(
            answer["cloudinary"],
            json!({"probed": false, "quota": {"remaining": 5}})
        );
    }

    #[test]
    fn only_a_missing_database_is_a_503() {
        let (status, answer) = told(|found| {
            found.queues.insert("outbound", Err("queue_unavailable"));
            found.cloudinary = Some(Err("cloudinary_unreachable"));
        });
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer["status"], "degraded");
        assert_eq!(answer["reasons"].as_array().unwrap().len(), 2);
        assert_eq!(answer["cloudinary"]["error"], "cloudinary_unreachable");
        let (status, answer) = told(|found| found.database = Err("database_unavailable"));
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer["status"], "down");
        assert_eq!(answer["database"]["error"], "database_unavailable");
    }
}
