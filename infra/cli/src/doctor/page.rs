//! The page docs/operate/doctor.md, written from the registry.

use super::check::CheckGroup;
use super::registry::checks;

const HEAD: &str = "\
# Doctor

For operators: `mediasync doctor` looks at a deployment from outside and names each known fault with its mend.
It only reads, unless `--canary` is given. It prints no secret.

    make cli
    target/release/mediasync doctor

With AWS's usual environment it finds the deployed stack (`--stack-name`, `STACK_NAME`, or `media-sync`), and in it the
secret and the webhook's address. `--secret` and `--webhook-url` name others. Before a deployment, `--config FILE` reads a
JSON file in the form of the secret. Variables of the environment win over both: `CLOUDINARY_URL`, `SUPABASE_URL`,
`SUPABASE_SECRET_KEY`, `SUPABASE_PUBLISHABLE_KEY`, `SUPABASE_JWT_SECRET`. `DATABASE_URL` or `--database-url` names the
database. A check whose input is missing is skipped and says what it needs. The checks of Cloudinary cost seven calls of the
Admin API's hourly quota.

The checks of AWS need leave to read: `cloudformation:DescribeStacks` and `ListStackResources`,
`secretsmanager:GetSecretValue` and `DescribeSecret`, `lambda:GetAccountSettings` and `GetFunction`,
`sqs:GetQueueAttributes`, `sns:ListSubscriptionsByTopic`, `logs:DescribeLogGroups`, `iam:GetRolePolicy`. `aws-version` also
calls the function Health, for which `lambda:InvokeFunction` is needed. A check without leave is skipped and says so.

| option | effect |
|---|---|
| `--only ID,ID` | makes these checks only |
| `--canary` | uploads an asset of one pixel, waits for it in the database and removes it, for `path-canary` |
| `--timeout SECONDS` | the longest time for each of the canary's two events, 60 by default |
| `--list-checks` | lists the checks and makes none |
| `--spotlight` | shows failures only |
| `--json` | writes `{\"findings\": [{\"id\", \"grade\", \"seen\", \"mend\"}]}` to stdout |

| sign | grade in JSON | meaning |
|---|---|---|
| ✓ | `ok` | as it should be |
| ! | `warning` | works, and deserves a look |
| ✗ | `failure` | something does not work |
| - | `skipped` | not looked at: an input is missing, or looking failed |

The exit code is 1 when a check fails, 2 for a usage error, and 0 otherwise.
";

/// The whole page.
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    let mut group: Option<CheckGroup> = None;
    for check in checks() {
        if group.replace(check.group) != Some(check.group) {
            page.push_str(&format!(
                "\n## {}\n\n| id | fault | why it matters | reads |\n|---|---|---|---|\n",
                check.group.title()
            ));
        }
        page.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            check.id, check.title, check.why, check.reads
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_registry_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operate/doctor.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, markdown()).unwrap();
        }
        assert!(
            std::fs::read_to_string(path).unwrap_or_default() == markdown(),
            "docs/operate/doctor.md is not what the code says: run `UPDATE_DOCS=1 cargo test -p mediasync page`"
        );
    }
}
