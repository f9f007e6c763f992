//! Content of any size in chunks, and chunks in packs.
//!
//! Content of more than one chunk has a recipe: the hashes and lengths of its chunks in order. The
//! recipe is content itself, chunked in its turn, until one chunk is left: the root. Two versions of
//! a large file thus share most of their recipe too.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use ropewalk_core::{Blobs, Code, Core, Error, Result};

use crate::chunker::{Digest, chunks};
use crate::pack::{Pack, Packer, Slot};
use crate::store;

/// A recipe names a chunk by its hash and its length (u32, little-endian).
const RECIPE_ENTRY: usize = 32 + 4;

/// Chunks that lie at most so far apart in a pack are fetched together.
const NEAR: u64 = 64 << 10;

/// At most so much is fetched at once.
const FETCH: u64 = 8 << 20;

/// How many fetches run at a time.
const FETCHES: usize = 8;

/// How deep recipes of recipes may go: 64-KiB chunks of 36-byte entries make four levels enough for
/// more than any disk holds.
const DEEPEST: u32 = 6;

/// Where content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    /// The hash of the content.
    pub(crate) hash: Digest,
    /// The content's length.
    pub(crate) bytes: u64,
    /// The one chunk to begin with: the content itself, or its recipe.
    pub(crate) root: Digest,
    /// How many recipes lie between the root and the content.
    pub(crate) depth: u32,
}

/// Packs that are written but not yet known to the database.
#[derive(Default)]
pub(crate) struct Staged {
    pub(crate) packs: Vec<StagedPack>,
}

/// A pack that is written: what the index needs of it.
#[derive(Clone)]
pub(crate) struct StagedPack {
    pub(crate) id: String,
    pub(crate) bytes: u64,
    pub(crate) slots: Vec<Slot>,
}

impl Staged {
    pub(crate) fn bytes(&self) -> u64 {
        self.packs.iter().map(|pack| pack.bytes).sum()
    }

    fn holds(&self) -> HashSet<Digest> {
        self.packs.iter().flat_map(|pack| &pack.slots).map(|slot| slot.hash).collect()
    }
}

/// Where a pack lies among the blobs. Two digits of the name make folders of a bearable size.
pub(crate) fn pack_path(id: &str) -> String {
    format!("datasets/packs/{}/{id}.pack", id.get(..2).unwrap_or("00"))
}

/// Cuts contents into chunks and writes those that the store lacks as packs. Nothing refers to them
/// until the database does; should that never happen, they are only garbage.
pub(crate) async fn stage(core: &Core, contents: Vec<Bytes>, staged: &mut Staged) -> Result<Vec<Object>> {
    let (objects, pieces) = blocking(move || Ok(plan(&contents))).await?;
    let mut known = staged.holds();
    {
        let hashes: Vec<Digest> = pieces.iter().map(|piece| piece.0).collect();
        let mut connection = core.database.read().await?;
        known.extend(store::slots(&mut connection, &hashes).await?.into_keys());
    }
    let mut lacking = pieces.into_iter().filter(move |piece| known.insert(piece.0));
    loop {
        let (pack, rest) = blocking(move || {
            let pack = fill(&mut lacking);
            Ok((pack, lacking))
        })
        .await?;
        lacking = rest;
        let Some(pack) = pack else { return Ok(objects) };
        core.blobs.put(&pack_path(&pack.id), pack.bytes.clone()).await?;
        staged.packs.push(StagedPack { id: pack.id, bytes: pack.bytes.len() as u64, slots: pack.slots });
    }
}

fn fill(pieces: &mut impl Iterator<Item = (Digest, Bytes)>) -> Option<Pack> {
    let mut packer = Packer::new();
    while !packer.is_full() {
        let Some((hash, piece)) = pieces.next() else { break };
        packer.add(hash, &piece);
    }
    packer.finish()
}

/// The objects that the contents become, and all their chunks with those of their recipes.
fn plan(contents: &[Bytes]) -> (Vec<Object>, Vec<(Digest, Bytes)>) {
    let mut pieces = Vec::new();
    let objects = contents
        .iter()
        .map(|content| {
            let hash = Digest::of(content);
            let (mut level, mut depth) = (content.clone(), 0);
            loop {
                let cut: Vec<(Digest, Bytes)> =
                    chunks(&level).map(|chunk| (Digest::of(chunk), level.slice_ref(chunk))).collect();
                let root = cut.first().map_or(hash, |piece| piece.0);
                let (single, recipe) = (cut.len() <= 1, recipe_of(&cut));
                pieces.extend(cut);
                if single {
                    return Object { hash, bytes: content.len() as u64, root, depth };
                }
                (level, depth) = (recipe, depth + 1);
            }
        })
        .collect();
    (objects, pieces)
}

fn recipe_of(pieces: &[(Digest, Bytes)]) -> Bytes {
    let mut recipe = Vec::with_capacity(pieces.len() * RECIPE_ENTRY);
    for (hash, piece) in pieces {
        recipe.extend_from_slice(hash.bytes());
        // Chunks are at most 64 KiB.
        recipe.extend_from_slice(&(piece.len() as u32).to_le_bytes());
    }
    recipe.into()
}

