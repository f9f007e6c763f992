//! Deliveries to a receiver on this machine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::Duration;

use base64::Engine;
use ropewalk_core::testing::{each_database, fresh_home};
use ropewalk_core::{Error, Page};
use ropewalk_webhooks::{DeliveryState, Event, MIGRATIONS, Options, Status, WebhookChange, Webhooks};
use serde_json::json;
use support::{Answer, Receiver, Running, ann, announce, ended, loose, webhook};

fn signature(secret: &str, id: &str, time: &str, body: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = ring::hmac::sign(&key, format!("{id}.{time}.{body}").as_bytes());
    format!("v1,{}", base64::engine::general_purpose::STANDARD.encode(tag))
}

#[tokio::test]
async fn an_event_arrives_signed_at_those_that_want_it() {
    each_database(MIGRATIONS, |core| async move {
        let receiver = Receiver::start().await;
        let webhooks = Webhooks::new(core.clone(), loose());
        let _running = Running::start(&webhooks);
        let hook = webhook(&webhooks, &receiver.url, &[Event::PromptCreated], Some("s3cret")).await;
        let other = receiver.url.replace("/hook", "/other");
        webhook(&webhooks, &other, &[Event::PromptTagSet], None).await;
        announce(&core, &webhooks, Event::PromptCreated, json!({"name": "größe"})).await;

        let received = receiver.wait_for(1).await.remove(0);
        assert_eq!(received.path, "/hook");
        assert_eq!(received.header("content-type"), "application/json");
        let body = received.json();
        assert_eq!((&body["entity"], &body["action"]), (&json!("prompt"), &json!("created")));
        assert_eq!(body["data"], json!({"name": "größe"}));
        assert!(body["timestamp"].as_str().unwrap().ends_with("+00:00"));
        let (id, time) = (received.header("x-mlflow-delivery-id"), received.header("x-mlflow-timestamp"));
        assert_eq!(received.header("x-mlflow-signature"), signature("s3cret", id, time, &received.body));

        let delivery = ended(&webhooks, &hook.id).await.remove(0);
        assert_eq!((delivery.id.as_str(), delivery.state), (id, DeliveryState::Delivered));
        assert_eq!((delivery.attempts, delivery.response_status), (1, Some(200)));

        announce(&core, &webhooks, Event::PromptTagSet, json!({})).await;
        let received = receiver.wait_for(2).await.remove(1);
        assert_eq!((received.path.as_str(), received.header("x-mlflow-signature")), ("/other", ""));
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_and_given_up() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let receiver = Receiver::start().await;
    let webhooks = Webhooks::new(core.clone(), loose());
    let _running = Running::start(&webhooks);
    let hook = webhook(&webhooks, &receiver.url, &[Event::PromptCreated], Some("s")).await;

    receiver.answers([Answer::Status(500), Answer::Status(429), Answer::RetryAfter(503, "0")]);
    announce(&core, &webhooks, Event::PromptCreated, json!({"n": 1})).await;
    let received = receiver.wait_for(4).await;
    assert!(
        received
            .iter()
            .all(|one| one.header("x-mlflow-delivery-id") == received[0].header("x-mlflow-delivery-id"))
    );
    assert!(received.iter().all(|one| one.body == received[0].body));
    let delivery = ended(&webhooks, &hook.id).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Delivered, 4));

    receiver.answers([Answer::Status(502), Answer::Status(502), Answer::Status(502), Answer::Status(504)]);
    announce(&core, &webhooks, Event::PromptCreated, json!({"n": 2})).await;
    receiver.wait_for(8).await;
    let delivery = ended(&webhooks, &hook.id).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Failed, 4));
    assert_eq!(delivery.error.as_deref(), Some("the receiver answered 504"));

    receiver.answers([Answer::Status(404)]);
    announce(&core, &webhooks, Event::PromptCreated, json!({"n": 3})).await;
    receiver.wait_for(9).await;
    let delivery = ended(&webhooks, &hook.id).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Failed, 1));
}

#[tokio::test]
async fn a_receiver_is_left_alone_as_long_as_it_asks() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let receiver = Receiver::start().await;
    let webhooks = Webhooks::new(core.clone(), loose());
    let _running = Running::start(&webhooks);
    let hook = webhook(&webhooks, &receiver.url, &[Event::PromptCreated], None).await;
    receiver.answers([Answer::RetryAfter(429, "1")]);
    let began = std::time::Instant::now();
    announce(&core, &webhooks, Event::PromptCreated, json!({})).await;
    receiver.wait_for(2).await;
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(ended(&webhooks, &hook.id).await[0].state, DeliveryState::Delivered);
}

