//! The HTTP core of the Cloudinary client: credentials, clock, quota, attempts.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header;
use reqwest::multipart::{Form, Part};
use serde::de::DeserializeOwned;

use super::answer::{CloudinaryAnswer, RawAnswer};
use super::call::{Body, Call};
use super::clock::CloudClock;
use super::headers::http_date;
use super::quota_reading::QuotaReading;
use super::signed_form::signed_form;
use super::{ApiCredentials, CloudinaryError, RefusalKind};
use crate::deadline::Deadline;
use crate::rotation::{LiveValue, ValueVersion};
use crate::time::Timestamp;

/// A page of 500 assets with context takes a second or two; more than this is an outage.
const TIMEOUT: Duration = Duration::from_secs(25);

/// Sending up to 6 MB, or waiting until Cloudinary has fetched a remote file.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(110);

const ATTEMPTS: u32 = 3;

/// No further attempt begins after this: an outage is the queue's to wait for, not ours.
const RETRY_WINDOW: Duration = Duration::from_secs(5);

const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A client of one product environment. Cheap to clone; clones share connections, clock and the
/// known quota.
#[derive(Clone)]
pub struct CloudinaryClient {
    http: reqwest::Client,
    credentials: LiveValue<ApiCredentials>,
    clock: Arc<CloudClock>,
    quota: Arc<Mutex<Option<QuotaReading>>>,
    deadline: Deadline,
}

impl CloudinaryClient {
    /// A client that sends through `http`, which all clients of a function share.
    pub fn new(http: reqwest::Client, credentials: ApiCredentials) -> Self {
        Self::rotating(http, LiveValue::fixed(credentials))
    }

    /// The same with credentials that may be rotated, within one product environment.
    pub fn rotating(http: reqwest::Client, credentials: LiveValue<ApiCredentials>) -> Self {
        Self {
            http,
            credentials,
            clock: Arc::new(CloudClock::default()),
            quota: Arc::default(),
            deadline: Deadline::NEVER,
        }
    }

    /// The same client, whose calls end before this moment or do not begin.
    #[must_use]
    pub fn until(&self, deadline: Deadline) -> Self {
        Self {
            deadline,
            ..self.clone()
        }
    }

    /// The credentials that the next call is made with.
    pub async fn credentials(&self) -> ValueVersion<ApiCredentials> {
        self.credentials.current().await
    }

    /// A moment that Cloudinary's clock has certainly reached by now.
    pub fn cloud_now(&self) -> Timestamp {
        self.clock.lower_bound_at(Timestamp::now())
    }

    /// A moment that Cloudinary's clock has certainly not passed yet.
    pub fn cloud_now_at_most(&self) -> Timestamp {
        self.clock.upper_bound_at(Timestamp::now())
    }

    /// The newest that is known of the Admin API's quota, from answers or from [`Self::learn_quota`].
    pub fn newest_quota(&self) -> Option<QuotaReading> {
        *self.quota.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in another function's news of the quota.
    pub fn learn_quota(&self, reading: QuotaReading) {
        let mut known = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(known.map_or(reading, |known| known.newer(reading)));
    }

    /// Makes the call and reads the answer as `T`. Refused credentials have done nothing: if there are
    /// newer ones, the call is made again with these.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        call: Call,
    ) -> Result<CloudinaryAnswer<T>, CloudinaryError> {
        let mut credentials = self.credentials.current_until(self.deadline).await;
        loop {
            let error = match self.call_with(&call, &credentials).await {
                Err(error) if error.is_about_credentials() => error,
                outcome => return outcome,
            };
            let newer = match error.refusal() {
                // Most such keys are good, and no reason to wait: they lack one permission.
                Some(RefusalKind::Forbidden) => self.credentials.renewed_if_due(&credentials).await,
                _ => self.credentials.renewed(&credentials, self.deadline).await,
            };
            match newer {
                Some(newer) => credentials = newer,
                None => return Err(error),
            }
        }
    }

