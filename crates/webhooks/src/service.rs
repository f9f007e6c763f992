//! The operations.

use std::sync::Arc;
use std::time::Duration;

use ropewalk_core::journal::{NewEntry, Reference};
use ropewalk_core::page::Paged;
use ropewalk_core::{Actor, Code, Connection, Core, Error, Journal, Page, Result, new_id, now_ms};
use ropewalk_mlflow::python::repr;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::model::{Delivery, Event, NewWebhook, Status, TestResult, Webhook, WebhookChange, check_name};
use crate::options::Options;
use crate::secret::Keys;
use crate::sending::{Message, Outcome, Sender};
use crate::{address, examples, store};

/// Longest wait between two attempts of a trial, which somebody is waiting for.
const TRIAL_WAIT: Duration = Duration::from_secs(10);

/// Webhooks. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    pub(crate) core: Core,
    pub(crate) sender: Arc<Sender>,
    pub(crate) wake: Arc<Notify>,
}

impl Webhooks {
    /// The webhooks of this home. Nothing is sent before [`Webhooks::run`].
    pub fn new(core: Core, options: Options) -> Self {
        let keys = Keys::new(&core.home, &options);
        Self { core, sender: Arc::new(Sender::new(options, keys)), wake: Arc::new(Notify::new()) }
    }

    /// Creates a webhook.
    ///
    /// # Errors
    /// `invalid` for a name, a URL or events that may not be; `already_exists` when an event is named twice.
    pub async fn create(&self, new: NewWebhook, actor: &Actor) -> Result<Webhook> {
        check_name(&new.name)?;
        address::check(&new.url, &self.sender.options).await?;
        check_events(&new.events)?;
        let now = now_ms();
        let id = uuid();
        let webhook = Webhook {
            secret: self.seal(&id, new.secret).await?,
            id,
            name: new.name,
            description: new.description,
            url: new.url,
            events: sorted(new.events),
            status: new.status.unwrap_or(Status::Active),
            created_ms: now,
            updated_ms: now,
        };
        let (actor, journal) = (actor.clone(), self.core.journal.clone());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move { put(tx, &journal, webhook, "webhook.create", &actor).await })
            })
            .await
    }

    /// A webhook.
    pub async fn get(&self, id: &str) -> Result<Webhook> {
        let mut connection = self.core.database.read().await?;
        store::get(&mut connection, id).await?.ok_or_else(|| missing(id))
    }

    /// A page of webhooks, the newest first.
    pub async fn list(&self, limit: u32, offset: u64) -> Result<Paged<Webhook>> {
        let mut connection = self.core.database.read().await?;
        let start = i64::try_from(offset).unwrap_or(i64::MAX);
        let found = store::list(&mut connection, i64::from(limit) + 1, start).await?;
        Ok(Paged::cut(found, offset, limit))
    }

    /// Changes a webhook.
    ///
    /// # Errors
    /// As [`Webhooks::create`], and `not_found`.
    pub async fn update(&self, id: &str, change: WebhookChange, actor: &Actor) -> Result<Webhook> {
        self.get(id).await?;
        if let Some(name) = &change.name {
            check_name(name)?;
        }
        if let Some(url) = &change.url {
            address::check(url, &self.sender.options).await?;
        }
        if let Some(events) = &change.events {
            check_events(events)?;
        }
        let secret = match change.secret {
            Some(secret) => Some(self.seal(id, Some(secret)).await?),
            None => None,
        };
        let (id, actor, journal) = (id.to_owned(), actor.clone(), self.core.journal.clone());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let old = store::get(tx, &id).await?.ok_or_else(|| missing(&id))?;
                    let webhook = Webhook {
                        name: change.name.unwrap_or(old.name),
                        description: change.description.unwrap_or(old.description),
                        url: change.url.unwrap_or(old.url),
                        events: change.events.map_or(old.events, sorted),
                        status: change.status.unwrap_or(old.status),
                        secret: secret.unwrap_or(old.secret),
                        updated_ms: now_ms(),
                        ..old
                    };
                    put(tx, &journal, webhook, "webhook.update", &actor).await
                })
            })
            .await
    }

    /// Deletes a webhook; what waits to be sent to it is not sent any more.
    pub async fn delete(&self, id: &str, actor: &Actor) -> Result<()> {
        let webhook = self.get(id).await?;
        let entry = entry(&webhook, "webhook.delete", actor);
        let journal = self.core.journal.clone();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::delete(tx, &webhook.id).await?;
                    journal.append_in(tx, entry).await.map(drop)
                })
            })
            .await
    }

    async fn seal(&self, id: &str, secret: Option<String>) -> Result<Option<String>> {
        let Some(secret) = secret.filter(|secret| !secret.is_empty()) else { return Ok(None) };
        Keys::seal_aside(&self.sender.keys, id, secret).await.map(Some)
    }

    /// Tells of an event, in the transaction of the change that it tells of: a delivery waits for every webhook that
    /// wants to hear of it, and neither stands without the other. Call [`Webhooks::wake`] when the change is made.
    pub async fn announce_in(&self, tx: &mut Connection, event: Event, data: Value) -> Result<()> {
        let listeners = store::listeners(tx, event).await?;
        if listeners.is_empty() {
            return Ok(());
        }
        let (data, now) = (data.to_string(), now_ms());
        for webhook in listeners {
            store::enqueue(tx, &uuid(), &webhook, event, &data, now).await?;
        }
        Ok(())
    }

    /// Has what waits looked at now.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Sends an example of an event (of the webhook's first, if none is named), and says what came of it. It is tried
    /// again as a delivery would be.
    pub async fn test(&self, id: &str, event: Option<Event>) -> Result<TestResult> {
        let webhook = self.get(id).await?;
        let event = event.or_else(|| webhook.events.first().copied());
        let event = event.ok_or_else(|| Error::new(Code::WrongState, "the webhook listens to no event"))?;
        let outcome = match address::check(&webhook.url, &self.sender.options).await {
            Err(error) => Outcome::Refused(error),
            Ok(()) => {
                let (delivery, data, now) = (uuid(), examples::data(event), now_ms());
                let message = Message {
                    webhook: &webhook.id,
                    url: &webhook.url,
                    secret: webhook.secret.as_deref(),
                    id: &delivery,
                    event,
                    happened_ms: now,
                    data: &data,
                };
                self.try_on(&message).await
            }
        };
        let success = outcome.is_taken();
        Ok(match outcome {
            Outcome::Answered { status, body, .. } => {
                TestResult { success, response_status: Some(status), response_body: Some(body), error: None }
            }
            Outcome::Unreached(why) => failed(&format!("ConnectionError({})", repr(&why))),
            Outcome::Refused(error) => failed(&format!("MlflowException({})", repr(&error.to_string()))),
        })
    }

    async fn try_on(&self, message: &Message<'_>) -> Outcome {
        let mut failures = 0;
        loop {
            let outcome = self.sender.send(message).await;
            failures += 1;
            match outcome.wait(failures, &self.sender.options) {
                Some(wait) if wait <= TRIAL_WAIT => tokio::time::sleep(wait).await,
                _ => return outcome,
            }
        }
    }

    /// A page of a webhook's deliveries, the newest first.
    pub async fn deliveries(&self, id: &str, page: &Page) -> Result<Paged<Delivery>> {
        self.get(id).await?;
        let limit = page.limit.clamp(1, 1000);
        let offset = page.offset()?;
        let mut connection = self.core.database.read().await?;
        let start = i64::try_from(offset).unwrap_or(i64::MAX);
        let found = store::deliveries(&mut connection, id, i64::from(limit) + 1, start).await?;
        Ok(Paged::cut(found, offset, limit))
    }
}

