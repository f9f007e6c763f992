//! MLflow's webhook routes, as the stock client of 3.18 speaks them.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use ropewalk_core::{Actor, Code, Error};
use ropewalk_mlflow::message::{field, part, parts, small, text};
use ropewalk_mlflow::{
    Call, ErrorCode, Fields, Kind, Message, MlflowError, MlflowResult, Object, Rule, answer, both_prefixes,
    done, page,
};
use serde_json::{Value, json};

use crate::model::{Event, NewWebhook, Status, TestResult, Webhook, WebhookChange};
use crate::service::Webhooks;

const ENTITIES: &[(&str, i32)] = &[
    ("ENTITY_UNSPECIFIED", 0),
    ("REGISTERED_MODEL", 1),
    ("MODEL_VERSION", 2),
    ("MODEL_VERSION_TAG", 3),
    ("MODEL_VERSION_ALIAS", 4),
    ("PROMPT", 5),
    ("PROMPT_VERSION", 6),
    ("PROMPT_TAG", 7),
    ("PROMPT_VERSION_TAG", 8),
    ("PROMPT_ALIAS", 9),
    ("BUDGET_POLICY", 10),
];
const ACTIONS: &[(&str, i32)] =
    &[("ACTION_UNSPECIFIED", 0), ("CREATED", 1), ("UPDATED", 2), ("DELETED", 3), ("SET", 4), ("EXCEEDED", 5)];
const STATUSES: &[(&str, i32)] = &[("ACTIVE", 1), ("DISABLED", 2)];

static EVENT: Message =
    Message(&[field("entity", Kind::Word(ENTITIES)), field("action", Kind::Word(ACTIONS))]);
static CREATE: Message = Message(&[
    text("name"),
    text("description"),
    text("url"),
    parts("events", &EVENT),
    text("secret"),
    field("status", Kind::Word(STATUSES)),
]);
static LIST: Message = Message(&[small("max_results"), text("page_token")]);
static UPDATE: Message = Message(&[
    text("webhook_id"),
    text("name"),
    text("description"),
    text("url"),
    parts("events", &EVENT),
    text("secret"),
    field("status", Kind::Word(STATUSES)),
]);
static TEST: Message = Message(&[text("webhook_id"), part("event", &EVENT)]);

const REQUIRED: &[Rule] = &[Rule::Text, Rule::Required];
const CREATE_RULES: &[(&str, &[Rule])] = &[
    ("name", REQUIRED),
    ("url", REQUIRED),
    ("events", &[Rule::Array, Rule::Required]),
    ("description", &[Rule::Text]),
    ("secret", &[Rule::Text]),
    ("status", &[Rule::Text]),
];
const UPDATE_RULES: &[(&str, &[Rule])] = &[
    ("name", &[Rule::Text]),
    ("description", &[Rule::Text]),
    ("url", &[Rule::Text]),
    ("events", &[Rule::Array]),
    ("secret", &[Rule::Text]),
    ("status", &[Rule::Text]),
];
const LIST_RULES: &[(&str, &[Rule])] = &[("max_results", &[Rule::Whole]), ("page_token", &[Rule::Text])];

/// MLflow's webhook routes.
pub(crate) fn routes(webhooks: &Webhooks) -> Router {
    let routes = Router::new()
        .route("/2.0/mlflow/webhooks", get(list).post(create))
        .route("/2.0/mlflow/webhooks/{id}", get(get_one).patch(update).delete(remove))
        .route("/2.0/mlflow/webhooks/{id}/test", post(test));
    both_prefixes(routes).with_state(webhooks.clone())
}

/// An event named twice is a fault of the database in the stock server, and answered as one.
fn told(error: Error) -> MlflowError {
    match error.code() {
        Code::AlreadyExists => MlflowError::new(ErrorCode::BadRequest, error.what()),
        _ => error.into(),
    }
}

fn event(fields: &Fields) -> MlflowResult<Event> {
    let entity = fields.word("entity").unwrap_or("ENTITY_UNSPECIFIED").to_lowercase();
    let action = fields.word("action").unwrap_or("ACTION_UNSPECIFIED").to_lowercase();
    Ok(Event::of(&entity, &action)?)
}

