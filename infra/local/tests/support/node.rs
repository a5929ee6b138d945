//! Runs programs that use Supabase's official SDK, as a user's server or page would.

use std::path::Path;
use std::process::Command;

use local_stack::LocalStack;

/// Runs the program with the stack's address and keys in its environment; fails with its output.
pub(crate) async fn run(
    stack: &LocalStack,
    name: &str,
    program: &str,
    environment: &[(&str, String)],
) {
    let folder = stack.logs().join(name);
    std::fs::create_dir(&folder).unwrap();
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/node/node_modules");
    assert!(
        modules.join("@supabase/supabase-js").exists(),
        "supabase-js is missing: run `make setup`"
    );
    std::os::unix::fs::symlink(modules.canonicalize().unwrap(), folder.join("node_modules"))
        .unwrap();
    std::fs::write(folder.join("program.mjs"), program).unwrap();
    let mut command = Command::new("node");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("SUPABASE_URL", stack.supabase_url())
        .env("SUPABASE_SECRET_KEY", stack.secret_key())
        .env("SUPABASE_PUBLISHABLE_KEY", stack.publishable_key())
        .envs(environment.iter().cloned())
        .current_dir(&folder)
        .arg("program.mjs");
    // The gateway runs in this process meanwhile.
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&told)
    );
}
