//! Removes everything of media-sync's from a database, by the SQL of docs/operate/migrations.md.

use tokio_postgres::Client;

use crate::exit::Exit;
use crate::failure::Failure;

const PAGE: &str = include_str!("../../../docs/operate/migrations.md");
const SECTION: &str = "\n## Starting anew\n";

/// Removes tables, functions and policies in one transaction. Missing objects are passed over.
///
/// # Errors
/// The database refuses, and is as it was.
pub(crate) async fn remove(client: &mut Client) -> Result<(), Failure> {
    client.batch_execute(sql()).await.map_err(|error| {
        let (exit, words) = match error.as_db_error() {
            Some(error) => (Exit::of_sql_state(error.code()), error.message().to_owned()),
            None => (Exit::TryAgain, crate::failure::chain(&error)),
        };
        Failure::new(
            exit,
            format!("removing media-sync from the database failed: {words}"),
        )
        .mend("the database is as it was; run this again, as the role postgres")
    })
}

/// The page's first block of SQL under its heading: a whole transaction.
fn sql() -> &'static str {
    let section = PAGE.split_once(SECTION).map_or("", |(_, rest)| rest);
    let block = section.split_once("```sql\n").map_or("", |(_, rest)| rest);
    block.split_once("```").map_or("", |(sql, _)| sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_is_the_pages_whole_transaction() {
        let sql = sql().trim();
        assert!(
            sql.starts_with("begin;") && sql.ends_with("commit;"),
            "{sql}"
        );
        assert!(sql.contains("drop schema if exists media_sync cascade"));
    }
}
