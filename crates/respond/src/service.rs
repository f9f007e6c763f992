//! The operations on incidents: find, acknowledge, note, resolve, tell.

use ropewalk_core::journal::Filter;
use ropewalk_core::{Actor, Core, Error, NewEntry, Page, Paged, Reference, Result, new_id, now_ms};
use ropewalk_data::Data;
use ropewalk_learn::Learn;
use ropewalk_ledger::{Cost, Ledger};
use ropewalk_models::Models;
use ropewalk_prep::Prep;
use ropewalk_runs::Runs;
use ropewalk_serve::Serve;
use ropewalk_watch::Watch;
use serde_json::json;

use crate::model::{
    Incident, IncidentAlert, IncidentDetail, IncidentFilter, IncidentKind, IncidentStatus, Priority,
};
use crate::postmortem::Postmortem;
use crate::{store, timeline};

/// Incident response and progressive delivery. Clones share everything.
#[derive(Clone)]
pub struct Respond {
    pub(crate) core: Core,
    pub(crate) ledger: Ledger,
    pub(crate) data: Data,
    pub(crate) prep: Prep,
    pub(crate) runs: Runs,
    pub(crate) models: Models,
    pub(crate) learn: Learn,
    pub(crate) serve: Serve,
    pub(crate) watch: Watch,
}

/// What opens an incident.
#[derive(Clone, Debug)]
pub(crate) struct NewIncident {
    pub title: String,
    pub endpoint: String,
    pub kind: IncidentKind,
    pub priority: Priority,
    /// When it began; now if left out.
    pub opened_ms: Option<i64>,
    pub model: Option<String>,
    pub version: Option<i64>,
    pub revision: Option<i64>,
    pub alerts: Vec<IncidentAlert>,
    pub rollouts: Vec<String>,
    pub cause: Option<String>,
    pub evidence: serde_json::Value,
    pub inputs: Vec<Reference>,
}

impl NewIncident {
    /// The incident as it is first stored, and the journal entry that tells of it.
    pub(crate) fn build(self, number: i64, actor: &Actor) -> (Incident, NewEntry) {
        let incident = Incident {
            id: new_id(),
            number,
            title: self.title,
            endpoint: self.endpoint,
            kind: self.kind,
            status: IncidentStatus::Triggered,
            priority: self.priority,
            opened_ms: self.opened_ms.unwrap_or_else(now_ms),
            acknowledged_ms: None,
            resolved_ms: None,
            owner: None,
            model: self.model,
            version: self.version,
            revision: self.revision,
            alerts: self.alerts,
            cause: self.cause,
            resolution: None,
            evidence: self.evidence,
            runbooks: Vec::new(),
            rollouts: self.rollouts,
            cost: Cost::default(),
            postmortem: None,
        };
        let mut inputs = self.inputs;
        inputs.push(Reference::new("endpoint", &incident.endpoint));
        if let (Some(model), Some(version)) = (&incident.model, incident.version) {
            inputs.push(Reference::new("model", format!("{model}/{version}")));
        }
        inputs.dedup();
        let entry = NewEntry {
            actor: actor.clone(),
            verb: "incident.open",
            subject: incident_reference(&incident.id),
            inputs,
            outputs: Vec::new(),
            facts: json!({
                "number": number,
                "title": incident.title,
                "endpoint": incident.endpoint,
                "kind": incident.kind.as_str(),
                "priority": incident.priority.as_str(),
                "text": format!("incident {number} opened, {}: {}", incident.priority.as_str(), incident.title),
            }),
        };
        (incident, entry)
    }
}

/// The journal's name of an incident.
pub(crate) fn incident_reference(id: &str) -> Reference {
    Reference::new("incident", id)
}

impl Respond {
    /// Puts the service together from the services below it.
    #[allow(clippy::too_many_arguments)]
    #[must_use]
    pub fn new(
        core: Core,
        ledger: Ledger,
        data: Data,
        prep: Prep,
        runs: Runs,
        models: Models,
        learn: Learn,
        serve: Serve,
        watch: Watch,
    ) -> Self {
        Self { core, ledger, data, prep, runs, models, learn, serve, watch }
    }

    /// Incidents, newest first.
    ///
    /// # Errors
    /// `Invalid` for a page token that is none.
    pub async fn incidents(&self, filter: &IncidentFilter, page: &Page) -> Result<Paged<Incident>> {
        let limit = page.limit.clamp(1, 1000);
        let offset = page.offset()?;
        let mut connection = self.core.database.read().await?;
        let start = i64::try_from(offset).unwrap_or(i64::MAX);
        let items = store::incidents(&mut connection, filter, i64::from(limit) + 1, start).await?;
        Ok(Paged::cut(items, offset, limit))
    }

