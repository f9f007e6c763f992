//! `ropewalk doctor`: real checks of this machine and this home, each with its remedy.

use std::time::{Duration, Instant};

use bytes::Bytes;
use ropewalk_core::{Blobs, Code, Database, Error, Result};
use serde::Serialize;

use crate::context::Context;
use crate::running::Running;
use crate::table::{Table, bytes};

#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warning,
    Failed,
}

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

fn good(check: &'static str, found: impl Into<String>) -> Finding {
    Finding { check, verdict: Verdict::Ok, found: found.into(), remedy: None }
}

fn poor(
    check: &'static str,
    verdict: Verdict,
    found: impl Into<String>,
    remedy: impl Into<String>,
) -> Finding {
    Finding { check, verdict, found: found.into(), remedy: Some(remedy.into()) }
}

pub(crate) async fn run(context: &Context) -> Result<()> {
    let findings = vec![
        home(context),
        disk(context),
        database(context).await,
        blobs(context).await,
        server(context).await,
        port(context).await,
        energy(),
        web_app(),
    ];
    context.output.list(&findings, "", |findings| {
        let mut table = Table::new(&["", "check", "found", "remedy"]);
        for finding in findings {
            let verdict = match finding.verdict {
                Verdict::Ok => "ok",
                Verdict::Warning => "warning",
                Verdict::Failed => "FAILED",
            };
            table.row([
                verdict,
                finding.check,
                &finding.found,
                finding.remedy.as_deref().unwrap_or_default(),
            ]);
        }
        table
    })?;
    let failed = findings.iter().filter(|finding| finding.verdict == Verdict::Failed).count();
    if failed == 0 {
        return Ok(());
    }
    Err(Error::new(Code::GateFailed, format!("{failed} of {} checks failed", findings.len()))
        .hint("do what the remedies say, then run: ropewalk doctor"))
}

fn home(context: &Context) -> Finding {
    let home = &context.settings.home;
    let probe = home.join(".doctor");
    if !home.exists() {
        return good("home", format!("{} (not made yet)", home.display()));
    }
    match std::fs::write(&probe, b"probe").and_then(|()| std::fs::remove_file(&probe)) {
        Ok(()) => good("home", format!("{} is writable", home.display())),
        Err(error) => {
            poor("home", Verdict::Failed, format!("{}: {error}", home.display()), "name another: --home DIR")
        }
    }
}

fn disk(context: &Context) -> Finding {
    let folder = context.settings.home.ancestors().find(|folder| folder.exists());
    let free = folder.and_then(free_bytes);
    match free {
        None => poor("disk", Verdict::Warning, "free space is not known", "look with: df -h"),
        Some(free) if free < 100_000_000 => poor(
            "disk",
            Verdict::Failed,
            format!("{} free", bytes(free)),
            "free some space: nothing can be written soon",
        ),
        Some(free) if free < 2_000_000_000 => poor(
            "disk",
            Verdict::Warning,
            format!("{} free", bytes(free)),
            "free some space before long work",
        ),
        Some(free) => good("disk", format!("{} free", bytes(free))),
    }
}

