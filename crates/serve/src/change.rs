//! Changing what is served: deploy, move traffic, roll back. Each change is one transaction with its journal entries,
//! then a new table, then a read-back from that table.

use crate::model::{
    DeployRequest, Endpoint, Revision, ServedState, TrafficChange, TrafficShare, check_endpoint_name,
    complete_shares, fallback_revision, shares_with,
};
use crate::service::Serve;
use crate::store;
use ropewalk_core::{Actor, Code, Connection, Error, Journal, NewEntry, Reference, Result, now_ms};
use ropewalk_ledger::Meter;
use serde_json::{Value, json};
use std::future::Future;
use std::time::Instant;

/// How far back a fallback is looked for.
const HISTORY: u32 = 1000;

/// A change of an endpoint's split, ready to be written.
struct Move {
    endpoint: String,
    kind: &'static str,
    shares: Vec<TrafficShare>,
    reason: String,
    actor: Actor,
}

impl Serve {
    /// Puts a model version behind an endpoint, as a new revision. It is loaded and has answered its input example
    /// before any request can reach it; a version that cannot leaves everything as it was.
    ///
    /// # Errors
    /// `NotFound` for the model, `GateFailed` when its gates did not pass (unless forced) or it cannot answer its
    /// example, `Invalid` for the name or the weight.
    pub async fn deploy(&self, request: DeployRequest, actor: &Actor) -> Result<Revision> {
        let (serve, actor) = (self.clone(), actor.clone());
        to_the_end(async move { serve.deploy_now(request, &actor).await }).await
    }

