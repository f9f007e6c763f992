//! Binding the port and serving until told to stop.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use ropewalk_core::{Code, Error, Result};
use tokio::net::TcpListener;

use crate::auth::Auth;

/// How long open requests may take after the word to stop.
const DRAIN: Duration = Duration::from_secs(10);

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
        let (stopping, stopped) = tokio::sync::oneshot::channel();
        let server = axum::serve(self.listener, router).with_graceful_shutdown(async move {
            stop.await;
            let _ = stopping.send(());
        });
        tokio::select! {
            ended = std::future::IntoFuture::into_future(server) => ended.map_err(Error::from),
            // Event streams never end by themselves: after the grace the rest is cut.
            () = async { let _ = stopped.await; tokio::time::sleep(DRAIN).await; } => Ok(()),
        }
    }
}