fn events(fields: &Fields) -> MlflowResult<Vec<Event>> {
    fields.parts("events").map(event).collect()
}

fn status(fields: &Fields) -> Option<Status> {
    fields.word("status").and_then(Status::named)
}

async fn create(State(webhooks): State<Webhooks>, actor: Actor, call: Call) -> MlflowResult {
    let fields = call.read(&CREATE, CREATE_RULES)?;
    let new = NewWebhook {
        name: fields.text("name").to_owned(),
        description: fields.text("description").to_owned(),
        url: fields.text("url").to_owned(),
        events: events(&fields)?,
        secret: fields.some_text("secret").map(str::to_owned),
        status: status(&fields),
    };
    let webhook = webhooks.create(new, &actor).await.map_err(told)?;
    Ok(answer(json!({"webhook": shown(&webhook)})))
}

async fn list(State(webhooks): State<Webhooks>, call: Call) -> MlflowResult {
    let fields = call.read(&LIST, LIST_RULES)?;
    let asked = fields.integer("max_results").filter(|number| *number != 0).unwrap_or(100);
    let limit = u32::try_from(asked)
        .ok()
        .filter(|number| (1..=1000).contains(number))
        .ok_or_else(|| MlflowError::invalid("max_results must be between 1 and 1000."))?;
    let offset = u64::try_from(page::signed_offset(fields.text("page_token"))?).unwrap_or(0);
    let found = webhooks.list(limit, offset).await?;
    Ok(answer(
        Object::default().list("webhooks", found.items.iter().map(shown).collect()).next(found.next_token),
    ))
}

async fn get_one(State(webhooks): State<Webhooks>, Path(id): Path<String>) -> MlflowResult {
    Ok(answer(json!({"webhook": shown(&webhooks.get(&id).await?)})))
}

async fn update(
    State(webhooks): State<Webhooks>,
    Path(id): Path<String>,
    actor: Actor,
    call: Call,
) -> MlflowResult {
    let fields = call.read(&UPDATE, UPDATE_RULES)?;
    let change = WebhookChange {
        name: fields.some_text("name").map(str::to_owned),
        description: fields.sent_text("description").map(str::to_owned),
        url: fields.some_text("url").map(str::to_owned),
        events: Some(events(&fields)?).filter(|events| !events.is_empty()),
        secret: fields.sent_text("secret").map(str::to_owned),
        status: status(&fields),
    };
    let webhook = webhooks.update(&id, change, &actor).await.map_err(told)?;
    Ok(answer(json!({"webhook": shown(&webhook)})))
}

async fn remove(State(webhooks): State<Webhooks>, Path(id): Path<String>, actor: Actor) -> MlflowResult {
    webhooks.delete(&id, &actor).await?;
    Ok(done())
}

async fn test(State(webhooks): State<Webhooks>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let fields = call.read(&TEST, &[])?;
    let chosen = fields.part("event").map(event).transpose()?;
    let result = webhooks.test(&id, chosen).await?;
    Ok(answer(json!({"result": tested(result)})))
}

fn shown(webhook: &Webhook) -> Value {
    let events = webhook.events.iter().map(
        |event| json!({"entity": event.entity().to_uppercase(), "action": event.action().to_uppercase()}),
    );
    Object::default()
        .set("webhook_id", webhook.id.as_str())
        .set("name", webhook.name.as_str())
        .text("description", &webhook.description)
        .set("url", webhook.url.as_str())
        .list("events", events.collect())
        .set("status", webhook.status.name())
        .set("creation_timestamp", webhook.created_ms)
        .set("last_updated_timestamp", webhook.updated_ms)
        .into()
}

fn tested(result: TestResult) -> Value {
    Object::default()
        .set("success", result.success)
        .maybe("response_status", result.response_status)
        .maybe("response_body", result.response_body)
        .maybe("error_message", result.error)
        .into()
}
