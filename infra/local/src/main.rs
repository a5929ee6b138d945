//! `local_stack up`: the bare stack, for looking around in; ends with Ctrl-C.
//!
//! `--template FILE` deploys another template, `--without aws` and `--without cloudinary` leave parts out.

use std::process::ExitCode;

use local_stack::{LocalStack, StackError, StackOptions, StackPart, TokenClaims};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    let Some(options) = parse_arguments(std::env::args().skip(1)) else {
        eprintln!("usage: local_stack up [--template FILE] [--without aws] [--without cloudinary]");
        return ExitCode::from(2);
    };
    match up(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("local stack: {}", with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

fn parse_arguments(mut arguments: impl Iterator<Item = String>) -> Option<StackOptions> {
    let mut options = StackOptions {
        verbose: true,
        ..StackOptions::default()
    };
    if arguments.next()? != "up" {
        return None;
    }
    while let Some(option) = arguments.next() {
        match (option.as_str(), arguments.next()?.as_str()) {
            ("--template", file) => options.template = Some(std::path::absolute(file).ok()?),
            ("--without", "aws") => _ = options.without.insert(StackPart::Aws),
            ("--without", "cloudinary") => _ = options.without.insert(StackPart::Cloudinary),
            _ => return None,
        }
    }
    Some(options)
}

async fn up(options: StackOptions) -> Result<(), StackError> {
    let end = end_signal();
    tokio::pin!(end);
    let stack = tokio::select! {
        stack = LocalStack::start(options) => stack?,
        () = &mut end => return Ok(()),
    };
    announce(&stack);
    end.await;
    eprintln!("local stack: stopping");
    stack.stop().await;
    Ok(())
}

/// Ctrl-C, or a service manager's signal.
async fn end_signal() {
    let mut terminated =
        signal(SignalKind::terminate()).expect("signals can be listened to on Unix");
    let mut hung_up = signal(SignalKind::hangup()).expect("signals can be listened to on Unix");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
        _ = hung_up.recv() => {}
    }
}

#[expect(clippy::print_stdout, reason = "what the command is for")]
fn announce(stack: &LocalStack) {
    let token = stack.token(&TokenClaims::admin("admin@example.com"));
    let (front_door, cloudinary) = (
        stack.front_door_url(),
        stack.cloudinary_url().unwrap_or("not started"),
    );
    println!("front door      {front_door}");
    println!("webhook         {}", stack.webhook_url());
    println!("Supabase        {}", stack.supabase_url());
    println!("  secret key    {}", stack.secret_key());
    println!("  publishable   {}", stack.publishable_key());
    println!("database        {}", stack.database_url());
    println!("Cloudinary      {cloudinary}");
    println!(
        "AWS             {}",
        stack.aws_endpoint().unwrap_or("not started")
    );
    println!("logs            {}", stack.logs().display());
    println!("\nAn administrator's token, good for an hour:\nTOKEN={token}\n\nTry:");
    println!(
        "curl -H \"Authorization: Bearer $TOKEN\" '{front_door}/api/cloudinary/media?limit=3'"
    );
    println!("curl -H \"Authorization: Bearer $TOKEN\" '{front_door}/api/cloudinary/sync'");
    println!(
        "curl -H 'apikey: {}' '{}/rest/v1/media_assets?limit=3'",
        stack.secret_key(),
        stack.supabase_url()
    );
    println!("\nCtrl-C ends it.");
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
