//! Tests every answer before anything is made, built or changed.

use aws_config::SdkConfig;
use media_sync::config::http_client;

use super::answers::Answers;
use super::parameters::SECRET;
use super::reservation::{self, Reservation};
use crate::aws::formation::{Formation, Stack, Standing};
use crate::aws::{Account, secret};
use crate::configuration::SUPABASE_URL;
use crate::database::{self, DatabaseAddress, DatabasePlace};
use crate::doctor::{self, EvidenceSources, Finding, FindingGrade, SkipReason, registry};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::migrations;
use crate::migrations::apply::DatabaseStanding;
use crate::output::Output;

/// The checks of `doctor` that make sense before a deployment.
const CHECKS: [&str; 6] = [
    "cld-credentials",
    "cld-region",
    "cld-clock",
    "sb-paused",
    "sb-keys",
    "sb-jwt",
];

/// Checks of which one has to be answered for each side.
const NEEDED: [&str; 2] = ["cld-credentials", "sb-paused"];

/// The world as the tests found it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) account: Account,
    pub(crate) stack: Option<Stack>,
    pub(crate) secret: secret::State,
    /// Copies of functions for the webhook.
    pub(crate) reservation: Reservation,
    /// Files of the migrations that are missing.
    pub(crate) pending: Vec<String>,
}

/// A test and its end: the fact, or the failure.
type Test = (&'static str, Result<String, Failure>);

/// AWS before the answers, because an installed stack may have some of them.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) account: Account,
    pub(crate) stack: Option<Stack>,
    pub(crate) secret_name: String,
    pub(crate) secret: secret::State,
}

impl Cloud {
    /// Asks AWS for our identity, the stack and its secret.
    pub(crate) async fn look(
        sdk: SdkConfig,
        stack_name: &str,
        given_secret: Option<&str>,
    ) -> Result<Self, Failure> {
        let account = Account::find(sdk).await?;
        let stack = Formation::new(&account, stack_name).read().await?;
        let of_stack = stack
            .as_ref()
            .and_then(|stack| stack.parameters.get(SECRET));
        let secret_name = given_secret
            .or(of_stack.map(String::as_str).filter(|arn| !arn.is_empty()))
            .map_or_else(|| format!("{stack_name}/config"), str::to_owned);
        let secret = secret::Secret::new(&account, &secret_name).read().await?;
        Ok(Self {
            account,
            stack,
            secret_name,
            secret,
        })
    }
}

/// Tests the answers and says the result of each test.
pub(crate) async fn examine(
    answers: &Answers,
    cloud: Cloud,
    reserved: Option<&str>,
    output: &Output,
) -> Result<World, Failure> {
    let (findings, database) = tokio::join!(
        services(answers, &cloud.account.sdk, output),
        database(answers, output)
    );
    let (mut tests, reservation) = aws(&cloud, reserved).await;
    tests.extend(findings?);
    let (database, pending) = match database {
        Ok(pending) => (Ok(in_words(&pending)), pending),
        Err(failure) => (Err(failure), Vec::new()),
    };
    tests.push(("database", database));
    conclude(tests, output)?;
    Ok(World {
        account: cloud.account,
        stack: cloud.stack,
        secret: cloud.secret,
        reservation,
        pending,
    })
}

/// Shows the tests; several failures end in one that counts them.
fn conclude(tests: Vec<Test>, output: &Output) -> Result<(), Failure> {
    let count = tests.len();
    let mut failures = Vec::new();
    for (name, end) in tests {
        match end {
            Ok(seen) => output.say(&format!("  ✓ {name:<16} {seen}")),
            Err(failure) => {
                output.say(&format!("  ✗ {name:<16} {}", failure.message));
                failures.push(failure);
            }
        }
    }
    let Some(first) = failures.first() else {
        return Ok(());
    };
    let exit = first.exit;
    if failures.len() == 1 {
        let failure = failures.remove(0);
        return Err(failure.detail("state", Some("nothing was made or changed")));
    }
    for failure in &failures {
        output.failure(failure);
    }
    Err(Failure::new(
        exit,
        format!(
            "{} of {count} tests failed; nothing was made or changed",
            failures.len()
        ),
    ))
}

async fn services(
    answers: &Answers,
    aws: &SdkConfig,
    output: &Output,
) -> Result<Vec<Test>, Failure> {
    let ids = CHECKS.map(str::to_owned);
    let checks = registry::select(&ids)
        .map_err(|id| Failure::new(Exit::Failed, format!("there is no check {id}")))?;
    let http = http_client().map_err(|error| Failure::new(Exit::Failed, chain(&error)))?;
    let unmade = Err(SkipReason::because("not made yet"));
    let sources = EvidenceSources {
        settings: &answers.settings,
        secret: &unmade,
        aws,
        stack: None,
        database: None,
        webhook: None,
        canary: None,
        http,
    };
    let findings = doctor::examine(&checks, &sources, output).await;
    let failed = |prefix: &str| {
        findings
            .iter()
            .any(|one| one.grade == FindingGrade::Failure && one.check.id.starts_with(prefix))
    };
    let (cloudinary, supabase) = (failed("cld-"), failed("sb-"));
    let explained = |id: &str| {
        if id.starts_with("cld-") {
            cloudinary
        } else {
            supabase
        }
    };
    Ok(findings
        .iter()
        .filter_map(|finding| {
            Some((
                finding.check.id,
                judge(finding, explained(finding.check.id))?,
            ))
        })
        .collect())
}

