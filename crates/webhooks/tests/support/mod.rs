//! A receiver of webhooks, and what the tests begin with.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code, missing_docs)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use ropewalk_core::{Actor, Core};
use ropewalk_webhooks::{Delivery, DeliveryState, Event, NewWebhook, Options, Webhook, Webhooks};
use serde_json::Value;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// An answer to give.
#[derive(Debug, Clone)]
pub enum Answer {
    Status(u16),
    RetryAfter(u16, &'static str),
    Redirect(String),
    Silence,
}

/// A server on loopback that keeps what it receives, and answers as told; when nothing is left to tell, with 200.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = Self { url, received: Arc::default(), answers: Arc::default() };
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        receiver
    }

    pub fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        self.answers.lock().unwrap().extend(answers);
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until so many requests have come, and a moment longer for one too many.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        for _ in 0..600 {
            if self.received().len() >= count {
                tokio::time::sleep(Duration::from_millis(80)).await;
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let received = self.received();
        assert_eq!(received.len(), count, "{received:?}");
        received
    }
}

async fn receive(State(receiver): State<Receiver>, uri: Uri, headers: HeaderMap, body: String) -> Response {
    receiver.received.lock().unwrap().push(Received { path: uri.path().to_owned(), headers, body });
    let answer = receiver.answers.lock().unwrap().pop_front().unwrap_or(Answer::Status(200));
    match answer {
        Answer::Status(status) => (StatusCode::from_u16(status).unwrap(), "noted").into_response(),
        Answer::RetryAfter(status, text) => {
            (StatusCode::from_u16(status).unwrap(), [("retry-after", text)]).into_response()
        }
        Answer::Redirect(to) => (StatusCode::FOUND, [("location", to)]).into_response(),
        Answer::Silence => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            StatusCode::OK.into_response()
        }
    }
}

/// Options under which the receiver may be reached, with short waits.
pub fn loose() -> Options {
    Options {
        schemes: vec!["http".into(), "https".into()],
        allow_private: true,
        backoff: Duration::from_millis(5),
        timeout: Duration::from_secs(5),
        ..Options::default()
    }
}

pub fn ann() -> Actor {
    Actor::user("ann")
}

pub async fn webhook(webhooks: &Webhooks, url: &str, events: &[Event], secret: Option<&str>) -> Webhook {
    let new = NewWebhook {
        name: "hook".into(),
        url: url.into(),
        events: events.to_vec(),
        secret: secret.map(str::to_owned),
        ..NewWebhook::default()
    };
    webhooks.create(new, &ann()).await.unwrap()
}

/// Tells of an event in a transaction of its own.
pub async fn announce(core: &Core, webhooks: &Webhooks, event: Event, data: Value) {
    let teller = webhooks.clone();
    core.database
        .write(move |tx| Box::pin(async move { teller.announce_in(tx, event, data).await }))
        .await
        .unwrap();
    webhooks.wake();
}

/// Starts the deliveries; they end when this is dropped.
pub struct Running(tokio::task::JoinHandle<()>);

impl Running {
    pub fn start(webhooks: &Webhooks) -> Self {
        let webhooks = webhooks.clone();
        Self(tokio::spawn(async move { webhooks.run().await }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits until all deliveries of a webhook have ended.
pub async fn ended(webhooks: &Webhooks, id: &str) -> Vec<Delivery> {
    for _ in 0..600 {
        let found = webhooks.deliveries(id, &ropewalk_core::Page::first(1000)).await.unwrap().items;
        if !found.is_empty() && found.iter().all(|delivery| delivery.state != DeliveryState::Waiting) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("deliveries do not end");
}