#[tokio::test]
async fn a_receiver_that_says_nothing_or_is_not_there_fails() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let receiver = Receiver::start().await;
    let options = Options { timeout: Duration::from_millis(200), retries: 1, ..loose() };
    let webhooks = Webhooks::new(core.clone(), options);
    let _running = Running::start(&webhooks);
    let hook = webhook(&webhooks, &receiver.url, &[Event::PromptCreated], None).await;
    receiver.answers([Answer::Silence, Answer::Silence]);
    announce(&core, &webhooks, Event::PromptCreated, json!({})).await;
    let delivery = ended(&webhooks, &hook.id).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Failed, 2));
    assert_eq!(delivery.error.as_deref(), Some("the receiver did not answer in time"));

    let nobody = webhook(&webhooks, "http://127.0.0.1:9/", &[Event::PromptTagSet], None).await;
    announce(&core, &webhooks, Event::PromptTagSet, json!({})).await;
    let delivery = ended(&webhooks, &nobody.id).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Failed, 2));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let (receiver, inner) = (Receiver::start().await, Receiver::start().await);
    let webhooks = Webhooks::new(core.clone(), loose());
    let _running = Running::start(&webhooks);
    let hook = webhook(&webhooks, &receiver.url, &[Event::PromptCreated], None).await;
    receiver.answers([Answer::Redirect(inner.url.clone()), Answer::Redirect(inner.url.clone())]);
    announce(&core, &webhooks, Event::PromptCreated, json!({})).await;
    let delivery = ended(&webhooks, &hook.id).await.remove(0);
    assert_eq!((delivery.state, delivery.response_status), (DeliveryState::Failed, Some(302)));
    let result = webhooks.test(&hook.id, None).await.unwrap();
    assert_eq!((result.success, result.response_status), (false, Some(302)));
    assert!(inner.received().is_empty());
}

