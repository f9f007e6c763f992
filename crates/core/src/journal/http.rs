//! The journal over HTTP: entries, lineage, the check of the chain, and a live feed.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::lineage::{Direction, Lineage};
use super::model::{Entry, Filter, Reference};
use super::service::{Journal, Verification};
use crate::{Page, Paged, Result};

/// The journal's routes.
pub fn routes(journal: &Journal) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(entries))
        .routes(routes!(lineage))
        .routes(routes!(verify))
        .routes(routes!(events))
        .with_state(journal.clone())
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    limit: Option<u32>,
    token: Option<String>,
}

/// The journal's entries.
#[utoipa::path(get, path = "/api/v1/journal", tag = "journal", params(Filter, PageQuery),
    responses((status = 200, body = Paged<Entry>)))]
async fn entries(
    State(journal): State<Journal>,
    Query(filter): Query<Filter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Paged<Entry>>> {
    let page = Page { limit: page.limit.unwrap_or(100), token: page.token };
    Ok(Json(journal.entries(&filter, &page).await?))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct LineageQuery {
    /// The thing, such as `run:…`; the beginning of an identifier will do.
    of: String,
    /// `upstream`, `downstream` or `both`.
    #[serde(default)]
    #[param(inline)]
    direction: Direction,
    /// Steps at most.
    depth: Option<u32>,
}

/// What a thing was made from and what was made from it.
#[utoipa::path(get, path = "/api/v1/lineage", tag = "journal", params(LineageQuery),
    responses((status = 200, body = Lineage)))]
async fn lineage(State(journal): State<Journal>, Query(query): Query<LineageQuery>) -> Result<Json<Lineage>> {
    let of = journal.expand(&Reference::parse(&query.of)?).await?;
    Ok(Json(journal.lineage(&of, query.direction, query.depth.unwrap_or(20).min(100)).await?))
}

/// Recompute the hash chain.
#[utoipa::path(get, path = "/api/v1/journal/verify", tag = "journal",
    responses((status = 200, body = Verification)))]
async fn verify(State(journal): State<Journal>) -> Result<Json<Verification>> {
    Ok(Json(journal.verify().await?))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// Send what came after this place in the chain; unset: only what is new.
    since_seq: Option<i64>,
}

/// New entries as they come, as server-sent events.
#[utoipa::path(get, path = "/api/v1/events", tag = "journal", params(EventsQuery),
    responses((status = 200, content_type = "text/event-stream", body = Entry)))]
async fn events(
    State(journal): State<Journal>,
    Query(query): Query<EventsQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let last = match query.since_seq {
        Some(seq) => seq,
        None => {
            let newest = Filter { newest_first: true, ..Filter::default() };
            journal.entries(&newest, &Page::first(1)).await?.items.first().map_or(0, |entry| entry.seq)
        }
    };
    let follower = journal.follow();
    let stream = futures::stream::unfold(
        (journal, follower, last, std::collections::VecDeque::<Entry>::new()),
        |(journal, mut follower, mut last, mut waiting)| async move {
            loop {
                if let Some(entry) = waiting.pop_front() {
                    last = entry.seq;
                    let event = Event::default()
                        .id(entry.seq.to_string())
                        .json_data(&entry)
                        .unwrap_or_else(|_| Event::default().comment("unreadable entry"));
                    return Some((Ok(event), (journal, follower, last, waiting)));
                }
                let filter = Filter { since_seq: Some(last), ..Filter::default() };
                // A database that is away for a moment does not end the feed.
                if let Ok(page) = journal.entries(&filter, &Page::first(200)).await {
                    waiting.extend(page.items);
                }
                if waiting.is_empty() {
                    // Another process may have appended: look once a second without being woken.
                    let _ = tokio::time::timeout(Duration::from_secs(1), follower.changed()).await;
                }
            }
        },
    );
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}
