//! `ropewalk up`: serve everything until told to stop.

use std::future::Future;
use std::path::Path;
use std::time::Instant;

use owo_colors::OwoColorize;
use ropewalk_core::{Code, Error, Result, Settings};
use ropewalk_http::auth::Auth;
use ropewalk_http::{Security, listen};

use crate::compose::App;
use crate::output::Output;
use crate::running::Running;

/// A server that has begun to answer.
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) address: String,
    pub(crate) token: String,
    serving: tokio::task::JoinHandle<Result<()>>,
    background: Vec<tokio::task::JoinHandle<()>>,
    _hold: Option<std::fs::File>,
    stop: tokio::sync::watch::Sender<bool>,
}

impl Server {
    /// Open the home, bind the port, start the background work, and begin to answer.
    pub(crate) async fn start(settings: Settings) -> Result<Self> {
        take_small_pages();
        let host = settings.text("host").unwrap_or("127.0.0.1").to_owned();
        let port = settings.port();
        if let Some(running) = Running::find(&settings.home).await {
            return Err(taken(&settings.home)
                .why(format!("process {} answers at {}", running.process, running.address))
                .hint(format!("use it: every command finds it; or stop it: kill {}", running.process)));
        }
        let hold = hold(&settings.home)?;
        let mut app = App::open(settings).await?;
        let token = Auth::random_token();
        app.auth = app.auth.with_local_token(&token);
        let listening = listen(&host, port, &app.auth).await?;
        let address = format!("http://{}", listening.address);
        app.serve.restore().await?;
        let (router, _) = app.router(Security::of_environment(listening.address));
        let (stop, mut stopped) = tokio::sync::watch::channel(false);
        let serving = tokio::spawn(listening.serve(router, async move {
            // An error means that the sender is gone: then it is time to stop, too.
            let _ = stopped.wait_for(|stop| *stop).await;
        }));
        let watch = app.watch.clone();
        let respond = app.respond.clone();
        respond.recover().await?;
        let webhooks = app.webhooks.clone();
        let background = vec![
            tokio::spawn(async move { watch.run_monitors().await }),
            tokio::spawn(async move { webhooks.run().await }),
        ];
        Running::new(address.clone(), token.clone()).write(&app.core.home)?;
        Ok(Self { app, address, token, serving, background, _hold: hold, stop })
    }

    /// Stop answering new requests, let open ones end, and take the note away.
    pub(crate) async fn stop(self) -> Result<()> {
        Running::remove(&self.app.core.home);
        self.stop.send_replace(true);
        let ended =
            self.serving.await.map_err(|source| Error::internal("the server broke off").source(source));
        for task in self.background {
            task.abort();
        }
        ended?
    }

    /// Answer until `end` is ready or the server fails.
    pub(crate) async fn run_until(mut self, end: impl Future<Output = ()>) -> Result<()> {
        tokio::select! {
            () = end => self.stop().await,
            ended = &mut self.serving => {
                Running::remove(&self.app.core.home);
                ended.map_err(|source| Error::internal("the server broke off").source(source))?
            }
        }
    }
}

/// Keeps memory in pages of the usual size. The allocator asks for huge ones, of which a server that holds many small things
/// for a long time fills a part only: a quarter of its memory would stand empty.
fn take_small_pages() {
    #[cfg(target_os = "linux")]
    // SAFETY: the call takes plain numbers and touches no memory. Where it is refused, nothing changes.
    let _ = unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) };
}

fn taken(home: &Path) -> Error {
    Error::new(Code::Conflict, format!("a server has the home {} open already", home.display()))
}

/// Hold a home against a second server that starts at the same moment. The system lets go of it when
/// the process ends, however it ends.
fn hold(home: &Path) -> Result<Option<std::fs::File>> {
    std::fs::create_dir_all(home)?;
    let file = std::fs::File::create(home.join("server.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(taken(home)
            .why("its process is starting or stopping")
            .hint("ropewalk   # tells its address in a moment")),
        // A file system without locks, such as some network drives.
        Err(std::fs::TryLockError::Error(error)) => {
            tracing::warn!(%error, "the home cannot be held against a second server");
            Ok(None)
        }
    }
}

/// Serve until interrupted.
pub(crate) async fn up(settings: Settings, output: Output, open: bool) -> Result<()> {
    let started = Instant::now();
    // Listened for before the server is announced, so that it always ends in good order.
    let mut end = tokio::spawn(interrupted());
    let server = tokio::select! {
        server = Server::start(settings) => server?,
        _ = &mut end => return Ok(()),
    };
    let core = &server.app.core;
    output.say(&format!("{} at {}", "ropewalk is up".green().bold(), server.address.bold()));
    output.say(&format!("  home      {}", core.home.display()));
    output.say(&format!(
        "  database  {}",
        if core.database.is_sqlite() { "SQLite in the home" } else { "PostgreSQL" }
    ));
    output.say(&format!("  blobs     {}", core.settings.blobs_url()));
    if let Some(place) = core.settings.text("artifacts_destination") {
        output.say(&format!("  artifacts {place}"));
    }
    output.say(&format!("  mlflow    export MLFLOW_TRACKING_URI={}", server.address));
    output.say(&format!("  started in {:.2} s; stop with Ctrl-C", started.elapsed().as_secs_f64()));
    if open {
        open_browser(&server.address);
    }
    server.run_until(async { drop(end.await) }).await?;
    output.say("stopped");
    Ok(())
}

/// Ready when the process is asked to end.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Show an address in the browser, where there is a desktop to show it on.
pub(crate) fn open_browser(address: &str) {
    let desktop = std::env::var_os("DISPLAY").is_some() || std::env::var_os("WAYLAND_DISPLAY").is_some();
    let opener = match std::env::consts::OS {
        "macos" => "open",
        "linux" if desktop => "xdg-open",
        _ => return,
    };
    let spawned = std::process::Command::new(opener)
        .arg(address)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    if let Err(error) = spawned {
        tracing::debug!(%error, "no browser could be opened");
    }
}
