//! The one task that writes to SQLite, committing waiting operations as a group.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::Executor;
use tokio::sync::{mpsc, oneshot};

use super::Connection;
use crate::{Error, Result};

/// How many operations may share one commit: enough to spread the cost of forcing the disk,
/// few enough that the first of them does not wait long.
const GROUP: usize = 256;

/// What an operation answers: whether its work stands within the group, and how to tell its caller
/// once the group's commit has succeeded or failed.
struct Outcome {
    stands: bool,
    tell: Box<dyn FnOnce(Option<String>) + Send>,
}

type Operation = Box<dyn for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Outcome> + Send>;

#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Operation>,
}

impl Writer {
    /// Start the task on a connection of its own.
    pub(super) fn start(connection: Connection) -> Self {
        let (queue, waiting) = mpsc::channel(4 * GROUP);
        tokio::spawn(run(connection, waiting));
        Self { queue }
    }

    pub(super) async fn write<T, F>(&self, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel::<Result<T>>();
        let boxed: Operation = Box::new(move |connection| {
            Box::pin(async move {
                let result = AssertUnwindSafe(async { operation(connection).await })
                    .catch_unwind()
                    .await
                    .unwrap_or_else(|_| Err(Error::internal("a database operation panicked")));
                Outcome {
                    stands: result.is_ok(),
                    tell: Box::new(move |failure| {
                        let result = match failure {
                            // An operation's own error is told as it is; a success is one only
                            // if the commit was.
                            Some(why) if result.is_ok() => Err(commit_failed(&why)),
                            _ => result,
                        };
                        // A caller that went away does not undo the write.
                        let _ = answer.send(result);
                    }),
                }
            })
        });
        let stopped = || Error::internal("the database's writer has stopped");
        self.queue.send(boxed).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

fn commit_failed(why: &str) -> Error {
    if why.contains("full") || why.contains("No space left") {
        Error::from(std::io::Error::from(std::io::ErrorKind::StorageFull))
    } else {
        Error::internal("the database could not commit").why(why)
    }
}

async fn run(mut connection: Connection, mut waiting: mpsc::Receiver<Operation>) {
    let mut group = Vec::with_capacity(GROUP);
    while waiting.recv_many(&mut group, GROUP).await > 0 {
        let mut outcomes = Vec::with_capacity(group.len());
        let mut failure = execute(&mut connection, "BEGIN IMMEDIATE").await;
        for operation in group.drain(..) {
            // Each operation has a savepoint: one that fails leaves its neighbours standing.
            if failure.is_none() {
                failure = execute(&mut connection, "SAVEPOINT operation").await;
            }
            let outcome = operation(&mut connection).await;
            if failure.is_none() {
                let end = if outcome.stands {
                    "RELEASE operation"
                } else {
                    "ROLLBACK TO operation; RELEASE operation"
                };
                failure = execute(&mut connection, end).await;
            }
            outcomes.push(outcome);
        }
        if failure.is_none() {
            failure = execute(&mut connection, "COMMIT").await;
        }
        if failure.is_some() {
            // After some failures SQLite has rolled back by itself; then this finds nothing to do.
            let _ = execute(&mut connection, "ROLLBACK").await;
        }
        for outcome in outcomes {
            (outcome.tell)(failure.clone());
        }
    }
}

async fn execute(connection: &mut Connection, sql: &'static str) -> Option<String> {
    connection.execute(sql).await.err().map(|error| error.to_string())
}
