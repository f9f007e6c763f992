//! Changing an endpoint's settings.

use crate::change::to_the_end;
use crate::model::{Endpoint, EndpointSettings};
use crate::service::Serve;
use crate::store;
use ropewalk_core::{Actor, NewEntry, Reference, Result};
use serde_json::json;

impl Serve {
    /// Changes an endpoint's settings; what is not given stays.
    ///
    /// # Errors
    /// `NotFound` for the endpoint.
    pub async fn configure(
        &self,
        endpoint: &str,
        settings: EndpointSettings,
        actor: &Actor,
    ) -> Result<Endpoint> {
        let (serve, endpoint, actor) = (self.clone(), endpoint.to_owned(), actor.clone());
        to_the_end(async move {
            let _turn = serve.0.changing.lock().await;
            let mut found = serve.get(&endpoint).await?;
            found.require_log = settings.require_log.unwrap_or(found.require_log);
            let (journal, changed) = (serve.0.core.journal.clone(), found.clone());
            serve
                .0
                .core
                .database
                .write(move |tx| {
                    Box::pin(async move {
                        store::begin_change(tx).await?;
                        store::put_endpoint(tx, &changed).await?;
                        let entry = NewEntry {
                            actor,
                            verb: "configure",
                            subject: Reference::new("endpoint", &changed.name),
                            inputs: Vec::new(),
                            outputs: Vec::new(),
                            facts: json!({"require_log": changed.require_log}),
                        };
                        journal.append_in(tx, entry).await?;
                        Ok(())
                    })
                })
                .await?;
            serve.reload(None, &[]).await?;
            Ok(found)
        })
        .await
    }
}