    async fn deploy_now(&self, request: DeployRequest, actor: &Actor) -> Result<Revision> {
        check_endpoint_name(&request.endpoint)?;
        let _turn = self.0.changing.lock().await;
        let meter = Meter::start();
        let candidate = self.0.source.resolve(&request.model).await?;
        if !candidate.failed_gates.is_empty() && !request.force {
            return Err(Error::new(
                Code::GateFailed,
                format!("{}/{} did not pass its gates", candidate.model, candidate.version),
            )
            .why(candidate.failed_gates.join("; "))
            .hint(format!(
                "ropewalk endpoint deploy {} --model {} --force",
                request.endpoint, request.model
            )));
        }
        let model = self.0.source.load(&candidate.model, candidate.version).await?;
        let cost = self.0.ledger.measure(meter);
        let facts = json!({
            "model": model.model, "version": model.version, "bundle_hash": model.bundle_hash,
            "forced": !candidate.failed_gates.is_empty(), "failed_gates": candidate.failed_gates,
            "load_seconds": cost.seconds,
        });
        let (journal, ledger, actor_name) =
            (self.0.core.journal.clone(), self.0.ledger.clone(), actor.clone());
        let (served, asked) = (std::sync::Arc::clone(&model), request.clone());
        let revision = self
            .0
            .core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::begin_change(tx).await?;
                    let mut endpoint = store::endpoints(tx, Some(&asked.endpoint)).await?.pop().unwrap_or_else(|| Endpoint {
                        name: asked.endpoint.clone(),
                        require_log: true,
                        created_ms: now_ms(),
                        created_by: actor_name.to_string(),
                        revisions: Vec::new(),
                    });
                    endpoint.require_log = asked.require_log.unwrap_or(endpoint.require_log);
                    let number = endpoint.revisions.iter().map(|revision| revision.revision).max().unwrap_or(0) + 1;
                    let shares = shares_with(&shares_of(&endpoint.revisions), number, asked.weight)?;
                    let revision = Revision {
                        endpoint: endpoint.name.clone(),
                        revision: number,
                        model: served.model.clone(),
                        version: served.version,
                        bundle_hash: served.bundle_hash.clone(),
                        percent: shares.last().map_or(0.0, |share| share.percent),
                        created_ms: now_ms(),
                        created_by: actor_name.to_string(),
                    };
                    store::put_endpoint(tx, &endpoint).await?;
                    store::insert_revision(tx, &revision).await?;
                    let subject = revision_reference(&endpoint.name, number);
                    journal
                        .append_in(tx, NewEntry {
                            actor: actor_name.clone(),
                            verb: "deploy",
                            subject: Reference::new("endpoint", &endpoint.name),
                            inputs: vec![Reference::new("model", format!("{}/{}", revision.model, revision.version))],
                            outputs: vec![subject.clone()],
                            facts: merged(facts, json!({"revision": number, "percent": revision.percent, "require_log": endpoint.require_log})),
                        })
                        .await?;
                    ledger.record_in(tx, &subject, "deploy", &cost).await?;
                    let moved = Move {
                        endpoint: endpoint.name.clone(),
                        kind: "deploy",
                        shares,
                        reason: format!("revision {number} deployed"),
                        actor: actor_name,
                    };
                    // A revision without traffic is deployed, but nothing flows through it yet.
                    let before = shares_of(&endpoint.revisions);
                    write_move(tx, &journal, &moved, &before, revision.percent > 0.0).await?;
                    Ok(revision)
                })
            })
            .await?;
        self.reload(Some(model), &[]).await?;
        let expected = shares_of(&self.get(&revision.endpoint).await?.revisions);
        self.prove(&revision.endpoint, &expected, json!({"after": "deploy"}), actor).await?;
        Ok(revision)
    }

    /// Sets the whole split of an endpoint; a revision that is not named gets nothing. Models are loaded before any
    /// request reaches them, and the answer is the read-back of the live table.
    ///
    /// # Errors
    /// `Invalid` for a split that is not whole, `NotFound` for the endpoint; loading errors leave the traffic as it
    /// was; `Conflict` when the read-back shows something else than was set.
    pub async fn set_traffic(
        &self,
        endpoint: &str,
        shares: Vec<TrafficShare>,
        reason: &str,
        actor: &Actor,
    ) -> Result<ServedState> {
        let (serve, endpoint, reason, actor) =
            (self.clone(), endpoint.to_owned(), reason.to_owned(), actor.clone());
        to_the_end(async move {
            let _turn = serve.0.changing.lock().await;
            let known = numbers_of(&serve.get(&endpoint).await?.revisions);
            let shares = complete_shares(&known, &shares)?;
            serve.apply(&endpoint, "traffic", shares, &reason, &actor).await
        })
        .await
    }

    /// Gives all traffic to `to_revision`, or without one to the latest older revision that once had all of it; the
    /// answer is the read-back that proves it.
    ///
    /// # Errors
    /// `NotFound` for the endpoint or the revision; `Conflict` when there is nothing to roll back to, or the
    /// read-back shows something else.
    pub fn rollback(
        &self,
        endpoint: &str,
        to_revision: impl Into<Option<i64>>,
        reason: &str,
        actor: &Actor,
    ) -> impl Future<Output = Result<ServedState>> + Send {
        let to_revision = to_revision.into();
        let (serve, endpoint, reason, actor) =
            (self.clone(), endpoint.to_owned(), reason.to_owned(), actor.clone());
        to_the_end(async move { serve.rollback_now(&endpoint, to_revision, &reason, &actor).await })
    }

    async fn rollback_now(
        &self,
        endpoint: &str,
        to_revision: Option<i64>,
        reason: &str,
        actor: &Actor,
    ) -> Result<ServedState> {
        let _turn = self.0.changing.lock().await;
        let revisions = self.get(endpoint).await?.revisions;
        let target = match to_revision {
            Some(target) => target,
            None => fallback_revision(&shares_of(&revisions), &self.changes(endpoint, HISTORY).await?)
                .ok_or_else(|| {
                    Error::conflict(format!("there is nothing to roll `{endpoint}` back to"))
                        .why("no older revision ever had all the traffic")
                        .hint(format!("ropewalk endpoint rollback {endpoint} --to REVISION"))
                })?,
        };
        let known = numbers_of(&revisions);
        if !known.contains(&target) {
            return Err(Error::not_found(format!("endpoint `{endpoint}` has no revision {target}"))
                .why(format!("its revisions are {known:?}"))
                .hint(format!("ropewalk endpoint show {endpoint}")));
        }
        let shares = complete_shares(&known, &[TrafficShare::new(target, 100.0)])?;
        self.apply(endpoint, "rollback", shares, reason, actor).await
    }

    async fn apply(
        &self,
        endpoint: &str,
        kind: &'static str,
        shares: Vec<TrafficShare>,
        reason: &str,
        actor: &Actor,
    ) -> Result<ServedState> {
        let started = Instant::now();
        self.load_for(endpoint, &shares).await?;
        let moved = Move {
            endpoint: endpoint.to_owned(),
            kind,
            shares: shares.clone(),
            reason: reason.to_owned(),
            actor: actor.clone(),
        };
        let journal = self.0.core.journal.clone();
        self.0
            .core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::begin_change(tx).await?;
                    let before = store::endpoints(tx, Some(&moved.endpoint))
                        .await?
                        .pop()
                        .map(|endpoint| endpoint.revisions);
                    write_move(tx, &journal, &moved, &shares_of(&before.unwrap_or_default()), true).await
                })
            })
            .await?;
        self.reload(None, &[]).await?;
        self.prove(
            endpoint,
            &shares,
            json!({"after": kind, "reason": reason, "seconds": started.elapsed().as_secs_f64()}),
            actor,
        )
        .await
    }

    /// Brings every model that is to get traffic into memory, while nothing has changed yet.
    async fn load_for(&self, endpoint: &str, shares: &[TrafficShare]) -> Result<()> {
        let wanted: Vec<i64> =
            shares.iter().filter(|share| share.percent > 0.0).map(|share| share.revision).collect();
        let absent = |table: &crate::table::Table| -> Option<(i64, Option<String>)> {
            let routes = table.endpoints.get(endpoint);
            let missing = |revision: &&i64| {
                routes.and_then(|routes| routes.route(**revision)).is_none_or(|route| route.model.is_none())
            };
            wanted.iter().find(missing).map(|&revision| {
                (
                    revision,
                    routes.and_then(|routes| routes.route(revision)).and_then(|route| route.problem.clone()),
                )
            })
        };
        if absent(&*self.table().await?).is_some() {
            let wanted: Vec<(&str, i64)> = wanted.iter().map(|&revision| (endpoint, revision)).collect();
            self.reload(None, &wanted).await?;
        }
        match absent(&self.0.live.read()) {
            None => Ok(()),
            Some((revision, problem)) => Err(Error::new(
                Code::Unavailable,
                format!("revision {revision} of `{endpoint}` cannot be loaded"),
            )
            .why(problem.unwrap_or_else(|| "it left memory again".to_owned()))
            .hint("the traffic is as it was; ropewalk endpoint served shows it")),
        }
    }

    /// Reads the live table back and writes down what it shows.
    async fn prove(
        &self,
        endpoint: &str,
        expected: &[TrafficShare],
        facts: Value,
        actor: &Actor,
    ) -> Result<ServedState> {
        let table = self.0.live.read();
        let served = table.endpoint(endpoint)?.served(table.generation, now_ms());
        let proven = served.serves(expected);
        let shown = json!({"proven": proven, "expected": expected, "served": served});
        self.0
            .core
            .journal
            .append(NewEntry {
                actor: actor.clone(),
                verb: "readback",
                subject: Reference::new("endpoint", endpoint),
                inputs: Vec::new(),
                outputs: Vec::new(),
                facts: merged(facts, shown),
            })
            .await?;
        if proven {
            return Ok(served);
        }
        let live: Vec<String> = served
            .revisions
            .iter()
            .map(|served| format!("{}: {} %", served.revision, served.percent))
            .collect();
        Err(Error::conflict(format!("the read-back of `{endpoint}` does not show what was set"))
            .why(format!("it serves {}; someone else may have changed it in the meantime", live.join(", ")))
            .hint(format!("ropewalk endpoint served {endpoint}")))
    }
}

