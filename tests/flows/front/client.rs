//! A client is made of the document, and a program uses it as a user would.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use end_to_end::World;

/// Makes the types, compiles the program against them, and runs it.
pub(super) async fn use_the_api(world: &World) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let modules = root.join(".tools/node/node_modules");
    assert!(
        modules.join("openapi-fetch").exists(),
        "openapi-fetch is missing: run `make setup`"
    );
    let folder = world.stack.logs().join("client");
    std::fs::create_dir(&folder).unwrap();
    symlink(modules.canonicalize().unwrap(), folder.join("node_modules")).unwrap();
    std::fs::write(folder.join("client.mts"), include_str!("client.mts")).unwrap();

    let node = |arguments: &[&str]| {
        let mut command = Command::new("node");
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("API", world.stack.front_door_url())
            .env("USER_TOKEN", &world.user)
            .env("ADMIN_TOKEN", &world.admin)
            .current_dir(&folder)
            .args(arguments);
        command
    };
    let document = root.join("docs/reference/openapi.json");
    let document = document.to_str().unwrap();
    let generator = "node_modules/openapi-typescript/bin/cli.js";
    run(node(&[generator, document, "--output", "api.d.ts"])).await;
    let compiler = "node_modules/typescript/bin/tsc";
    let options = [
        compiler,
        "--strict",
        "--noUncheckedIndexedAccess",
        "--skipLibCheck",
        "--allowImportingTsExtensions",
        "--rewriteRelativeImportExtensions",
        "--module",
        "nodenext",
        "--target",
        "es2022",
        "client.mts",
    ];
    run(node(&options)).await;
    run(node(&["client.mjs"])).await;
}

async fn run(mut command: Command) {
    // The front door runs in this process meanwhile.
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&told)
    );
}
