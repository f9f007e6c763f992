//! The thread that appends: waiting records are written together and share one force to the disk.

use std::path::PathBuf;
use std::time::Duration;

use ropewalk_core::{Code, Error, Result};
use tokio::sync::{mpsc, oneshot};

use super::segment::{Segment, frame};

/// Records that may share one force to the disk.
const GROUP: usize = 1_024;
/// Bytes that may.
const GROUP_BYTES: usize = 8 << 20;
/// A segment of this size is finished.
const FULL: u64 = 16 << 20;

enum Command {
    Append(Vec<u8>, oneshot::Sender<Result<()>>),
    Finish(Duration, oneshot::Sender<()>),
}

/// The way to the thread. It ends when the last of these goes.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Command>,
}

impl Writer {
    /// A thread that appends to segments in `folder`; it makes the first one when the first record comes.
    pub(crate) fn start(folder: PathBuf) -> Result<Self> {
        let (queue, waiting) = mpsc::channel(4 * GROUP);
        std::thread::Builder::new().name("prediction-log".into()).spawn(move || run(folder, waiting))?;
        Ok(Self { queue })
    }

    /// Appends one record; it is on the disk when this returns `Ok`.
    pub(crate) async fn append(&self, payload: Vec<u8>) -> Result<()> {
        let (done, answer) = oneshot::channel();
        self.queue.send(Command::Append(payload, done)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Finishes the current segment if it is at least so old, so that it can be rolled.
    pub(crate) async fn finish(&self, age: Duration) -> Result<()> {
        let (done, answer) = oneshot::channel();
        self.queue.send(Command::Finish(age, done)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }
}

fn stopped() -> Error {
    Error::new(Code::Unavailable, "the prediction log has stopped")
}

fn run(folder: PathBuf, mut waiting: mpsc::Receiver<Command>) {
    let mut segment: Option<Segment> = None;
    let mut held = None;
    while let Some(first) = held.take().or_else(|| waiting.blocking_recv()) {
        let (payload, done) = match first {
            Command::Append(payload, done) => (payload, done),
            Command::Finish(age, done) => {
                if segment.as_ref().is_some_and(|open| open.has_records() && open.age() >= age) {
                    segment = None;
                }
                let _ = done.send(());
                continue;
            }
        };
        let mut frames = Vec::with_capacity(payload.len() + 64);
        frame(&payload, &mut frames);
        let mut answers = vec![done];
        while answers.len() < GROUP && frames.len() < GROUP_BYTES {
            match waiting.try_recv() {
                Ok(Command::Append(payload, done)) => {
                    frame(&payload, &mut frames);
                    answers.push(done);
                }
                Ok(other) => {
                    held = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        let result = append(&folder, &mut segment, &frames);
        for done in answers {
            // A caller that went away does not undo the record.
            let _ = done.send(result.as_ref().map_err(not_logged).copied());
        }
        if segment.as_ref().is_some_and(|open| open.size() >= FULL) {
            segment = None;
        }
    }
    if let Some(empty) = segment.filter(|open| !open.has_records()) {
        empty.discard();
    }
}

fn append(folder: &std::path::Path, segment: &mut Option<Segment>, frames: &[u8]) -> Result<()> {
    let open = match segment {
        Some(open) => open,
        None => segment.insert(Segment::create(folder)?),
    };
    if let Err(error) = open.append(frames) {
        // What a failed force to the disk leaves behind is not known: never append behind it.
        *segment = None;
        return Err(error.into());
    }
    Ok(())
}

/// One failure told to each of a group.
fn not_logged(error: &Error) -> Error {
    let mut told = Error::new(error.code(), "the prediction could not be logged").why(error.to_string());
    if let Some(advice) = error.advice() {
        told = told.hint(advice);
    }
    told
}