    /// An incident by its number, its id or the beginning of its id.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn incident(&self, id: &str) -> Result<Incident> {
        let id = id.strip_prefix("incident:").unwrap_or(id).trim_start_matches('#');
        let mut connection = self.core.database.read().await?;
        if let Some(found) = store::incident(&mut connection, id).await? {
            return Ok(found);
        }
        // A number is short and an id has 32 digits, so that all-digit ids are not taken for numbers.
        if id.len() < 10
            && let Ok(number) = id.parse::<i64>()
            && let Some(found) = store::incident_by_number(&mut connection, number).await?
        {
            return Ok(found);
        }
        if id.len() >= 8 {
            let all = store::incidents(&mut connection, &IncidentFilter::default(), 10_000, 0).await?;
            let mut matching = all.into_iter().filter(|incident| incident.id.starts_with(id));
            if let (Some(found), None) = (matching.next(), matching.next()) {
                return Ok(found);
            }
        }
        Err(Error::not_found(format!("no incident '{id}'")).hint("ropewalk incident list"))
    }

    /// An incident with its timeline.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn incident_detail(&self, id: &str) -> Result<IncidentDetail> {
        let incident = self.incident(id).await?;
        let timeline = self.timeline(&incident).await?;
        Ok(IncidentDetail { incident, timeline })
    }

    /// The open incident at an endpoint, the newest of any kind.
    ///
    /// # Errors
    /// From the database.
    pub async fn open_incident(&self, endpoint: &str) -> Result<Option<Incident>> {
        let filter = IncidentFilter {
            endpoint: Some(endpoint.to_owned()),
            open_only: true,
            ..IncidentFilter::default()
        };
        Ok(self.incidents(&filter, &Page::first(1)).await?.items.pop())
    }

    /// Takes an incident up: the actor owns it from now on.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when it is past that.
    pub async fn acknowledge(&self, id: &str, actor: &Actor) -> Result<Incident> {
        let text = format!("acknowledged by {actor}");
        self.transition(id, IncidentStatus::Acknowledged, &text, actor).await
    }

    /// Adds a note to the timeline.
    ///
    /// # Errors
    /// `NotFound`, or `Invalid` for an empty note.
    pub async fn note(&self, id: &str, text: &str, actor: &Actor) -> Result<Incident> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::invalid("the note is empty").hint("ropewalk incident note ID \"what I saw\""));
        }
        let incident = self.incident(id).await?;
        self.tell(&incident.id, "note", text, json!({}), Vec::new(), actor).await?;
        Ok(incident)
    }

    /// Ends an incident: adds up what it cost and writes the post-mortem.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when it is resolved already.
    pub async fn resolve(&self, id: &str, note: &str, actor: &Actor) -> Result<Incident> {
        let note = if note.trim().is_empty() { "resolved without a note" } else { note.trim() };
        let incident = self.transition(id, IncidentStatus::Resolved, note, actor).await?;
        self.close(&incident.id, actor).await
    }

    /// The post-mortem: the stored one of a resolved incident, else a draft as of now.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn postmortem(&self, id: &str) -> Result<Postmortem> {
        let incident = self.incident(id).await?;
        if let Some(path) = &incident.postmortem {
            let bytes = self.core.blobs.get(path).await?;
            let markdown = String::from_utf8_lossy(&bytes).into_owned();
            return Ok(Postmortem {
                incident: incident.id,
                number: incident.number,
                markdown,
                path: Some(path.clone()),
                draft: false,
            });
        }
        let markdown = self.draft(&incident).await?;
        Ok(Postmortem { incident: incident.id, number: incident.number, markdown, path: None, draft: true })
    }

    /// Moves the state machine and journals it, both or neither.
    async fn transition(
        &self,
        id: &str,
        next: IncidentStatus,
        text: &str,
        actor: &Actor,
    ) -> Result<Incident> {
        let id = self.incident(id).await?.id;
        let verb = match next {
            IncidentStatus::Resolved => "incident.resolve",
            IncidentStatus::Acknowledged | IncidentStatus::Triggered => "incident.acknowledge",
        };
        let (text, actor, journal) = (text.to_owned(), actor.clone(), self.core.journal.clone());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let mut incident = locked_incident(tx, &id).await?;
                    incident.check_move(next)?;
                    incident.status = next;
                    let now = now_ms();
                    if next == IncidentStatus::Resolved {
                        incident.resolved_ms = Some(now);
                        incident.resolution = Some(text.clone());
                    } else {
                        incident.acknowledged_ms = Some(now);
                        incident.owner = Some(actor.to_string());
                    }
                    store::update_incident(tx, &incident).await?;
                    let facts =
                        json!({"number": incident.number, "endpoint": incident.endpoint, "text": text});
                    let entry = NewEntry {
                        actor,
                        verb,
                        subject: incident_reference(&id),
                        inputs: Vec::new(),
                        outputs: Vec::new(),
                        facts,
                    };
                    journal.append_in(tx, entry).await?;
                    Ok(incident)
                })
            })
            .await
    }

    /// Changes an incident's record in one transaction. The change is applied to the record as it then stands.
    pub(crate) async fn change<F>(&self, id: &str, change: F) -> Result<Incident>
    where
        F: FnOnce(&mut Incident) + Send + 'static,
    {
        let id = id.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let mut incident = locked_incident(tx, &id).await?;
                    change(&mut incident);
                    store::update_incident(tx, &incident).await?;
                    Ok(incident)
                })
            })
            .await
    }

    /// Puts an action or a note about an incident into the journal.
    pub(crate) async fn tell(
        &self,
        incident: &str,
        step: &str,
        text: &str,
        facts: serde_json::Value,
        outputs: Vec<Reference>,
        actor: &Actor,
    ) -> Result<()> {
        let entry = NewEntry {
            actor: actor.clone(),
            verb: "action",
            subject: incident_reference(incident),
            inputs: Vec::new(),
            outputs,
            facts: json!({"step": step, "text": text, "figures": facts}),
        };
        self.core.journal.append(entry).await?;
        Ok(())
    }

    /// Opens an incident that no alert brought.
    pub(crate) async fn open(&self, new: NewIncident, actor: &Actor) -> Result<Incident> {
        let (actor, journal) = (actor.clone(), self.core.journal.clone());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let number = store::next_number(tx, "incident").await?;
                    let (incident, entry) = new.build(number, &actor);
                    store::insert_incident(tx, &incident).await?;
                    journal.append_in(tx, entry).await?;
                    Ok(incident)
                })
            })
            .await
    }

    /// Costs and post-mortem of an incident just resolved.
    async fn close(&self, id: &str, actor: &Actor) -> Result<Incident> {
        let incident = self.incident(id).await?;
        let cost = self.incident_cost(&incident).await?;
        let incident = self.change(id, move |i| i.cost = cost).await?;
        let markdown = self.draft(&incident).await?;
        let path = format!("incidents/{}/postmortem.md", incident.id);
        self.core.blobs.put(&path, markdown.into_bytes().into()).await?;
        let entry = NewEntry {
            actor: actor.clone(),
            verb: "postmortem",
            subject: incident_reference(&incident.id),
            inputs: Vec::new(),
            outputs: Vec::new(),
            facts: json!({"path": path, "number": incident.number, "text": format!("post-mortem of incident {} written", incident.number)}),
        };
        self.core.journal.append(entry).await?;
        self.change(id, move |i| i.postmortem = Some(path)).await
    }

    /// The post-mortem as of now.
    async fn draft(&self, incident: &Incident) -> Result<String> {
        let timeline = self.timeline(incident).await?;
        let runbooks = self.incident_runbooks(&incident.id).await?;
        let mut rollouts = Vec::new();
        for id in &incident.rollouts {
            rollouts.push(self.rollout(id).await?);
        }
        // Without a report or a run there may be nothing to compare; the post-mortem then says so.
        let why = self.why_incident(incident).await.ok();
        Ok(crate::postmortem::render(incident, &timeline, why.as_ref(), &runbooks, &rollouts))
    }

    /// The timeline: every journal entry that speaks of the incident, its endpoint while it lasted, or what was made
    /// for it.
    ///
    /// # Errors
    /// From the database.
    pub async fn timeline(&self, incident: &Incident) -> Result<Vec<crate::TimelineEvent>> {
        let runbooks = self.incident_runbooks(&incident.id).await?;
        let mut rollouts = Vec::new();
        for id in &incident.rollouts {
            rollouts.push(self.rollout(id).await?);
        }
        let plan = timeline::plan(incident, &runbooks, &rollouts);
        let mut entries = Vec::new();
        for (about, since_ms, until_ms) in plan {
            let filter = Filter { about: Some(about), since_ms, until_ms, ..Filter::default() };
            entries.extend(self.core.journal.entries(&filter, &Page::first(500)).await?.items);
        }
        Ok(timeline::assemble(incident, entries))
    }

    /// What the incident's actions cost: the ledger's lines for the incident itself and for everything its runbook
    /// steps made.
    async fn incident_cost(&self, incident: &Incident) -> Result<Cost> {
        let mut subjects = vec![incident_reference(&incident.id).to_string()];
        for run in self.incident_runbooks(&incident.id).await? {
            subjects.extend(run.steps.into_iter().flat_map(|step| step.outputs));
        }
        subjects.sort();
        subjects.dedup();
        self.ledger_sum(&subjects, incident.opened_ms).await
    }
}

/// The incident as it stands, locked against other writers until the transaction ends.
async fn locked_incident(tx: &mut ropewalk_core::Connection, id: &str) -> Result<Incident> {
    store::next_number(tx, &format!("incident-lock:{id}")).await?;
    store::incident(tx, id)
        .await?
        .ok_or_else(|| Error::not_found(format!("no incident {id}")).hint("ropewalk incident list"))
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
