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
    /// Why it does not stand, when the operation itself failed.
    why: Option<String>,
    tell: Box<dyn FnOnce(Option<String>) + Send>,
}

/// Given no connection, an operation does nothing and answers its caller with the group's failure.
type Operation = Box<dyn for<'c> FnOnce(Option<&'c mut Connection>) -> BoxFuture<'c, Outcome> + Send>;

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
                let result = match connection {
                    Some(connection) => Some(
                        AssertUnwindSafe(async { operation(connection).await })
                            .catch_unwind()
                            .await
                            .unwrap_or_else(|_| Err(Error::internal("a database operation panicked"))),
                    ),
                    None => None,
                };
                Outcome {
                    stands: matches!(result, Some(Ok(_))),
                    why: result.as_ref().and_then(|result| result.as_ref().err()).map(Error::to_string),
                    tell: Box::new(move |failure| {
                        // An operation's own error is told as it is; a success is one only if the
                        // commit was.
                        let answered = match (result, failure) {
                            (Some(Err(error)), _) => Err(error),
                            (Some(Ok(value)), None) => Ok(value),
                            (_, failure) => Err(commit_failed(&failure.unwrap_or_default())),
                        };
                        // A caller that went away does not undo the write.
                        let _ = answer.send(answered);
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
            // Without a transaction nothing may be written: it would stand though its caller is told
            // that it failed.
            let within = if failure.is_none() { Some(&mut connection) } else { None };
            let outcome = operation(within).await;
            if failure.is_none() {
                let end = if outcome.stands {
                    "RELEASE operation"
                } else {
                    "ROLLBACK TO operation; RELEASE operation"
                };
                failure = execute(&mut connection, end).await;
                if failure.is_some() && outcome.why.is_some() {
                    // A full disk makes SQLite undo the whole transaction, savepoints and all: the
                    // operation's own error tells more than the savepoint that is missing.
                    failure.clone_from(&outcome.why);
                }
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
