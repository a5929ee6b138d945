//! The documents: links lead somewhere, README is short, and every page names its readers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const LONGEST_README: usize = 150;
const LONGEST_ARCHITECTURE: usize = 160;

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the workspace").to_owned()
}

/// Every page, by its path in the project.
fn pages() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let is_ours = !name.to_string_lossy().starts_with('.')
                && !["target", "node_modules", "dist"].contains(&name.to_string_lossy().as_ref());
            if path.is_dir() && is_ours {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    collect(&root(), &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a page");
        (path, text)
    };
    found.into_iter().map(read).collect()
}

/// The page without blocks of code.
fn prose(page: &str) -> String {
    let mut is_code = false;
    let mut kept = String::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The targets of a page's links, `](target)`.
fn links(page: &str) -> Vec<String> {
    let text = prose(page);
    text.match_indices("](")
        .filter_map(|(at, _)| {
            let rest = &text[at + 2..];
            Some(rest[..rest.find(')')?].to_owned())
        })
        .collect()
}

/// The anchors of a page, as code hosts make them of its headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let heading = |line: &str| {
        let title = line.strip_prefix('#')?.trim_start_matches('#');
        let words = title.strip_prefix(' ')?.trim().to_lowercase();
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        Some(
            words
                .chars()
                .filter(kept)
                .collect::<String>()
                .replace(' ', "-"),
        )
    };
    prose(page).lines().filter_map(heading).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for (path, text) in pages() {
        let folder = path.parent().expect("a folder");
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() {
                path.clone()
            } else {
                folder.join(file)
            };
            let is_good = target.exists()
                && (anchor.is_empty()
                    || fs::read_to_string(&target)
                        .is_ok_and(|page| anchors(&page).contains(anchor)));
            if !is_good {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn readme_is_short_and_leads_to_every_page() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README");
    let lines = readme.lines().count();
    assert!(lines <= LONGEST_README, "README has {lines} lines");
    let linked: BTreeSet<PathBuf> = links(&readme)
        .iter()
        .filter_map(|link| root().join(link.split('#').next()?).canonicalize().ok())
        .collect();
    let docs = root().join("docs").canonicalize().expect("docs");
    let unlinked: Vec<_> = pages()
        .into_iter()
        .filter_map(|(path, _)| path.canonicalize().ok())
        .filter(|path| path.starts_with(&docs) && !linked.contains(path))
        .filter(|path| !path.ends_with("SUMMARY.md"))
        .collect();
    assert!(unlinked.is_empty(), "README leads to none of {unlinked:?}");
}

#[test]
fn the_book_has_every_page() {
    let docs = root().join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).expect("the summary");
    let listed: BTreeSet<_> = links(&summary).iter().map(|link| docs.join(link)).collect();
    let pages = pages().into_iter().map(|(path, _)| path);
    let missing: Vec<_> = pages
        .filter(|path| path.starts_with(&docs) && !path.ends_with("SUMMARY.md"))
        .filter(|path| !listed.contains(path))
        .collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md lacks {missing:?}");
}

#[test]
fn every_page_says_first_whom_it_is_for() {
    let docs = root().join("docs");
    let silent: Vec<_> = pages()
        .into_iter()
        .filter(|(path, _)| path.starts_with(&docs) && !path.ends_with("SUMMARY.md"))
        .filter(|(_, text)| {
            let mut lines = text.lines().filter(|line| !line.trim().is_empty());
            let title = lines.next().is_some_and(|line| line.starts_with("# "));
            let reader = lines.next().is_some_and(|line| line.starts_with("For "));
            !(title && reader)
        })
        .map(|(path, _)| path)
        .collect();
    assert!(
        silent.is_empty(),
        "a page begins with its title and with `For ...`: {silent:?}"
    );
}

/// The paths of all files of the project.
fn files() -> Vec<String> {
    fn collect(folder: &Path, found: &mut Vec<String>) {
        const OTHERS: [&str; 3] = ["target", "node_modules", "dist"];
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || OTHERS.contains(&name.as_str()) {
                continue;
            }
            found.push(entry.path().to_string_lossy().into_owned());
            if entry.path().is_dir() {
                collect(&entry.path(), found);
            }
        }
    }
    let mut found = Vec::new();
    collect(&root(), &mut found);
    found
}

/// The pieces of code within a page's sentences.
fn code(page: &str) -> impl Iterator<Item = String> {
    let text = prose(page);
    let pieces: Vec<String> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    pieces.into_iter()
}

/// The pages that explain the code.
fn pages_about_code() -> impl Iterator<Item = (PathBuf, String)> {
    let design = root().join("docs/design");
    let others = [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "docs/guides/extend.md",
    ];
    let others = others.map(|page| root().join(page));
    let is_about_code =
        move |path: &Path| path.starts_with(&design) || others.iter().any(|it| it == path);
    pages()
        .into_iter()
        .filter(move |(path, _)| is_about_code(path))
}

