//! Search of folders, by name and path.

use std::time::Instant;

use serde_json::{Value, json};

use super::parse::{self, Expr, Test};
use crate::admin::{bind, max_results};
use crate::app::App;
use crate::error::ApiError;
use crate::model::Folder;
use crate::params::Params;

const PAGE: i64 = 50;

pub(crate) fn search_folders(app: &App, params: &Params) -> Result<Value, ApiError> {
    let started = Instant::now();
    let expr = parse::parse(params.text("expression").unwrap_or_default())?;
    check(&expr)?;
    let size = max_results(params, PAGE, 1)?;
    app.store.read(|state| {
        let binding = bind(app, state, "search folders", params);
        let after: Option<String> = match params.filled("next_cursor") {
            Some(cursor) => Some(binding.open(cursor)?),
            None => None,
        };
        let all = state.folders.values();
        let matching: Vec<&Folder> = all.filter(|folder| matches(&expr, folder)).collect();
        let later = |folder: &&&Folder| after.as_ref().is_none_or(|after| folder.path > *after);
        let page: Vec<&&Folder> = matching.iter().filter(later).take(size + 1).collect();
        let mut answer = json!({
            "total_count": matching.len(),
            "time": started.elapsed().as_millis(),
            "folders": page.iter().take(size).map(|folder| describe(folder)).collect::<Vec<_>>(),
        });
        if page.len() > size {
            answer["next_cursor"] = json!(binding.seal(&page[size - 1].path));
        }
        Ok(answer)
    })
}

fn describe(folder: &Folder) -> Value {
    json!({
        "name": name(folder),
        "path": folder.path,
        "created_at": folder.created_at.iso(),
        "external_id": folder.external_id,
    })
}

fn name(folder: &Folder) -> &str {
    folder.path.rsplit('/').next().unwrap_or(&folder.path)
}

/// Refuses a question that is not understood, instead of finding nothing.
fn check(expr: &Expr) -> Result<(), ApiError> {
    match expr {
        Expr::All | Expr::Word(_) => Ok(()),
        Expr::And(parts) | Expr::Or(parts) => parts.iter().try_for_each(check),
        Expr::Not(part) => check(part),
        Expr::Clause { field, test } => match (field.as_str(), test) {
            ("name" | "path", Test::Token(_) | Test::Exact(_)) => Ok(()),
            _ => Err(ApiError::bad_request(format!("Unknown field: {field}"))),
        },
    }
}

fn matches(expr: &Expr, folder: &Folder) -> bool {
    match expr {
        Expr::All => true,
        Expr::And(parts) => parts.iter().all(|part| matches(part, folder)),
        Expr::Or(parts) => parts.iter().any(|part| matches(part, folder)),
        Expr::Not(part) => !matches(part, folder),
        Expr::Word(word) => name(folder).eq_ignore_ascii_case(word),
        Expr::Clause { field, test } => {
            let value = if field == "name" {
                name(folder)
            } else {
                &folder.path
            };
            match test {
                Test::Token(text) => match text.strip_suffix('*') {
                    Some(start) => value.to_lowercase().starts_with(&start.to_lowercase()),
                    None => value.eq_ignore_ascii_case(text),
                },
                Test::Exact(text) => value == text,
                _ => false,
            }
        }
    }
}
