//! Asks everything that the project depends on, each for no longer than is bearable.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::join_all;
use media_sync::cloudinary::CloudinaryClient;
use media_sync::config::{self, CallerConfig, CloudinaryConfig, ConfigError};
use media_sync::http::Problem;
use media_sync::queue::{QueueBacklog, QueueName, SqsQueue};
use media_sync::supabase::DataApi;
use media_sync::supabase::jwt::{ApiCaller, TokenVerifier};
use media_sync::sync::health::{HealthFindings, RunSchedules};
use media_sync::sync::marker::LibraryPlace;
use media_sync::sync::store::MirrorHealth;
use media_sync::telemetry;
use tokio::time::timeout;

/// A dependency that takes longer does not work.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything that is asked.
#[derive(Debug)]
pub(crate) struct Dependencies {
    pub(crate) verifier: TokenVerifier,
    pub(crate) schedules: RunSchedules,
    database: DataApi,
    cloudinary: CloudinaryClient,
    queues: Vec<(&'static str, SqsQueue)>,
}

/// The findings, and the time that the database took.
pub(crate) struct Inspected {
    pub(crate) findings: HealthFindings,
    pub(crate) round_trip: Duration,
}

impl Dependencies {
    pub(crate) async fn load() -> Result<Self, Problem> {
        let aws = config::aws().await;
        let config = config::load::<(CallerConfig, CloudinaryConfig)>(&aws).await?;
        let (callers, cloudinary) = config.split();
        let http = config::http_client().map_err(|error| Problem::internal(&error))?;
        let queues = QueueName::ALL.into_iter().flat_map(|queue| {
            let ((own, dead), (own_variable, dead_variable)) =
                (queue.health_words(), queue.variables());
            [(own, own_variable), (dead, dead_variable)]
        });
        let queues = queues.map(|(name, variable)| {
            let url = config::required_env(variable)?;
            Ok((name, SqsQueue::connect(&aws, url)))
        });
        Ok(Self {
            verifier: callers.token_verifier(&http),
            schedules: config::schedules(),
            database: callers.client(&http),
            cloudinary: cloudinary.client(&http),
            queues: queues.collect::<Result<_, ConfigError>>()?,
        })
    }

    /// Asks the database in the name of the caller, and Cloudinary only if that is wanted, since
    /// it takes a call of the hour's quota.
    pub(crate) async fn inspect(&self, caller: &ApiCaller, probe: bool) -> Inspected {
        let begun = Instant::now();
        let database = async {
            let mirror = self.ask_database(caller).await;
            (mirror, begun.elapsed())
        };
        let cloudinary = async {
            match probe {
                true => Some(self.ask_cloudinary().await),
                false => None,
            }
        };
        let ((database, round_trip), queues, cloudinary) =
            tokio::join!(database, self.ask_queues(), cloudinary);
        Inspected {
            findings: HealthFindings {
                database,
                queues,
                cloudinary,
            },
            round_trip,
        }
    }

    async fn ask_database(&self, caller: &ApiCaller) -> Result<MirrorHealth, &'static str> {
        let database = self.database.as_caller(caller);
        let place = LibraryPlace::of_database(self.database.base());
        let arguments = serde_json::json!({"p_place": place});
        let asked = database.rpc("media_sync_health", &arguments);
        match timeout(PATIENCE, asked).await {
            Ok(Ok(mirror)) => Ok(mirror),
            Ok(Err(error)) => {
                telemetry::log_error("the database does not tell how it is", &error);
                Err(Problem::from(error).code())
            }
            Err(_) => Err("timeout"),
        }
    }

    async fn ask_cloudinary(&self) -> Result<(), &'static str> {
        match timeout(PATIENCE, self.cloudinary.ping()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                telemetry::log_error("Cloudinary does not tell how it is", &error);
                Err(error.code())
            }
            Err(_) => Err("timeout"),
        }
    }

    async fn ask_queues(&self) -> BTreeMap<&'static str, Result<QueueBacklog, &'static str>> {
        let asked = self.queues.iter().map(async |(name, queue)| {
            let depth = match timeout(PATIENCE, queue.depth()).await {
                Ok(Ok(depth)) => Ok(depth),
                Ok(Err(error)) => {
                    telemetry::log_error("a queue does not tell its depth", &error);
                    Err("queue_unavailable")
                }
                Err(_) => Err("timeout"),
            };
            (*name, depth)
        });
        join_all(asked).await.into_iter().collect()
    }
}