#[test]
fn architecture_is_a_map_and_not_a_book() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE");
    let lines = page.lines().count();
    assert!(
        lines <= LONGEST_ARCHITECTURE,
        "ARCHITECTURE has {lines} lines"
    );
}

#[test]
fn every_source_that_a_page_names_exists() {
    const KINDS: [&str; 7] = [".rs", ".py", ".sh", ".md", ".json", ".yaml", ".sql"];
    let files = files();
    let mut missing = Vec::new();
    for (page, text) in pages_about_code() {
        for name in code(&text) {
            let is_path = KINDS.iter().any(|kind| name.ends_with(kind));
            let is_pattern = name.contains(['*', ' ', '=', '…']) || name.contains("NAME");
            if !is_path || is_pattern || name.contains("<name>") {
                continue;
            }
            let ending = format!("/{name}");
            if !files.iter().any(|file| file.ends_with(&ending)) {
                missing.push(format!("{}: {name}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "no such file:\n{}", missing.join("\n"));
}

#[test]
fn every_function_that_a_page_names_is_one_of_its_type() {
    let sources: Vec<String> = files()
        .iter()
        .filter(|file| file.ends_with(".rs"))
        .map(|file| fs::read_to_string(file).expect("a source"))
        .collect();
    let mut missing = Vec::new();
    for (page, text) in pages_about_code() {
        for name in code(&text) {
            if let Some((owner, item)) = as_member(&name)
                && !sources.iter().any(|source| has_member(source, owner, item))
            {
                missing.push(format!("{}: {name}", page.display()));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "no such function:\n{}",
        missing.join("\n")
    );
}

/// `Type::member`, without the member's arguments.
fn as_member(name: &str) -> Option<(&str, &str)> {
    let (owner, item) = name.split_once("::")?;
    let item = item.trim_end_matches("(..)").trim_end_matches("()");
    let is_type = is_word(owner) && owner.starts_with(char::is_uppercase);
    (is_type && is_word(item)).then_some((owner, item))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// True for a source with a function or a variant of that type.
fn has_member(source: &str, owner: &str, item: &str) -> bool {
    let names_owner = |line: &str| {
        let is_head = ["impl", "pub enum ", "enum ", "pub trait "];
        is_head.iter().any(|head| line.starts_with(head))
            && line
                .split(|c: char| !is_word(&c.to_string()))
                .any(|word| word == owner)
    };
    let declares = [
        format!("fn {item}("),
        format!("fn {item}<"),
        format!("    {item}("),
        format!("    {item},"),
        format!("    {item} {{"),
    ];
    source.lines().any(names_owner) && declares.iter().any(|text| source.contains(text))
}

/// Rights that only keys of one's own need.
const WITH_OWN_KEYS: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey"];

/// The actions that the deployer's policy allows.
fn allowed_actions() -> Vec<String> {
    let text = fs::read_to_string(root().join("infra/deployer-policy.json")).expect("the policy");
    let policy: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let statements = policy["Statement"].as_array().expect("statements");
    let actions = statements.iter().flat_map(|one| match &one["Action"] {
        serde_json::Value::Array(many) => many.clone(),
        one => vec![one.clone()],
    });
    actions
        .map(|action| action.as_str().expect("an action").to_owned())
        .collect()
}

/// `service:Action`, as AWS writes a right.
fn is_right(text: &str) -> bool {
    text.split_once(':').is_some_and(|(service, action)| {
        let is_service = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        !service.is_empty()
            && service.chars().all(is_service)
            && action.starts_with(|c: char| c.is_ascii_uppercase())
            && action.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

#[test]
fn rights_in_aws_stand_in_one_policy_and_pages_name_no_others() {
    let allowed = allowed_actions();
    let is_allowed = |right: &str| {
        allowed.iter().any(|action| match action.split_once('*') {
            Some((head, tail)) => {
                right.starts_with(head) && right[head.len()..].contains(tail.trim_end_matches('*'))
            }
            None => action == right,
        })
    };
    assert!(is_allowed("lambda:InvokeFunction") && is_allowed("cloudformation:DescribeStacks"));
    assert!(!is_allowed("s3:DeleteBucket") && !is_allowed("cloudformation:SetStackPolicy"));
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        if text.contains("\"Effect\"") {
            wrong.push(format!("{} has a policy of its own", page.display()));
        }
        let rights = code(&text).filter(|piece| is_right(piece));
        let missing =
            rights.filter(|right| !is_allowed(right) && !WITH_OWN_KEYS.contains(&right.as_str()));
        wrong.extend(missing.map(|right| format!("{}: {right}", page.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