    async fn call_with<T: DeserializeOwned>(
        &self,
        call: &Call,
        credentials: &ApiCredentials,
    ) -> Result<CloudinaryAnswer<T>, CloudinaryError> {
        let started = Instant::now();
        let mut attempt = 1;
        loop {
            let error = match self.attempt(call, credentials).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = pause(attempt);
            let has_time = self.deadline.earlier(pause).timeout(TIMEOUT).is_some();
            let is_late = attempt == ATTEMPTS || started.elapsed() > RETRY_WINDOW;
            if is_late || !has_time || !may_repeat(call, &error) {
                return Err(error);
            }
            tracing::debug!(
                attempt,
                code = error.code(),
                doing = call.doing,
                "calling Cloudinary again"
            );
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn attempt<T: DeserializeOwned>(
        &self,
        call: &Call,
        credentials: &ApiCredentials,
    ) -> Result<CloudinaryAnswer<T>, CloudinaryError> {
        let unreachable = |source: reqwest::Error| CloudinaryError::Unreachable {
            doing: call.doing.clone(),
            source: source.without_url(),
        };
        let own = if is_upload(call) {
            UPLOAD_TIMEOUT
        } else {
            TIMEOUT
        };
        let timeout = self.deadline.timeout(own);
        let timeout = timeout.ok_or_else(|| CloudinaryError::OutOfTime {
            doing: call.doing.clone(),
        })?;
        let request = self.request(call, credentials).timeout(timeout);
        let request = request.build().map_err(unreachable)?;
        let sent = Timestamp::now();
        let response = self.http.execute(request).await.map_err(unreachable)?;
        let received = Timestamp::now();
        if let Some(date) = http_date(response.headers(), header::DATE.as_str()) {
            self.clock.learn(date, sent, received);
        }
        let observed_at = self.clock.lower_bound_at(sent);
        if let Some(reading) = QuotaReading::of_headers(response.headers(), observed_at) {
            self.learn_quota(reading);
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = RawAnswer {
            doing: &call.doing,
            status,
            headers: &headers,
            body: &response.bytes().await.map_err(unreachable)?,
            observed_at,
            now: self.cloud_now(),
        };
        let value = answer.read()?;
        Ok(CloudinaryAnswer { value, observed_at })
    }

    fn request(&self, call: &Call, credentials: &ApiCredentials) -> reqwest::RequestBuilder {
        let url = credentials.api_url(&call.path);
        let request = self.http.request(call.method.clone(), url);
        let request = if call.query.is_empty() {
            request
        } else {
            request.query(&call.query)
        };
        let basic = |request: reqwest::RequestBuilder| {
            request.basic_auth(credentials.api_key(), Some(credentials.api_secret()))
        };
        match &call.body {
            Body::None => basic(request),
            Body::Json(value) => basic(request).json(value),
            Body::Signed(params) => {
                request.form(&signed_form(params, credentials, self.cloud_now()))
            }
            Body::File {
                params,
                file,
                filename,
            } => {
                let length = file.len() as u64;
                let part =
                    Part::stream_with_length(file.clone(), length).file_name(filename.clone());
                let form = signed_form(params, credentials, self.cloud_now())
                    .into_iter()
                    .fold(Form::new(), |form, (name, value)| form.text(name, value))
                    .part("file", part);
                request.multipart(form)
            }
        }
    }
}

impl fmt::Debug for CloudinaryClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

fn is_upload(call: &Call) -> bool {
    call.path.last().is_some_and(|action| action == "upload")
}

fn may_repeat(call: &Call, error: &CloudinaryError) -> bool {
    match error {
        // Nothing was sent.
        CloudinaryError::Unreachable { source, .. } if source.is_connect() => true,
        CloudinaryError::Unreachable { source, .. } => call.repeatable && !source.is_timeout(),
        CloudinaryError::Unreadable { .. } => call.repeatable,
        CloudinaryError::Refused(refused) => match refused.refusal {
            // Refused for its timestamp, before anything was done; the clock is right now.
            RefusalKind::Stale => true,
            RefusalKind::Server { retry_after: None } => call.repeatable,
            _ => false,
        },
        CloudinaryError::Invalid { .. } | CloudinaryError::OutOfTime { .. } => false,
    }
}

/// Doubles with each attempt, between half and whole, so that many callers do not return at once.
fn pause(attempt: u32) -> Duration {
    let most = FIRST_PAUSE * 2u32.pow(attempt - 1);
    most.mul_f64(rand::random_range(0.5..1.0))
}
