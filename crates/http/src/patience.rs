//! How long a client may be silent. One that makes progress is never cut, however slow it is; one that does not holds a
//! connection no longer than this.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a request's headers may take, and how long a connection may wait for the next request.
pub(crate) const HEADERS: Duration = Duration::from_secs(75);
/// How long a client may send nothing within a body.
const BODY: Duration = Duration::from_secs(60);
/// How long a client may take nothing of an answer.
const ANSWER: Duration = Duration::from_secs(120);

/// Ends a body whose sender is silent.
pub(crate) async fn with_bodies(request: Request, next: Next) -> Response {
    if HttpBody::is_end_stream(request.body()) {
        return next.run(request).await;
    }
    let request = request.map(|body| Body::new(PatientBody::new(body, BODY)));
    next.run(request).await
}

/// A body that breaks off when nothing comes for a while.
struct PatientBody {
    body: Body,
    patience: Duration,
    /// Runs while nothing comes.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl PatientBody {
    fn new(body: Body, patience: Duration) -> Self {
        Self { body, patience, waiting: None }
    }
}

impl HttpBody for PatientBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.waiting = None;
            return Poll::Ready(frame);
        }
        let patience = this.patience;
        let waiting = this.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(waiting.as_mut().poll(context));
        let silent = io::Error::new(io::ErrorKind::TimedOut, "nothing came for too long");
        Poll::Ready(Some(Err(axum::Error::new(silent))))
    }

    fn is_end_stream(&self) -> bool {
        HttpBody::is_end_stream(&self.body)
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.body)
    }
}

/// A connection that breaks off when its client takes nothing of an answer for a while.
pub(crate) struct PatientStream<S> {
    stream: S,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> PatientStream<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, patience: ANSWER, waiting: None }
    }

    /// What comes of writing, unless it has waited for too long.
    fn within<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PatientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PatientStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.within(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.within(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.within(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.within(context, shut)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures::stream;
    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A body of some parts, each of which comes after a while.
    fn trickle(parts: u32, pause: Duration) -> Body {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            if sent == parts {
                return None;
            }
            sleep(pause).await;
            Some((Ok::<_, io::Error>(Bytes::from_static(b"x")), sent + 1))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn slow_bodies_come_through_and_silent_ones_end() {
        let slow = PatientBody::new(trickle(100, Duration::from_secs(50)), BODY);
        assert_eq!(slow.collect().await.unwrap().to_bytes().len(), 100);
        let silent = PatientBody::new(trickle(2, Duration::from_secs(61)), BODY);
        assert!(silent.collect().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_let_go() {
        let (near, _far) = tokio::io::duplex(10);
        let mut near = PatientStream::new(near);
        near.write_all(b"0123456789").await.unwrap();
        let error = near.write_all(b"more").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        // One that takes a little now and then is served.
        let (near, mut slow) = tokio::io::duplex(10);
        let mut near = PatientStream::new(near);
        let reading = tokio::spawn(async move {
            let mut buffer = [0; 5];
            for _ in 0..20 {
                sleep(Duration::from_secs(100)).await;
                slow.read_exact(&mut buffer).await.unwrap();
            }
        });
        near.write_all(&[0; 100]).await.unwrap();
        reading.await.unwrap();
    }
}