#[tokio::test]
async fn what_is_not_public_is_not_reached() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let receiver = Receiver::start().await;
    let before = Webhooks::new(core.clone(), loose());
    let by_name = receiver.url.replace("127.0.0.1", "localhost");
    // Registered while it was allowed, or by a name that led elsewhere then.
    let hooks = [
        webhook(&before, &receiver.url, &[Event::PromptCreated], None).await,
        webhook(&before, &by_name, &[Event::PromptCreated], None).await,
    ];
    let strict = Webhooks::new(core.clone(), Options { allow_private: false, ..loose() });
    let _running = Running::start(&strict);
    announce(&core, &strict, Event::PromptCreated, json!({})).await;
    for hook in &hooks {
        let delivery = ended(&strict, &hook.id).await.remove(0);
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Failed, 1), "{delivery:?}");
        assert!(delivery.error.unwrap().contains("non-public IP address") || hook.url == by_name);
        let result = strict.test(&hook.id, None).await.unwrap();
        assert!(
            !result.success && result.error.unwrap().contains("must not resolve to a non-public IP address")
        );
    }
    let secure = Webhooks::new(core.clone(), Options { allow_private: true, ..Options::default() });
    let refused = secure.test(&hooks[0].id, None).await.unwrap();
    assert!(refused.error.unwrap().contains("Invalid webhook URL scheme: 'http'"));
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn what_waits_outlives_the_process() {
    each_database(MIGRATIONS, |core| async move {
        let receiver = Receiver::start().await;
        let hook = {
            // Commits, and dies before anything is sent.
            let webhooks = Webhooks::new(core.clone(), loose());
            let hook = webhook(&webhooks, &receiver.url, &[Event::PromptCreated], Some("s")).await;
            announce(&core, &webhooks, Event::PromptCreated, json!({"n": 1})).await;
            hook
        };
        assert!(receiver.received().is_empty());
        let webhooks = Webhooks::new(core.clone(), loose());
        {
            // Sends, and dies before it has written down what came of it.
            receiver.answers([Answer::Silence]);
            let _running = Running::start(&webhooks);
            receiver.wait_for(1).await;
        }
        // The time for which the dead process had taken the delivery is over.
        core.database
            .write(|tx| {
                Box::pin(async move {
                    sqlx::query("UPDATE webhook_delivery SET due_ms = 0 WHERE state = 'waiting'")
                        .execute(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        let _running = Running::start(&Webhooks::new(core.clone(), loose()));
        let received = receiver.wait_for(2).await;
        assert_eq!(received[0].header("x-mlflow-delivery-id"), received[1].header("x-mlflow-delivery-id"));
        let delivery = ended(&webhooks, &hook.id).await.remove(0);
        assert_eq!(delivery.state, DeliveryState::Delivered);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_committed_is_not_told() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let receiver = Receiver::start().await;
    let webhooks = Webhooks::new(core.clone(), loose());
    let _running = Running::start(&webhooks);
    let hook = webhook(&webhooks, &receiver.url, &[Event::PromptCreated], None).await;
    let teller = webhooks.clone();
    let undone: ropewalk_core::Result<()> = core
        .database
        .write(move |tx| {
            Box::pin(async move {
                teller.announce_in(tx, Event::PromptCreated, json!({})).await?;
                Err(Error::invalid("no"))
            })
        })
        .await;
    assert!(undone.is_err());
    webhooks.wake();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(receiver.received().is_empty());
    assert!(webhooks.deliveries(&hook.id, &Page::first(10)).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn several_processes_deliver_each_event_once() {
    each_database(MIGRATIONS, |core| async move {
        let receiver = Receiver::start().await;
        let webhooks = Webhooks::new(core.clone(), loose());
        let hook = webhook(&webhooks, &receiver.url, &[Event::PromptTagSet], None).await;
        for number in 0..60 {
            announce(&core, &webhooks, Event::PromptTagSet, json!({"n": number})).await;
        }
        let others = [Webhooks::new(core.clone(), loose()), Webhooks::new(core.clone(), loose())];
        let _running: Vec<Running> = others.iter().map(Running::start).collect();
        let received = receiver.wait_for(60).await;
        let mut numbers: Vec<i64> =
            received.iter().map(|one| one.json()["data"]["n"].as_i64().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..60).collect::<Vec<_>>());
        assert_eq!(ended(&webhooks, &hook.id).await.len(), 60);
    })
    .await;
}

#[tokio::test]
async fn a_disabled_webhook_hears_nothing_and_a_deleted_one_forgets() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let receiver = Receiver::start().await;
    let webhooks = Webhooks::new(core.clone(), loose());
    let hook = webhook(&webhooks, &receiver.url, &[Event::PromptCreated], None).await;
    let set = |status| WebhookChange { status: Some(status), ..WebhookChange::default() };
    announce(&core, &webhooks, Event::PromptCreated, json!({"n": 1})).await;
    webhooks.update(&hook.id, set(Status::Disabled), &ann()).await.unwrap();
    announce(&core, &webhooks, Event::PromptCreated, json!({"n": 2})).await;
    let _running = Running::start(&webhooks);
    let deliveries = ended(&webhooks, &hook.id).await;
    assert_eq!((deliveries.len(), deliveries[0].state), (1, DeliveryState::Failed));
    drop(_running);

    webhooks.update(&hook.id, set(Status::Active), &ann()).await.unwrap();
    announce(&core, &webhooks, Event::PromptCreated, json!({"n": 3})).await;
    webhooks.delete(&hook.id, &ann()).await.unwrap();
    let _running = Running::start(&webhooks);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn what_cannot_be_understood_or_signed_holds_nothing_up() {
    let (home, core) = fresh_home(MIGRATIONS).await;
    let receiver = Receiver::start().await;
    let webhooks = Webhooks::new(core.clone(), loose());
    let hook = webhook(&webhooks, &receiver.url, &[Event::PromptCreated], Some("s")).await;
    let strange = hook.id.clone();
    core.database
        .write(move |tx| {
            Box::pin(async move {
                let insert = "INSERT INTO webhook_delivery (id, webhook_id, event, data, state, created_ms, due_ms, attempts) \
                              VALUES ($1, $2, $3, $4, 'waiting', 0, 0, 0)";
                for (id, event, data) in [("a", "moon.rises", "{}"), ("b", "prompt.created", "{")] {
                    sqlx::query(insert).bind(id).bind(strange.as_str()).bind(event).bind(data).execute(&mut *tx).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
    announce(&core, &webhooks, Event::PromptCreated, json!({})).await;
    let running = Running::start(&webhooks);
    let deliveries = ended(&webhooks, &hook.id).await;
    let states: Vec<_> = deliveries.iter().map(|delivery| delivery.state).collect();
    assert_eq!(states, [DeliveryState::Delivered, DeliveryState::Failed, DeliveryState::Failed]);
    receiver.wait_for(1).await;
    drop(running);

    // Without its key a message is not sent unsigned.
    std::fs::write(home.path().join("webhooks.key"), "lost").unwrap();
    let webhooks = Webhooks::new(core.clone(), loose());
    let _running = Running::start(&webhooks);
    announce(&core, &webhooks, Event::PromptCreated, json!({})).await;
    let delivery = ended(&webhooks, &hook.id).await.remove(0);
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Failed, 1));
    assert!(delivery.error.unwrap().contains("webhooks.key"));
    receiver.wait_for(1).await;
}
