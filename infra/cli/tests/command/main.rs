//! The command as it is called: exit codes, output on stdout and stderr, and effects on databases and folders.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod copies;
mod daily;
mod deployed;
mod doctor;
mod doctor_aws;
mod doctor_cloudinary;
mod doctor_path;
mod fence;
mod help;
mod install;
mod install_faults;
mod migrate;
mod project;
mod redrive;
mod replay;
mod settings;
mod support;
mod tls;
mod transfer;
mod webhooks;