/// Writes a split, its place in the history and, if traffic moved, its journal entry.
async fn write_move(
    tx: &mut Connection,
    journal: &Journal,
    moved: &Move,
    before: &[TrafficShare],
    journalled: bool,
) -> Result<()> {
    store::set_shares(tx, &moved.endpoint, &moved.shares).await?;
    let change = TrafficChange {
        sequence: 0,
        time_ms: now_ms(),
        kind: moved.kind.to_owned(),
        actor: moved.actor.to_string(),
        reason: moved.reason.clone(),
        shares: moved.shares.clone(),
    };
    store::insert_change(tx, &moved.endpoint, &change).await?;
    if !journalled {
        return Ok(());
    }
    let routed = moved.shares.iter().filter(|share| share.percent > 0.0);
    journal
        .append_in(
            tx,
            NewEntry {
                actor: moved.actor.clone(),
                verb: if moved.kind == "rollback" { "rollback" } else { "traffic" },
                subject: Reference::new("endpoint", &moved.endpoint),
                inputs: routed.map(|share| revision_reference(&moved.endpoint, share.revision)).collect(),
                outputs: Vec::new(),
                facts: json!({"reason": moved.reason, "before": before, "after": moved.shares}),
            },
        )
        .await?;
    Ok(())
}

fn revision_reference(endpoint: &str, revision: i64) -> Reference {
    Reference::new("revision", format!("{endpoint}/{revision}"))
}

/// Runs a change to its end even if the caller goes away in the middle: what is in the database is then in the table
/// and in the journal.
pub(crate) async fn to_the_end<T: Send + 'static>(
    change: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(change)
        .await
        .map_err(|error| Error::internal("the change was broken off").why(error.to_string()))?
}

fn numbers_of(revisions: &[Revision]) -> Vec<i64> {
    revisions.iter().map(|revision| revision.revision).collect()
}

fn shares_of(revisions: &[Revision]) -> Vec<TrafficShare> {
    revisions.iter().map(|revision| TrafficShare::new(revision.revision, revision.percent)).collect()
}

/// The members of both objects.
fn merged(mut first: Value, second: Value) -> Value {
    if let (Value::Object(into), Value::Object(from)) = (&mut first, second) {
        into.extend(from);
    }
    first
}
