//! `mediasync doctor` beside a local stack: each fault is put into the project, and exactly its check finds it.

use local_stack::{GatewayFault, LocalStack, StackOptions};
use media_sync::config::http_client;
use mediasync_cli::database::DatabaseAddress;
use mediasync_cli::doctor::supabase::{EXPECTED, read_catalog};
use mediasync_cli::migrations;
use mediasync_cli::output::{Output, OutputManner};
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls};

use crate::support::{Run, run};

/// A migrated project with an administrator, as after an installation.
struct Installed {
    stack: LocalStack,
    database: Client,
    admin: Client,
}

/// The command's environment; a test changes it to inject a fault of configuration.
pub(crate) type Environment = Vec<(&'static str, String)>;

impl Installed {
    async fn start(options: StackOptions) -> Self {
        let stack = LocalStack::start(options).await.unwrap();
        let database = connect(stack.database_url()).await;
        let admin = connect(stack.supabase_admin_url()).await;
        let installed = Self {
            stack,
            database,
            admin,
        };
        installed.make_administrator().await;
        installed
    }

    async fn make_administrator(&self) {
        let url = format!("{}/auth/v1/admin/users", self.stack.supabase_url());
        let body = json!({
            "email": "boss@example.com", "email_confirm": true, "app_metadata": {"role": "admin"},
        });
        let answer = http_client()
            .unwrap()
            .post(url)
            .header("apikey", self.stack.secret_key())
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    fn environment(&self) -> Environment {
        let stack = &self.stack;
        vec![
            ("SUPABASE_URL", stack.supabase_url()),
            ("SUPABASE_SECRET_KEY", stack.secret_key().to_owned()),
            (
                "SUPABASE_PUBLISHABLE_KEY",
                stack.publishable_key().to_owned(),
            ),
            ("DATABASE_URL", stack.database_url().to_owned()),
        ]
    }

    fn doctor(&self) -> Run {
        doctor(&self.environment(), &["--json"])
    }

    /// Expects exactly this finding with this grade, and the words in it.
    #[track_caller]
    fn assert_finds(&self, id: &str, grade: &str, words: &str) {
        assert_finds(&self.doctor(), id, grade, words);
    }

    #[track_caller]
    fn assert_clean(&self) {
        let run = self.doctor();
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(faults(&run), Vec::<(String, String)>::new(), "{run:?}");
    }

    async fn execute(&self, sql: &str) {
        self.database.batch_execute(sql).await.unwrap();
    }

    /// As Supabase's own services do it.
    async fn execute_as_admin(&self, sql: &str) {
        self.admin.batch_execute(sql).await.unwrap();
    }

    /// Injects a fault by SQL, expects it to be found, and takes it back.
    async fn finds_after(&self, id: &str, words: &str, sql: &str, undo: &str) {
        self.execute(sql).await;
        self.assert_finds(id, "failure", words);
        self.execute(undo).await;
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) fn doctor(environment: &Environment, more: &[&str]) -> Run {
    let environment: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let run = run(&[&["doctor"], more].concat(), &environment);
    for (name, value) in environment {
        let is_secret = name.contains("KEY") || name.contains("JWT");
        let shown = run.stdout.contains(value) || run.stderr.contains(value);
        assert!(!(is_secret && shown), "{name} is shown: {run:?}");
    }
    run
}

/// Ids and grades of warnings and failures.
pub(crate) fn faults(run: &Run) -> Vec<(String, String)> {
    let answer = run.json();
    let findings = answer["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap().to_owned();
            (text("id"), text("grade"))
        })
        .filter(|(_, grade)| grade == "warning" || grade == "failure")
        .collect()
}

#[track_caller]
pub(crate) fn assert_finds(run: &Run, id: &str, grade: &str, words: &str) {
    assert_eq!(faults(run), [(id.to_owned(), grade.to_owned())], "{run:?}");
    assert_eq!(run.code, Some(i32::from(grade == "failure")), "{run:?}");
    let answer = run.json();
    let findings = answer["findings"].as_array().unwrap();
    let finding = findings.iter().find(|one| one["id"] == id).unwrap();
    assert!(
        finding["seen"].as_str().unwrap().contains(words),
        "{finding}"
    );
    assert!(finding["mend"].as_str().is_some(), "{finding}");
}

fn project() -> StackOptions {
    StackOptions {
        realtime: true,
        ..StackOptions::database_only()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn expected_access_is_that_of_a_new_installation_in_newer_and_older_projects() {
    let older = StackOptions {
        open_grants: true,
        ..project()
    };
    let (newer, older) = tokio::join!(access(project()), access(older));
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/doctor/supabase/expected.txt"
    );
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &newer).unwrap();
    }
    assert_eq!(older, newer, "older projects grant more by default");
    assert!(
        std::fs::read_to_string(path).unwrap() == newer,
        "{path} is not what the migrations make: run `UPDATE_DOCS=1 cargo test -p mediasync expected_access`"
    );
    if std::env::var_os("UPDATE_DOCS").is_none() {
        assert!(EXPECTED == newer);
    }
}

async fn access(options: StackOptions) -> String {
    let stack = LocalStack::start(options).await.unwrap();
    let address = DatabaseAddress::parse(stack.database_url(), None).unwrap();
    let output = Output::new(OutputManner::default());
    let catalog = read_catalog(Some(&address), &output).await.unwrap();
    stack.stop().await;
    catalog
        .access
        .iter()
        .map(|line| format!("{line}\n"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_database_are_found_one_by_one() {
    let installed = Installed::start(project()).await;
    installed.assert_clean();
    migrations_are_compared_with_the_release(&installed).await;
    access_is_compared_with_a_new_installation(&installed).await;
    parts_of_live_updates_are_missed(&installed).await;
    short_timeouts_are_found(&installed).await;
    installed.assert_clean();
    installed.stack.stop().await;
}

async fn migrations_are_compared_with_the_release(installed: &Installed) {
    let newest = migrations::embedded().pop().unwrap();
    let (version, name) = (&newest.version, &newest.name);
    installed
        .finds_after(
            "sb-migrations",
            &format!("missing: {version}_{name}"),
            &format!("delete from media_sync.schema_versions where version = '{version}'"),
            &format!("insert into media_sync.schema_versions (version, name) values ('{version}', '{name}')"),
        )
        .await;
    installed
        .finds_after(
            "sb-migrations",
            "does not know: 20991231000000",
            "insert into media_sync.schema_versions (version, name) values ('20991231000000', 'x')",
            "delete from media_sync.schema_versions where version = '20991231000000'",
        )
        .await;
    a_stale_schema_cache_is_told_apart(installed).await;
}

async fn a_stale_schema_cache_is_told_apart(installed: &Installed) {
    const RENAME: &str = "alter function public.media_sync_health rename to media_sync_away";
    const BACK: &str = "alter function public.media_sync_away rename to media_sync_health";
    installed
        .execute(&format!("{RENAME}; notify pgrst, 'reload schema'"))
        .await;
    until_health_answers(installed, json!("PGRST202")).await;
    installed.execute(BACK).await;
    installed.assert_finds("sb-migrations", "failure", "schema cache is stale");
    let mut environment = installed.environment();
    environment.retain(|(name, _)| *name != "DATABASE_URL");
    let run = doctor(&environment, &["--json"]);
    assert_finds(
        &run,
        "sb-migrations",
        "failure",
        "or its schema cache is stale",
    );
    installed.execute("notify pgrst, 'reload schema'").await;
    until_health_answers(installed, Value::Null).await;
}

/// PostgreSQL's own refusal of an object that the cache still has is a 404, too. The code tells them apart.
async fn until_health_answers(installed: &Installed, code: Value) {
    let url = format!(
        "{}/rest/v1/rpc/media_sync_health",
        installed.stack.supabase_url()
    );
    let client = http_client().unwrap();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let call = client
            .get(&url)
            .header("apikey", installed.stack.secret_key());
        let answer: Value = call.send().await.unwrap().json().await.unwrap();
        if answer["code"] == code {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "health never answered {code}: {answer}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn access_is_compared_with_a_new_installation(installed: &Installed) {
    let select = "select on public.media_assets";
    installed
        .finds_after(
            "sb-grants",
            "grant select on public.media_assets to authenticated",
            &format!("revoke {select} from authenticated"),
            &format!("grant {select} to authenticated"),
        )
        .await;
    let function = "execute on function public.media_sync_purge";
    installed
        .finds_after(
            "sb-grants",
            "to service_role",
            &format!("revoke {function} from service_role"),
            &format!("grant {function} to service_role"),
        )
        .await;
    installed
        .execute("grant delete on public.media_assets to anon")
        .await;
    installed.assert_finds(
        "sb-grants",
        "warning",
        "grant delete on public.media_assets to anon",
    );
    installed
        .execute("revoke delete on public.media_assets from anon")
        .await;
    installed
        .finds_after(
            "sb-rls",
            "off: public.media_assets",
            "alter table public.media_assets disable row level security",
            "alter table public.media_assets enable row level security",
        )
        .await;
    let policy = "media_stats_read on public.media_stats";
    installed
        .finds_after(
            "sb-rls",
            "policy media_stats_read on public.media_stats for select",
            &format!("drop policy {policy}"),
            &format!("create policy {policy} for select to authenticated using (true)"),
        )
        .await;
}

async fn parts_of_live_updates_are_missed(installed: &Installed) {
    const OFFER: &str = "select media_sync.offer_live_updates()";
    installed
        .finds_after(
            "sb-realtime",
            "leaves out public.media_assets",
            "alter publication supabase_realtime drop table public.media_assets",
            OFFER,
        )
        .await;
    installed
        .finds_after(
            "sb-realtime",
            "media_sync_listen",
            "drop policy media_sync_listen on realtime.messages",
            OFFER,
        )
        .await;
    installed
        .finds_after(
            "sb-realtime",
            "broadcast_update",
            "alter table public.media_assets disable trigger broadcast_update",
            "alter table public.media_assets enable trigger broadcast_update",
        )
        .await;
    installed
        .finds_after(
            "sb-realtime",
            "publication supabase_realtime is missing",
            "drop publication supabase_realtime",
            &format!("create publication supabase_realtime; {OFFER}"),
        )
        .await;
}

async fn short_timeouts_are_found(installed: &Installed) {
    installed
        .execute_as_admin("alter role service_role set statement_timeout = '3s'")
        .await;
    installed.assert_finds("sb-timeouts", "failure", "(service_role) end after 3s");
    installed
        .execute_as_admin("alter role service_role reset statement_timeout")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_api_and_of_auth_are_found_one_by_one() {
    let installed = Installed::start(project()).await;
    a_project_that_does_not_answer_is_one_fault(&installed);
    keys_of_another_place_are_found(&installed);
    legacy_keys_that_are_switched_off_are_found(&installed);
    a_leftover_secret_is_a_warning(&installed);
    administrators_are_counted_by_the_servers_metadata(&installed).await;
    output_is_for_people_and_for_scripts(&installed);
    installed.assert_clean();
    installed.stack.stop().await;
}

fn a_project_that_does_not_answer_is_one_fault(installed: &Installed) {
    installed
        .stack
        .set_gateway_fault(Some(GatewayFault::Status {
            status: 540,
            times: u32::MAX,
        }));
    installed.assert_finds("sb-paused", "failure", "the project is paused");
    installed.stack.set_gateway_fault(Some(GatewayFault::Down));
    installed.assert_finds("sb-paused", "failure", "answers 503");
    installed.stack.set_gateway_fault(None);

    let at = |url: &str| {
        let mut environment = installed.environment();
        environment[0].1 = url.to_owned();
        doctor(&environment, &["--json"])
    };
    let run = at("https://abcdefghijklmnopqrst.supabase.co.invalid");
    assert_finds(&run, "sb-paused", "failure", "does not resolve");
    assert_finds(
        &at("http://127.0.0.1:1"),
        "sb-paused",
        "failure",
        "does not answer",
    );
}

fn keys_of_another_place_are_found(installed: &Installed) {
    let with = |secret: &str, publishable: &str| {
        let mut environment = installed.environment();
        environment[1].1 = secret.to_owned();
        environment[2].1 = publishable.to_owned();
        doctor(&environment, &["--json"])
    };
    let stack = &installed.stack;
    let (secret, publishable) = (stack.secret_key(), stack.publishable_key());
    for (run, words) in [
        (
            with(publishable, secret),
            "SUPABASE_SECRET_KEY holds a publishable key",
        ),
        (
            with(secret, "sb_publishable_of_another"),
            "SUPABASE_PUBLISHABLE_KEY: Invalid API key",
        ),
        (
            with("sb_secret_of_another", publishable),
            "SUPABASE_SECRET_KEY: Invalid API key",
        ),
        (
            with(secret, "nonsense"),
            "SUPABASE_PUBLISHABLE_KEY is neither",
        ),
    ] {
        assert_finds(&run, "sb-keys", "failure", words);
    }
    let legacy = with(stack.legacy_service_role_key(), stack.legacy_anon_key());
    assert_eq!(faults(&legacy), [], "{legacy:?}");
}

fn legacy_keys_that_are_switched_off_are_found(installed: &Installed) {
    let stack = &installed.stack;
    let with = |secret: &str, publishable: &str| {
        let mut environment = installed.environment();
        environment[1].1 = secret.to_owned();
        environment[2].1 = publishable.to_owned();
        doctor(&environment, &["--json"])
    };
    stack.switch_legacy_keys(false);
    let (secret, publishable) = (stack.secret_key(), stack.publishable_key());
    let (service, anon) = (stack.legacy_service_role_key(), stack.legacy_anon_key());
    for (run, words) in [
        (
            with(service, anon),
            "SUPABASE_SECRET_KEY: Legacy API keys are disabled",
        ),
        (
            with(service, publishable),
            "SUPABASE_SECRET_KEY: Legacy API keys are disabled",
        ),
        (
            with(secret, anon),
            "SUPABASE_PUBLISHABLE_KEY: Legacy API keys are disabled",
        ),
    ] {
        assert_finds(&run, "sb-keys", "failure", words);
        let findings = run.json()["findings"].clone();
        let findings = findings.as_array().unwrap();
        let found = findings.iter().find(|one| one["id"] == "sb-keys").unwrap();
        let mend = found["mend"].as_str().unwrap();
        assert!(
            mend.contains("sb_secret_… into SUPABASE_SECRET_KEY"),
            "{mend}"
        );
    }
    installed.assert_clean();
    stack.switch_legacy_keys(true);
}

fn a_leftover_secret_is_a_warning(installed: &Installed) {
    let mut environment = installed.environment();
    let secret = installed.stack.legacy_jwt_secret().to_owned();
    environment.push(("SUPABASE_JWT_SECRET", secret));
    let run = doctor(&environment, &["--json"]);
    assert_finds(
        &run,
        "sb-jwt",
        "warning",
        "SUPABASE_JWT_SECRET is still set",
    );
}

async fn administrators_are_counted_by_the_servers_metadata(installed: &Installed) {
    installed
        .execute("update auth.users set raw_app_meta_data = '{}'")
        .await;
    installed.assert_finds("sb-admin", "failure", "none of 1 users");
    installed
        .execute("update auth.users set raw_user_meta_data = '{\"role\": \"admin\"}'")
        .await;
    installed.assert_finds("sb-admin", "failure", "user_metadata");
    installed
        .execute("update auth.users set raw_user_meta_data = '{}', raw_app_meta_data = '{\"role\": \"admin\"}'")
        .await;
}

fn output_is_for_people_and_for_scripts(installed: &Installed) {
    let environment = installed.environment();
    let person = doctor(&environment, &["--only", "sb-jwt,sb-paused"]);
    let lines: Vec<&str> = person.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{person:?}");
    assert_eq!(lines[0], "Supabase");
    assert!(lines[1].starts_with("  ✓ sb-paused"), "{person:?}");
    assert!(person.stderr.contains("2 checks: 2 ok"), "{person:?}");

    let mut wrong = environment.clone();
    wrong[1].1 = "nonsense".to_owned();
    let spotlight = doctor(&wrong, &["--spotlight"]);
    assert_eq!(spotlight.code, Some(1), "{spotlight:?}");
    let shown: Vec<&str> = spotlight.stdout.lines().collect();
    assert!(shown[1].starts_with("  ✗ sb-keys"), "{spotlight:?}");
    assert!(
        shown[2].contains("why:") && shown[3].contains("mend:"),
        "{spotlight:?}"
    );
    assert_eq!(shown.len(), 4, "{spotlight:?}");

    let file = tempfile::NamedTempFile::new().unwrap();
    let map: std::collections::BTreeMap<_, _> = environment[..3].iter().cloned().collect();
    std::fs::write(file.path(), serde_json::to_string(&map).unwrap()).unwrap();
    let config = file.path().to_str().unwrap();
    let run = doctor(&Vec::new(), &["--json", "--config", config]);
    assert_eq!(faults(&run), [], "{run:?}");
    let answer = run.json();
    let skipped = answer["findings"].as_array().unwrap().iter();
    let skipped: Vec<&str> = skipped
        .filter(|one| one["grade"] == "skipped")
        .map(|one| one["id"].as_str().unwrap())
        .filter(|id| id.starts_with("sb-"))
        .collect();
    assert_eq!(
        skipped,
        ["sb-grants", "sb-rls", "sb-realtime", "sb-timeouts"],
        "{run:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_legacy_project_need_its_secret() {
    let installed = Installed::start(StackOptions {
        legacy_signing: true,
        ..project()
    })
    .await;
    installed.assert_finds("sb-jwt", "failure", "publishes no keys");
    let mut environment = installed.environment();
    let secret = installed.stack.legacy_jwt_secret().to_owned();
    environment.push(("SUPABASE_JWT_SECRET", secret));
    let run = doctor(&environment, &["--json"]);
    assert_eq!(faults(&run), [], "{run:?}");
    installed.stack.stop().await;
}

#[test]
fn without_any_input_everything_is_skipped_and_says_what_it_needs() {
    let run = run(&["doctor", "--json"], &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let answer = run.json();
    for finding in answer["findings"].as_array().unwrap() {
        assert_eq!(finding["grade"], "skipped", "{finding}");
        assert!(
            finding["seen"].as_str().unwrap().starts_with("needs "),
            "{finding}"
        );
    }
}