/// A finding as a test; a check that could not be made is one only where it is needed and nothing explains it.
fn judge(finding: &Finding, explained: bool) -> Option<Result<String, Failure>> {
    let id = finding.check.id;
    match finding.grade {
        FindingGrade::Ok | FindingGrade::Warning => Some(Ok(finding.seen.clone())),
        FindingGrade::Failure => {
            let exit = match id {
                "cld-credentials" | "sb-keys" => Exit::NotAllowed,
                "cld-region" | "sb-jwt" => Exit::Usage,
                _ => Exit::Failed,
            };
            let failure = Failure::new(exit, finding.seen.clone()).detail("check", Some(id));
            Some(Err(match &finding.mend {
                Some(mend) => failure.mend(mend.clone()),
                None => failure,
            }))
        }
        FindingGrade::Skipped if NEEDED.contains(&id) && !explained => {
            Some(Err(Failure::new(Exit::TryAgain, finding.seen.clone())
                .detail("check", Some(id))
                .mend("check this machine's network, then run this again")))
        }
        FindingGrade::Skipped => None,
    }
}

/// Connects and plans, and writes nothing; the answer lists the missing migrations.
async fn database(answers: &Answers, output: &Output) -> Result<Vec<String>, Failure> {
    let url = answers.settings.get(SUPABASE_URL).unwrap_or_default();
    same_project(url, &answers.database)?;
    let client = database::connect(&answers.database, output).await?;
    let standing = DatabaseStanding::read(&client).await?;
    let ours = migrations::embedded();
    let plan = standing.plan(&ours)?;
    Ok(plan.pending.iter().map(|one| one.file_name()).collect())
}

fn in_words(pending: &[String]) -> String {
    match pending.len() {
        0 => "it has every migration".to_owned(),
        1 => "1 migration is missing".to_owned(),
        count => format!("{count} migrations are missing"),
    }
}

/// Two hosted addresses have to name one project (pure).
fn same_project(url: &str, database: &DatabaseAddress) -> Result<(), Failure> {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let of_url = host.strip_suffix(".supabase.co");
    let of_database = match database.place() {
        DatabasePlace::Direct { project } => Some(project),
        DatabasePlace::SessionPooler => database
            .user
            .split_once('.')
            .map(|(_, project)| project.to_owned()),
        _ => None,
    };
    match (of_url, of_database) {
        (Some(api), Some(own)) if !api.eq_ignore_ascii_case(&own) => Err(Failure::new(
            Exit::Usage,
            format!("SUPABASE_URL is of the project {api}, DATABASE_URL of {own}"),
        )
        .mend("take both from the dashboard of one project")),
        _ => Ok(()),
    }
}

/// The tests of AWS, and the copies to reserve where none of them fails.
async fn aws(cloud: &Cloud, reserved: Option<&str>) -> (Vec<Test>, Reservation) {
    let account = &cloud.account;
    let mut tests: Vec<Test> = vec![
        (
            "aws-identity",
            Ok(format!("{} in {}", account.identity, account.region)),
        ),
        ("aws-stack", stack(cloud.stack.as_ref())),
        ("aws-secret", readable(&cloud.secret)),
    ];
    let reservation = reservation::find(reserved, cloud.stack.as_ref(), account).await;
    let (said, reservation) = match reservation {
        Ok(found) => (Ok(found.describe()), found),
        Err(failure) => (Err(failure), Reservation::Unknown),
    };
    tests.push(("aws-concurrency", said));
    (tests, reservation)
}

fn stack(stack: Option<&Stack>) -> Result<String, Failure> {
    let Some(stack) = stack else {
        return Ok("there is none yet".to_owned());
    };
    match Standing::of(&stack.status) {
        Standing::Stuck => Err(Failure::new(
            Exit::Failed,
            format!("the stack is stuck in {}", stack.status),
        )
        .mend(
            "aws cloudformation continue-update-rollback --stack-name NAME, then run this again",
        )),
        _ => Ok(stack.status.clone()),
    }
}

fn readable(state: &secret::State) -> Result<String, Failure> {
    match state {
        secret::State::Missing => Ok("there is none yet".to_owned()),
        secret::State::Deleted => Ok("waits for its deletion, which is taken back".to_owned()),
        secret::State::There { text, .. } => {
            secret::parse(text).map(|_| "there already".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_two_projects_are_refused() {
        let (a, b) = ("abcdefghijklmnopqrst", "bbcdefghijklmnopqrst");
        let direct = |project: &str| {
            format!("postgresql://postgres:x@db.{project}.supabase.co:5432/postgres")
        };
        let pooler = |project: &str| {
            format!(
                "postgresql://postgres.{project}:x@aws-0-eu-west-1.pooler.supabase.com:5432/postgres"
            )
        };
        let local = "postgresql://postgres:x@127.0.0.1:5432/postgres".to_owned();
        let hosted = format!("https://{a}.supabase.co/");
        for (url, address, good) in [
            (hosted.as_str(), direct(a), true),
            (&hosted, pooler(a), true),
            (&hosted, direct(b), false),
            (&hosted, pooler(b), false),
            (&hosted, local, true),
            ("https://api.example.com", direct(b), true),
        ] {
            let address = DatabaseAddress::parse(&address, None).unwrap();
            assert_eq!(same_project(url, &address).is_ok(), good, "{url} {address}");
        }
    }
}