fn read_recipe(recipe: &[u8]) -> Result<Vec<Digest>> {
    let entries = recipe.chunks_exact(RECIPE_ENTRY);
    if recipe.is_empty() || !entries.remainder().is_empty() {
        return Err(Error::new(Code::Corrupt, "the list of a file's chunks cannot be read"));
    }
    Ok(entries.filter_map(|entry| entry.first_chunk::<32>()).map(|hash| Digest::from_bytes(*hash)).collect())
}

/// The content of an object. Every chunk and the whole are hashed again: Corrupt rather than wrong.
pub(crate) async fn fetch(core: &Core, object: Object) -> Result<Bytes> {
    if object.bytes == 0 {
        return Ok(Bytes::new());
    }
    let mut wanted = vec![object.root];
    for _ in 0..object.depth.min(DEEPEST) {
        let recipe = fetch_chunks(core, wanted).await?;
        wanted = read_recipe(&recipe)?;
    }
    let content = fetch_chunks(core, wanted).await?;
    let expected = object.hash;
    blocking(move || {
        if Digest::of(&content) == expected {
            return Ok(Bytes::from(content));
        }
        Err(Error::new(Code::Corrupt, format!("file {} is not what was stored", expected.hex()))
            .hint("ropewalk data verify NAME"))
    })
    .await
}

/// All chunks that an object needs, recipes included.
pub(crate) async fn chunks_of(core: &Core, object: Object) -> Result<Vec<Digest>> {
    if object.bytes == 0 {
        return Ok(Vec::new());
    }
    let mut all = vec![object.root];
    let mut wanted = all.clone();
    for _ in 0..object.depth.min(DEEPEST) {
        wanted = read_recipe(&fetch_chunks(core, wanted).await?)?;
        all.extend_from_slice(&wanted);
    }
    Ok(all)
}

/// The chunks one after the other. Neighbours in a pack are read together, several packs at a time.
async fn fetch_chunks(core: &Core, wanted: Vec<Digest>) -> Result<Vec<u8>> {
    let slots = {
        let mut connection = core.database.read().await?;
        store::slots(&mut connection, &wanted).await?
    };
    if let Some(absent) = wanted.iter().find(|hash| !slots.contains_key(hash)) {
        return Err(Error::new(Code::Corrupt, format!("chunk {} is in no pack", absent.hex()))
            .hint("ropewalk data verify NAME"));
    }
    let mut by_pack: BTreeMap<String, Vec<Slot>> = BTreeMap::new();
    for (pack, slot) in slots.into_values() {
        by_pack.entry(pack).or_default().push(slot);
    }
    let runs: Vec<(String, Vec<Slot>)> = by_pack
        .into_iter()
        .flat_map(|(pack, slots)| runs(slots).into_iter().map(move |run| (pack.clone(), run)))
        .collect();
    let contents: HashMap<Digest, Vec<u8>> = futures::stream::iter(runs)
        .map(|(pack, run)| fetch_run(core.blobs.clone(), pack, run))
        .buffer_unordered(FETCHES)
        .try_fold(HashMap::new(), |mut all, run| async move {
            all.extend(run);
            Ok(all)
        })
        .await?;
    let mut out = Vec::with_capacity(wanted.iter().filter_map(|hash| contents.get(hash)).map(Vec::len).sum());
    for content in wanted.iter().filter_map(|hash| contents.get(hash)) {
        out.extend_from_slice(content);
    }
    Ok(out)
}

/// Slots of one pack in stretches that are worth one read.
fn runs(mut slots: Vec<Slot>) -> Vec<Vec<Slot>> {
    slots.sort_unstable_by_key(|slot| slot.offset);
    let mut runs: Vec<Vec<Slot>> = Vec::new();
    for slot in slots {
        let joins = |run: &Vec<Slot>| {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { return false };
            let end = last.offset + u64::from(last.stored);
            slot.offset <= end + NEAR && slot.offset + u64::from(slot.stored) - first.offset <= FETCH
        };
        match runs.last_mut().filter(|run| joins(run)) {
            Some(run) => run.push(slot),
            None => runs.push(vec![slot]),
        }
    }
    runs
}

async fn fetch_run(blobs: Blobs, pack: String, run: Vec<Slot>) -> Result<Vec<(Digest, Vec<u8>)>> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(Vec::new()) };
    let (start, end) = (first.offset, last.offset + u64::from(last.stored));
    let damaged = |what: &str| {
        Error::new(Code::Corrupt, format!("pack {pack} {what}")).hint("ropewalk data verify NAME")
    };
    let bytes = match blobs.get_range(&pack_path(&pack), start..end).await {
        Ok(bytes) => bytes,
        Err(error) if error.code() == Code::NotFound => return Err(damaged("is missing").source(error)),
        // A pack that was cut short answers with a failed read: tell it from a store that is away.
        Err(error) => match blobs.head(&pack_path(&pack)).await? {
            Some(size) if size < end => return Err(damaged("is cut short").source(error)),
            _ => return Err(error),
        },
    };
    if bytes.len() as u64 != end - start {
        return Err(damaged("is cut short"));
    }
    blocking(move || {
        run.iter()
            .map(|slot| {
                let from = (slot.offset - start) as usize;
                let stored = bytes.get(from..from + slot.stored as usize).unwrap_or_default();
                Ok((
                    slot.hash,
                    slot.open(stored).map_err(|error| error.context(format!("pack {pack} is damaged")))?,
                ))
            })
            .collect()
    })
    .await
}

/// Runs what computes for long away from the threads that answer requests.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|source| Error::internal("work in the background broke off").source(source))?
}
