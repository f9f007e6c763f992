//! The `ropewalk` program: the command line, the composition of all services, and the demo.

mod access;
mod cli;
mod client;
mod commands;
mod compose;
mod context;
mod demo;
mod git;
mod output;
mod running;
mod table;
mod up;

use std::process::ExitCode;

// Training allocates and frees the same large buffers every step: an allocator that keeps them
// saves a quarter of the time or more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&error.into()),
    };
    let code = runtime.block_on(cli::run());
    // Background work of a server may still be waiting on timers: it is not waited for.
    runtime.shutdown_background();
    code
}
