//! The program as its users meet it: commands, servers, faults and full disks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod bad_input;
mod full_disk;
mod help;
mod hints;
mod imported;
mod killed;
mod killed_runs;
mod line;
mod mlflow_server;
mod output;
mod permissions;
mod requests;
mod start;
