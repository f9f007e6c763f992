//! Writing a blob as it comes, in parts.

use bytes::Bytes;
use futures::{Stream, StreamExt};
use object_store::path::Path;
use object_store::{
    Attributes, MultipartUpload, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutPayloadMut,
};
use tokio::task::JoinSet;

use crate::{Error, Result};

/// S3 takes parts of at least 5 MiB, but for the last one.
const SMALLEST_PART: usize = 5 << 20;
/// It takes 10,000 parts. They double with what has been written, so that 300 GB fit, and most uploads stay small in
/// memory.
const PARTS_OF_A_SIZE: usize = 2_000;
/// Parts that are on their way at once: a slow store holds back a fast client.
const AT_ONCE: usize = 3;

/// Writes a blob; the number of its bytes. What fails, or is dropped half-way, leaves nothing behind.
pub(super) async fn put(
    store: &dyn ObjectStore,
    location: &Path,
    attributes: Attributes,
    stream: impl Stream<Item = Result<Bytes>> + Send,
) -> Result<u64> {
    let mut stream = std::pin::pin!(stream);
    let mut written = 0;
    let mut parts: Option<Parts> = None;
    let mut payload = PutPayloadMut::new();
    while let Some(bytes) = stream.next().await {
        let mut bytes = bytes?;
        written += bytes.len() as u64;
        while !bytes.is_empty() {
            let size = parts.as_ref().map_or(SMALLEST_PART, Parts::size);
            let space = size - payload.content_length();
            payload.push(bytes.split_to(space.min(bytes.len())));
            if payload.content_length() < size {
                continue;
            }
            let parts = match &mut parts {
                Some(parts) => parts,
                none => none.insert(Parts::begin(store, location, attributes.clone()).await?),
            };
            parts.send(std::mem::take(&mut payload).into()).await?;
        }
    }
    match parts {
        // What fits one part needs no ceremony.
        None => {
            let options = PutOptions { attributes, ..PutOptions::default() };
            store.put_opts(location, payload.into(), options).await?;
        }
        Some(mut parts) => {
            if !payload.is_empty() {
                parts.send(payload.into()).await?;
            }
            parts.end().await?;
        }
    }
    Ok(written)
}

/// An upload in parts. If it is dropped before its end, what was sent is taken back.
struct Parts {
    upload: Option<Box<dyn MultipartUpload>>,
    tasks: JoinSet<object_store::Result<()>>,
    sent: usize,
}

impl Parts {
    async fn begin(store: &dyn ObjectStore, location: &Path, attributes: Attributes) -> Result<Self> {
        let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
        let upload = store.put_multipart_opts(location, options).await?;
        Ok(Self { upload: Some(upload), tasks: JoinSet::new(), sent: 0 })
    }

    /// The size of the next part.
    fn size(&self) -> usize {
        SMALLEST_PART << (self.sent / PARTS_OF_A_SIZE).min(4)
    }

    async fn send(&mut self, part: PutPayload) -> Result<()> {
        self.wait(AT_ONCE - 1).await?;
        if let Some(upload) = &mut self.upload {
            self.tasks.spawn(upload.put_part(part));
            self.sent += 1;
        }
        Ok(())
    }

    /// Waits until at most so many parts are on their way.
    async fn wait(&mut self, most: usize) -> Result<()> {
        while self.tasks.len() > most {
            if let Some(sent) = self.tasks.join_next().await {
                sent.map_err(|source| Error::internal("sending a part broke off").source(source))??;
            }
        }
        Ok(())
    }

    async fn end(mut self) -> Result<()> {
        self.wait(0).await?;
        if let Some(upload) = &mut self.upload {
            upload.complete().await?;
        }
        self.upload = None;
        Ok(())
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        let (Some(mut upload), Ok(runtime)) = (self.upload.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let mut tasks = std::mem::take(&mut self.tasks);
        runtime.spawn(async move {
            tasks.shutdown().await;
            if let Err(error) = upload.abort().await {
                tracing::warn!(%error, "the parts of a broken upload cannot be taken back");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;
    use proptest::prelude::*;

    fn run(sizes: &[usize], fails: bool) -> (Result<u64>, Option<Bytes>, Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (store, location) = (InMemory::new(), Path::from("a"));
            let parts: Vec<Bytes> =
                sizes.iter().enumerate().map(|(at, size)| vec![at as u8; *size].into()).collect();
            let whole: Vec<u8> = parts.concat();
            let mut given: Vec<Result<Bytes>> = parts.into_iter().map(Ok).collect();
            if fails {
                given.push(Err(Error::invalid("gone")));
            }
            let outcome = put(&store, &location, Attributes::new(), futures::stream::iter(given)).await;
            tokio::task::yield_now().await;
            let kept = match store.get(&location).await {
                Ok(found) => Some(found.bytes().await.unwrap()),
                Err(_) => None,
            };
            (outcome, kept, whole)
        })
    }

    #[test]
    fn parts_grow_so_that_large_objects_fit() {
        let mut parts = Parts { upload: None, tasks: JoinSet::new(), sent: 0 };
        let mut whole = 0_u64;
        while parts.sent < 10_000 {
            whole += parts.size() as u64;
            parts.sent += 1;
        }
        assert!(whole > 300_000_000_000, "{whole}");
        assert_eq!(parts.size(), 16 * SMALLEST_PART);
        parts.sent = 0;
        assert_eq!(parts.size(), SMALLEST_PART);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn what_was_given_stands_or_nothing(
            sizes in prop::collection::vec(prop_oneof![0_usize..10, Just(SMALLEST_PART), 1_usize..(7 << 20)], 0..5),
            fails in any::<bool>(),
        ) {
            let (outcome, kept, whole) = run(&sizes, fails);
            prop_assert_eq!(outcome.is_err(), fails);
            prop_assert_eq!(kept.map(|bytes| bytes.to_vec()), (!fails).then_some(whole));
        }
    }
}
