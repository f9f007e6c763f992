//! The deliveries in the background. What waits is in the database, so that it outlives the process. A process takes a
//! delivery for as long as an attempt may last; if it dies before it has written down what came of it, the delivery is due
//! again: each is made at least once.

use std::time::Duration;

use ropewalk_core::{Error, Result, now_ms};
use tokio::task::JoinSet;

use crate::model::{DeliveryState, Event, Status};
use crate::sending::{Message, Outcome};
use crate::service::Webhooks;
use crate::store::{self, Claimed};

/// How often the database is asked without being told that something waits: another process may have written it.
const IDLE: Duration = Duration::from_secs(2);
/// What an attempt may take beyond its request: writing down what came of it.
const GRACE: Duration = Duration::from_secs(15);
/// How long what came of a delivery can be looked up.
const KEPT_MS: i64 = 7 * 24 * 3600 * 1000;
/// How often old ones are forgotten.
const CLEANING_MS: i64 = 3600 * 1000;

impl Webhooks {
    /// Delivers what waits, for as long as this runs.
    pub async fn run(&self) {
        let mut running = JoinSet::new();
        let mut cleaned_ms = 0;
        loop {
            let free = self.sender.options.workers.saturating_sub(running.len());
            let wait = match self.start_due(free, &mut running, &mut cleaned_ms).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(%error, "webhook deliveries cannot be looked at");
                    IDLE
                }
            };
            tokio::select! {
                () = self.wake.notified() => {}
                Some(ended) = running.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a webhook delivery broke off; it will be made again");
                    }
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Starts what is due as far as there is room; how long until something else may be.
    async fn start_due(
        &self,
        free: usize,
        running: &mut JoinSet<()>,
        cleaned_ms: &mut i64,
    ) -> Result<Duration> {
        let now = now_ms();
        if now - *cleaned_ms > CLEANING_MS {
            *cleaned_ms = now;
            self.core
                .database
                .write(move |tx| Box::pin(async move { store::forget(tx, now - KEPT_MS).await }))
                .await?;
        }
        // Looked for by reading: what idles does not write.
        let due = {
            let mut connection = self.core.database.read().await?;
            store::next_due(&mut connection).await?
        };
        let until = |due: i64| Duration::from_millis(u64::try_from(due - now).unwrap_or(0)).min(IDLE);
        match due {
            None => return Ok(IDLE),
            Some(due) if due > now => return Ok(until(due)),
            // What is running will make room.
            Some(_) if free == 0 => return Ok(IDLE),
            Some(_) => {}
        }
        let lease =
            now + i64::try_from((self.sender.options.timeout + GRACE).as_millis()).unwrap_or(i64::MAX / 2);
        let limit = i64::try_from(free).unwrap_or(i64::MAX);
        let claimed = self
            .core
            .database
            .write(move |tx| Box::pin(async move { store::claim(tx, now, lease, limit).await }))
            .await?;
        let more = claimed.len() == free;
        for delivery in claimed {
            let webhooks = self.clone();
            running.spawn(async move {
                if let Err(error) = webhooks.attempt(&delivery).await {
                    tracing::warn!(%error, delivery = delivery.id, "a webhook delivery could not be recorded");
                }
            });
        }
        Ok(if more { IDLE } else { Duration::ZERO })
    }

    /// Makes one attempt and writes down what came of it.
    async fn attempt(&self, delivery: &Claimed) -> Result<()> {
        let webhook = {
            let mut connection = self.core.database.read().await?;
            store::get(&mut connection, &delivery.webhook).await?
        };
        // Deleted meanwhile, and its deliveries with it.
        let Some(webhook) = webhook else { return Ok(()) };
        let outcome =
            match (webhook.status, Event::named(&delivery.event), serde_json::from_str(&delivery.data)) {
                (Status::Disabled, ..) => refused("the webhook was disabled before this was sent"),
                (_, Some(event), Ok(data)) => {
                    let message = Message {
                        webhook: &webhook.id,
                        url: &webhook.url,
                        secret: webhook.secret.as_deref(),
                        id: &delivery.id,
                        event,
                        happened_ms: delivery.created_ms,
                        data: &data,
                    };
                    self.sender.send(&message).await
                }
                // Written by a newer program.
                _ => refused("this program does not know such an event"),
            };
        let failures = u32::try_from(delivery.attempts + 1).unwrap_or(u32::MAX);
        let wait = outcome.wait(failures, &self.sender.options);
        let state = match (&wait, outcome.is_taken()) {
            (Some(_), _) => DeliveryState::Waiting,
            (None, true) => DeliveryState::Delivered,
            (None, false) => DeliveryState::Failed,
        };
        if state == DeliveryState::Failed {
            let why = outcome.why().unwrap_or_default();
            tracing::warn!(webhook = webhook.id, event = delivery.event, why, "a webhook was not delivered");
        }
        let (id, status, error, now) = (delivery.id.clone(), outcome.status(), outcome.why(), now_ms());
        let due = now + wait.map_or(0, |wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2));
        self.core
            .database
            .write(move |tx| {
                Box::pin(
                    async move { store::attempted(tx, &id, state, due, status, error.as_deref(), now).await },
                )
            })
            .await
    }
}

fn refused(why: &str) -> Outcome {
    Outcome::Refused(Error::invalid(why))
}