async fn put(
    tx: &mut Connection,
    journal: &Journal,
    webhook: Webhook,
    verb: &'static str,
    actor: &Actor,
) -> Result<Webhook> {
    store::put(tx, &webhook).await?;
    journal.append_in(tx, entry(&webhook, verb, actor)).await?;
    Ok(webhook)
}

/// Events in the order in which they are shown.
fn sorted(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by_key(|event| (event.entity(), event.action()));
    events
}

fn failed(error: &str) -> TestResult {
    TestResult {
        success: false,
        response_status: None,
        response_body: None,
        error: Some(format!("Failed to test webhook: {error}")),
    }
}

fn missing(id: &str) -> Error {
    Error::not_found(format!("Webhook with ID {id} not found."))
}

fn check_events(events: &[Event]) -> Result<()> {
    if events.is_empty() {
        return Err(Error::invalid("Webhook events must be a non-empty list of WebhookEvent objects: []."));
    }
    for (at, event) in events.iter().enumerate() {
        if events[..at].contains(event) {
            return Err(Error::new(
                Code::AlreadyExists,
                format!("The event {} is named twice", event.name()),
            ));
        }
    }
    Ok(())
}

/// What the journal keeps of a change: everything but the secret.
fn entry(webhook: &Webhook, verb: &'static str, actor: &Actor) -> NewEntry {
    let events: Vec<&str> = webhook.events.iter().map(|event| event.name()).collect();
    NewEntry {
        actor: actor.clone(),
        verb,
        subject: Reference::new("webhook", &webhook.id),
        inputs: Vec::new(),
        outputs: Vec::new(),
        facts: json!({"name": webhook.name, "url": webhook.url, "events": events, "status": webhook.status.name()}),
    }
}

/// A new identifier in the form that MLflow gives its webhooks.
fn uuid() -> String {
    let digits = new_id();
    [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)]
        .map(|(from, to)| digits.get(from..to).unwrap_or_default())
        .join("-")
}
