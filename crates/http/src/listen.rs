//! Binding the port and serving until told to stop.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use ropewalk_core::{Code, Error, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::auth::Auth;
use crate::patience::{self, PatientStream};

/// How long open requests may take after the word to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// The most connections at once; others wait in the system's own queue.
const MOST_CONNECTIONS: usize = 10_000;
/// How long to wait when the system has no room for a further connection.
const NO_ROOM: Duration = Duration::from_millis(200);

/// A bound port.
pub struct Listening {
    listener: TcpListener,
    /// The address that clients use.
    pub address: SocketAddr,
}

/// Bind `host:port`; port 0 takes a free one. Another address than loopback needs credentials.
pub async fn listen(host: &str, port: u16, auth: &Auth) -> Result<Listening> {
    let address = resolve(host).await?;
    if !address.is_loopback() && !auth.required().await? {
        return Err(Error::new(Code::Forbidden, format!("{host} is reachable from other machines"))
            .why("there are no credentials yet, so that anybody could change everything")
            .hint("ropewalk auth token admin --role admin"));
    }
    let listener = TcpListener::bind((address, port)).await.map_err(|source| {
        let error = Error::from(source);
        match error.code() {
            Code::PortInUse => {
                error.context(format!("port {port} on {host} is taken by another program")).hint(format!(
                    "ropewalk up --port {}   # or 0 for any free port",
                    port.wrapping_add(1).max(1)
                ))
            }
            _ => error.context(format!("{host}:{port} cannot be listened on")),
        }
    })?;
    let address = listener.local_addr()?;
    Ok(Listening { listener, address })
}

async fn resolve(host: &str) -> Result<IpAddr> {
    let unusable = || {
        Error::invalid(format!("“{host}” is not an address of this machine"))
            .hint("ropewalk up --host 127.0.0.1")
    };
    if let Ok(address) = host.parse() {
        return Ok(address);
    }
    let mut found = tokio::net::lookup_host((host, 0)).await.map_err(|_| unusable())?;
    found.next().map(|address| address.ip()).ok_or_else(unusable)
}

impl Listening {
    /// Serve until `stop` is ready; then open requests get some seconds to end.
    pub async fn serve(self, router: Router, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let connections = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        tokio::pin!(stop);
        loop {
            let next = async {
                let place = room.clone().acquire_owned().await;
                (place, self.listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                accepted = next => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let served = connections.watch(connection(stream, router.clone()));
                    tokio::spawn(async move {
                        // A connection that breaks off is its client's affair.
                        if let Err(error) = served.await {
                            tracing::debug!(%error, "a connection broke off");
                        }
                        drop(place);
                    });
                }
                // The client was gone before it was its turn.
                Err(error) if is_of_one_client(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "no further connection can be taken now");
                    tokio::time::sleep(NO_ROOM).await;
                }
            }
        }
        drop(self.listener);
        // Event streams never end by themselves: after the grace the rest is cut.
        let _ = tokio::time::timeout(DRAIN, connections.shutdown()).await;
        Ok(())
    }
}

type Connection = http1::Connection<TokioIo<PatientStream<TcpStream>>, TowerToHyperService<Router>>;

fn connection(stream: TcpStream, router: Router) -> Connection {
    // Small answers must not wait for more to come.
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience::HEADERS)
        .serve_connection(TokioIo::new(PatientStream::new(stream)), TowerToHyperService::new(router))
}

fn is_of_one_client(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