#[cfg(unix)]
#[allow(clippy::useless_conversion)] // the field's width differs between platforms
fn free_bytes(folder: &std::path::Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(folder.as_os_str().as_bytes()).ok()?;
    let mut figures = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path ends with a zero byte, and the call fills the whole struct when it returns 0.
    let figures = unsafe {
        if libc::statvfs(path.as_ptr(), figures.as_mut_ptr()) != 0 {
            return None;
        }
        figures.assume_init()
    };
    Some(u64::from(figures.f_bavail) * u64::from(figures.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_folder: &std::path::Path) -> Option<u64> {
    None
}

async fn database(context: &Context) -> Finding {
    let settings = &context.settings;
    let kept = settings.text("database").is_none();
    if kept && !settings.home.join("meta.db").exists() {
        return good("database", "SQLite in the home (not made yet)");
    }
    let started = Instant::now();
    let opened =
        tokio::time::timeout(Duration::from_secs(20), Database::open(&settings.database_url())).await;
    let answer = match opened {
        Ok(Ok(database)) => database.ping().await.map(|()| database),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Error::new(Code::Unavailable, "it does not answer within 20 seconds")),
    };
    match answer {
        Ok(database) => {
            let kind = if database.is_sqlite() { "SQLite" } else { "PostgreSQL" };
            good("database", format!("{kind} answers in {:.0} ms", started.elapsed().as_secs_f64() * 1000.0))
        }
        Err(error) => {
            let remedy = error.advice().unwrap_or("check --database").to_owned();
            poor("database", Verdict::Failed, error.to_string(), remedy)
        }
    }
}

async fn blobs(context: &Context) -> Finding {
    const PROBE: &str = "doctor/probe";
    let local = context.settings.text("blobs").is_none();
    if local && !context.settings.home.exists() {
        return good("blobs", "a folder in the home (not made yet)");
    }
    let probe = async {
        let blobs = Blobs::open(&context.settings.blobs_url())?;
        blobs.put(PROBE, Bytes::from_static(b"probe")).await?;
        let read = blobs.get(PROBE).await?;
        blobs.delete(PROBE).await?;
        if read == "probe" {
            Ok(())
        } else {
            Err(Error::new(Code::Corrupt, "what was read is not what was written"))
        }
    };
    match tokio::time::timeout(Duration::from_secs(20), probe).await {
        Ok(Ok(())) => good("blobs", format!("{} takes and gives bytes", context.settings.blobs_url())),
        Ok(Err(error)) => {
            poor("blobs", Verdict::Failed, error.to_string(), "check --blobs and its credentials")
        }
        Err(_) => {
            poor("blobs", Verdict::Failed, "no answer within 20 seconds", "check --blobs and the network")
        }
    }
}

async fn server(context: &Context) -> Finding {
    if let Some(address) = context.settings.text("server") {
        let client = match crate::client::Client::remote(address, context.settings.text("token")) {
            Ok(client) => client,
            Err(error) => return poor("server", Verdict::Failed, error.to_string(), "check --server"),
        };
        return match client.get::<crate::compose::Home>("/api/v1/home").await {
            Ok(home) => good("server", format!("{address} answers: version {}", home.version)),
            Err(error) => poor("server", Verdict::Failed, error.to_string(), "check --server and --token"),
        };
    }
    match Running::find(&context.settings.home).await {
        Some(running) => {
            good("server", format!("running at {} (process {})", running.address, running.process))
        }
        None => good("server", "not running: commands work within their own process"),
    }
}

async fn port(context: &Context) -> Finding {
    let port = context.settings.port();
    if Running::find(&context.settings.home).await.is_some() {
        return good("port", "held by this home's server");
    }
    match tokio::net::TcpListener::bind(("127.0.0.1", port)).await {
        Ok(_) => good("port", format!("{port} is free")),
        Err(_) => poor(
            "port",
            Verdict::Warning,
            format!("{port} is taken by another program"),
            "ropewalk up --port 0",
        ),
    }
}

fn energy() -> Finding {
    let counter = "/sys/class/powercap/intel-rapl:0/energy_uj";
    match std::fs::read_to_string(counter) {
        Ok(_) => good("energy meter", "the processor's own counters (RAPL)"),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => poor(
            "energy meter",
            Verdict::Warning,
            "RAPL is there but may not be read: energy is estimated",
            "sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj",
        ),
        Err(_) => good("energy meter", "none here: energy is estimated from processor time, with a band"),
    }
}

fn web_app() -> Finding {
    if ropewalk_ui::built() {
        good("web app", "inside this program")
    } else {
        poor("web app", Verdict::Warning, "not inside this program", "cargo xtask install")
    }
}
